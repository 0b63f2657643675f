//! The answer: how many, and of every row what became of it and what to do.

use jiff::Timestamp;
use serde::Serialize;
use usher::{
    domain::{DeliveryStatus, State, StateName, SuppressionReason, User, UserId},
    http::{Answer, Problem, json},
    mail::{accept_url, health::MailProblem},
    store::StoreError,
};

use crate::{
    Invite, Terms,
    rows::{Fate, Row},
};

/// How large the rows may be in all, as they stand in Lambda's answer: as JSON within JSON. That answer ends at 6 MB,
/// and no row may be lost to it. What was sent is sent back as far as there is room.
const ROWS_BYTES: usize = 6_000_000;
/// And of one row no more than an address and a name need.
const ECHO_BYTES_A_ROW: usize = 400;

#[derive(Serialize)]
struct Counts {
    total: usize,
    invited: usize,
    not_invited: usize,
}

#[derive(Serialize)]
struct Invited<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    dry_run: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    warnings: Option<Vec<MailProblem>>,
    counts: Counts,
    results: Vec<RowView<'a>>,
}

#[derive(Serialize)]
struct RowView<'a> {
    index: usize,
    input: String,
    email: Option<&'a str>,
    outcome: &'static str,
    user_id: Option<UserId>,
    detail: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    accept_url: Option<String>,
}

/// 200, or the trouble's status with the same counts and rows in it. A dry run says that it is one, and its `warnings`.
pub(crate) fn answer(
    state: &Invite,
    terms: &Terms,
    rows: &[Row],
    trouble: Option<StoreError>,
    warnings: Option<Vec<MailProblem>>,
) -> Answer {
    let mut results: Vec<_> = rows
        .iter()
        .enumerate()
        .map(|(index, row)| view(state, terms, index, row))
        .collect();
    let bare = serde_json::to_string(&results).map_err(Problem::internal)?;
    let quotes = bare
        .bytes()
        .filter(|byte| matches!(byte, b'"' | b'\\'))
        .count();
    let bare = bare.len() + quotes;
    let room = ROWS_BYTES.saturating_sub(bare) / rows.len().max(1);
    for (result, row) in results.iter_mut().zip(rows) {
        result.input = cut(&row.input, room.min(ECHO_BYTES_A_ROW));
    }
    let invited = results
        .iter()
        .filter(|row| row.outcome == "invited")
        .count();
    let counts = Counts {
        total: rows.len(),
        invited,
        not_invited: rows.len() - invited,
    };
    let dry_run = terms.dry_run.then_some(true);
    let Some(error) = trouble else {
        return json(&Invited {
            dry_run,
            warnings,
            counts,
            results,
        });
    };
    let problem = Problem::from(error)
        .with("counts", counts)
        .with("results", results);
    Err(match dry_run {
        Some(dry_run) => problem.with("dry_run", dry_run),
        None => problem,
    })
}

fn view<'a>(state: &Invite, terms: &Terms, index: usize, row: &'a Row) -> RowView<'a> {
    let (outcome, user_id, detail) = describe(state, &row.fate);
    RowView {
        index,
        input: String::new(),
        email: row.email.as_ref().map(usher::domain::EmailAddress::as_str),
        outcome,
        user_id,
        detail,
        accept_url: match &row.fate {
            // Only while the link works, and only to whoever was to hand it over: a repeated request may come after the
            // person has registered, or was sent a mail.
            Fate::Invited(user) if !terms.notify && handed_over(user, state.clock.now()) => {
                let token = state.key.issue(&user.tenant, user.id, user.nonce);
                Some(accept_url(&state.public_url, &token))
            }
            _ => None,
        },
    }
}

fn handed_over(user: &User, now: Timestamp) -> bool {
    user.delivery.status == DeliveryStatus::NotRequested && user.state_at(now) == StateName::Pending
}

