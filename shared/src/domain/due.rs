//! What has to be done about a user whose time has come: mail that got stuck, and invitations that end. Pure: the sweeper
//! reads, asks here, and writes.

use jiff::Timestamp;

use super::{DeliveryStatus, Reminders, StateName, User};

/// What is to be done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// The mail was announced, or put off, and has not gone: it is announced again, with the same link.
    Queue,
    /// The mailer that was sending the mail is gone, and nobody knows whether SES took it. It is left alone for a while.
    Unknown,
    /// SES has reported what became of a mail whose fate was unknown: the pipeline takes note, and sends it no more.
    Settle,
    /// The person is to be reminded; this is the how manieth reminder, from 1.
    Remind(u8),
    /// Nobody could find out three times whether the mail went: it is not sent a fourth time by itself.
    GiveUp,
    /// The link's time is over.
    Expire,
    /// Nothing, before this instant; never, if there is none.
    Wait(Option<Timestamp>),
}

/// How often a mail may be sent without anybody knowing whether it went.
const MOST_DOUBTS: u32 = 3;

impl User {
    /// What is to be done about this user `now`.
    ///
    /// A mail whose fate is unknown is sent again only while its invitation waits to be accepted and its address may have
    /// mail.
    pub fn due(&self, now: Timestamp, reminders: &Reminders) -> Due {
        let over = self.due_at.is_none_or(|at| at <= now);
        let waiting = self.state.name() == StateName::Pending;
        let status = self.delivery.status;
        let open = matches!(
            status,
            DeliveryStatus::Queued | DeliveryStatus::Sending | DeliveryStatus::Unknown
        );
        match status {
            // Somebody is at it; what is to be done about the invitation can wait until that is over.
            DeliveryStatus::Sending if !over => Due::Wait(self.due_at),
            _ if open && self.mail_is_reported() => Due::Settle,
            DeliveryStatus::Sending => Due::Unknown,
            _ if !waiting => Due::Wait(None),
            _ if self.has_expired(now) => Due::Expire,
            _ if open && self.suppressed.is_some() => Due::Wait(Some(self.expires_at)),
            DeliveryStatus::Unknown if over && self.mail_tries.doubtful >= MOST_DOUBTS => {
                Due::GiveUp
            }
            DeliveryStatus::Queued | DeliveryStatus::Unknown if over => Due::Queue,
            DeliveryStatus::Queued | DeliveryStatus::Unknown => Due::Wait(self.due_at),
            _ => match self.next_reminder(reminders) {
                Some((at, number)) if at <= now => Due::Remind(number),
                Some((at, _)) => Due::Wait(Some(at)),
                None => Due::Wait(Some(self.expires_at)),
            },
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::domain::{
        Delivery, EmailAddress, Invitation, Inviter, Lifetime, Locale, LocaleSource, Nonce, State,
        TenantId, TokenKey, UserId,
    };

    pub(crate) fn user(status: DeliveryStatus, due: i64) -> (User, Timestamp) {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let mut user = Invitation {
            email: EmailAddress::parse("ann@example.com").unwrap(),
            name: None,
            locale: Locale::english(),
            locale_source: LocaleSource::Fallback,
            groups: vec![],
            external_id: None,
            metadata: None,
            message: None,
            lifetime: Lifetime::default(),
            redirect_url: None,
            notify: true,
            invited_by: Inviter {
                id: "admin".into(),
                name: None,
            },
            idempotency_key: None,
        }
        .into_user(
            TenantId::default(),
            now,
            UserId::from_bytes([1; 16]),
            Nonce::new([2; 16]),
            &TokenKey::from_bytes([3; 32]),
        );
        user.delivery = Delivery::new(status, now);
        user.due_at = now.checked_add(SignedDuration::from_secs(due)).ok();
        (user, now)
    }

    #[test]
    fn a_mail_that_got_stuck_is_queued_again_and_one_that_may_have_gone_is_unknown_first() {
        use DeliveryStatus::{Queued, Sending, Sent, Unknown};
        for (status, due, expected) in [
            (Queued, 0, Due::Queue),
            (Unknown, 0, Due::Queue),
            (Sending, 0, Due::Unknown),
        ] {
            let (user, now) = user(status, due);
            assert_eq!(user.due(now, &Reminders::default()), expected, "{status:?}");
        }
        for status in [Queued, Unknown, Sending] {
            let (user, now) = user(status, 1);
            assert_eq!(
                user.due(now, &Reminders::default()),
                Due::Wait(user.due_at),
                "{status:?}"
            );
        }
        let (user, now) = user(Sent, 0);
        assert_eq!(
            user.due(now, &Reminders::default()),
            Due::Wait(Some(user.expires_at))
        );
    }

    #[test]
    fn an_invitation_that_has_ended_needs_nothing_but_the_truth_about_its_mail() {
        for (status, expected) in [
            (DeliveryStatus::Queued, Due::Wait(None)),
            (DeliveryStatus::Unknown, Due::Wait(None)),
            (DeliveryStatus::Sent, Due::Wait(None)),
            (DeliveryStatus::Sending, Due::Unknown),
        ] {
            let (mut user, now) = user(status, 0);
            user.state = State::Revoked { revoked_at: now };
            assert_eq!(user.due(now, &Reminders::default()), expected, "{status:?}");
        }
    }

    #[test]
    fn at_the_instant_at_which_it_expires_an_invitation_ends_whatever_became_of_its_mail() {
        for status in [
            DeliveryStatus::Queued,
            DeliveryStatus::Sent,
            DeliveryStatus::Failed,
        ] {
            let (user, _) = user(status, 0);
            assert_eq!(
                user.due(user.expires_at, &Reminders::default()),
                Due::Expire,
                "{status:?}"
            );
        }
    }
}
