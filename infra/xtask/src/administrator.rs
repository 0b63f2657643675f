//! The first administrator: nobody can sign in yet to invite them, so whoever may invoke the function in AWS does.

use clap::Args;
use serde_json::{Value, json};

use crate::{
    environment::Environment,
    run::{Failed, sam, say},
};

/// Who is invited, and where.
#[derive(Args)]
pub(crate) struct InviteAdministrator {
    /// One of infra/samconfig.toml: dev or prod.
    environment: String,
    /// The address to invite. If it is invited already, its mail is sent again.
    email: String,
    /// The language of the mail.
    #[arg(long)]
    locale: Option<String>,
    /// Invite them although their invitation was revoked, or they have declined it.
    #[arg(long)]
    reactivate: bool,
}

/// What an administrator may do, as the stack's own pool writes it and as other issuers do.
const SCOPES: &str = "users:read users:invite users:write settings:write \
                      usher/users:read usher/users:invite usher/users:write usher/settings:write";

impl InviteAdministrator {
    pub(crate) fn run(self) -> Result<(), Failed> {
        let environment = Environment::named(&self.environment)?;
        let invoke = |function, event: &Value| {
            let arguments = ["remote", "invoke", function, "--event-file", "-"];
            let printed = sam(&arguments, &environment, &[]).output(&event.to_string())?;
            answered(&printed)
        };
        let invited = outcome(&invoke("InviteFunction", &self.invitation())?)?;
        let again = match invited {
            Invited::Now => None,
            Invited::Before(id) => Some(id),
            Invited::Ended(id, _) if self.reactivate => Some(id),
            Invited::Ended(_, detail) => {
                return Err(Failed(format!(
                    "{detail} With --reactivate they are invited after all."
                )));
            }
        };
        if let Some(id) = again {
            let user = invoke("ResendFunction", &self.again(&id))?;
            sent_again(&user)?;
            say("Invited before; the mail is sent again, with a new link. The old one is dead.");
        } else {
            say("Invited. The mail is on its way; its link leads to the account.");
        }
        Ok(())
    }

    fn invitation(&self) -> Value {
        let invitee =
            json!({"email": self.email, "groups": ["administrators"], "locale": self.locale});
        event(
            "/v1/invitations",
            "/v1/invitations",
            &json!({}),
            &json!({"invitees": [invitee]}),
        )
    }

    fn again(&self, id: &str) -> Value {
        let body = json!({"locale": self.locale, "reactivate": self.reactivate});
        let path = format!("/v1/users/{id}/resend");
        event("/v1/users/{id}/resend", &path, &json!({"id": id}), &body)
    }
}

/// What API Gateway would hand on if an administrator had sent the request.
fn event(route: &str, path: &str, parameters: &Value, body: &Value) -> Value {
    let route = format!("POST {route}");
    json!({
        "version": "2.0",
        "routeKey": route,
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"content-type": "application/json"},
        "pathParameters": parameters,
        "requestContext": {
            "accountId": "", "apiId": "", "stage": "$default", "timeEpoch": 0, "requestId": "invite-administrator",
            "routeKey": route,
            "http": {"method": "POST", "path": path, "protocol": "HTTP/1.1", "sourceIp": "", "userAgent": ""},
            "authorizer": {"jwt": {"claims": {"sub": "operator", "scope": SCOPES}, "scopes": null}},
        },
        "body": body.to_string(),
        "isBase64Encoded": false,
    })
}

/// What became of the invitation.
#[derive(Debug, PartialEq, Eq)]
enum Invited {
    Now,
    /// It waits to be accepted; the user's id.
    Before(String),
    /// It was revoked or declined; the user's id, and a sentence.
    Ended(String, String),
}

/// The body of what the function has answered, which the SAM CLI prints with words of its own before it.
fn answered(printed: &str) -> Result<Value, Failed> {
    let unclear = || Failed(format!("the function's answer is unclear: {printed}"));
    let answer: Value = printed
        .find('{')
        .and_then(|start| serde_json::from_str(printed[start..].trim()).ok())
        .ok_or_else(unclear)?;
    let body: Value = answer["body"]
        .as_str()
        .and_then(|body| serde_json::from_str(body).ok())
        .ok_or_else(unclear)?;
    match (answer["statusCode"].as_u64(), body["detail"].as_str()) {
        (Some(200), _) => Ok(body),
        (_, Some(detail)) => {
            let hint = body["hint"].as_str().unwrap_or_default();
            Err(Failed(format!("{detail} {hint}").trim().to_owned()))
        }
        _ => Err(unclear()),
    }
}

fn outcome(body: &Value) -> Result<Invited, Failed> {
    let row = &body["results"][0];
    let id = || row["user_id"].as_str().unwrap_or_default().to_owned();
    let detail = || row["detail"].as_str().unwrap_or_default().to_owned();
    match row["outcome"].as_str() {
        Some("invited") => Ok(Invited::Now),
        Some("already_invited") => Ok(Invited::Before(id())),
        Some("revoked" | "declined") => Ok(Invited::Ended(id(), detail())),
        Some(_) => Err(Failed(detail())),
        None => Err(Failed(format!("the function's answer is unclear: {body}"))),
    }
}

/// Whoever was invited before may have been invited as somebody else.
fn sent_again(user: &Value) -> Result<(), Failed> {
    let groups = user["groups"].as_array().into_iter().flatten();
    if groups.clone().any(|group| group == "administrators") {
        return Ok(());
    }
    Err(Failed(
        "the mail is sent again, but they were not invited as an administrator, and that can't be changed: invite another address of theirs"
            .to_owned(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(status: u16, body: &Value) -> String {
        let answer = json!({"statusCode": status, "body": body.to_string()});
        format!("Invoking Lambda Function InviteFunction\n{answer}\n")
    }

    #[test]
    fn an_invitation_is_told_from_one_made_before_and_from_one_that_ended() {
        let row = |outcome: &str| {
            let row = json!({"outcome": outcome, "user_id": "usr_1", "detail": "A sentence."});
            outcome_of(&printed(200, &json!({"results": [row]})))
        };
        assert_eq!(row("invited").unwrap(), Invited::Now);
        assert_eq!(
            row("already_invited").unwrap(),
            Invited::Before("usr_1".into())
        );
        for ended in ["revoked", "declined"] {
            assert_eq!(
                row(ended).unwrap(),
                Invited::Ended("usr_1".into(), "A sentence.".into())
            );
        }
        assert_eq!(row("already_registered").unwrap_err().0, "A sentence.");
    }

    fn outcome_of(printed: &str) -> Result<Invited, Failed> {
        outcome(&answered(printed)?)
    }

    #[test]
    fn a_refusal_is_told_in_its_own_words_and_a_crash_as_it_came() {
        let down =
            json!({"code": "unavailable", "detail": "The database is busy.", "hint": "Try again."});
        let said = outcome_of(&printed(503, &down)).unwrap_err().0;
        assert_eq!(said, "The database is busy. Try again.");
        let crashed = r#"{"errorType": "Runtime.ExitError", "errorMessage": "exit status 1"}"#;
        assert!(
            outcome_of(crashed)
                .unwrap_err()
                .0
                .contains("Runtime.ExitError")
        );
    }

    #[test]
    fn who_was_invited_as_somebody_else_does_not_pass_for_an_administrator() {
        assert!(sent_again(&json!({"groups": ["administrators"]})).is_ok());
        assert!(sent_again(&json!({"groups": ["editors"]})).is_err());
    }
}
