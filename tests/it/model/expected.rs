//! What Usher promises, in as few words as will do. Written from the design, not from the code: it knows no table, no
//! mailer and no hash, only people, links and times.

use super::steps::Who;

/// An HTTP status and a problem's code, which is empty for a success.
pub(crate) type Said = (u64, &'static str);

const DONE: Said = (200, "");
const NO_SUCH_LINK: Said = (404, "invitation_not_found");
const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;
const WEEK: i64 = 7 * DAY;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Pending,
    Accepted,
    Revoked,
    Declined,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mail {
    NotRequested,
    Waiting,
    Sent,
}

/// Somebody who was invited. Instants are milliseconds.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) state: State,
    /// Links are numbered; this is the newest.
    pub(crate) link: u32,
    /// Whether the newest link exists already. One that was asked for with an old one is made when it is mailed.
    made: bool,
    /// The expired link that was exchanged for the newest.
    exchanged: Option<u32>,
    expires: i64,
    asked: Vec<i64>,
    /// Whether the mail that waits was never asked for: their address was corrected while they waited for none.
    unasked: bool,
    pub(crate) mail: Mail,
    pub(crate) sent: u64,
    /// Whether somebody has asked that their address is not written to.
    pub(crate) unwanted: bool,
    /// Who sent it again last by a named request, and the name.
    sent_by: Option<(Who, u8)>,
}

impl Person {
    pub(crate) fn invited(now: i64, notify: bool) -> Self {
        Self {
            state: State::Pending,
            link: 1,
            made: true,
            exchanged: None,
            expires: now + WEEK,
            unasked: false,
            asked: if notify { vec![now] } else { vec![] },
            mail: if notify {
                Mail::Waiting
            } else {
                Mail::NotRequested
            },
            sent: 0,
            unwanted: false,
            sent_by: None,
        }
    }