fn describe(state: &Invite, fate: &Fate) -> (&'static str, Option<UserId>, Option<String>) {
    let no_user = |outcome, detail: String| (outcome, None, Some(detail));
    match fate {
        Fate::Invited(user) => ("invited", Some(user.id), None),
        // Nobody has an id before they are written.
        Fate::WouldBeInvited => ("invited", None, None),
        Fate::Exists(user) => {
            let (outcome, detail) = describe_existing(state, user);
            (outcome, Some(user.id), Some(detail))
        }
        Fate::Duplicate(earlier) => no_user(
            "duplicate_in_request",
            format!("The same address is in row {earlier}. Nothing is left to do."),
        ),
        Fate::InvalidEmail(error) => no_user("invalid_email", error.to_string()),
        Fate::InvalidInvitee(field, error) => no_user(
            "invalid_invitee",
            format!("The field {field} {error}. Correct it and invite this person again."),
        ),
        Fate::DomainNotAllowed(why) => no_user("domain_not_allowed", why.clone()),
        Fate::OverCap { cap, until } => no_user(
            "daily_cap",
            format!(
                "The daily limit of new invitations in the settings, {}, is used up. Send this row again from {until:.0} on, or ask an administrator to raise the limit.",
                cap.count()
            ),
        ),
        Fate::Suppressed(why) => no_user("suppressed", suppressed(*why).to_owned()),
        Fate::New(_) | Fate::NotWritten => no_user(
            "unavailable",
            "The database did not confirm this row. Send it again; with the same Idempotency-Key nobody is invited twice."
                .to_owned(),
        ),
    }
}

/// Of an address that no user has, so that there is no user to lift it of.
fn suppressed(why: SuppressionReason) -> &'static str {
    match why {
        SuppressionReason::Bounced => {
            "An earlier mail to this address bounced, since there is no such mailbox. Check the address; if it is right after all, use POST /v1/suppressions/lift and invite the person again."
        }
        SuppressionReason::Complained => {
            "The person called an earlier mail spam. Reach them another way; if mail is right after all, use POST /v1/suppressions/lift and invite them again."
        }
        SuppressionReason::Declined => {
            "The person asked not to be invited again. Reach them another way."
        }
    }
}

fn describe_existing(state: &Invite, user: &User) -> (&'static str, String) {
    let id = user.id;
    match user.state {
        State::Pending if user.suppressed.is_some() => (
            "suppressed",
            format!(
                "Invited before, and a mail to this address bounced or was called spam. Check the address, or reach the person another way; if mail is right after all, use DELETE /v1/users/{id}/suppression and then POST /v1/users/{id}/resend."
            ),
        ),
        State::Pending if user.has_expired(state.clock.now()) => (
            "already_invited",
            format!(
                "Invited before, but the link has expired. Send it again with POST /v1/users/{id}/resend."
            ),
        ),
        State::Pending => (
            "already_invited",
            format!("Invited before. To send the mail again, use POST /v1/users/{id}/resend."),
        ),
        State::Accepted { .. } => (
            "already_registered",
            "This person has an account already. Nothing is left to do.".to_owned(),
        ),
        State::Revoked { .. } => (
            "revoked",
            format!(
                "This invitation was revoked. To invite the person after all, use POST /v1/users/{id}/resend with reactivate: true."
            ),
        ),
        State::Declined { .. } => (
            "declined",
            format!(
                "This person declined. If they changed their mind, use POST /v1/users/{id}/resend with reactivate: true."
            ),
        ),
    }
}

/// The beginning of the text that takes at most `most` bytes in JSON within JSON, without control characters, of which
/// JSON would make six bytes each.
fn cut(text: &str, most: usize) -> String {
    let mut left = most;
    let mut cut = String::new();
    for c in text
        .chars()
        .map(|c| if c.is_control() { '\u{FFFD}' } else { c })
    {
        let bytes = if matches!(c, '"' | '\\') {
            4
        } else {
            c.len_utf8()
        };
        if bytes > left {
            cut.push('…');
            break;
        }
        left -= bytes;
        cut.push(c);
    }
    cut
}
