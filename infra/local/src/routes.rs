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

const fn public(path: &'static str) -> Route {
    Route {
        method: "POST",
        path,
        function: "accept",
        public: true,
    }
}

/// All routes of the API.
pub const ROUTES: [Route; 9] = [
    signed_in("POST", "/v1/invitations", "invite"),
    signed_in("POST", "/v1/users/{id}/resend", "resend"),
    signed_in("POST", "/v1/users/{id}/revoke", "revoke"),
    signed_in("GET", "/v1/users", "list"),
    signed_in("GET", "/v1/users/{id}", "list"),
    public("/v1/accept"),
    public("/v1/accept/lookup"),
    public("/v1/accept/decline"),
    public("/v1/accept/renew"),
];
