//! What SES answers about the account: its limits, its identities, its configuration set.

use std::sync::Arc;

use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    response::Response,
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    CONFIGURATION_SET, ConfigurationSetState, SENDER, Ses, SesOptions, error::SesError, parse,
};

/// How many identities a list has if nobody says, and at most.
const IDENTITIES_A_PAGE: usize = 1000;
/// All that SES reports to `EventBridge` but what links and images would tell.
const EVENTS: [&str; 7] = [
    "SEND",
    "REJECT",
    "BOUNCE",
    "COMPLAINT",
    "DELIVERY",
    "RENDERING_FAILURE",
    "DELIVERY_DELAY",
];

pub(super) fn router() -> Router<Arc<Ses>> {
    Router::new()
        .route("/v2/email/account", get(get_account))
        .route("/v2/email/identities/{identity}", get(get_email_identity))
        .route("/v2/email/list-identities", post(list_email_identities))
        .route(
            "/v2/email/configuration-sets/{name}",
            get(get_configuration_set),
        )
        .route(
            "/v2/email/configuration-sets/{name}/event-destinations",
            get(get_event_destinations),
        )
}

/// The account's identities, and whether each is verified.
pub(super) fn identities(options: &SesOptions) -> impl Iterator<Item = (&str, bool)> {
    let recipients = options.verified.iter().map(|name| (name.as_str(), true));
    std::iter::once((SENDER, !options.sender_unverified)).chain(recipients)
}

/// Whether the account may send at all, and with this configuration set.
pub(super) fn may_send(ses: &Ses, configuration_set: Option<&str>) -> Result<(), SesError> {
    if ses.options().paused {
        return Err(SesError::SendingPaused);
    }
    configuration_set.map_or(Ok(()), |name| known_set(ses, name).map(|_| ()))
}

fn known_set(ses: &Ses, name: &str) -> Result<ConfigurationSetState, SesError> {
    match ses.options().configuration_set {
        ConfigurationSetState::Absent => None,
        state => (name == CONFIGURATION_SET).then_some(state),
    }
    .ok_or_else(|| SesError::NotFound(format!("Configuration set <{name}> does not exist.")))
}

async fn get_account(State(ses): State<Arc<Ses>>) -> Response {
    ses.answer("GetAccount", || {
        let options = ses.options();
        Ok(json!({
            "DedicatedIpAutoWarmupEnabled": false,
            "EnforcementStatus": options.enforcement_status.unwrap_or("HEALTHY"),
            "ProductionAccessEnabled": !options.sandbox,
            "SendingEnabled": !options.paused,
            "SendQuota": {
                "Max24HourSend": ses.limits.daily(),
                "MaxSendRate": ses.limits.rate(),
                "SentLast24Hours": ses.limits.sent_last_24_hours(ses.clock.now()),
            },
        }))
    })
}

async fn get_email_identity(State(ses): State<Arc<Ses>>, Path(identity): Path<String>) -> Response {
    ses.answer("GetEmailIdentity", || {
        let options = ses.options();
        let found = identities(&options).find(|(name, _)| name.eq_ignore_ascii_case(&identity));
        let (_, verified) = found.ok_or_else(|| {
            SesError::NotFound(format!("Email identity {identity} does not exist."))
        })?;
        let dkim = options.dkim.unwrap_or("SUCCESS");
        Ok(json!({
            "IdentityType": kind(&identity),
            "VerifiedForSendingStatus": verified,
            "VerificationStatus": status(verified),
            "DkimAttributes": {"SigningEnabled": dkim == "SUCCESS", "Status": dkim},
        }))
    })
}

/// Of the request, what is read here: which page.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct ListRequest {
    next_token: Option<String>,
    page_size: Option<usize>,
}

async fn list_email_identities(State(ses): State<Arc<Ses>>, body: Bytes) -> Response {
    ses.answer("ListEmailIdentities", || {
        let request: ListRequest = if body.is_empty() {
            ListRequest::default()
        } else {
            parse(&body)?
        };
        let size = request.page_size.unwrap_or(IDENTITIES_A_PAGE);
        if size > IDENTITIES_A_PAGE {
            let message = format!("PageSize is at most {IDENTITIES_A_PAGE}.");
            return Err(SesError::BadRequest(message));
        }
        let begin = match request.next_token.map(|token| token.parse()) {
            None => 0,
            Some(Ok(begin)) => begin,
            Some(Err(_)) => return Err(SesError::BadRequest("NextToken is not valid.".into())),
        };
        let options = ses.options();
        let page: Vec<Value> = identities(&options)
            .skip(begin)
            .take(size.max(1))
            .map(|(name, verified)| {
                json!({
                    "IdentityType": kind(name),
                    "IdentityName": name,
                    "SendingEnabled": true,
                    "VerificationStatus": status(verified),
                })
            })
            .collect();
        let end = begin + page.len();
        let next = (end < identities(&options).count()).then(|| end.to_string());
        Ok(json!({"EmailIdentities": page, "NextToken": next}))
    })
}

async fn get_configuration_set(State(ses): State<Arc<Ses>>, Path(name): Path<String>) -> Response {
    ses.answer("GetConfigurationSet", || {
        known_set(&ses, &name)?;
        Ok(json!({
            "ConfigurationSetName": name,
            "SendingOptions": {"SendingEnabled": true},
            "ReputationOptions": {"ReputationMetricsEnabled": true},
        }))
    })
}

async fn get_event_destinations(State(ses): State<Arc<Ses>>, Path(name): Path<String>) -> Response {
    ses.answer("GetConfigurationSetEventDestinations", || {
        let destination = |enabled: bool| {
            json!([{
                "Name": "event-bus",
                "Enabled": enabled,
                "MatchingEventTypes": EVENTS,
                "EventBridgeDestination": {
                    "EventBusArn": "arn:aws:events:us-east-1:000000000000:event-bus/default",
                },
            }])
        };
        let destinations = match known_set(&ses, &name)? {
            ConfigurationSetState::Reporting => destination(true),
            ConfigurationSetState::Silenced => destination(false),
            ConfigurationSetState::Silent | ConfigurationSetState::Absent => json!([]),
        };
        Ok(json!({"EventDestinations": destinations}))
    })
}

fn kind(identity: &str) -> &'static str {
    if identity.contains('@') {
        "EMAIL_ADDRESS"
    } else {
        "DOMAIN"
    }
}

fn status(verified: bool) -> &'static str {
    if verified { "SUCCESS" } else { "PENDING" }
}
