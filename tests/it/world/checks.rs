//! What must hold of everything that was written and every mail that went, whatever went wrong meanwhile.

use std::collections::{BTreeMap, BTreeSet};

use usher::domain::{
    DeliveryStatus, Feedback, HistoryKind, InvitationToken, State, StateName, User, happened,
};
use usher_local::ses::EventKind;

use super::{
    SETTLE, World,
    book::Sent,
    changes::{Change, mail_is_open},
    remains,
};

/// Every write that must not have been.
pub(crate) fn of_changes(world: &World) -> Vec<String> {
    let all = world.changes.all.iter();
    all.filter_map(|change| {
        let (user, version) = (change.new.id, change.new.version);
        let why = allowed(change).err()?;
        Some(format!("{user} version {version}: {why}"))
    })
    .collect()
}

/// Everything that must not be and is. Counts mails and duplicates.
pub(crate) fn violations(world: &World) -> Vec<String> {
    let mut found = of_changes(world);
    found.extend(mails(world));
    found.extend(histories(world));
    found.extend(remains::wrong(world));
    found.extend(world.changes.now.values().filter_map(|user| {
        let why = settled(world, user).err()?;
        Some(format!("{} in the end: {why}", user.id))
    }));
    found
}

type Check = Result<(), String>;

fn must(holds: bool, why: &str) -> Check {
    if holds { Ok(()) } else { Err(why.to_owned()) }
}

/// Whether one write is a step that `design.md`'s tables have.
fn allowed(change: &Change) -> Check {
    let new = &change.new;
    must(
        new.due_at.is_some() == change.in_due_index,
        "what is due is not in its index",
    )?;
    must(
        !mail_is_open(new, new.updated_at) || new.due_at.is_some(),
        "its mail is under way and nobody will look after it",
    )?;
    must(
        new.outbox.is_none()
            || (new.state.name() == StateName::Pending
                && new.delivery.status == DeliveryStatus::Queued),
        "a mail is in the outbox that is not to be sent",
    )?;
    let Some(old) = &change.old else {
        return must(
            new.version == 1 && new.state.name() == StateName::Pending,
            "a user begins as something else than invited",
        );
    };
    if new.version == old.version {
        return allowed_report(old, new);
    }
    must(new.version == old.version + 1, "a version is left out")?;
    must(
        (new.id, &new.tenant, new.invited_at, new.created_at)
            == (old.id, &old.tenant, old.invited_at, old.created_at),
        "what never changes has changed",
    )?;
    allowed_address(old, new)?;
    allowed_state(old, new)?;
    allowed_requests(old, new)?;
    if old.nonce == new.nonce {
        allowed_delivery(old, new)
    } else {
        let waits = new.state.name() == StateName::Pending;
        must(
            new.outbox.is_some() == waits && new.claim.is_none(),
            "a new link is not mailed, or to somebody who does not wait for it",
        )
    }
}

/// Another address has another link, and nothing that was said of the old one. To write the same one in another way changes
/// nothing else.
fn allowed_address(old: &User, new: &User) -> Check {
    if old.email.key() == new.email.key() {
        return Ok(());
    }
    must(
        new.nonce != old.nonce
            && new.token_hash != old.token_hash
            && new.renewed_hash.is_none()
            && new.feedback.is_none()
            && new.suppressed.is_none()
            && new.suppression_lifted_at.is_none()
            && new.delivery.attempt.is_none()
            && new.delivery.message_id.is_none(),
        "something of the old address sticks to the new one",
    )
}

/// What SES reports touches nothing else, and only grows.
fn allowed_report(old: &User, new: &User) -> Check {
    let otherwise = User {
        feedback: old.feedback.clone(),
        suppressed: old.suppressed,
        ..new.clone()
    };
    must(
        otherwise == *old,
        "a report has changed more than is reported",
    )?;
    let order = |user: &User| user.feedback.as_ref().map(Feedback::order);
    must(
        order(old) <= order(new),
        "a lesser report has taken the place of a greater",
    )?;
    let suppressed = |user: &User| {
        user.suppressed
            .map(|suppressed| (suppressed.reason, suppressed.at))
    };
    must(
        suppressed(old) <= suppressed(new),
        "a suppression has become less",
    )
}

fn allowed_state(old: &User, new: &User) -> Check {
    use StateName::{Accepted, Declined, Pending, Revoked};
    let (was, is) = (old.state.name(), new.state.name());
    let fresh = old.nonce != new.nonce;
    let holds = match (was, is) {
        (Pending, Accepted) => !old.has_expired(new.updated_at) && !fresh,
        (Pending, Revoked | Declined) => !fresh,
        // A revocation is taken back with the link as it was, to the instant at which it ends.
        (Revoked, Pending) => fresh || restored(old, new),
        (Declined, Pending) => fresh,
        (Pending, Pending) => true,
        (Revoked, Revoked) | (Declined, Declined) => !fresh || old.email != new.email,
        _ => was == is && !fresh,
    };
    must(holds, &format!("{was} became {is}"))
}

