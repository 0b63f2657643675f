//! Addresses that are corrected, and people who are erased.

use serde_json::json;

use super::{
    play::{Agreed, Play, address, agree},
    steps::{Place, Who},
};
use crate::world::asks::Ask;

const NOT_FOUND: (u64, &str) = (404, "user_not_found");
const NOBODY: &str = "usr_00000000000000000000000000";

impl Play<'_> {
    pub(super) async fn correct(
        &mut self,
        who: Who,
        place: Place,
        to: usize,
        other: bool,
    ) -> Agreed {
        let email = address(to, other);
        let id = self.id(place);
        let ask = Ask::correct(&self.claims(who), &id, &email);
        let (now, reply) = (self.now(), self.ask(&ask).await);
        if who == Who::Clerk {
            return self.answered("correct", &reply, (403, "missing_scope"));
        }
        let holder = self.holder(place.0, &email);
        let unwanted = self.unwanted.contains(&(place.0, email.clone()));
        let Some(known) = self
            .known
            .get_mut(&place)
            .filter(|_| place.0 == who.tenant())
        else {
            return self.answered("correct", &reply, NOT_FOUND);
        };
        let same = known.email.eq_ignore_ascii_case(&email);
        if same && known.email != email {
            // Of whoever has registered, it is the account's.
            if let (409, code) = known.person.may_move(now) {
                return self.answered("correct", &reply, (409, code));
            }
            known.email = email;
        } else if !same {
            let said = known.person.may_move(now);
            if said.0 != 200 {
                return self.answered("correct", &reply, said);
            }
            if let Some(holder) = holder {
                let theirs = json!(self.known[&holder].id);
                agree("whose it is", &reply.body["user_id"], &theirs)?;
                return self.answered("correct", &reply, (409, "address_taken"));
            }
            if unwanted {
                return self.answered("correct", &reply, (409, "suppressed"));
            }
            let old = std::mem::replace(&mut known.email, email);
            if known.person.unwanted {
                self.unwanted.insert((place.0, old.to_lowercase()));
            }
            known.person.moved(now);
        }
        self.answered("correct", &reply, (200, ""))?;
        self.agrees(place, &reply.body)
    }

    pub(super) async fn erase(&mut self, who: Who, place: Place) -> Agreed {
        let ask = Ask::erase(&self.claims(who), &self.id(place));
        let reply = self.ask(&ask).await;
        if who == Who::Clerk {
            return self.answered("erase", &reply, (403, "missing_scope"));
        }
        if place.0 != who.tenant() {
            return self.answered("erase", &reply, NOT_FOUND);
        }
        let Some(gone) = self.known.remove(&place) else {
            return self.answered("erase", &reply, NOT_FOUND);
        };
        self.answered("erase", &reply, (200, ""))?;
        let kept = gone.person.unwanted;
        let said = reply.body["suppression_kept"].as_bool();
        if kept {
            self.unwanted.insert((place.0, gone.email.to_lowercase()));
        }
        agree("whether it is kept", said, Some(kept))
    }

    /// Who has this address.
    pub(super) fn holder(&self, tenant: usize, email: &str) -> Option<Place> {
        let mut known = self.known.iter();
        let theirs = known
            .find(|(place, known)| place.0 == tenant && known.email.eq_ignore_ascii_case(email));
        theirs.map(|(place, _)| *place)
    }

    pub(super) fn id(&self, place: Place) -> String {
        let known = self.known.get(&place);
        known.map_or_else(|| NOBODY.to_owned(), |known| known.id.clone())
    }
}
