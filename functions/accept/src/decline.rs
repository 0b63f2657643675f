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
    if !says_one_click(&String::from_utf8_lossy(body)) {
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

/// Whether this is the one field of RFC 8058, as a form or in the parts of one.
fn says_one_click(body: &str) -> bool {
    let mut lines = body.lines().map(str::trim);
    let field = |line: &str| {
        line.split(';')
            .map(str::trim)
            .any(|part| part == "name=\"List-Unsubscribe\"")
    };
    let in_parts = lines.any(field) && lines.any(|line| line == "One-Click");
    in_parts || body.trim() == "List-Unsubscribe=One-Click"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_click_is_what_mail_programs_post_and_nothing_that_only_looks_like_it() {
        let parts = "--x\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--x--\r\n";
        for good in [
            "List-Unsubscribe=One-Click",
            "List-Unsubscribe=One-Click\r\n",
            parts,
        ] {
            assert!(says_one_click(good), "{good}");
        }
        for bad in [
            "",
            r#"{"List-Unsubscribe":"One-Click"}"#,
            "List-Unsubscribe=Two-Clicks",
            "a List-Unsubscribe=One-Click b",
            "One-Click",
        ] {
            assert!(!says_one_click(bad), "{bad}");
        }
    }
}
