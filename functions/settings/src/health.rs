//! `GET /v1/mail-health`: what keeps mail from going out, and what to do about it.
//!
//! SES is asked, the mails that are on their way are counted, and what of that is a problem is decided in
//! [`usher::mail::health`]. Where SES can't be asked, the rest is answered all the same.

use lambda_http::Request;
use usher::{
    http::{Answer, Caller, check_parameters, json},
    mail::health::LastHour,
};

use crate::{Deciding, mail_health::MailHealth, on_their_way};

/// Answers how the mail is doing: SES's account as a whole, and of the mails on their way the caller's.
pub(crate) async fn show(state: &Deciding, request: &Request, caller: &Caller) -> Answer {
    check_parameters(request, &[])?;
    let now = state.clock.now();
    let (seen, counts, tally) = tokio::join!(
        state.doctor.ask(),
        on_their_way::count(&state.store, &caller.tenant, now),
        state.store.mail_tally(now)
    );
    let tally = tally?;
    let last_hour = LastHour {
        sent: tally.sent,
        bounced: tally.bounced,
        complained: tally.complained,
    };
    json(&MailHealth::of(&state.doctor, &seen, &counts?, last_hour))
}
