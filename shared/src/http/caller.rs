//! Who calls: what API Gateway's authorizer found in the sign-in token. The gateway has checked it; nothing else is
//! believed, neither from the path nor from the body.

use std::{collections::HashMap, fmt};

use lambda_http::{Request, RequestExt, http::StatusCode, request::RequestContext};

use super::Problem;
use crate::{
    config::Environment,
    domain::{EmailAddress, Group, Inviter, PersonName, TenantId, UserId},
};

/// A permission. A sign-in token lists those it has in its `scope`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// See users.
    UsersRead,
    /// Invite, and send invitations again.
    UsersInvite,
    /// Revoke, and change users.
    UsersWrite,
    /// Change what holds for all users.
    SettingsWrite,
}

impl Scope {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::UsersRead,
        Self::UsersInvite,
        Self::UsersWrite,
        Self::SettingsWrite,
    ];
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UsersRead => "users:read",
            Self::UsersInvite => "users:invite",
            Self::UsersWrite => "users:write",
            Self::SettingsWrite => "settings:write",
        })
    }
}

/// Stands where a claim is no text. No genuine claim is this: it is a control character.
pub(super) const NOT_TEXT: &str = "\0";

/// How claims are read.
#[derive(Clone, Debug)]
pub struct SignIn {
    tenant_claim: String,
    groups_claim: Option<String>,
    scope_prefix: String,
}

/// A signed-in person or program.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Whose users they may see.
    pub tenant: TenantId,
    /// Who they are.
    pub identity: Inviter,
    /// What they may do.
    pub scopes: Vec<Scope>,
    /// Whether they may do everything, and so may make administrators of others.
    pub appoints: bool,
    /// Which user they are, if they sign in at the stack's own pool.
    pub user: Option<UserId>,
    /// Their address, if the token says one and that it is verified.
    pub email: Option<EmailAddress>,
}

impl SignIn {
    /// Reads `TENANT_CLAIM`: the claim that names the tenant, `tenant` if not set; `GROUPS_CLAIM`: the claim whose
    /// group `administrators` has all scopes, none if not set; `SCOPE_PREFIX`: what stands before our scopes' names.
    pub fn from_env(env: &Environment) -> Self {
        Self {
            tenant_claim: env.text("TENANT_CLAIM").unwrap_or("tenant").to_owned(),
            groups_claim: env.text("GROUPS_CLAIM").map(ToOwned::to_owned),
            scope_prefix: env.text("SCOPE_PREFIX").unwrap_or_default().to_owned(),
        }
    }

    /// The caller, if the token has this scope.
    pub fn caller(&self, request: &Request, scope: Scope) -> Result<Caller, Problem> {
        let caller = self.anybody(request)?;
        self.require(&caller, scope)?;
        Ok(caller)
    }

    /// Refuses a caller who lacks this scope.
    pub fn require(&self, caller: &Caller, scope: Scope) -> Result<(), Problem> {
        if caller.scopes.contains(&scope) {
            Ok(())
        } else {
            Err(self.missing_scope(scope))
        }
    }

