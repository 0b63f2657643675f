//! One sequence, step by step: what is asked of Usher, and of the model, and whether they agree.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use serde_json::{Value, json};

use super::{
    expected::{Mail, Person, Said},
    steps::{Held, Key, LinkUse, PEOPLE, Place, Step, Who},
};
use crate::world::{
    World,
    asks::{ALL_SCOPES, Ask, Reply, administrator},
    checks,
    weather::Counts,
};

/// A person as the model and the world know them.
pub(super) struct Known {
    pub(super) id: String,
    pub(super) email: String,
    pub(super) person: Person,
    /// The links that they hold, by number.
    links: Vec<(u32, String)>,
    /// Those that they were mailed.
    mailed: Vec<u32>,
}

/// A sequence that is being played.
pub(crate) struct Play<'a> {
    world: &'a mut World,
    tenants: [String; 2],
    pub(super) known: BTreeMap<Place, Known>,
    /// Addresses that nobody has and nobody may write to.
    pub(super) unwanted: BTreeSet<(usize, String)>,
    counts: &'a mut Counts,
}

pub(crate) type Agreed = Result<(), String>;

pub(super) fn agree<T: PartialEq + std::fmt::Debug>(what: &str, found: T, expected: T) -> Agreed {
    if found == expected {
        Ok(())
    } else {
        Err(format!("{what}: {found:?} instead of {expected:?}"))
    }
}

impl<'a> Play<'a> {
    pub(crate) fn of(world: &'a mut World, nth: usize, counts: &'a mut Counts) -> Self {
        Self {
            world,
            tenants: [format!("home-{nth}"), format!("elsewhere-{nth}")],
            known: BTreeMap::new(),
            unwanted: BTreeSet::new(),
            counts,
        }
    }

    pub(crate) async fn all(mut self, steps: &[Step]) -> Agreed {
        for (nth, step) in steps.iter().enumerate() {
            self.world.note(&format!("{step:?}"));
            let played = self.step(*step).await;
            let wrong = checks::of_changes(self.world).into_iter().next();
            let played = played.and_then(|()| wrong.map_or(Ok(()), Err));
            played.map_err(|why| format!("step {nth}, {step:?}: {why}"))?;
        }
        let places: Vec<_> = self.known.keys().copied().collect();
        for place in places {
            let who = [Who::Boss, Who::Stranger][place.0];
            Box::pin(self.step(Step::Get { who, place })).await?;
        }
        Ok(())
    }

    async fn step(&mut self, step: Step) -> Agreed {
        match step {
            Step::Invite {
                who,
                person,
                shouting,
                notify,
            } => self.invite(who, person, shouting, notify).await,
            Step::Resend {
                who,
                place,
                reactivate,
                key,
            } => self.resend(who, place, reactivate, key).await,
            Step::Revoke { who, place } if who == Who::Clerk => {
                let reply = self.ask_about(who, place, "revoke", Value::Null).await;
                self.answered("revoke", &reply, (403, "missing_scope"))
            }
            Step::Revoke { who, place } => {
                self.change(who, place, "revoke", Value::Null, Person::revoke)
                    .await
            }
            Step::Restore { who, place } if who == Who::Clerk => {
                let reply = self.ask_about(who, place, "restore", Value::Null).await;
                self.answered("restore", &reply, (403, "missing_scope"))
            }
            Step::Restore { who, place } => {
                let now = self.now();
                let act = |person: &mut Person| person.restore(now);
                self.change(who, place, "restore", Value::Null, act).await
            }
            Step::ShowLink { who, place } => self.show_link(who, place).await,
            Step::ResendMany { who, state, key } => self.resend_many(who, state, key).await,
            Step::Correct {
                who,
                place,
                to,
                other,
            } => self.correct(who, place, to, other).await,
            Step::Erase { who, place } => self.erase(who, place).await,
            Step::Get { who, place } => {
                let reply = self.ask_about(who, place, "get", Value::Null).await;
                let seen = place.0 == who.tenant() && self.known.contains_key(&place);
                if !seen {
                    return self.answered("get", &reply, (404, "user_not_found"));
                }
                self.answered("get", &reply, (200, ""))?;
                self.agrees(place, &reply.body)
            }
            Step::List { who } => self.list(who).await,
            Step::Link { place, held, what } => self.link(place, held, what).await,
            Step::Pass { seconds } => {
                self.world.pass(Duration::from_secs(seconds)).await;
                Ok(())
            }
            Step::Sweep => {
                self.world.sweep(None).await;
                Ok(())
            }
            Step::Mail => self.mail().await,
        }
    }

