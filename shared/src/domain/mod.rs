//! What Usher is about, without AWS and without HTTP: users and their invitations, addresses, locales, tokens,
//! and the rules that say which operation is allowed when.
//!
//! Everything here is pure. Now and randomness are arguments; a value that exists is valid.

mod change;
mod color;
mod daily;
mod delivery;
mod domains;
mod due;
mod email;
mod erase;
mod feedback;
mod history;
mod id;
mod invitation;
mod link;
mod locale;
mod operation;
mod paste;
mod redirect;
mod reminder;
mod requirement;
mod restore;
mod settings;
mod template;
mod text;
mod token;
mod user;

pub use self::{
    change::{ChangeRefusal, ChangeUser, NewAddress},
    color::{Color, ColorError},
    daily::{DailyCap, DailyCapError},
    delivery::{Delivery, DeliveryStatus, IN_TURN, MailClaim, MailKind, MailTries},
    domains::{DomainList, DomainListError, DomainRules},
    due::Due,
    email::{EmailAddress, EmailError, EmailKey},
    erase::{AddressHash, Erase, EraseRefusal, Erased},
    feedback::{Feedback, MailReport, MailState, ReportKind, Suppression, SuppressionReason},
    history::{ChangedField, HistoryEvent, HistoryKind, happened},
    id::{IdError, TenantId, UserId},
    invitation::{Invitation, Lifetime, LifetimeError, MAIL_DUE},
    link::{Accept, Decline, LinkRefusal, Renew, RenewRefusal},
    locale::{Locale, LocaleError, LocaleSource, resolve_locale},
    operation::{
        ClaimMail, LiftRefusal, LiftSuppression, Resend, ResendRefusal, ResendRequest, Revoke,
        RevokeRefusal,
    },
    paste::{Pasted, split_paste},
    redirect::{Origins, OriginsError, RedirectError, RedirectUrl},
    reminder::{Reminders, RemindersError},
    requirement::Requirement,
    restore::{NoLink, Restore, RestoreRefusal, ShowLink},
    settings::{LogoUrl, LogoUrlError, Settings},
    template::TemplateSource,
    text::{
        ExternalId, Group, IdempotencyKey, Message, Metadata, PersonName, ProductName, TextError,
        is_seen,
    },
    token::{DeclineToken, InvitationToken, Nonce, TokenError, TokenHash, TokenKey, TokenKeyError},
    user::{Inviter, State, StateName, UnknownState, User},
};
