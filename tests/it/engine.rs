//! Tables without a stack around them, on every engine there is: in this process always, and on AWS's own DynamoDB Local
//! where `DYNAMODB_LOCAL_URL` says that it runs. CI sets `USHER_REQUIRE_DYNAMODB_LOCAL`, so that there it can't be
//! forgotten.

use std::sync::atomic::{AtomicU32, Ordering};

use jiff::Timestamp;
use tokio::net::TcpListener;
use usher::{
    aws,
    config::Environment,
    domain::{
        Delivery, DeliveryStatus, Inviter, Lifetime, Locale, LocaleSource, MailKind, MailTries,
        Nonce, State, TenantId, TokenHash, TokenKey, User, UserId,
    },
    store::Store,
};

use crate::app::START;

pub(crate) struct Engine {
    pub(crate) name: &'static str,
    pub(crate) store: Store,
    pub(crate) client: aws_sdk_dynamodb::Client,
    pub(crate) table: String,
    /// What a function that works on this table is started with.
    pub(crate) variables: Vec<(String, String)>,
}

/// Every engine, each with a table of its own.
pub(crate) async fn engines() -> Vec<Engine> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(dynoxide::server::serve_on(
        listener,
        usher_local::database::in_memory().unwrap(),
    ));
    let mut engines = vec![engine("dynoxide", &url).await];
    let local = std::env::var("DYNAMODB_LOCAL_URL")
        .ok()
        .filter(|url| !url.is_empty());
    assert!(
        local.is_some() || std::env::var_os("USHER_REQUIRE_DYNAMODB_LOCAL").is_none(),
        "DYNAMODB_LOCAL_URL must say where DynamoDB Local runs"
    );
    if let Some(url) = local {
        engines.push(engine("DynamoDB Local", &url).await);
    }
    engines
}

async fn engine(name: &'static str, url: &str) -> Engine {
    static TABLES: AtomicU32 = AtomicU32::new(0);
    let table = format!(
        "t{}-{}",
        std::process::id(),
        TABLES.fetch_add(1, Ordering::Relaxed)
    );
    let variables: Vec<_> = [
        ("AWS_ACCESS_KEY_ID", "local"),
        ("AWS_SECRET_ACCESS_KEY", "local"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ENDPOINT_URL_DYNAMODB", url),
        ("TABLE_NAME", &table),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    let env: Environment = variables.iter().cloned().collect();
    let client = aws::dynamodb(&env).unwrap();
    let store = Store::new(client.clone(), &table);
    assert!(store.create_table().await.unwrap());
    assert!(
        !store.create_table().await.unwrap(),
        "creating a table twice is no error"
    );
    Engine {
        name,
        store,
        client,
        table,
        variables,
    }
}

pub(crate) fn start() -> Timestamp {
    START.parse().unwrap()
}

pub(crate) fn key() -> TokenKey {
    TokenKey::from_bytes([7; 32])
}

pub(crate) fn hash(n: u8) -> TokenHash {
    key()
        .issue(
            &TenantId::default(),
            UserId::from_bytes([n; 16]),
            Nonce::new([n; 16]),
        )
        .hash()
}

pub(crate) fn administrator() -> Inviter {
    Inviter {
        id: "adm".into(),
        name: None,
    }
}

/// A user of the default tenant, the `n`th, invited at `at`.
pub(crate) fn user(n: u32, at: Timestamp) -> User {
    let mut random = [0; 16];
    random[12..].copy_from_slice(&n.to_be_bytes());
    let (id, nonce, tenant) = (
        UserId::new(at, random),
        Nonce::new(random),
        TenantId::default(),
    );
    User {
        id,
        tenant: tenant.clone(),
        version: 1,
        email: format!("p{n}@example.com").parse().unwrap(),
        name: None,
        locale: Locale::english(),
        locale_source: LocaleSource::Fallback,
        groups: vec![],
        external_id: None,
        metadata: None,
        state: State::Pending,
        invited_by: administrator(),
        changed_by: None,
        invited_at: at,
        expires_at: Lifetime::default().end(at),
        message: None,
        redirect_url: None,
        nonce,
        token_hash: Some(key().issue(&tenant, id, nonce).hash()),
        renewed_hash: None,
        mail_requests: vec![at.as_millisecond()],
        send_count: 0,
        last_sent_at: None,
        delivery: Delivery::new(DeliveryStatus::Queued, at),
        feedback: None,
        suppressed: None,
        suppression_lifted_at: None,
        reminders: 0,
        outbox: Some(MailKind::Invitation),
        mail_tries: MailTries::default(),
        claim: None,
        due_at: Some(at),
        idempotency_key: None,
        resend_request: None,
        created_at: at,
        updated_at: at,
    }
}
