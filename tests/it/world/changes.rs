//! Everything that was ever written to users, read from the stream: what the checks look at.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;
use usher::{
    domain::{DeliveryStatus, User, UserId},
    store::user_from_image,
};

/// One write to one user.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) old: Option<User>,
    pub(crate) new: User,
    /// Whether the new row is among what is due.
    pub(crate) in_due_index: bool,
    /// Whether it is listed among the expired now, and was not before.
    pub(crate) ended: bool,
}

/// All of them, in the order in which they were made.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    pub(crate) all: Vec<Change>,
    pub(crate) now: BTreeMap<UserId, User>,
    /// Who was erased, as they were last.
    pub(crate) gone: BTreeMap<UserId, User>,
}

impl Changes {
    pub(crate) fn take(&mut self, records: &[Value]) {
        for record in records {
            let image = &record["dynamodb"]["NewImage"];
            if record["eventName"] == "REMOVE" {
                self.take_end(&record["dynamodb"]["OldImage"]);
                continue;
            }
            if image["sk"]["S"] != "USER" {
                continue;
            }
            // A row that a test has spoilt.
            let Some(new) = user(image) else { continue };
            self.all.push(Change {
                // The stream leaves nothing out, so it is what was written before.
                old: self.now.insert(new.id, new.clone()),
                in_due_index: image["by_due_pk"].is_object(),
                ended: is_listed_as_expired(image)
                    && !is_listed_as_expired(&record["dynamodb"]["OldImage"]),
                new,
            });
        }
    }

    fn take_end(&mut self, image: &Value) {
        let erased = (image["sk"]["S"] == "USER").then(|| user(image)).flatten();
        if let Some(erased) = erased {
            self.now.remove(&erased.id);
            self.gone.insert(erased.id, erased);
        }
    }

    /// How many writes there were.
    pub(crate) fn count(&self) -> usize {
        self.all.len() + self.gone.len()
    }

    /// The writes to one user, in order.
    pub(crate) fn of(&self, id: UserId) -> impl Iterator<Item = &Change> {
        self.all.iter().filter(move |change| change.new.id == id)
    }

    /// When the sweeper next has something to do about a mail.
    pub(crate) fn next_mail_due(&self, now: Timestamp) -> Option<Timestamp> {
        let open = self.now.values().filter(|user| mail_is_open(user, now));
        open.filter_map(|user| user.due_at).min()
    }
}

fn is_listed_as_expired(image: &Value) -> bool {
    let list = image["by_state_pk"]["S"].as_str();
    list.is_some_and(|list| list.ends_with("#expired"))
}

/// Whether something is still to happen about the user's mail.
pub(crate) fn mail_is_open(user: &User, now: Timestamp) -> bool {
    let waits = user.mail_is_wanted() && !user.has_expired(now);
    match user.delivery.status {
        DeliveryStatus::Sending => true,
        DeliveryStatus::Queued | DeliveryStatus::Unknown => waits,
        _ => false,
    }
}

fn user(image: &Value) -> Option<User> {
    let image = image.as_object().filter(|image| !image.is_empty())?;
    let image: serde_dynamo::Item = serde_json::from_value(Value::Object(image.clone())).unwrap();
    user_from_image(image).ok()
}
