//! A user as the API shows it to administrators.

use jiff::Timestamp;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::domain::{
    ChangedField, DeliveryStatus, ExternalId, Group, HistoryEvent, HistoryKind, Inviter, Locale,
    LocaleSource, MailState, PersonName, RedirectUrl, State, StateName, Suppression,
    SuppressionReason, User, UserId,
};

/// The user's JSON. Every field is always there; what is not known is `null`.
#[derive(Debug, Serialize)]
pub struct UserView<'a> {
    id: UserId,
    email: &'a str,
    name: Option<&'a PersonName>,
    locale: &'a Locale,
    locale_source: LocaleSource,
    groups: &'a [Group],
    external_id: Option<&'a ExternalId>,
    metadata: Option<&'a Map<String, Value>>,
    state: StateName,
    invited_by: InviterView<'a>,
    #[serde(serialize_with = "instant")]
    invited_at: Timestamp,
    #[serde(serialize_with = "instant")]
    expires_at: Timestamp,
    #[serde(serialize_with = "some_instant")]
    accepted_at: Option<Timestamp>,
    #[serde(serialize_with = "some_instant")]
    revoked_at: Option<Timestamp>,
    #[serde(serialize_with = "some_instant")]
    declined_at: Option<Timestamp>,
    send_count: u64,
    #[serde(serialize_with = "some_instant")]
    last_sent_at: Option<Timestamp>,
    delivery: DeliveryView<'a>,
    suppressed: Option<SuppressionView>,
    redirect_url: Option<&'a RedirectUrl>,
    #[serde(serialize_with = "instant")]
    created_at: Timestamp,
    #[serde(serialize_with = "instant")]
    updated_at: Timestamp,
}

#[derive(Debug, Serialize)]
/// Who has done something, as answers show it.
pub struct InviterView<'a> {
    id: &'a str,
    name: Option<&'a PersonName>,
}

impl<'a> InviterView<'a> {
    /// This person or program.
    pub fn of(Inviter { id, name }: &'a Inviter) -> Self {
        Self {
            id,
            name: name.as_ref(),
        }
    }
}

#[derive(Debug, Serialize)]
struct DeliveryView<'a> {
    status: DeliveryStatus,
    #[serde(serialize_with = "instant")]
    at: Timestamp,
    reason: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct SuppressionView {
    reason: SuppressionReason,
    #[serde(serialize_with = "instant")]
    at: Timestamp,
}

impl<'a> UserView<'a> {
    /// The user as of `now`, which decides between pending and expired.
    pub fn of(user: &'a User, now: Timestamp) -> Self {
        let (accepted_at, revoked_at, declined_at) = match user.state {
            State::Pending => (None, None, None),
            State::Accepted { accepted_at } => (Some(accepted_at), None, None),
            State::Revoked { revoked_at } => (None, Some(revoked_at), None),
            State::Declined { declined_at } => (None, None, Some(declined_at)),
        };
        let MailState { status, at, reason } = user.mail(now);
        Self {
            id: user.id,
            email: user.email.as_str(),
            name: user.name.as_ref(),
            locale: &user.locale,
            locale_source: user.locale_source,
            groups: &user.groups,
            external_id: user.external_id.as_ref(),
            metadata: user
                .metadata
                .as_ref()
                .map(crate::domain::Metadata::as_object),
            state: user.state_at(now),
            invited_by: InviterView::of(&user.invited_by),
            invited_at: user.invited_at,
            expires_at: user.expires_at,
            accepted_at,
            revoked_at,
            declined_at,
            send_count: user.send_count,
            last_sent_at: user.last_sent_at,
            delivery: DeliveryView { status, at, reason },
            suppressed: user
                .suppressed
                .map(|Suppression { reason, at }| SuppressionView { reason, at }),
            redirect_url: user.redirect_url.as_ref(),
            created_at: user.created_at,
            updated_at: user.updated_at,
        }
    }
}

/// One event of a user's history as the API shows it. Every field is always there; what does not apply is `null`.
#[derive(Debug, Serialize)]
pub struct HistoryEventView<'a> {
    kind: HistoryKind,
    #[serde(serialize_with = "instant")]
    at: Timestamp,
    by: Option<InviterView<'a>>,
    fields: Option<&'a [ChangedField]>,
    attempt: Option<u64>,
    message_id: Option<&'a str>,
    reason: Option<&'a str>,
}

impl<'a> HistoryEventView<'a> {
    /// The event.
    pub fn of(event: &'a HistoryEvent) -> Self {
        Self {
            kind: event.kind,
            at: event.at,
            by: event.by.as_ref().map(InviterView::of),
            fields: Some(event.fields.as_slice()).filter(|fields| !fields.is_empty()),
            attempt: event.attempt,
            message_id: event.message_id.as_deref(),
            reason: event.reason.as_deref(),
        }
    }
}

/// RFC 3339 in UTC, always with milliseconds.
fn instant<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{at:.3}"))
}

#[expect(
    clippy::ref_option,
    reason = "serde's `serialize_with` hands a reference to the field"
)]
fn some_instant<S: Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => instant(at, serializer),
        None => serializer.serialize_none(),
    }
}