    /// The caller, whatever they may do.
    pub fn anybody(&self, request: &Request) -> Result<Caller, Problem> {
        let claims = claims(request)?;
        let claim = |name: &str| match claims.get(name).map(|value| value.trim()) {
            Some(NOT_TEXT) => Err(invalid_claim(name, "is no text")),
            value => Ok(value.filter(|value| !value.is_empty())),
        };
        // Cognito says what a token is for. An ID token tells a page who signed in; it opens nothing.
        if claim("token_use")?.is_some_and(|what| what != "access") {
            return Err(invalid_claim(
                "token_use",
                "says that it is no access token",
            ));
        }
        let id = claim("sub")?.ok_or_else(|| invalid_claim("sub", "names nobody"))?;
        let administrator = self
            .groups_claim
            .as_deref()
            .map_or(Ok(None), claim)?
            .is_some_and(in_administrators);
        let granted = claim("scope")?.unwrap_or_default();
        let has = |scope: &Scope| administrator || self.grants(granted, *scope);
        let scopes: Vec<_> = Scope::ALL.into_iter().filter(has).collect();
        let tenant = match claim(&self.tenant_claim)? {
            None => TenantId::default(),
            Some(name) => name
                .parse()
                .map_err(|_| invalid_claim(&self.tenant_claim, "names no tenant"))?,
        };
        // A name that is not fit for a mail is left out rather than refused: its bearer can't change it here.
        let name = claim("name")?.and_then(|name| PersonName::parse(name).ok());
        // In the stack's own pool, which is where groups count, accounts are named by the user's id. Cognito's names have
        // no case.
        let user = match &self.groups_claim {
            Some(_) => claim("username")?,
            None => None,
        };
        let user = user.and_then(|name| UserId::parse_in_any_case(name).ok());
        let verified = claims.get("email_verified");
        let verified = verified.is_some_and(|verified| verified.trim() == "true");
        let email = claims.get("email").filter(|_| verified);
        Ok(Caller {
            email: email.and_then(|email| EmailAddress::parse(email).ok()),
            tenant,
            identity: Inviter {
                id: user.map_or_else(|| id.chars().take(255).collect(), |user| user.to_string()),
                name,
            },
            appoints: scopes.len() == Scope::ALL.len(),
            scopes,
            user,
        })
    }

    /// Who can give somebody what they may not do, named by `what`: a sentence for them.
    pub fn who_can_grant(&self, what: &str) -> String {
        match self.groups_claim {
            Some(_) => format!(
                "Ask an administrator to add you to the group administrators of your sign-in (or, for a program, to grant it {what}), then sign in again."
            ),
            None => format!(
                "Ask an administrator of your sign-in to grant you {what}, then sign in again."
            ),
        }
    }

    fn missing_scope(&self, scope: Scope) -> Problem {
        let hint = self.who_can_grant(&scope.to_string());
        Problem::new(
            StatusCode::FORBIDDEN,
            "missing_scope",
            format!("Your sign-in token lacks the scope {scope}."),
            hint,
        )
        .with("missing_scope", scope.to_string())
    }

    /// Whether the scopes, separated by spaces, have this one. A claim that is a list comes as `[a b]` and is none:
    /// where its entries end can't be told any more.
    fn grants(&self, scopes: &str, scope: Scope) -> bool {
        !scopes.starts_with('[')
            && scopes.split_whitespace().any(|granted| {
                granted.strip_prefix(self.scope_prefix.as_str()) == Some(&scope.to_string())
            })
    }
}

/// API Gateway hands a list on as `[a b]`. `GROUPS_CLAIM` is set for Cognito only, whose group names have no spaces.
fn in_administrators(groups: &str) -> bool {
    let names = groups
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    names.is_some_and(|names| {
        names
            .split_whitespace()
            .any(|name| Group::parse(name).is_ok_and(|group| group.is_administrators()))
    })
}

fn claims(request: &Request) -> Result<&HashMap<String, String>, Problem> {
    let jwt = match request.request_context_ref() {
        Some(RequestContext::ApiGatewayV2(context)) => context
            .authorizer
            .as_ref()
            .and_then(|found| found.jwt.as_ref()),
        _ => None,
    };
    jwt.map(|jwt| &jwt.claims).ok_or_else(|| {
        Problem::new(
            StatusCode::UNAUTHORIZED,
            "not_signed_in",
            "This needs a signed-in administrator.",
            "Send the header Authorization: Bearer followed by your access token.",
        )
    })
}

fn invalid_claim(claim: &str, what: &str) -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "invalid_claim",
        format!("The claim {claim} of your sign-in token {what}."),
        "Ask whoever runs your sign-in to correct the token.",
    )
}

