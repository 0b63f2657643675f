//! Who asks, and what they may do: what a page looks at before it offers anything.

use lambda_http::Request;
use serde::Serialize;
use usher::{
    domain::{PersonName, TenantId},
    function::introduce,
    http::{Answer, Caller, Scope, check_parameters, json},
};

use crate::List;

#[derive(Serialize)]
struct Me<'a> {
    id: &'a str,
    name: Option<&'a PersonName>,
    tenant: &'a TenantId,
    scopes: Vec<String>,
    administrator: bool,
    missing_scopes: Vec<String>,
    who_can_grant: String,
}

/// Answers whoever has a token, with whatever scopes.
pub(crate) async fn me(state: &List, request: &Request) -> Answer {
    let mut caller = state.sign_in.anybody(request)?;
    check_parameters(request, &[])?;
    introduce(&state.store, &mut caller).await?;
    let Caller {
        tenant,
        identity,
        scopes,
        appoints,
        ..
    } = &caller;
    let missing = Scope::ALL.iter().filter(|scope| !scopes.contains(scope));
    let missing: Vec<_> = missing.map(Scope::to_string).collect();
    let what = if missing.is_empty() {
        "more scopes".to_owned()
    } else {
        missing.join(", ")
    };
    json(&Me {
        id: &identity.id,
        name: identity.name.as_ref(),
        tenant,
        scopes: scopes.iter().map(Scope::to_string).collect(),
        administrator: *appoints,
        missing_scopes: missing,
        who_can_grant: state.sign_in.who_can_grant(&what),
    })
}
