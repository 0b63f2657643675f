use super::*;
use crate::domain::EmailAddress;

/// The codes; on the way, that each text is a whole sentence, short enough to read.
pub(super) fn codes(problems: &[MailProblem]) -> Vec<&'static str> {
    for text in problems.iter().flat_map(|one| [&one.detail, &one.hint]) {
        assert!(text.ends_with('.') && !text.ends_with(".."), "{text}");
        assert!(text.len() <= 400, "{text}");
    }
    problems.iter().map(|problem| problem.code).collect()
}

const EVENTS: [&str; 7] = [
    "SEND",
    "DELIVERY",
    "DELIVERY_DELAY",
    "BOUNCE",
    "COMPLAINT",
    "REJECT",
    "RENDERING_FAILURE",
];

fn healthy() -> SesFacts {
    SesFacts {
        account: Ok(Account {
            sandbox: false,
            sending_enabled: true,
            enforcement_status: "healthy".into(),
            max_send_rate: 14.0,
            quota: Some(50_000),
            used: 100,
        }),
        sender: Ok(SenderFacts::Known {
            verified: true,
            dkim: "success".into(),
        }),
        configuration_set: Some(Ok(reporting(EventDestination::Present {
            events: EVENTS.map(str::to_owned).into(),
        }))),
    }
}

fn reporting(event_destination: EventDestination) -> ConfigurationSetFacts {
    ConfigurationSetFacts::Known {
        sending_enabled: true,
        event_destination,
    }
}

fn account(change: impl FnOnce(&mut Account)) -> SesFacts {
    let mut facts = healthy();
    facts.account.as_mut().map(change).unwrap();
    facts
}

fn sender(sender: SenderFacts) -> SesFacts {
    SesFacts {
        sender: Ok(sender),
        ..healthy()
    }
}

fn set(set: ConfigurationSetFacts) -> SesFacts {
    SesFacts {
        configuration_set: Some(Ok(set)),
        ..healthy()
    }
}

fn unanswered(operation: &'static str, cause: &str) -> Unanswered {
    Unanswered {
        operation,
        cause: cause.into(),
        not_allowed: cause == "AccessDeniedException",
    }
}

/// Each of these is this problem alone, or none.
fn check<const N: usize>(cases: [(SesFacts, MailStatus, &str); N]) {
    for (facts, status, code) in cases {
        let problems = facts.problems();
        let expected: Vec<_> = (!code.is_empty()).then_some(code).into_iter().collect();
        assert_eq!(codes(&problems), expected, "{facts:?}");
        assert_eq!(MailStatus::of(&problems), status, "{facts:?}");
        assert!(facts.complete());
    }
}

#[test]
fn an_account_that_may_not_send_or_not_for_long_is_a_problem() {
    use MailStatus::{Degraded, Failing, Healthy};
    let enforced = |status: &str| account(|it| it.enforcement_status = status.into());
    let used = |used| account(|it| it.used = used);
    check([
        (healthy(), Healthy, ""),
        (account(|it| it.quota = None), Healthy, ""),
        (used(39_999), Healthy, ""),
        (used(40_000), Degraded, "quota_nearly_used_up"),
        (used(49_999), Degraded, "quota_nearly_used_up"),
        (used(50_000), Failing, "quota_used_up"),
        (used(50_001), Failing, "quota_used_up"),
        (account(|it| it.quota = Some(0)), Failing, "quota_used_up"),
        (account(|it| it.sandbox = true), Degraded, "sandbox"),
        (
            account(|it| it.sending_enabled = false),
            Failing,
            "sending_paused",
        ),
        (enforced("probation"), Degraded, "account_under_review"),
        (enforced("shutdown"), Failing, "account_shut_down"),
        (enforced("odd"), Degraded, "account_not_healthy"),
    ]);
}

#[test]
fn a_sender_that_can_not_send_or_a_configuration_set_that_does_not_tell_is_a_problem() {
    use MailStatus::{Degraded, Failing};
    let known = |verified, dkim: &str| SenderFacts::Known {
        verified,
        dkim: dkim.into(),
    };
    let paused = ConfigurationSetFacts::Known {
        sending_enabled: false,
        event_destination: EventDestination::Missing,
    };
    let nameless = SesFacts {
        configuration_set: None,
        ..healthy()
    };
    let told = |to| set(reporting(to));
    let some = EventDestination::Present {
        events: EVENTS[1..].iter().map(|&event| event.into()).collect(),
    };
    check([
        (sender(SenderFacts::Missing), Failing, "identity_missing"),
        (
            sender(known(false, "success")),
            Failing,
            "identity_unverified",
        ),
        (
            sender(known(true, "pending")),
            Degraded,
            "dkim_not_verified",
        ),
        (
            sender(known(true, "disabled")),
            Degraded,
            "dkim_not_verified",
        ),
        (nameless, Degraded, "no_configuration_set"),
        (
            set(ConfigurationSetFacts::Missing),
            Failing,
            "configuration_set_missing",
        ),
        (set(paused), Failing, "configuration_set_paused"),
        (
            told(EventDestination::Missing),
            Degraded,
            "event_destination_missing",
        ),
        (
            told(EventDestination::Disabled),
            Degraded,
            "event_destination_disabled",
        ),
        (told(some), Degraded, "event_types_missing"),
    ]);
}