    pub(super) fn now(&self) -> i64 {
        self.world.clock.now().as_millisecond()
    }

    pub(super) fn claims(&self, who: Who) -> Value {
        let scopes = match who {
            Who::Clerk => "users:read users:invite",
            Who::Boss | Who::Stranger => ALL_SCOPES,
        };
        administrator(&format!("{who:?}"), &self.tenants[who.tenant()], scopes)
    }

    pub(super) async fn ask(&mut self, ask: &Ask) -> Reply {
        self.world.ask(ask, None).await.unwrap()
    }

    pub(super) fn answered(&mut self, what: &str, reply: &Reply, expected: Said) -> Agreed {
        let said = format!("{what} {} {}", reply.status, reply.code());
        *self.counts.entry(said.trim_end().to_owned()).or_default() += 1;
        agree(what, (reply.status, reply.code()), expected)
    }

    async fn invite(&mut self, who: Who, person: usize, shouting: bool, notify: bool) -> Agreed {
        let place = (who.tenant(), person);
        let email = self
            .known
            .get(&place)
            .map_or_else(|| address(person, false), |known| known.email.clone());
        let holder = self.holder(who.tenant(), &email);
        let key = (who.tenant(), email.to_lowercase());
        let unwanted = self.unwanted.contains(&key);
        let written = if shouting {
            email.to_uppercase()
        } else {
            email.clone()
        };
        let body = json!({"invitees": [{"email": written}], "notify": notify});
        let ask = Ask::invite(&self.claims(who), body, None);
        let (now, reply) = (self.now(), self.ask(&ask).await);
        self.answered("invite", &reply, (200, ""))?;
        let row = &reply.body["results"][0];
        let (id, outcome) = (text(row, "user_id"), text(row, "outcome"));
        if let Some(known) = holder.map(|holder| &self.known[&holder]) {
            agree("outcome", outcome.as_str(), known.person.outcome())?;
            return agree("id", &id, &known.id);
        }
        if unwanted {
            return agree("outcome", outcome.as_str(), "suppressed");
        }
        agree("outcome", outcome.as_str(), "invited")?;
        let link = row["accept_url"].as_str().map(token_of);
        agree("whether there is a link to copy", link.is_some(), !notify)?;
        let known = Known {
            id,
            // Domains are kept in lower case.
            email: written.replace("EXAMPLE.COM", "example.com"),
            person: Person::invited(now, notify),
            links: link.map(|link| (1, link)).into_iter().collect(),
            mailed: Vec::new(),
        };
        self.known.insert(place, known);
        Ok(())
    }

    async fn resend(&mut self, who: Who, place: Place, reactivate: bool, key: Key) -> Agreed {
        let body = json!({"reactivate": reactivate});
        let ask = Ask::change(&self.claims(who), "resend", &self.id(place), body).named(key);
        let (now, reply) = (self.now(), self.ask(&ask).await);
        let request = key.map(|key| (who, key));
        let known = self.known.get_mut(&place);
        let person = known.filter(|_| place.0 == who.tenant());
        let person = person.map(|known| &mut known.person);
        let repeated = person
            .as_ref()
            .is_some_and(|person| person.is_repeated(request));
        let expected = person.map_or((404, "user_not_found"), |person| {
            person.resend(now, reactivate, request)
        });
        let what = if repeated {
            "repeated resend"
        } else {
            "resend"
        };
        self.answered(what, &reply, expected)?;
        if expected.0 == 200 {
            self.agrees(place, &reply.body)?;
        }
        Ok(())
    }

