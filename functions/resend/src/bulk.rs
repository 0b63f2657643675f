//! `POST /v1/invitations/resend`: many users, by their ids or by their state, and a row for each.

use lambda_http::{Request, http::StatusCode};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use usher::{
    domain::{ResendRefusal, StateName, SuppressionReason, UserId},
    http::{
        Answer, CursorKind, Problem, Scope, check_parameters, decode_cursor, encode_cursor, json,
        json_body, required_field, unavailable,
    },
    store::{Position, Selection},
};

use crate::{
    Resend,
    batch::{Fate, Row, rows_of_ids, rows_of_users, write},
    terms::{Asked, Terms},
};

const MOST_IDS: usize = 10_000;
/// How many users of a state are taken a call. Together they are read in some queries, and written in some seconds.
const USERS_OF_A_STATE: usize = 1_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
struct Body {
    ids: Option<Vec<String>>,
    state: Option<String>,
    after: Option<String>,
    locale: Option<String>,
    message: Option<String>,
    expires_in_days: Option<i64>,
    reactivate: Option<bool>,
}

/// Whose invitations are sent again.
enum Whose {
    Ids(Vec<String>),
    /// All in this state, from a place of the list on.
    State(StateName, Option<Position>),
}

#[derive(Serialize)]
struct Resent<'a> {
    counts: Counts,
    results: Vec<RowView<'a>>,
    list_metadata: ListMetadata,
}

#[derive(Serialize)]
struct Counts {
    total: usize,
    resent: usize,
    not_resent: usize,
}

#[derive(Serialize)]
struct RowView<'a> {
    index: usize,
    user_id: Option<UserId>,
    email: Option<&'a str>,
    outcome: &'static str,
    detail: Option<String>,
}

#[derive(Serialize)]
struct ListMetadata {
    after: Option<String>,
}

/// Answers for every row, in order.
pub(crate) async fn bulk(state: &Resend, request: &Request) -> Answer {
    let began = Instant::now();
    let caller = state.sign_in.caller(request, Scope::UsersInvite)?;
    check_parameters(request, &[])?;
    let mut body: Body = json_body(request)?;
    let whose = whose(&mut body)?;
    let asked = Asked {
        locale: body.locale,
        message: body.message,
        expires_in_days: body.expires_in_days,
        reactivate: body.reactivate,
    };
    let terms = Terms::of(state, request, caller, asked).await?;
    let (mut rows, mut after) = match whose {
        Whose::Ids(ids) => (rows_of_ids(&ids), None),
        Whose::State(name, after) => {
            let selection = Selection {
                tenant: terms.tenant.clone(),
                state: Some(name),
                after,
                limit: USERS_OF_A_STATE,
                now: state.clock.now(),
            };
            let page = state.store.list(&selection).await?;
            (rows_of_users(page.users), page.after)
        }
    };
    let trouble = write(state, &terms, &mut rows, began).await;
    if rows.iter().any(|row| row.place.is_some()) {
        after = go_on(&mut rows, after)?;
    }
    let answer = answer(&rows, after);
    match trouble {
        None => json(&answer),
        Some(error) => Err(Problem::from(error)
            .with("counts", answer.counts)
            .with("results", answer.results)),
    }
}

/// Leaves out the users of a state that there was no time for, so that the walk goes on with them.
fn go_on(rows: &mut Vec<Row>, after: Option<Position>) -> Result<Option<Position>, Problem> {
    let open = |row: &Row| matches!(row.fate, Fate::Open);
    match rows.iter().position(open) {
        None => Ok(after),
        Some(first) => {
            rows.truncate(first);
            let last = rows.last().and_then(|row| row.place.clone());
            last.map(Some).ok_or_else(unavailable)
        }
    }
}

fn whose(body: &mut Body) -> Result<Whose, Problem> {
    let not_with = |name: &str, what: &str| {
        required_field(name, (), |()| {
            Err::<Whose, _>(format!("can't be sent with {what}"))
        })
    };
    match (body.ids.take(), body.state.take()) {
        (Some(_), None) if body.after.is_some() => not_with("after", "ids, only with state"),
        (None, Some(_)) if body.reactivate.is_some() => {
            not_with("reactivate", "state, only with ids")
        }
        (Some(ids), None) => count(ids).map(Whose::Ids),
        (None, Some(name)) => {
            let after = body.after.take();
            let after = after.map(|cursor| decode_cursor(&cursor, CursorKind::Newest));
            Ok(Whose::State(
                resendable(&name)?,
                after.transpose()?.map(Position),
            ))
        }
        _ => Err(Problem::bad_request(
            "ids_or_state",
            "The body must have either ids or state.",
            "Send ids, a list of user ids, or state, which is pending or expired; not both.",
        )),
    }
}

fn count(ids: Vec<String>) -> Result<Vec<String>, Problem> {
    match ids.len() {
        0 => Err(Problem::bad_request(
            "no_ids",
            "There is no id in the request.",
            "Send at least one user id.",
        )),
        1..=MOST_IDS => Ok(ids),
        _ => Err(Problem::bad_request(
            "too_many_ids",
            "There are more than 10000 ids in the request, which is the most that can be sent again at once.",
            "Split them into several requests.",
        )),
    }
}

