//! What has happened to a user, one event after the other: derived from two images of them, so that nobody who changes a
//! user can forget to say so.

use jiff::{Timestamp, fmt::serde::timestamp::millisecond as ms};
use serde::{Deserialize, Serialize};

use super::{DeliveryStatus, Erased, IN_TURN, Inviter, MailReport, ReportKind, StateName, User};

/// One thing that happened. Two that are equal are the same: deriving an event twice changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEvent {
    /// What.
    pub kind: HistoryKind,
    /// When.
    #[serde(with = "ms::required")]
    pub at: Timestamp,
    /// Tells it from others of that instant: the user's version that it made, or of what SES reports, the try.
    pub number: u64,
    /// The administrator who did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Inviter>,
    /// Which fields the administrator changed; of other events none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<ChangedField>,
    /// Of a mail: which try to send it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u64>,
    /// Of a mail: SES's id of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// Why, in a sentence for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What an administrator corrects without anything following from it. Never what it was, or is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangedField {
    /// How the address is written. Another mailbox's is [`HistoryKind::AddressChanged`].
    Email,
    /// The name.
    Name,
    /// The language.
    Locale,
    /// The groups to join.
    Groups,
    /// The id in the product.
    ExternalId,
    /// What the product keeps with the user.
    Metadata,
}

/// The kinds of thing that happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HistoryKind {
    /// An administrator invited the person.
    Invited,
    /// An administrator sent the invitation again, with a new link.
    Resent,
    /// An administrator corrected the address.
    AddressChanged,
    /// An administrator corrected something else.
    Changed,
    /// The person asked for a fresh link.
    Renewed,
    /// A reminder was put into the outbox.
    Reminded,
    /// SES has taken the mail.
    MailSent,
    /// SES did not take the mail now; it is tried again.
    MailPutOff,
    /// Nobody knows whether this try's mail went. If another follows, the person may have two, with the same link.
    MailUnknown,
    /// The mail can't be sent, or was refused by SES after all.
    MailFailed,
    /// SES reports that it has begun to deliver the mail.
    MailConfirmed,
    /// SES reports that the recipient's server does not take the mail for now.
    MailDelayed,
    /// SES reports that the recipient's server has taken the mail.
    MailDelivered,
    /// SES reports that the recipient's server has refused the mail.
    MailBounced,
    /// SES reports that the person called the mail spam.
    MailComplained,
    /// An administrator lets the address have mail again.
    SuppressionLifted,
    /// The person registered.
    Accepted,
    /// The person declined.
    Declined,
    /// An administrator withdrew the invitation.
    Revoked,
    /// An administrator took that back.
    Restored,
    /// The link's time is over.
    Expired,
    /// An administrator erased the user: nothing follows, and what is left of the history says nothing of who they were.
    Erased,
}

impl HistoryKind {
    /// The name in the API and in keys.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invited => "invited",
            Self::Resent => "resent",
            Self::AddressChanged => "address_changed",
            Self::Changed => "changed",
            Self::Renewed => "renewed",
            Self::Reminded => "reminded",
            Self::MailSent => "mail_sent",
            Self::MailPutOff => "mail_put_off",
            Self::MailUnknown => "mail_unknown",
            Self::MailFailed => "mail_failed",
            Self::MailConfirmed => "mail_confirmed",
            Self::MailDelayed => "mail_delayed",
            Self::MailDelivered => "mail_delivered",
            Self::MailBounced => "mail_bounced",
            Self::MailComplained => "mail_complained",
            Self::SuppressionLifted => "suppression_lifted",
            Self::Accepted => "accepted",
            Self::Declined => "declined",
            Self::Revoked => "revoked",
            Self::Restored => "restored",
            Self::Expired => "expired",
            Self::Erased => "erased",
        }
    }
}

impl HistoryEvent {
    /// What SES reports.
    pub fn of_report(report: &MailReport) -> Self {
        let kind = match report.kind {
            ReportKind::Sent => HistoryKind::MailConfirmed,
            ReportKind::Delayed => HistoryKind::MailDelayed,
            ReportKind::Delivered => HistoryKind::MailDelivered,
            ReportKind::Rejected | ReportKind::Unrenderable => HistoryKind::MailFailed,
            ReportKind::SoftBounced | ReportKind::HardBounced => HistoryKind::MailBounced,
            ReportKind::Complained => HistoryKind::MailComplained,
        };
        Self {
            kind,
            at: report.at,
            number: report.attempt,
            by: None,
            fields: vec![],
            attempt: Some(report.attempt),
            message_id: Some(report.message_id.clone()),
            reason: report.reason.clone(),
        }
    }

    /// Whether it has something that may quote the address, or lead to it: the words of a mail server, or the id by which SES
    /// knows the mail.
    pub fn may_tell_who(&self) -> bool {
        self.message_id.is_some() || self.reason.is_some()
    }

    /// The end of a user whose last version this was.
    pub fn of_erasure(erased: &Erased, version: u64) -> Self {
        Self {
            kind: HistoryKind::Erased,
            at: erased.at,
            number: version + 1,
            by: Some(erased.by.clone()),
            fields: vec![],
            attempt: None,
            message_id: None,
            reason: None,
        }
    }