/// Whether a revocation was taken back, and nothing else.
fn restored(old: &User, new: &User) -> bool {
    let revoked = old.state.name() == StateName::Revoked;
    let link = |user: &User| {
        (
            user.nonce,
            user.token_hash,
            user.renewed_hash,
            user.expires_at,
        )
    };
    revoked && new.state == State::Pending && link(old) == link(new)
}

/// Whoever announces a mail counts it, but for one that was announced before and went no further. One that was counted before
/// it was revoked, and announced again since that was taken back, counts from now on instead. Nobody is mailed over the
/// daily limit.
fn allowed_requests(old: &User, new: &User) -> Check {
    let anew = old.nonce != new.nonce || restored(old, new);
    let more = usize::from(!restored(old, new) || old.delivery.uncounted);
    let counted = new.mail_requests.len() >= old.mail_requests.len() + more
        && new.mail_requests.first() == Some(&new.updated_at.as_millisecond());
    must(
        counted || !(anew && new.outbox.is_some()),
        "a mail is announced and not counted",
    )?;
    let yesterday = new.updated_at.as_millisecond() - 24 * 60 * 60 * 1000;
    let asked = new.mail_requests.iter().filter(|at| **at > yesterday);
    must(
        asked.count() <= 10,
        "more than ten mails are asked for in a day",
    )
}

/// What may become of a mail while its link stays the same.
fn allowed_delivery(old: &User, new: &User) -> Check {
    use DeliveryStatus::{Failed, Queued, Sending, Sent, Unknown};
    let (was, is) = (old.delivery.status, new.delivery.status);
    let announced = old.outbox.is_none() && new.outbox.is_some();
    must(
        !announced || restored(old, new) || old.due_at.is_some_and(|due| due <= new.updated_at),
        "a mail is announced again before it is due",
    )?;
    let holds = match (was, is) {
        (Queued, Sending) => {
            old.outbox.is_some()
                && new.outbox.is_none()
                && new.claim.map(|claim| claim.record) == Some(old.version)
                && old.state.name() == StateName::Pending
                && !old.has_expired(new.updated_at)
        }
        (Sending, Queued) => new.outbox.is_none(),
        (Unknown, Queued) if announced => {
            let alone = new.updated_at.duration_since(old.delivery.at);
            alone.unsigned_abs() >= SETTLE
        }
        (Unknown | Queued, Sent) => old.mail_is_reported(),
        (Sending, Sent | Failed | Unknown) | (Unknown, Failed | Queued) => true,
        _ => was == is,
    };
    must(holds, &format!("its mail was {was:?} and became {is:?}"))
}

/// Whether every mail that went was to go, and what went twice had to.
fn mails(world: &World) -> Vec<String> {
    let mut found = Vec::new();
    let sent = world.book().sent.clone();
    let mut attempts = BTreeSet::new();
    let mut requests: BTreeMap<(&str, &str), Vec<&Sent>> = BTreeMap::new();
    for mail in &sent {
        let (user, attempt) = (&mail.user, mail.attempt);
        if !attempts.insert((user, attempt)) {
            found.push(format!("{user}: the attempt {attempt} mailed twice"));
        }
        if !was_claimed(world, mail) {
            found.push(format!(
                "{user}: a mail went that was not claimed, with another link, or elsewhere"
            ));
        }
        requests.entry((user, &mail.token)).or_default().push(mail);
    }
    for change in &world.changes.all {
        let (Some(old), new) = (&change.old, &change.new) else {
            continue;
        };
        let became_sent = new.delivery.status == DeliveryStatus::Sent
            && old.delivery.status != DeliveryStatus::Sent;
        let attempt = new.delivery.attempt.unwrap_or_default();
        if became_sent && !attempts.contains(&(&new.id.to_string(), attempt)) {
            found.push(format!("{}: a mail is sent that never went", new.id));
        }
    }
    let mut counts = Vec::new();
    for mails in requests.values() {
        for pair in mails.windows(2) {
            match excuse(world, pair[0], pair[1]) {
                Ok(excuse) => counts.push(excuse),
                Err(why) => found.push(format!("{}: mailed twice although {why}", pair[0].user)),
            }
        }
    }
    let mut book = world.book();
    for count in counts {
        book.weather.count(count);
    }
    let mails = sent.len() as u64;
    *book.weather.counts.entry("mails".to_owned()).or_default() += mails;
    found
}

/// Whether the table had the mail claimed with this very link when it went, and SES had not yet reported that it had gone.
fn was_claimed(world: &World, mail: &Sent) -> bool {
    let token: InvitationToken = mail.token.parse().unwrap();
    let id = mail.user.parse().unwrap();
    world.changes.of(id).any(|change| {
        let was = change.old.as_ref().map(|old| old.delivery.status);
        let old = change.old.as_ref();
        let wanted = old.is_some_and(|old| old.mail_is_wanted() && !old.mail_is_reported());
        was == Some(DeliveryStatus::Queued)
            && wanted
            && change.new.delivery.status == DeliveryStatus::Sending
            && change.new.claim.map(|claim| claim.record) == Some(mail.attempt)
            && change.new.token_hash == Some(token.hash())
            && change.new.email.as_str() == mail.to
    })
}