/// Those who are invited, and to whom nothing has happened that an administrator would have to think about first.
fn resendable(name: &str) -> Result<StateName, Problem> {
    name.parse()
        .ok()
        .filter(|name| matches!(name, StateName::Pending | StateName::Expired))
        .ok_or_else(|| {
            Problem::new(
                StatusCode::BAD_REQUEST,
                "invalid_state",
                "state must be pending or expired.",
                "To bring back people who declined, or were revoked, send their ids with reactivate: true.",
            )
        })
}

fn answer(rows: &[Row], after: Option<Position>) -> Resent<'_> {
    let resent = rows.iter().filter(|row| matches!(row.fate, Fate::Resent));
    let resent = resent.count();
    Resent {
        counts: Counts {
            total: rows.len(),
            resent,
            not_resent: rows.len() - resent,
        },
        results: rows.iter().enumerate().map(view).collect(),
        list_metadata: ListMetadata {
            after: after.map(|after| encode_cursor(&after.0, CursorKind::Newest)),
        },
    }
}

fn view((index, row): (usize, &Row)) -> RowView<'_> {
    let (outcome, detail) = describe(row.fate);
    RowView {
        index,
        user_id: row.id,
        email: row.email.as_ref().map(usher::domain::EmailAddress::as_str),
        outcome,
        detail,
    }
}

/// The outcome, and what can be done. Short, since 10,000 of them have to fit into Lambda's 6 MB.
fn describe(fate: Fate) -> (&'static str, Option<String>) {
    let (outcome, detail) = match fate {
        Fate::Resent => return ("resent", None),
        Fate::Refused(refusal) => return refused(refusal),
        Fate::Duplicate(earlier) => {
            let detail = format!("The same id is in row {earlier}. Nothing is left to do.");
            return ("duplicate_in_request", Some(detail));
        }
        Fate::NotRequested => (
            "not_requested",
            "This person was invited without a mail. To mail them after all, send the id.",
        ),
        Fate::InvalidId => (
            "invalid_id",
            "This is no user id. Take the id from GET /v1/users.",
        ),
        Fate::Open => (
            "unavailable",
            "There was no time left for this row. Send it again.",
        ),
        Fate::Unavailable => (
            "unavailable",
            "The database did not confirm this row: its mail may be queued or not. Send the row again; too_soon says that it was.",
        ),
    };
    (outcome, Some(detail.to_owned()))
}

fn refused(refusal: ResendRefusal) -> (&'static str, Option<String>) {
    let (outcome, detail) = match refusal {
        ResendRefusal::NotFound => (
            "not_found",
            "There is no user with this id. Take the id from GET /v1/users.",
        ),
        ResendRefusal::Accepted => (
            "already_registered",
            "This person has registered. Nothing is left to do.",
        ),
        ResendRefusal::Revoked => (
            "revoked",
            "This invitation is revoked. To invite the person after all, send the id with reactivate: true.",
        ),
        ResendRefusal::Declined => (
            "declined",
            "This person declined. If they changed their mind, send the id with reactivate: true.",
        ),
        ResendRefusal::Administrator => (
            "administrators_only",
            "This is an invitation to be an administrator. Ask one to send it again.",
        ),
        ResendRefusal::Suppressed(SuppressionReason::Bounced) => (
            "suppressed",
            "An earlier mail bounced. Check the address; if it is right after all, use DELETE /v1/users/{id}/suppression first.",
        ),
        ResendRefusal::Suppressed(_) => (
            "suppressed",
            "The person called an earlier mail spam. If mail is right after all, use DELETE /v1/users/{id}/suppression first.",
        ),
        ResendRefusal::TooSoon { .. } => (
            "too_soon",
            "A mail to this address was asked for less than a minute ago. Look into the mailbox first.",
        ),
        ResendRefusal::DailyLimit { retry_at } => {
            let detail = format!(
                "This address was sent 10 mails within a day. The next can be asked for from {retry_at:.0} on."
            );
            return ("daily_limit", Some(detail));
        }
    };
    (outcome, Some(detail.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_rows_there_can_be_fit_into_one_answer() {
        let domain = format!("{0}.{0}.{0}.org", "d".repeat(61));
        let email = format!("{}@{domain}", "a".repeat(64)).parse().ok();
        let retry_at = jiff::Timestamp::MAX;
        let fates = [
            Fate::Resent,
            Fate::Duplicate(MOST_IDS),
            Fate::InvalidId,
            Fate::Unavailable,
            Fate::Refused(ResendRefusal::Suppressed(SuppressionReason::Complained)),
            Fate::Refused(ResendRefusal::Suppressed(SuppressionReason::Bounced)),
            Fate::Refused(ResendRefusal::DailyLimit { retry_at }),
            Fate::Refused(ResendRefusal::Revoked),
        ];
        for fate in fates {
            let row = || Row {
                id: Some(UserId::from_bytes([255; 16])),
                email: email.clone(),
                place: None,
                fate,
            };
            let rows: Vec<_> = (0..MOST_IDS).map(|_| row()).collect();
            let text = serde_json::to_string(&answer(&rows, None)).unwrap_or_default();
            // As it stands in Lambda's answer: as JSON within JSON.
            let bytes = serde_json::to_string(&text).unwrap_or_default().len();
            assert!((1_000_000..6_000_000).contains(&bytes), "{bytes} bytes");
        }
    }
}
