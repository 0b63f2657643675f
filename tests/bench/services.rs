//! What functions ask besides the table: SES, which is the local stack's, and a user pool, of which no more is here than
//! accepting needs. Both are counted as the table is.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use axum::{
    Json, Router,
    body::{Body, Bytes, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, Response, StatusCode},
    middleware::{Next, from_fn_with_state},
    response::IntoResponse,
    routing::any,
};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use usher::clock::{Clock, Entropy};
use usher_local::{
    mailbox::Mailbox,
    ses::{Ses, SesOptions},
};

use crate::{count::Counter, engine::listen, report::Trouble};

/// SES and a user pool.
pub(crate) struct Services {
    pub(crate) ses: Arc<Ses>,
    /// What SES has sent.
    pub(crate) mailbox: Arc<Mailbox>,
    pub(crate) ses_url: String,
    pub(crate) pool_url: String,
    _tasks: JoinSet<()>,
}

impl Services {
    pub(crate) async fn start(counter: &Counter) -> Result<Self, Trouble> {
        let mut tasks = JoinSet::new();
        let (options, mailbox) = (SesOptions::default(), Arc::new(Mailbox::memory()));
        let ses = Ses::new(
            options,
            Arc::clone(&mailbox),
            Clock::system(),
            Entropy::system(),
        );
        let (listener, ses_url) = listen().await?;
        let router = counted(ses.router(), counter);
        tasks.spawn(async { drop(axum::serve(listener, router).await) });
        let (listener, pool_url) = listen().await?;
        let accounts = Accounts::default();
        let pool = Router::new().route("/", any(pool)).with_state(accounts);
        let pool = counted(pool, counter);
        tasks.spawn(async { drop(axum::serve(listener, pool).await) });
        Ok(Self {
            ses,
            mailbox,
            ses_url,
            pool_url,
            _tasks: tasks,
        })
    }
}

fn counted(router: Router, counter: &Counter) -> Router {
    router.layer(from_fn_with_state(counter.clone(), count))
}

async fn count(State(counter): State<Counter>, request: Request, next: Next) -> Response<Body> {
    let operation = operation(&request);
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let (sent, began) = (body.len(), Instant::now());
    let answer = next.run(Request::from_parts(parts, Body::from(body))).await;
    let (parts, body) = answer.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    counter.call(&operation, sent, body.len(), began.elapsed());
    Response::from_parts(parts, Body::from(body))
}

/// AWS's name for it: in a header, or for SES in what the path ends with.
fn operation(request: &Request) -> String {
    let target = request.headers().get("x-amz-target");
    if let Some(name) = target.and_then(|target| target.to_str().ok()?.rsplit('.').next()) {
        return name.to_owned();
    }
    let path: Vec<_> = request.uri().path().split('/').collect();
    match path[..] {
        [.., "outbound-bulk-emails"] => "SendBulkEmail",
        [.., "outbound-emails"] => "SendEmail",
        [.., "account"] => "GetAccount",
        [.., "addresses", _] => "DeleteSuppressedDestination",
        [.., "identities", _] => "GetEmailIdentity",
        [.., "configuration-sets", _] => "GetConfigurationSet",
        [.., "event-destinations"] => "GetConfigurationSetEventDestinations",
        _ => "SES",
    }
    .to_owned()
}

/// The names of the accounts that were made.
type Accounts = Arc<Mutex<BTreeSet<String>>>;

async fn pool(State(accounts): State<Accounts>, headers: HeaderMap, body: Bytes) -> Response<Body> {
    let target = headers.get("x-amz-target");
    let operation = target.and_then(|target| target.to_str().ok()?.rsplit('.').next());
    let request: Value = serde_json::from_slice(&body).unwrap_or_default();
    let name = request["Username"].as_str().unwrap_or_default().to_owned();
    let mut accounts = accounts.lock().unwrap_or_else(PoisonError::into_inner);
    match operation {
        Some("AdminCreateUser") => {
            accounts.insert(name.clone());
            Json(json!({"User": {"Username": name}})).into_response()
        }
        Some("AdminGetUser") if accounts.contains(&name) => {
            Json(json!({"Username": name, "UserAttributes": []})).into_response()
        }
        Some("AdminDeleteUser") if accounts.remove(&name) => Json(json!({})).into_response(),
        _ => {
            let error =
                json!({"__type": "UserNotFoundException", "message": "User does not exist."});
            (StatusCode::BAD_REQUEST, Json(error)).into_response()
        }
    }
}
