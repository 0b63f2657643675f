//! What of that which SES says is a problem.

use super::{
    Account, ConfigurationSetFacts, EventDestination, MailProblem, SenderFacts, SesFacts,
    Unanswered,
};

/// From which share of the daily quota on it is called nearly used up.
const NEARLY: f64 = 0.8;
/// What the delivery statuses are made of.
const NEEDED_EVENTS: [&str; 7] = [
    "SEND",
    "DELIVERY",
    "DELIVERY_DELAY",
    "BOUNCE",
    "COMPLAINT",
    "REJECT",
    "RENDERING_FAILURE",
];

impl SesFacts {
    /// What is wrong, for an operator.
    pub fn problems(&self) -> Vec<MailProblem> {
        let mut problems = self.known_problems();
        problems.extend(unanswered_problems(self.unanswered()));
        problems
    }

    /// What is wrong by what SES has answered.
    pub(super) fn known_problems(&self) -> Vec<MailProblem> {
        let mut problems = Vec::new();
        if let Ok(account) = &self.account {
            note_account(account, &mut problems);
        }
        if let Ok(sender) = &self.sender {
            problems.extend(sender_problem(sender));
        }
        match &self.configuration_set {
            None => problems.push(no_configuration_set()),
            Some(Ok(set)) => problems.extend(configuration_set_problem(set)),
            Some(Err(_)) => {}
        }
        problems
    }
}

fn note_account(account: &Account, problems: &mut Vec<MailProblem>) {
    match account.enforcement_status.as_str() {
        "healthy" => {}
        "shutdown" => problems.push(MailProblem::error(
            "account_shut_down",
            "SES has stopped this account's sending because of the mail that it sent.",
            "AWS has written to the account's address why. Correct that, and answer them in the case they opened.",
        )),
        "probation" => problems.push(MailProblem::warning(
            "account_under_review",
            "SES has this account under review, and may stop its sending.",
            "AWS has written to the account's address why. Correct that before the date they name.",
        )),
        other => problems.push(MailProblem::warning(
            "account_not_healthy",
            format!("SES says of this account that it is {other:?}, and not healthy."),
            "See the account dashboard of SES in the AWS console, in this region.",
        )),
    }
    if !account.sending_enabled && account.enforcement_status != "shutdown" {
        problems.push(MailProblem::error(
            "sending_paused",
            "Sending is paused for this SES account.",
            "Find out who paused it and why; then resume it in the SES console, or with aws sesv2 put-account-sending-attributes --sending-enabled.",
        ));
    }
    if account.sandbox {
        problems.push(MailProblem::warning(
            SANDBOX,
            "SES has this account in its sandbox, so only addresses that are verified with it get mail.",
            SANDBOX_HINT,
        ));
    }
    problems.extend(quota_problem(account));
}

/// The code of what the sandbox does, to anybody or to certain people.
pub(super) const SANDBOX: &str = "sandbox";
/// What gets somebody out of the sandbox, or along inside it.
pub(super) const SANDBOX_HINT: &str = "Request production access on the account dashboard of SES in the AWS console, in this region. Until then, invite addresses that you have verified there, or addresses at domains that you have.";
/// What a daily quota leaves to do.
pub(super) const QUOTA_HINT: &str = "Mail beyond it waits and is tried every hour, as the 24 hours move on. Ask AWS for a higher sending quota on the account dashboard of SES.";

fn quota_problem(account: &Account) -> Option<MailProblem> {
    let (quota, left, used) = (account.quota?, account.left()?, account.used);
    let detail =
        format!("SES takes {quota} mails of this account in 24 hours, and {used} have gone.");
    #[expect(
        clippy::cast_precision_loss,
        reason = "a share of the quota needs no more digits than a float has"
    )]
    let nearly = used as f64 >= quota as f64 * NEARLY;
    if left == 0 {
        Some(MailProblem::error("quota_used_up", detail, QUOTA_HINT))
    } else {
        nearly.then(|| MailProblem::warning("quota_nearly_used_up", detail, QUOTA_HINT))
    }
}

