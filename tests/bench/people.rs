//! People as the table has them once they were invited: made here, so that a table can have them at any age and in any number.

use jiff::{SignedDuration, Timestamp};
use usher::{
    clock::Clock,
    domain::{
        Delivery, DeliveryStatus, Inviter, Lifetime, Locale, LocaleSource, MailKind, MailTries,
        Nonce, PersonName, State, TenantId, TokenKey, User, UserId,
    },
};

use crate::{engine::broken, report::Trouble};

/// What links are made with: the key that functions are started with, too.
const KEY: [u8; 32] = [7; 32];

/// The link's secret of somebody who was made here.
pub(crate) fn token(user: &User) -> String {
    let token = TokenKey::from_bytes(KEY).issue(&user.tenant, user.id, user.nonce);
    token.secret()
}

/// The `n`th person, with everything that invitations usually have.
pub(crate) fn person(n: u32, ago: SignedDuration) -> Result<User, Trouble> {
    let now = Clock::system().now();
    let at = now.saturating_sub(ago).unwrap_or(now);
    let mut random = [0; 16];
    random[12..].copy_from_slice(&n.to_be_bytes());
    let (id, nonce, tenant) = (
        UserId::new(at, random),
        Nonce::new(random),
        TenantId::default(),
    );
    let expires_at = Lifetime::default().end(at);
    let token = TokenKey::from_bytes(KEY).issue(&tenant, id, nonce);
    let email = format!("person-{n:06}@example.com");
    Ok(User {
        id,
        tenant,
        version: 3,
        email: email.parse().map_err(|error| broken(&error))?,
        name: None,
        locale: Locale::english(),
        locale_source: LocaleSource::ExternalDefault,
        groups: vec![],
        external_id: None,
        metadata: None,
        state: State::Pending,
        invited_by: Inviter {
            id: "admin".into(),
            name: PersonName::parse("Alex Admin").ok(),
        },
        changed_by: None,
        invited_at: at,
        expires_at,
        message: None,
        redirect_url: None,
        nonce,
        token_hash: Some(token.hash()),
        renewed_hash: None,
        mail_requests: vec![at.as_millisecond()],
        send_count: 1,
        last_sent_at: Some(at),
        delivery: Delivery::new(DeliveryStatus::Sent, at).of_attempt(Some(1)),
        feedback: None,
        suppressed: None,
        suppression_lifted_at: None,
        reminders: 0,
        outbox: None::<MailKind>,
        mail_tries: MailTries::default(),
        claim: None,
        due_at: Some(later(expires_at)),
        idempotency_key: None,
        resend_request: None,
        created_at: at,
        updated_at: at,
    })
}

/// Not due while anything is measured, except what is to be.
fn later(at: Timestamp) -> Timestamp {
    at.saturating_add(SignedDuration::from_hours(24 * 30))
        .unwrap_or(at)
}