    /// Something that an administrator does to a user, and that answers with the user.
    async fn change(
        &mut self,
        who: Who,
        place: Place,
        what: &'static str,
        body: Value,
        act: impl FnOnce(&mut Person) -> Said,
    ) -> Agreed {
        let reply = self.ask_about(who, place, what, body).await;
        let visible = place.0 == who.tenant();
        let expected = match self.known.get_mut(&place) {
            Some(known) if visible => act(&mut known.person),
            _ => (404, "user_not_found"),
        };
        self.answered(what, &reply, expected)?;
        if expected.0 == 200 {
            self.agrees(place, &reply.body)?;
        }
        Ok(())
    }

    async fn ask_about(
        &mut self,
        who: Who,
        place: Place,
        what: &'static str,
        body: Value,
    ) -> Reply {
        let nobody = "usr_00000000000000000000000000".to_owned();
        let id = self
            .known
            .get(&place)
            .map_or(nobody, |known| known.id.clone());
        let claims = self.claims(who);
        let ask = match what {
            "get" => Ask::get(&claims, &id),
            "link" => Ask::show_link(&claims, &id),
            _ => Ask::change(&claims, what, &id, body),
        };
        self.ask(&ask).await
    }

    /// The link that is shown is the newest, whether it was mailed already or not.
    async fn show_link(&mut self, who: Who, place: Place) -> Agreed {
        let reply = self.ask_about(who, place, "link", Value::Null).await;
        let now = self.now();
        let known = self.known.get_mut(&place);
        let Some(known) = known.filter(|_| place.0 == who.tenant()) else {
            return self.answered("link", &reply, (404, "user_not_found"));
        };
        let expected = known.person.show_link(now);
        if expected.0 == 200 {
            let number = known.person.link;
            let shown = token_of(&text(&reply.body, "accept_url"));
            match known.links.iter().find(|(known, _)| *known == number) {
                Some((_, link)) => agree("the link", &shown, link)?,
                None => known.links.push((number, shown)),
            }
        }
        self.answered("link", &reply, expected)
    }

    async fn resend_many(&mut self, who: Who, state: Option<&'static str>, key: Key) -> Agreed {
        let request = key.map(|key| (who, key));
        let now = self.now();
        let theirs = self
            .known
            .iter_mut()
            .filter(|(place, _)| place.0 == who.tenant());
        let theirs = theirs.map(|(_, known)| known);
        let mut asked: Vec<_> = theirs
            .filter(|known| state.is_none_or(|state| known.person.shown(now).0 == state))
            .collect();
        let ids: Vec<_> = asked.iter().map(|known| known.id.clone()).collect();
        let mut expected: Vec<_> = asked
            .iter_mut()
            .map(|known| {
                if state.is_some() && known.person.mail == Mail::NotRequested {
                    return (known.id.clone(), "not_requested".to_owned());
                }
                let outcome = match known.person.resend(now, false, request) {
                    (200, _) => "resent",
                    (_, code) => code.trim_start_matches("invitation_"),
                };
                (known.id.clone(), outcome.to_owned())
            })
            .collect();
        let body = match state {
            Some(state) => json!({"state": state}),
            None => json!({"ids": ids}),
        };
        let ask = Ask::resend_many(&self.claims(who), body).named(key);
        let reply = self.ask(&ask).await;
        if state.is_none() && ids.is_empty() {
            return self.answered("resend many", &reply, (400, "no_ids"));
        }
        self.answered("resend many", &reply, (200, ""))?;
        let rows = reply.body["results"].as_array().unwrap().iter();
        let mut found: Vec<_> = rows
            .map(|row| (text(row, "user_id"), text(row, "outcome")))
            .collect();
        found.sort_unstable();
        expected.sort_unstable();
        agree("what became of many", found, expected)
    }

