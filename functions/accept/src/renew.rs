//! `POST /v1/accept/renew`: the person asks for a fresh link in place of an expired one.

use lambda_http::Request;
use usher::{
    domain::{self, Nonce},
    http::{Answer, corrected, json, json_body},
    store::Attempt,
};

use crate::{Accept, LinkBody, Outcome, holder, problem::renew_problem};

pub(crate) async fn renew(state: &Accept, request: &Request) -> Answer {
    let body: LinkBody = json_body(request)?;
    let (user, token) = holder(state, &body.token).await?;
    let settings = state.settings.of(&user.tenant).await?;
    let renew = domain::Renew {
        token,
        lifetime: settings.lifetime(),
        now: state.clock.now(),
        nonce: Nonce::new(state.entropy.bytes()),
    };
    match state.store.renew(&user, &renew).await? {
        Attempt::Done(_) => json(&Outcome { outcome: "renewed" }),
        Attempt::Refused(found) => Err(renew
            .refusal(found.as_deref())
            .map_or_else(corrected, |refusal| {
                renew_problem(state, refusal, renew.now)
            })),
    }
}
