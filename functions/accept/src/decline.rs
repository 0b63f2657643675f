//! `POST /v1/accept/decline`: the person turns the invitation down, on the page or in their mail program.

use lambda_http::{Body, Request};
use usher::{
    domain::{self, LinkRefusal},
    http::{Answer, Problem, corrected, json, json_body},
    pool::withdraw,
    store::Attempt,
};

use crate::{Accept, LinkBody, Outcome, account::take_back, decliner};

pub(crate) async fn decline(state: &Accept, request: &Request) -> Answer {
    let body: LinkBody = json_body(request)?;
    match decline_by(state, &body.token).await? {
        None => json(&DECLINED),
        Some(refusal) => Err(state.link_problem(refusal)),
    }
}

const DECLINED: Outcome = Outcome {
    outcome: "declined",
};

/// What a mail program posts when its user wants no more of this (RFC 8058). It may come twice. A scanner that posts whatever
/// it finds does not say these words.
pub(crate) async fn decline_with_one_click(
    state: &Accept,
    request: &Request,
    token: &str,
) -> Answer {
    let body = match request.body() {
        Body::Text(text) => text.as_bytes(),
        Body::Binary(bytes) => bytes,
        _ => &[],
    };
    let body = String::from_utf8_lossy(body);
    if !(body.contains("List-Unsubscribe") && body.contains("One-Click")) {
        return Err(Problem::bad_request(
            "invalid_body",
            "The body is not what mail programs post to unsubscribe: List-Unsubscribe=One-Click.",
            "Open the link in the mail to decline.",
        ));
    }
    match decline_by(state, token).await? {
        None | Some(LinkRefusal::Declined) => json(&DECLINED),
        Some(refusal) => Err(state.link_problem(refusal)),
    }
}

/// Declines with either token; says why not, if it can't be.
async fn decline_by(state: &Accept, token: &str) -> Result<Option<LinkRefusal>, Problem> {
    let (user, token) = decliner(state, token).await?;
    let decline = domain::Decline {
        token,
        now: state.clock.now(),
    };
    match state.store.decline(&user, &decline).await? {
        Attempt::Done(user) => {
            take_back(state, user.id, Some(&user)).await?;
            Ok(None)
        }
        Attempt::Refused(found) => {
            let refusal = decline.refusal(found.as_deref());
            // An earlier try may have got no further than the table.
            if refusal == Some(LinkRefusal::Declined) {
                withdraw(state.pool.as_ref(), &state.store, user.id).await?;
            }
            refusal.map(Some).ok_or_else(corrected)
        }
    }
}