    async fn list(&mut self, who: Who) -> Agreed {
        let reply = self.ask(&Ask::list(&self.claims(who), None)).await;
        self.answered("list", &reply, (200, ""))?;
        let users = reply.body["data"].as_array().unwrap();
        let places = (0..PEOPLE).map(|person| (who.tenant(), person));
        let mut known = 0;
        for place in places {
            let Some(person) = self.known.get(&place) else {
                continue;
            };
            known += 1;
            let shown = users.iter().find(|user| user["id"] == person.id.as_str());
            let shown = shown.ok_or_else(|| format!("{place:?} is not listed"))?;
            self.agrees(place, shown)?;
        }
        agree("how many are listed", users.len(), known)
    }

    /// Whether a user is shown as the model has them.
    pub(super) fn agrees(&self, place: Place, shown: &Value) -> Agreed {
        let known = &self.known[&place];
        let (state, mail) = known.person.shown(self.now());
        agree("id", text(shown, "id").as_str(), &known.id)?;
        agree("address", text(shown, "email").as_str(), &known.email)?;
        agree("state", text(shown, "state").as_str(), state)?;
        agree("mail", text(&shown["delivery"], "status").as_str(), mail)?;
        agree(
            "mails",
            shown["send_count"].as_u64(),
            Some(known.person.sent),
        )
    }

    async fn link(&mut self, place: Place, held: Held, what: LinkUse) -> Agreed {
        let now = self.now();
        let Some(known) = self.known.get_mut(&place) else {
            return Ok(());
        };
        let newest = known.links.len().checked_sub(1);
        let (number, token) = match (held, newest) {
            (_, None) => return Ok(()),
            (Held::Newest, Some(newest)) => known.links[newest].clone(),
            (Held::Older(nth), Some(_)) => known.links[nth % known.links.len()].clone(),
            (Held::Forged, Some(newest)) => (0, forged(&known.links[newest].1)),
        };
        let person = &mut known.person;
        let (path, name, expected) = match what {
            LinkUse::LookUp => ("/lookup", "lookup", person.look_up(now, number)),
            LinkUse::Accept => ("", "accept", person.accept(now, number)),
            LinkUse::Decline => ("/decline", "decline", person.decline(number)),
            LinkUse::Renew => ("/renew", "renew", person.renew(now, number)),
        };
        let reply = self.ask(&Ask::link(path, &token)).await;
        self.answered(name, &reply, expected)
    }

    /// The mailer sends what waits: to whom, how many, and with a new link each.
    async fn mail(&mut self) -> Agreed {
        let before = self.world.book().sent.len();
        let now = self.now();
        self.world.deliver_all().await;
        let sent = self.world.book().sent[before..].to_vec();
        for (place, known) in &mut self.known {
            let mut theirs = sent.iter().filter(|mail| mail.user == known.id);
            let expected = known.person.mailed(now);
            let mail = theirs.next();
            agree(
                &format!("whether {place:?} is mailed"),
                mail.is_some(),
                expected,
            )?;
            agree("a second mail", theirs.next().is_some(), false)?;
            if let Some(mail) = mail {
                agree("where it went", &mail.to, &known.email)?;
                let link = (known.person.link, mail.token.clone());
                agree(
                    "a link that was mailed before",
                    known.mailed.contains(&link.0),
                    false,
                )?;
                known.mailed.push(link.0);
                // An administrator may have been shown it before.
                match known.links.iter().find(|(number, _)| *number == link.0) {
                    Some(shown) => agree("the link in the mail", &link, shown)?,
                    None => known.links.push(link),
                }
                *self.counts.entry("mails".to_owned()).or_default() += 1;
            }
        }
        Ok(())
    }
}

/// Where a person is invited, or may be said to be found instead.
pub(super) fn address(person: usize, other: bool) -> String {
    let kind = if other { "q" } else { "p" };
    format!("{kind}{person}@example.com")
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}

fn token_of(url: &str) -> String {
    url.split_once('#').unwrap().1.to_owned()
}

/// The same link with one letter changed.
fn forged(token: &str) -> String {
    let mut letters: Vec<char> = token.chars().collect();
    let nth = letters.len() / 2;
    letters[nth] = if letters[nth] == 'A' { 'B' } else { 'A' };
    letters.into_iter().collect()
}
