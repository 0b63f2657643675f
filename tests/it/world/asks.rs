//! What people ask over HTTP, as the event that API Gateway makes of it, and what they are answered.

use std::fmt;

use serde_json::{Value, json};

/// Who signs in, as the claims of their token; nobody for the public routes.
pub(crate) fn administrator(name: &str, tenant: &str, scopes: &str) -> Value {
    json!({"sub": name, "tenant": tenant, "scope": scopes})
}

pub(crate) const ALL_SCOPES: &str = "users:read users:invite users:write settings:write";

/// A route, who takes it, and what they send.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) function: &'static str,
    pub(crate) method: &'static str,
    pub(crate) path: String,
    id: Option<String>,
    claims: Option<Value>,
    body: Value,
    query: Option<(&'static str, String)>,
    key: Option<String>,
}

impl Ask {
    fn new(function: &'static str, method: &'static str, path: impl Into<String>) -> Self {
        Self {
            function,
            method,
            path: path.into(),
            id: None,
            claims: None,
            body: Value::Null,
            query: None,
            key: None,
        }
    }

    pub(crate) fn invite(claims: &Value, body: Value, key: Option<String>) -> Self {
        Self {
            claims: Some(claims.clone()),
            body,
            key,
            ..Self::new("invite", "POST", "/v1/invitations")
        }
    }

    /// `resend`, `revoke` or `restore`.
    pub(crate) fn change(claims: &Value, what: &'static str, id: &str, body: Value) -> Self {
        let function = if what == "restore" { "revoke" } else { what };
        Self {
            id: Some(id.to_owned()),
            claims: Some(claims.clone()),
            body,
            ..Self::new(function, "POST", format!("/v1/users/{id}/{what}"))
        }
    }

    /// The same, by a name.
    pub(crate) fn named(self, key: Option<u8>) -> Self {
        let key = key.map(|key| format!("request {key}"));
        Self { key, ..self }
    }

    /// Many are sent their invitation again.
    pub(crate) fn resend_many(claims: &Value, body: Value) -> Self {
        Self {
            claims: Some(claims.clone()),
            body,
            ..Self::new("resend", "POST", "/v1/invitations/resend")
        }
    }

    /// The link as it is now.
    pub(crate) fn show_link(claims: &Value, id: &str) -> Self {
        Self {
            id: Some(id.to_owned()),
            claims: Some(claims.clone()),
            ..Self::new("resend", "GET", format!("/v1/users/{id}/link"))
        }
    }

    /// Corrects the address.
    pub(crate) fn correct(claims: &Value, id: &str, email: &str) -> Self {
        Self {
            function: "update",
            method: "PATCH",
            body: json!({"email": email}),
            ..Self::get(claims, id)
        }
    }

    pub(crate) fn erase(claims: &Value, id: &str) -> Self {
        Self {
            function: "erase",
            method: "DELETE",
            ..Self::get(claims, id)
        }
    }

    pub(crate) fn get(claims: &Value, id: &str) -> Self {
        Self {
            id: Some(id.to_owned()),
            claims: Some(claims.clone()),
            ..Self::new("list", "GET", format!("/v1/users/{id}"))
        }
    }

    pub(crate) fn list(claims: &Value, state: Option<&'static str>) -> Self {
        Self {
            claims: Some(claims.clone()),
            query: state.map(|state| ("state", state.to_owned())),
            ..Self::new("list", "GET", "/v1/users")
        }
    }

    /// What the holder of a link does: nothing more for `accept`, else `/lookup`, `/decline` or `/renew`.
    pub(crate) fn link(what: &str, token: &str) -> Self {
        let body = if what.is_empty() {
            json!({"token": token, "name": "Ann Lee"})
        } else {
            json!({"token": token})
        };
        Self {
            body,
            ..Self::new("accept", "POST", format!("/v1/accept{what}"))
        }
    }

    /// The event of API Gateway's.
    pub(crate) fn event(&self) -> Value {
        let pattern = match &self.id {
            Some(id) => self.path.replace(id, "{id}"),
            None => self.path.clone(),
        };
        let route = format!("{} {pattern}", self.method);
        let mut headers = json!({"content-type": "application/json"});
        if let Some(key) = &self.key {
            headers["idempotency-key"] = json!(key);
        }
        let mut event = json!({
            "version": "2.0", "routeKey": route, "rawPath": self.path, "rawQueryString": "", "headers": headers,
            "isBase64Encoded": false,
            "requestContext": {
                "http": {"method": self.method, "path": self.path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": ""},
                "routeKey": route, "stage": "$default", "requestId": "r", "timeEpoch": 0, "accountId": "0", "apiId": "a",
            },
        });
        if let Some(claims) = &self.claims {
            event["requestContext"]["authorizer"] =
                json!({"jwt": {"claims": claims, "scopes": null}});
        }
        if let Some(id) = &self.id {
            event["pathParameters"] = json!({"id": id});
        }
        if let Some((name, value)) = &self.query {
            event["rawQueryString"] = json!(format!("{name}={value}"));
        }
        if !self.body.is_null() {
            event["body"] = json!(self.body.to_string());
        }
        event
    }
}

/// What an HTTP function answered.
#[derive(Clone)]
pub(crate) struct Reply {
    pub(crate) status: u64,
    pub(crate) body: Value,
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.status, self.code())
    }
}

impl Reply {
    pub(crate) fn of(answer: &Value) -> Self {
        let body = answer["body"].as_str().unwrap_or_default();
        Self {
            status: answer["statusCode"].as_u64().unwrap_or_default(),
            body: serde_json::from_str(body).unwrap_or_default(),
        }
    }

    /// The problem's code; nothing for a success.
    pub(crate) fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }
}