/// Why the same mail went a second time; or that there was no reason.
fn excuse(world: &World, first: &Sent, second: &Sent) -> Result<&'static str, &'static str> {
    let id = first.user.parse().unwrap();
    let recorded = world.changes.of(id).any(|change| {
        change.new.delivery.status == DeliveryStatus::Sent
            && change.new.delivery.attempt == Some(first.attempt)
    });
    if recorded {
        return Err("it was known to have gone");
    }
    if !is_flagged(world, first, second) {
        return Err("nothing says that it may have gone already");
    }
    let book = world.book();
    let killed = book.killed.contains(&first.run);
    let table_failed = book.table_faults.contains_key(&first.run);
    match (first.answered, killed, table_failed) {
        (false, true, _) => Ok("duplicates: killed inside SES's call"),
        (false, false, _) => Ok("duplicates: SES's answer lost"),
        (true, true, _) => Ok("duplicates: killed between SES's call and its record"),
        (true, false, true) => Ok("duplicates: the table failed before the record"),
        (true, false, false) => Err("nothing had gone wrong"),
    }
}

/// Whether a person finds in the history that the second mail may be a duplicate.
fn is_flagged(world: &World, first: &Sent, second: &Sent) -> bool {
    let between = first.attempt + 1..second.attempt;
    world.histories().iter().any(|(user, event)| {
        *user == first.user
            && event.kind == HistoryKind::MailUnknown
            && event.attempt == Some(first.attempt)
            && between.contains(&event.number)
    })
}

/// Whether the histories say everything that happened, once, and nothing else.
fn histories(world: &World) -> Vec<String> {
    let mut expected: Vec<_> = world
        .changes
        .all
        .iter()
        .flat_map(|change| {
            let events = happened(change.old.as_ref(), &change.new, change.ended);
            let user = change.new.id.to_string();
            let gone = world.changes.gone.contains_key(&change.new.id);
            let events = events.into_iter().map(move |event| {
                if gone {
                    remains::scrubbed(event)
                } else {
                    event
                }
            });
            events.map(move |event| (user.clone(), event))
        })
        .chain(remains::ends(world))
        .map(|(user, event)| format!("{user}: {event:?}"))
        .collect();
    let of_gone = remains::who_is_gone(world);
    let told = world.heard.iter().map(|event| {
        let tag = |name: &str| event.tags[name].clone();
        let kind = match event.kind {
            EventKind::Send => HistoryKind::MailConfirmed,
            EventKind::Delivery => HistoryKind::MailDelivered,
            EventKind::Complaint => HistoryKind::MailComplained,
            _ => HistoryKind::MailBounced,
        };
        format!(
            "{}: {kind:?} of {} at {}",
            tag("user"),
            tag("attempt"),
            event.at
        )
    });
    let told: Vec<_> = told.collect();
    // Of whoever is erased, what SES tells late is not kept.
    let must_be_told = told.iter().filter(|line| !of_gone(line));
    expected.extend(must_be_told.cloned());
    expected.sort_unstable();
    // SES's events come twice.
    expected.dedup();
    let mut found: Vec<_> = world
        .histories()
        .into_iter()
        .map(|(user, event)| match event.kind {
            HistoryKind::MailConfirmed
            | HistoryKind::MailDelivered
            | HistoryKind::MailComplained
            | HistoryKind::MailBounced => {
                let attempt = event.attempt.unwrap_or_default();
                format!("{user}: {:?} of {attempt} at {}", event.kind, event.at)
            }
            _ => format!("{user}: {event:?}"),
        })
        .collect();
    found.sort_unstable();
    let lost = expected.iter().filter(|event| !found.contains(event));
    let lost = lost.map(|event| format!("the history lacks {event}"));
    let more = found
        .iter()
        .filter(|event| !expected.contains(event) && !told.contains(event));
    let more = more.map(|event| format!("the history has {event}"));
    let mut wrong: Vec<_> = lost.chain(more).collect();
    if found.windows(2).any(|pair| pair[0] == pair[1]) {
        wrong.push("the history says something twice".to_owned());
    }
    wrong
}

/// Whether nothing is left to be done about a user's mail, and the last one that was asked for went.
fn settled(world: &World, user: &User) -> Check {
    let now = world.clock.now();
    must(
        !mail_is_open(user, now),
        &format!("the mail is stuck as {:?}", user.delivery.status),
    )?;
    if user.state.name() != StateName::Pending || user.has_expired(now) {
        return Ok(());
    }
    let went = world.book().sent.iter().any(|mail| {
        let token: InvitationToken = mail.token.parse().unwrap();
        user.token_hash == Some(token.hash())
    });
    match user.delivery.status {
        DeliveryStatus::Sent => must(went, "the mail was lost"),
        DeliveryStatus::Failed => {
            let doubts = world.changes.of(user.id).filter_map(|change| {
                let same_link = change.new.nonce == user.nonce;
                same_link.then_some(change.new.mail_tries.doubtful)
            });
            must(doubts.max() >= Some(3), "the mail was given up too early")
        }
        status => must(
            status == DeliveryStatus::NotRequested || user.suppressed.is_some(),
            &format!("the mail is {status:?}"),
        ),
    }
}