#[test]
fn an_account_that_is_shut_down_is_not_called_paused_as_well() {
    let facts = account(|it| {
        it.enforcement_status = "shutdown".into();
        it.sending_enabled = false;
    });
    assert_eq!(codes(&facts.problems()), ["account_shut_down"]);
}

#[test]
fn what_is_not_answered_is_said_once_however_many_questions_it_were() {
    let refused = |operation| unanswered(operation, "AccessDeniedException");
    let mut facts = SesFacts {
        account: Err(refused("GetAccount")),
        sender: Err(refused("GetEmailIdentity")),
        configuration_set: Some(Err(unanswered("GetConfigurationSet", "no connection"))),
    };
    assert!(!facts.complete());
    let problems = facts.problems();
    assert_eq!(codes(&problems), ["ses_not_allowed", "ses_unanswered"]);
    for permission in ["ses:GetAccount", "ses:GetEmailIdentity"] {
        assert!(problems[0].detail.contains(permission), "{problems:?}");
    }
    assert!(problems[1].detail.contains("no connection"), "{problems:?}");
    // What is answered is said beside it.
    facts.sender = Ok(SenderFacts::Missing);
    assert_eq!(
        codes(&facts.problems()),
        ["identity_missing", "ses_not_allowed", "ses_unanswered"]
    );
}

fn addresses(texts: &[&str]) -> Vec<EmailAddress> {
    let parse = |text: &&str| EmailAddress::parse(text).unwrap();
    texts.iter().map(parse).collect()
}

#[test]
fn in_the_sandbox_an_address_counts_if_it_or_its_domain_is_verified() {
    let to = addresses(&[
        "ann@acme.example",
        "Bo@mail.ACME.example",
        "Cy@other.example",
        "di@other.example",
        "ed@notacme.example",
        "bounce+x@simulator.amazonses.com",
    ]);
    let to: Vec<_> = to.iter().collect();
    let identities = ["ACME.example", "cy@Other.example"].map(str::to_owned);
    let listed: Asked<Identities> = Ok(identities.into_iter().collect());
    let facts = account(|it| it.sandbox = true);
    let [problem] = &facts.problems_for(&to, Some(&listed))[..] else {
        panic!("one problem");
    };
    assert_eq!(codes(std::slice::from_ref(problem)), ["sandbox"]);
    assert!(
        problem.detail.contains("2 of 6 addresses are not verified"),
        "{problem:?}"
    );
    assert_eq!(facts.problems_for(&to[..3], Some(&listed)), []);
    // Whoever can't be told apart may be concerned.
    let unlisted = Err(unanswered("ListEmailIdentities", "AccessDeniedException"));
    let problems = facts.problems_for(&to[..3], Some(&unlisted));
    assert_eq!(codes(&problems), ["sandbox", "ses_not_allowed"]);
    assert_eq!(healthy().problems_for(&to, None), []);
}

#[test]
fn more_people_than_the_quota_has_room_for_are_a_problem() {
    let to = addresses(&["a@x.example", "b@x.example", "c@x.example"]);
    let to: Vec<_> = to.iter().collect();
    for (used, expected) in [
        (7, vec![]),
        (8, vec!["quota_nearly_used_up", "quota_too_small"]),
        (9, vec!["quota_nearly_used_up", "quota_too_small"]),
        (10, vec!["quota_used_up"]),
    ] {
        let facts = account(|it| (it.quota, it.used) = (Some(10), used));
        assert_eq!(codes(&facts.problems_for(&to, None)), expected, "{used}");
    }
}

#[test]
fn mail_is_as_ill_as_its_worst_problem() {
    let warning = MailProblem::warning("a", "A.", "B.");
    let error = MailProblem::error("a", "A.", "B.");
    for (problems, status) in [
        (vec![], MailStatus::Healthy),
        (vec![warning.clone()], MailStatus::Degraded),
        (vec![warning.clone(), error, warning], MailStatus::Failing),
    ] {
        assert_eq!(MailStatus::of(&problems), status);
    }
}