    fn made(kind: HistoryKind, user: &User) -> Self {
        Self {
            kind,
            at: user.updated_at,
            number: user.version,
            by: None,
            fields: vec![],
            attempt: None,
            message_id: None,
            reason: None,
        }
    }

    fn by(self, administrator: Option<&Inviter>) -> Self {
        let by = administrator.cloned();
        Self { by, ..self }
    }

    fn of_mail(self, user: &User) -> Self {
        let delivery = &user.delivery;
        Self {
            attempt: delivery.attempt,
            message_id: delivery.message_id.clone(),
            reason: delivery.reason.clone(),
            ..self
        }
    }
}

/// What happened between two images of a user, of which there was no earlier one if they were just invited.
///
/// `ended`: whether they were moved to the expired ones. What SES reports is not among it: see
/// [`HistoryEvent::of_report`].
pub fn happened(old: Option<&User>, new: &User, ended: bool) -> Vec<HistoryEvent> {
    let Some(old) = old else {
        let invited = HistoryEvent::made(HistoryKind::Invited, new);
        return vec![invited.by(Some(&new.invited_by))];
    };
    // SES's reports count no version.
    if old.version == new.version {
        return vec![];
    }
    let administrator = new.changed_by.as_ref();
    let asked = asked(old, new).map(|kind| {
        let by = administrator
            .filter(|_| matches!(kind, HistoryKind::Resent | HistoryKind::AddressChanged));
        HistoryEvent::made(kind, new).by(by)
    });
    let state = state(old, new).map(|kind| {
        let theirs = matches!(kind, HistoryKind::Revoked | HistoryKind::Restored);
        let by = administrator.filter(|_| theirs);
        HistoryEvent::made(kind, new).by(by)
    });
    // To move to an address that is not suppressed lifts nothing.
    let lifted =
        old.suppressed.is_some() && new.suppressed.is_none() && old.email.key() == new.email.key();
    let lifted =
        lifted.then(|| HistoryEvent::made(HistoryKind::SuppressionLifted, new).by(administrator));
    let fields = changed(old, new);
    let changed = (!fields.is_empty()).then(|| HistoryEvent {
        fields,
        ..HistoryEvent::made(HistoryKind::Changed, new).by(administrator)
    });
    let ended = ended.then(|| HistoryEvent::made(HistoryKind::Expired, new));
    let mail = mail(old, new).map(|kind| HistoryEvent::made(kind, new).of_mail(new));
    [lifted, changed, asked, state, ended, mail]
        .into_iter()
        .flatten()
        .collect()
}

/// Which mail was asked for, by whom, or where it is to go.
fn asked(old: &User, new: &User) -> Option<HistoryKind> {
    if new.email.key() != old.email.key() {
        Some(HistoryKind::AddressChanged)
    } else if new.reminders > old.reminders {
        Some(HistoryKind::Reminded)
    } else if new.nonce == old.nonce {
        None
    } else if new.token_hash.is_some() {
        Some(HistoryKind::Resent)
    } else {
        // Only the mailer can make the token of a link that the person asked for.
        Some(HistoryKind::Renewed)
    }
}

/// What was corrected. Who registers may say another name and language, and who sends again another language.
fn changed(old: &User, new: &User) -> Vec<ChangedField> {
    let moved = old.email.key() != new.email.key();
    let corrected = old.state.name() == new.state.name() && (moved || old.nonce == new.nonce);
    let locale = |user: &User| (user.locale.clone(), user.locale_source);
    let fields = [
        (ChangedField::Email, !moved && old.email != new.email),
        (ChangedField::Name, old.name != new.name),
        (ChangedField::Locale, locale(old) != locale(new)),
        (ChangedField::Groups, old.groups != new.groups),
        (ChangedField::ExternalId, old.external_id != new.external_id),
        (ChangedField::Metadata, old.metadata != new.metadata),
    ];
    let fields = fields
        .into_iter()
        .filter(|(_, changed)| corrected && *changed);
    fields.map(|(field, _)| field).collect()
}

fn state(old: &User, new: &User) -> Option<HistoryKind> {
    let (before, after) = (old.state.name(), new.state.name());
    match after {
        _ if before == after => None,
        StateName::Accepted => Some(HistoryKind::Accepted),
        StateName::Declined => Some(HistoryKind::Declined),
        StateName::Revoked => Some(HistoryKind::Revoked),
        StateName::Pending if before == StateName::Revoked && old.nonce == new.nonce => {
            Some(HistoryKind::Restored)
        }
        // Sent again: that is said already.
        StateName::Pending | StateName::Expired => None,
    }
}

fn mail(old: &User, new: &User) -> Option<HistoryKind> {
    use DeliveryStatus::{Failed, Queued, Sending, Sent, Unknown};
    match (old.delivery.status, new.delivery.status) {
        (before, after) if before == after => None,
        (_, Sent) => Some(HistoryKind::MailSent),
        (_, Unknown) => Some(HistoryKind::MailUnknown),
        (_, Failed) => Some(HistoryKind::MailFailed),
        // To wait one's turn is nothing that happens. Nor is it to be sent again.
        (Sending, Queued)
            if new.nonce == old.nonce && new.delivery.reason.as_deref() != Some(IN_TURN) =>
        {
            Some(HistoryKind::MailPutOff)
        }
        _ => None,
    }
}
