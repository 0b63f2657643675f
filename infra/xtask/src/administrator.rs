//! The first administrator: nobody can sign in yet to invite them, so whoever may invoke the function in AWS does.

use clap::Args;
use serde_json::{Value, json};

use crate::run::{Failed, sam, say};

/// Who is invited, and where.
#[derive(Args)]
pub(crate) struct InviteAdministrator {
    /// The environment of infra/samconfig.toml: dev or prod.
    environment: String,
    /// The address to invite.
    email: String,
    /// The language of the mail.
    #[arg(long)]
    locale: Option<String>,
}

/// What an administrator may do, as the stack's own pool writes it and as other issuers do.
const SCOPES: &str = "users:read users:invite users:write settings:write \
                      usher/users:read usher/users:invite usher/users:write usher/settings:write";

impl InviteAdministrator {
    pub(crate) fn run(self) -> Result<(), Failed> {
        let arguments = ["remote", "invoke", "InviteFunction", "--event-file", "-"];
        let printed = sam(&arguments, &self.environment, &[]).output(&self.event().to_string())?;
        say(&outcome(&printed)?);
        Ok(())
    }

    /// What API Gateway would hand on if an administrator had sent the request.
    fn event(&self) -> Value {
        let body = json!({
            "invitees": [{"email": self.email, "groups": ["administrators"], "locale": self.locale}],
        });
        json!({
            "version": "2.0",
            "routeKey": "POST /v1/invitations",
            "rawPath": "/v1/invitations",
            "rawQueryString": "",
            "headers": {"content-type": "application/json"},
            "requestContext": {
                "accountId": "", "apiId": "", "stage": "$default", "timeEpoch": 0, "requestId": "first-administrator",
                "routeKey": "POST /v1/invitations",
                "http": {"method": "POST", "path": "/v1/invitations", "protocol": "HTTP/1.1", "sourceIp": "", "userAgent": ""},
                "authorizer": {"jwt": {"claims": {"sub": "operator", "scope": SCOPES}, "scopes": null}},
            },
            "body": body.to_string(),
            "isBase64Encoded": false,
        })
    }
}

/// What became of it, in a sentence.
fn outcome(printed: &str) -> Result<String, Failed> {
    let unclear = || Failed(format!("the function's answer is unclear: {printed}"));
    let answer: Value = printed
        .find('{')
        .and_then(|start| serde_json::from_str(printed[start..].trim()).ok())
        .ok_or_else(unclear)?;
    let body: Value = answer["body"]
        .as_str()
        .and_then(|body| serde_json::from_str(body).ok())
        .ok_or_else(unclear)?;
    let row = &body["results"][0];
    match (
        row["outcome"].as_str(),
        row["detail"].as_str(),
        body["detail"].as_str(),
    ) {
        (Some("invited"), ..) => {
            Ok("Invited. The mail is on its way; its link leads to the account.".to_owned())
        }
        (Some(_), Some(detail), _) | (None, _, Some(detail)) => Err(Failed(detail.to_owned())),
        _ => Err(unclear()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(status: u16, body: &Value) -> String {
        json!({"statusCode": status, "body": body.to_string()}).to_string()
    }

    #[test]
    fn an_invitation_is_told_from_a_refusal_and_from_a_failure() {
        let invited = printed(
            200,
            &json!({"results": [{"outcome": "invited", "detail": null}]}),
        );
        assert!(outcome(&invited).unwrap().starts_with("Invited."));
        let known = json!({"results": [{"outcome": "already_invited", "detail": "They are invited already."}]});
        assert_eq!(
            outcome(&printed(200, &known)).unwrap_err().0,
            "They are invited already."
        );
        let down = json!({"code": "unavailable", "detail": "The database is busy."});
        assert_eq!(
            outcome(&printed(503, &down)).unwrap_err().0,
            "The database is busy."
        );
        let crashed = r#"{"errorType": "Runtime.ExitError", "errorMessage": "exit status 1"}"#;
        assert!(
            outcome(crashed)
                .unwrap_err()
                .0
                .contains("Runtime.ExitError")
        );
    }
}