fn sender_problem(sender: &SenderFacts) -> Option<MailProblem> {
    match sender {
        SenderFacts::Missing => Some(MailProblem::error(
            "identity_missing",
            "SES does not know the identity that mail is sent through.",
            "Create and verify it in the SES console, in this region, or correct the stack's parameter MailIdentity.",
        )),
        SenderFacts::Known {
            verified: false, ..
        } => Some(MailProblem::error(
            "identity_unverified",
            "SES has not verified the identity that mail is sent through.",
            "Set the DNS records that the SES console shows for it in this region, or follow the link that SES has mailed to it.",
        )),
        SenderFacts::Known { dkim, .. } if dkim != "success" => Some(MailProblem::warning(
            "dkim_not_verified",
            format!("Mail is not signed with the sender's own DKIM key (SES says: {dkim})."),
            "Large mailbox providers refuse such mail or take it for spam. Set up DKIM for the identity in the SES console, with the DNS records it shows.",
        )),
        SenderFacts::Known { .. } => None,
    }
}

fn no_configuration_set() -> MailProblem {
    MailProblem::warning(
        "no_configuration_set",
        "Mail is sent without a configuration set, so nobody hears what becomes of it.",
        "Name one in MAIL_CONFIGURATION_SET that reports to EventBridge; the stack's template makes one.",
    )
}

fn configuration_set_problem(set: &ConfigurationSetFacts) -> Option<MailProblem> {
    let missing = |events: &[String]| -> Vec<&str> {
        let told = |needed: &&str| !events.iter().any(|event| event == needed);
        NEEDED_EVENTS.into_iter().filter(told).collect()
    };
    match set {
        ConfigurationSetFacts::Missing => Some(MailProblem::error(
            "configuration_set_missing",
            "SES does not know the configuration set that mail is sent with, and refuses the mail.",
            "Deploy the stack's template again: it makes the configuration set.",
        )),
        ConfigurationSetFacts::Known {
            sending_enabled: false,
            ..
        } => Some(MailProblem::error(
            "configuration_set_paused",
            "Sending is paused for the configuration set that mail is sent with.",
            "Find out who paused it and why; then resume it in the SES console, under Configuration sets.",
        )),
        ConfigurationSetFacts::Known {
            event_destination, ..
        } => match event_destination {
            EventDestination::Missing => Some(MailProblem::warning(
                "event_destination_missing",
                "The configuration set does not report to EventBridge, so nobody hears what becomes of a mail.",
                "Deploy the stack's template again: it has the event destination.",
            )),
            EventDestination::Disabled => Some(MailProblem::warning(
                "event_destination_disabled",
                "The configuration set's event destination is switched off, so nobody hears what becomes of a mail.",
                "Enable it in the SES console, under Configuration sets, Event destinations.",
            )),
            EventDestination::Present { events } => {
                let missing = missing(events).join(", ");
                (!missing.is_empty()).then(|| {
                    MailProblem::warning(
                        "event_types_missing",
                        format!("The configuration set does not report these events: {missing}."),
                        "Deploy the stack's template again, or tick them in the SES console, under Configuration sets, Event destinations.",
                    )
                })
            }
        },
    }
}

/// One for what the role may not ask, one for what was not answered, however many questions there were.
pub(super) fn unanswered_problems<'a>(
    questions: impl Iterator<Item = &'a Unanswered>,
) -> Vec<MailProblem> {
    let (refused, lost): (Vec<_>, Vec<_>) = questions.partition(|question| question.not_allowed);
    let mut problems = Vec::new();
    if !refused.is_empty() {
        let permissions: Vec<_> = refused
            .iter()
            .map(|question| format!("ses:{}", question.operation))
            .collect();
        problems.push(MailProblem::warning(
            "ses_not_allowed",
            format!("SES may not be asked: the function's role lacks {}.", permissions.join(", ")),
            "Deploy the stack's template again, which grants it. What SES would have said is missing here.",
        ));
    }
    if !lost.is_empty() {
        let causes: Vec<_> = lost
            .iter()
            .map(|question| format!("{}: {}", question.operation, question.cause))
            .collect();
        problems.push(MailProblem::warning(
            "ses_unanswered",
            format!("SES did not answer ({}).", causes.join(", ")),
            "Try again in a minute. If it stays so, see AWS's health dashboard, and whether the functions can reach SES in this region.",
        ));
    }
    problems
}
