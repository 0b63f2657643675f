//! Which route leads to which function. The template declares the same for API Gateway, and the workspace's
//! metadata for `cargo lambda watch`.

/// A route of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// The HTTP method.
    pub method: &'static str,
    /// The path, with `{id}` for a parameter.
    pub path: &'static str,
    /// The function that answers.
    pub function: &'static str,
    /// Whether it needs no sign-in.
    pub public: bool,
}

const fn signed_in(method: &'static str, path: &'static str, function: &'static str) -> Route {
    Route {
        method,
        path,
        function,
        public: false,
    }
}

const fn public(method: &'static str, path: &'static str, function: &'static str) -> Route {
    Route {
        method,
        path,
        function,
        public: true,
    }
}

/// All routes of the API.
pub const ROUTES: [Route; 32] = [
    signed_in("POST", "/v1/invitations", "invite"),
    signed_in("POST", "/v1/invitations/resend", "resend"),
    signed_in("POST", "/v1/users/{id}/resend", "resend"),
    signed_in("GET", "/v1/users/{id}/link", "resend"),
    signed_in("POST", "/v1/users/{id}/revoke", "revoke"),
    signed_in("POST", "/v1/users/{id}/restore", "revoke"),
    signed_in("GET", "/v1/me", "list"),
    signed_in("GET", "/v1/users", "list"),
    signed_in("GET", "/v1/users/{id}", "list"),
    signed_in("PATCH", "/v1/users/{id}", "update"),
    signed_in("DELETE", "/v1/users/{id}", "erase"),
    signed_in("GET", "/v1/users/{id}/history", "list"),
    signed_in("DELETE", "/v1/users/{id}/suppression", "suppression"),
    signed_in("POST", "/v1/suppressions/lift", "suppression"),
    signed_in("GET", "/v1/mail-health", "settings"),
    signed_in("GET", "/v1/settings", "settings"),
    signed_in("PUT", "/v1/settings", "settings"),
    signed_in("GET", "/v1/templates", "settings"),
    signed_in("GET", "/v1/templates/{locale}", "settings"),
    signed_in("PUT", "/v1/templates/{locale}", "settings"),
    signed_in("DELETE", "/v1/templates/{locale}", "settings"),
    signed_in("POST", "/v1/templates/{locale}/preview", "settings"),
    signed_in("POST", "/v1/templates/{locale}/test", "settings"),
    public("POST", "/v1/accept", "accept"),
    public("POST", "/v1/accept/lookup", "accept"),
    public("POST", "/v1/accept/decline", "accept"),
    public("POST", "/v1/accept/decline/{token}", "accept"),
    public("GET", "/v1/accept/decline/{token}", "pages"),
    public("POST", "/v1/accept/renew", "accept"),
    public("GET", "/", "pages"),
    public("GET", "/accept", "pages"),
    public("GET", "/assets/{version}/{file}", "pages"),
];
