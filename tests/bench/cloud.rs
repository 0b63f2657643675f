//! AWS, as far as functions call it when they start: every service answers at once and always the same, so that what is
//! measured is the function.

use std::net::SocketAddr;

use axum::{
    Json, Router,
    http::{HeaderMap, StatusCode, Uri},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinSet};

use crate::report::Trouble;

/// The services, until this is dropped.
pub(crate) struct Cloud {
    pub(crate) address: SocketAddr,
    _server: JoinSet<()>,
}

/// The variables that name the services' addresses, with the services' names.
pub(crate) const ENDPOINTS: [(&str, &str); 4] = [
    ("DynamoDB", "AWS_ENDPOINT_URL_DYNAMODB"),
    ("SES", "AWS_ENDPOINT_URL_SESV2"),
    ("Secrets Manager", "AWS_ENDPOINT_URL_SECRETS_MANAGER"),
    ("Cognito", "AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER"),
];

/// What a function is deployed with that keeps its key in Secrets Manager, and people's accounts in the stack's own pool.
pub(crate) const AS_DEPLOYED: [(&str, &str); 2] =
    [("TOKEN_KEY", ""), ("USER_POOL_ID", "us-east-1_measured")];

impl Cloud {
    pub(crate) async fn start() -> Result<Self, Trouble> {
        let listener = TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.map_err(|error| no_socket(&error))?;
        let address = listener.local_addr().map_err(|error| no_socket(&error))?;
        let mut server = JoinSet::new();
        let router = Router::new().fallback(answer);
        server.spawn(async { drop(axum::serve(listener, router).await) });
        Ok(Self {
            address,
            _server: server,
        })
    }

    /// The variables of a function that finds all services here, and otherwise is as deployed.
    pub(crate) fn variables(&self) -> Vec<(&'static str, String)> {
        let url = format!("http://{}", self.address);
        let endpoints = ENDPOINTS.map(|(_, variable)| (variable, url.clone()));
        let deployed = AS_DEPLOYED.map(|(name, value)| (name, value.to_owned()));
        endpoints.into_iter().chain(deployed).collect()
    }
}

pub(crate) fn no_socket(error: &std::io::Error) -> Trouble {
    Trouble::new(
        format!("no socket can be opened: {error}"),
        "close other programs",
    )
}

/// `DynamoDB`: an empty table. SES: a verified sender. Secrets Manager: a key. Cognito: a pool without anybody.
async fn answer(uri: Uri, headers: HeaderMap, body: String) -> (StatusCode, Json<Value>) {
    let target = headers.get("x-amz-target");
    let target = target.and_then(|target| target.to_str().ok());
    let answer = match (target.unwrap_or_default(), uri.path()) {
        ("secretsmanager.GetSecretValue", _) => json!({"SecretString": "k".repeat(64)}),
        ("AWSCognitoIdentityProviderService.AdminGetUser", _) => {
            let problem = json!({"__type": "UserNotFoundException", "message": "nobody"});
            return (StatusCode::BAD_REQUEST, Json(problem));
        }
        (_, "/v2/email/account") => json!({
            "SendingEnabled": true,
            "ProductionAccessEnabled": true,
            "EnforcementStatus": "HEALTHY",
            "SendQuota": {"Max24HourSend": 50_000, "MaxSendRate": 10_000, "SentLast24Hours": 0},
        }),
        (_, "/v2/email/outbound-bulk-emails") => sent(&body),
        (_, path) if path.starts_with("/v2/email/identities/") => json!({
            "IdentityType": "DOMAIN", "VerifiedForSendingStatus": true, "VerificationStatus": "SUCCESS",
        }),
        _ => json!({}),
    };
    (StatusCode::OK, Json(answer))
}

/// SES takes every mail.
fn sent(body: &str) -> Value {
    let request: Value = serde_json::from_str(body).unwrap_or_default();
    let mails = request["BulkEmailEntries"].as_array().map_or(0, Vec::len);
    let results: Vec<_> = (0..mails)
        .map(|number| json!({"Status": "SUCCESS", "MessageId": format!("mail-{number}")}))
        .collect();
    json!({"BulkEmailEntryResults": results})
}
