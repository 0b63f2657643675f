//! From what was sent to one row a person: a new user, or the reason why not.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use usher::{
    domain::{
        DailyCap, EmailAddress, EmailError, EmailKey, ExternalId, Group, Invitation, Locale,
        LocaleSource, Metadata, Nonce, PersonName, SuppressionReason, User, UserId, split_paste,
    },
    http::Problem,
};

use crate::{Body, Invite, Invitee, Terms};

const MOST_ADDRESSES: usize = 10_000;
const APPOINTS_NOBODY: &str = "Only an administrator may invite somebody into the group administrators. Leave the group out, or ask one.";

/// One person as they were sent.
pub(crate) struct Entry {
    input: String,
    invitee: Invitee,
}

/// One person's row in the answer, on its way.
pub(crate) struct Row {
    pub(crate) input: String,
    pub(crate) email: Option<EmailAddress>,
    pub(crate) fate: Fate,
}

/// What becomes of a person.
pub(crate) enum Fate {
    /// To be written.
    New(Box<User>),
    /// A user now, or already by an earlier try of the same request.
    Invited(Box<User>),
    /// In a dry run: who would be a user.
    WouldBeInvited,
    /// A user already.
    Exists(Box<User>),
    /// The same address as in this earlier row.
    Duplicate(usize),
    /// No address.
    InvalidEmail(EmailError),
    /// Something else is wrong with the person: the field, and why.
    InvalidInvitee(&'static str, String),
    /// Addresses of this domain are not invited, in a sentence.
    DomainNotAllowed(String),
    /// So many have been invited today that this one has to wait.
    OverCap {
        /// The most of a day.
        cap: DailyCap,
        /// When the day is over.
        until: Timestamp,
    },
    /// Nobody's address, which must not be written to, for this reason.
    Suppressed(SuppressionReason),
    /// The database did not take the row.
    NotWritten,
}

/// The people in the body: `invitees` or `text`, and at least one and at most 10,000.
pub(crate) fn entries(body: &mut Body) -> Result<Vec<Entry>, Problem> {
    let entries: Vec<_> = match (body.invitees.take(), body.text.take()) {
        (Some(invitees), None) => invitees
            .into_iter()
            .map(|invitee| Entry {
                input: invitee.email.clone(),
                invitee,
            })
            .collect(),
        (None, Some(text)) => split_paste(&text, MOST_ADDRESSES)
            .into_iter()
            .map(|pasted| Entry {
                input: pasted.input,
                invitee: Invitee {
                    email: pasted.address,
                    name: pasted.name,
                    ..Invitee::default()
                },
            })
            .collect(),
        _ => {
            return Err(Problem::bad_request(
                "invitees_or_text",
                "The body must have either invitees or text.",
                "Send invitees, a list of {\"email\": ..}, or text, the addresses as people paste them; not both.",
            ));
        }
    };
    match entries.len() {
        0 => Err(Problem::bad_request(
            "no_addresses",
            "There is no address in the request.",
            "Send at least one address.",
        )),
        1..=MOST_ADDRESSES => Ok(entries),
        _ => Err(Problem::bad_request(
            "too_many_addresses",
            "There are more than 10000 addresses in the request, which is the most that can be invited at once.",
            "Split them into several requests.",
        )),
    }
}

/// The languages that people are to be written to in, each once. What is none is refused later, with its row.
pub(crate) fn locales(entries: &[Entry]) -> Vec<Locale> {
    let tags = entries.iter().map(|entry| entry.invitee.locale.as_deref());
    let tags: HashSet<&str> = tags.flatten().collect();
    tags.into_iter()
        .filter_map(|tag| tag.parse().ok())
        .collect()
}

/// Decides of every person what can be decided without the table.
pub(crate) fn decide(state: &Invite, terms: &Terms, entries: Vec<Entry>) -> Vec<Row> {
    let mut first: HashMap<EmailKey, usize> = HashMap::with_capacity(entries.len());
    entries
        .into_iter()
        .enumerate()
        .map(|(index, Entry { input, invitee })| {
            let email = match EmailAddress::parse(&invitee.email) {
                Ok(email) => email,
                Err(error) => {
                    return Row {
                        input,
                        email: None,
                        fate: Fate::InvalidEmail(error),
                    };
                }
            };
            let fate = match (first.get(&email.key()), terms.domains.refusal(&email)) {
                (Some(earlier), _) => Fate::Duplicate(*earlier),
                (None, Some(why)) => Fate::DomainNotAllowed(why),
                (None, None) => match invitation(terms, &email, invitee) {
                    Err((field, error)) => Fate::InvalidInvitee(field, error),
                    Ok(invitation) => {
                        first.insert(email.key(), index);
                        Fate::New(Box::new(new_user(state, terms, invitation)))
                    }
                },
            };
            Row {
                input,
                email: Some(email),
                fate,
            }
        })
        .collect()
}

fn invitation(
    terms: &Terms,
    email: &EmailAddress,
    invitee: Invitee,
) -> Result<Invitation, (&'static str, String)> {
    let name = parse("name", invitee.name, |name| PersonName::parse(&name))?;
    let asked = parse("locale", invitee.locale, |tag| tag.parse::<Locale>())?;
    let asked = asked.map(|locale| (locale, LocaleSource::Invitee));
    let (locale, locale_source) = terms.choose(asked);
    let groups = parse("groups", invitee.groups, |names| Group::parse_all(&names))?
        .unwrap_or_else(|| terms.groups.clone());
    if !terms.appoints && groups.iter().any(Group::is_administrators) {
        return Err(("groups", APPOINTS_NOBODY.to_owned()));
    }
    Ok(Invitation {
        email: email.clone(),
        name,
        locale,
        locale_source,
        groups,
        external_id: parse("external_id", invitee.external_id, |id| {
            ExternalId::parse(&id)
        })?,
        metadata: parse("metadata", invitee.metadata, Metadata::new)?,
        message: terms.message.clone(),
        lifetime: terms.lifetime,
        redirect_url: terms.redirect_url.clone(),
        notify: terms.notify,
        invited_by: terms.invited_by.clone(),
        idempotency_key: terms.idempotency_key.clone(),
    })
}

fn parse<V, T, E: ToString>(
    field: &'static str,
    value: Option<V>,
    parse: impl FnOnce(V) -> Result<T, E>,
) -> Result<Option<T>, (&'static str, String)> {
    value
        .map(parse)
        .transpose()
        .map_err(|error| (field, error.to_string()))
}

fn new_user(state: &Invite, terms: &Terms, invitation: Invitation) -> User {
    let now = state.clock.now();
    let (id, nonce) = (
        UserId::new(now, state.entropy.bytes()),
        Nonce::new(state.entropy.bytes()),
    );
    invitation.into_user(terms.tenant.clone(), now, id, nonce, &state.key)
}
