//! Where the page for administrators signs them in: any OIDC issuer, by authorization code and PKCE.

use url::Url;
use usher::config::{Environment, text, web_address};

/// What the page has to know of the issuer.
#[derive(Debug)]
pub(crate) struct SignIn {
    /// Where the browser is sent.
    pub(crate) authorize_url: Url,
    /// Where the page turns a code into a token. The only other place that the page may talk to.
    pub(crate) token_url: Url,
    /// Who the page is to the issuer: a public client.
    pub(crate) client_id: String,
    /// What it asks for.
    pub(crate) scopes: String,
    /// Where signing out ends the issuer's own session, if it has such a place.
    pub(crate) logout_url: Option<Url>,
}

/// If not set: what the API knows, and who signed in.
const SCOPES: &str = "openid profile email users:read users:invite users:write settings:write";

impl SignIn {
    /// Reads `SIGN_IN_AUTHORIZE_URL`, `SIGN_IN_TOKEN_URL`, `SIGN_IN_CLIENT_ID`, `SIGN_IN_SCOPES` and `SIGN_IN_LOGOUT_URL`.
    /// None if none of the first three is set: then the page says so.
    pub(crate) fn from_env(env: &Environment) -> Option<Self> {
        let needed = [
            "SIGN_IN_AUTHORIZE_URL",
            "SIGN_IN_TOKEN_URL",
            "SIGN_IN_CLIENT_ID",
        ];
        if needed.iter().all(|name| env.text(name).is_none()) {
            return None;
        }
        let authorize_url = env.required(needed[0], web_address);
        let token_url = env.required(needed[1], web_address);
        let client_id = env.required(needed[2], text);
        Some(Self {
            authorize_url: authorize_url?,
            token_url: token_url?,
            client_id: client_id?,
            scopes: env
                .optional("SIGN_IN_SCOPES", text)
                .unwrap_or_else(|| SCOPES.to_owned()),
            logout_url: env.optional("SIGN_IN_LOGOUT_URL", web_address),
        })
    }

    /// The origin that the page talks to beside its own, as a Content-Security-Policy names it.
    pub(crate) fn origin(&self) -> String {
        self.token_url.origin().ascii_serialization()
    }
}
