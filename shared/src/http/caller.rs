//! Who calls: what API Gateway's authorizer found in the sign-in token. The gateway has checked it; nothing else is
//! believed, neither from the path nor from the body.

use std::{collections::HashMap, fmt};

use lambda_http::{Request, RequestExt, http::StatusCode, request::RequestContext};

use super::Problem;
use crate::{
    config::Environment,
    domain::{Inviter, PersonName, TenantId},
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
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UsersRead => "users:read",
            Self::UsersInvite => "users:invite",
            Self::UsersWrite => "users:write",
        })
    }
}

/// How claims are read.
#[derive(Clone, Debug)]
pub struct SignIn {
    tenant_claim: String,
}

/// A signed-in person or program.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Whose users they may see.
    pub tenant: TenantId,
    /// Who they are.
    pub identity: Inviter,
}

impl SignIn {
    /// Reads `TENANT_CLAIM`: the claim that names the tenant, `tenant` if not set.
    pub fn from_env(env: &Environment) -> Self {
        Self {
            tenant_claim: env.text("TENANT_CLAIM").unwrap_or("tenant").to_owned(),
        }
    }

    /// The caller, if the token has this scope.
    pub fn caller(&self, request: &Request, scope: Scope) -> Result<Caller, Problem> {
        let claims = claims(request)?;
        let claim = |name: &str| {
            claims
                .get(name)
                .map(|value| value.trim())
                .filter(|value| !value.is_empty())
        };
        let id = claim("sub").ok_or_else(|| invalid_claim("sub", "names nobody"))?;
        let granted = claim("scope").unwrap_or_default();
        if !granted
            .split_whitespace()
            .any(|granted| granted == scope.to_string())
        {
            return Err(missing_scope(scope));
        }
        let tenant = match claim(&self.tenant_claim) {
            None => TenantId::default(),
            Some(name) => name
                .parse()
                .map_err(|_| invalid_claim(&self.tenant_claim, "names no tenant"))?,
        };
        // A name that is not fit for a mail is left out rather than refused: its bearer can't change it here.
        let name = claim("name").and_then(|name| PersonName::parse(name).ok());
        Ok(Caller {
            tenant,
            identity: Inviter {
                id: id.chars().take(255).collect(),
                name,
            },
        })
    }
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

fn missing_scope(scope: Scope) -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "missing_scope",
        format!("Your sign-in token lacks the scope {scope}."),
        format!("Ask an administrator of your sign-in to grant you {scope}, then sign in again."),
    )
    .with("missing_scope", scope.to_string())
}