/// A 403: only who has all scopes may do this.
pub fn administrators_only(detail: &'static str) -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "administrators_only",
        detail,
        "Ask an administrator of your team, who has all scopes, to do it.",
    )
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// A request as API Gateway hands it on: every claim is text.
    fn request(claims: &Value) -> Request {
        let event = json!({
            "version": "2.0", "routeKey": "GET /v1/users", "rawPath": "/v1/users", "rawQueryString": "", "headers": {},
            "isBase64Encoded": false,
            "requestContext": {
                "http": {"method": "GET", "path": "/v1/users", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": ""},
                "routeKey": "GET /v1/users", "stage": "$default", "requestId": "r", "timeEpoch": 0, "accountId": "0",
                "apiId": "a", "authorizer": {"jwt": {"claims": claims, "scopes": null}},
            },
        });
        lambda_http::request::from_str(&event.to_string()).unwrap()
    }

    fn sign_in(variables: &[(&str, &str)]) -> SignIn {
        let variables = variables.iter();
        SignIn::from_env(
            &variables
                .map(|(name, value)| ((*name).into(), (*value).into()))
                .collect(),
        )
    }

    fn cognito() -> SignIn {
        sign_in(&[
            ("GROUPS_CLAIM", "cognito:groups"),
            ("SCOPE_PREFIX", "usher/"),
        ])
    }

    /// What the claims give: the code of the refusal, or whether the caller may make administrators.
    fn right(sign_in: &SignIn, claims: &Value, scope: Scope) -> Result<bool, &'static str> {
        let caller = sign_in.caller(&request(claims), scope);
        caller
            .map(|caller| caller.appoints)
            .map_err(|problem| problem.code())
    }

    #[test]
    fn a_scope_gives_its_right_and_all_scopes_make_an_administrator() {
        let some = json!({"sub": "a", "scope": "openid users:read"});
        let all =
            json!({"sub": "a", "scope": "users:read users:invite users:write settings:write"});
        let plain = sign_in(&[]);
        assert_eq!(right(&plain, &some, Scope::UsersRead), Ok(false));
        assert_eq!(
            right(&plain, &some, Scope::UsersInvite),
            Err("missing_scope")
        );
        assert_eq!(right(&plain, &all, Scope::UsersInvite), Ok(true));
    }

    #[test]
    fn members_of_the_administrators_group_may_do_everything() {
        for groups in ["[administrators]", "[editors administrators]"] {
            let claims = json!({"sub": "a", "token_use": "access", "scope": "openid", "cognito:groups": groups});
            assert_eq!(
                right(&cognito(), &claims, Scope::SettingsWrite),
                Ok(true),
                "{groups}"
            );
            // Without a claim for groups, as with an issuer whose group names may hold anything, a group gives nothing.
            assert_eq!(
                right(&sign_in(&[]), &claims, Scope::UsersRead),
                Err("missing_scope")
            );
        }
    }

    #[test]
    fn claims_of_another_shape_give_less_and_never_more() {
        for claims in [
            json!({"sub": "a"}),
            json!({"sub": "a", "scope": ""}),
            json!({"sub": "a", "scope": "users:read"}),
            json!({"sub": "a", "scope": "usher/users:readers usher/users"}),
            json!({"sub": "a", "scope": "[usher/users:invite usher/users:read usher/users:write]"}),
            json!({"sub": "a", "scope": "other/users:read"}),
            json!({"sub": "a", "cognito:groups": "[admins]"}),
            json!({"sub": "a", "cognito:groups": "[Administrators]"}),
            json!({"sub": "a", "cognito:groups": "[]"}),
            json!({"sub": "a", "cognito:groups": "administrators"}),
            json!({"sub": "a", "cognito:groups": "[administrators"}),
            json!({"sub": "a", "groups": "[administrators]"}),
        ] {
            assert_eq!(
                right(&cognito(), &claims, Scope::UsersRead),
                Err("missing_scope"),
                "{claims}"
            );
        }
        for claims in [
            json!({"scope": "usher/users:read"}),
            json!({"sub": " ", "scope": "usher/users:read"}),
            json!({"sub": "a", "scope": "usher/users:read", "token_use": "id"}),
            json!({"sub": "a", "scope": "usher/users:read", "tenant": "a#b"}),
        ] {
            assert_eq!(
                right(&cognito(), &claims, Scope::UsersRead),
                Err("invalid_claim"),
                "{claims}"
            );
        }
    }
}