    /// What an invitation of the same address answers.
    pub(crate) fn outcome(&self) -> &'static str {
        match self.state {
            State::Pending => "already_invited",
            State::Accepted => "already_registered",
            State::Revoked => "revoked",
            State::Declined => "declined",
        }
    }

    /// Whether this request has sent it already: then it does nothing.
    pub(crate) fn is_repeated(&self, request: Option<(Who, u8)>) -> bool {
        request.is_some() && self.sent_by == request
    }

    pub(crate) fn resend(
        &mut self,
        now: i64,
        reactivate: bool,
        request: Option<(Who, u8)>,
    ) -> Said {
        if self.is_repeated(request) {
            return DONE;
        }
        match self.state {
            State::Accepted => return (409, "already_registered"),
            State::Revoked if !reactivate => return (409, "invitation_revoked"),
            State::Declined if !reactivate => return (409, "invitation_declined"),
            _ => {}
        }
        if let Some(refusal) = self.too_often(now) {
            return refusal;
        }
        self.state = State::Pending;
        // Who is invited again has said that they want to be.
        self.unwanted = false;
        self.new_link(now, true, None);
        self.sent_by = request.or(self.sent_by);
        DONE
    }

    pub(crate) fn revoke(&mut self) -> Said {
        match self.state {
            State::Pending => self.state = State::Revoked,
            State::Accepted => return (409, "already_registered"),
            State::Revoked => return (409, "already_revoked"),
            State::Declined => return (409, "already_declined"),
        }
        DONE
    }

    /// A mail that the revocation has kept goes, and counts as every mail does: once, and now.
    pub(crate) fn restore(&mut self, now: i64) -> Said {
        if self.state != State::Revoked {
            return (409, "not_revoked");
        }
        if self.mail == Mail::Waiting && now < self.expires {
            if !self.unasked {
                self.asked.remove(0);
            } else if self.asked_after(now, 9, DAY) {
                return (429, "daily_limit");
            }
            self.asked.insert(0, now);
            self.unasked = false;
        }
        self.state = State::Pending;
        DONE
    }

    /// Whether their address may be another, if that is free.
    pub(crate) fn may_move(&self, now: i64) -> Said {
        match self.state {
            State::Accepted => (409, "already_registered"),
            State::Pending if self.asked_after(now, 9, DAY) => (429, "daily_limit"),
            _ => DONE,
        }
    }

    /// Their address is another: it has a link of its own, and is mailed if they wait for one.
    pub(crate) fn moved(&mut self, now: i64) {
        let (asked, mail) = (self.asked.clone(), self.mail);
        self.new_link(now, true, None);
        self.unwanted = false;
        if self.state != State::Pending {
            self.asked = asked;
            if mail == Mail::NotRequested {
                self.mail = mail;
            }
            self.unasked = self.mail == Mail::Waiting;
        }
    }

    /// Whether an administrator is shown the newest link.
    pub(crate) fn show_link(&self, now: i64) -> Said {
        match self.state {
            State::Accepted => (409, "already_registered"),
            State::Revoked => (409, "revoked"),
            State::Declined => (409, "declined"),
            State::Pending if now >= self.expires => (409, "expired"),
            State::Pending if !self.made => (409, "mail_on_its_way"),
            State::Pending => DONE,
        }
    }

    /// The mailer runs: whether it mails the newest link.
    pub(crate) fn mailed(&mut self, now: i64) -> bool {
        let goes = self.mail == Mail::Waiting && self.state == State::Pending && now < self.expires;
        if goes {
            self.mail = Mail::Sent;
            self.sent += 1;
            self.made = true;
        }
        goes
    }

    pub(crate) fn look_up(&self, now: i64, held: u32) -> Said {
        if let Some(refusal) = self.of_no_use(held) {
            return refusal;
        }
        if now < self.expires {
            DONE
        } else {
            (410, "invitation_expired")
        }
    }

    pub(crate) fn accept(&mut self, now: i64, held: u32) -> Said {
        let said = self.look_up(now, held);
        if said == DONE {
            self.state = State::Accepted;
        }
        said
    }

    /// It is never too late to decline.
    pub(crate) fn decline(&mut self, held: u32) -> Said {
        let said = self.of_no_use(held).unwrap_or(DONE);
        if said == DONE {
            self.state = State::Declined;
            self.unwanted = true;
        }
        said
    }

    pub(crate) fn renew(&mut self, now: i64, held: u32) -> Said {
        let exchanged = self.exchanged == Some(held);
        if !(self.is_newest(held) || exchanged && self.state == State::Pending) {
            return NO_SUCH_LINK;
        }
        if self.state != State::Pending {
            return self.of_no_use(held).unwrap_or(DONE);
        }
        let waiting = exchanged && !self.made;
        if now < self.expires && !waiting {
            return (409, "invitation_still_valid");
        }
        if let Some(refusal) = self.too_often(now) {
            return refusal;
        }
        self.new_link(now, false, Some(held));
        DONE
    }

    /// The state as it is shown, and what is shown of the mail.
    pub(crate) fn shown(&self, now: i64) -> (&'static str, &'static str) {
        let state = match self.state {
            State::Pending if now >= self.expires => "expired",
            State::Pending => "pending",
            State::Accepted => "accepted",
            State::Revoked => "revoked",
            State::Declined => "declined",
        };
        let mail = match self.mail {
            Mail::NotRequested => "not_requested",
            Mail::Waiting if self.state == State::Pending && now < self.expires => "queued",
            Mail::Waiting => "cancelled",
            Mail::Sent => "sent",
        };
        (state, mail)
    }

    fn new_link(&mut self, now: i64, made: bool, exchanged: Option<u32>) {
        self.link += 1;
        self.made = made;
        self.exchanged = exchanged;
        self.expires = now + WEEK;
        self.asked.insert(0, now);
        self.unasked = false;
        self.mail = Mail::Waiting;
    }

    /// Once a minute, ten times a day.
    fn too_often(&self, now: i64) -> Option<Said> {
        if self.asked_after(now, 9, DAY) {
            Some((429, "daily_limit"))
        } else if self.asked_after(now, 0, MINUTE) {
            Some((429, "too_soon"))
        } else {
            None
        }
    }

    fn asked_after(&self, now: i64, nth: usize, span: i64) -> bool {
        self.asked.get(nth).is_some_and(|at| *at > now - span)
    }

    fn is_newest(&self, held: u32) -> bool {
        self.made && self.link == held
    }

    /// Why a link does nothing any more, whatever the time.
    fn of_no_use(&self, held: u32) -> Option<Said> {
        if !self.is_newest(held) {
            return Some(NO_SUCH_LINK);
        }
        match self.state {
            State::Pending => None,
            State::Accepted => Some((409, "invitation_already_used")),
            State::Revoked => Some((410, "invitation_revoked")),
            State::Declined => Some((410, "invitation_declined")),
        }
    }
}
