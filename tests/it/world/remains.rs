//! What must hold of the table itself in the end: every address is its user's, and of whoever was erased nothing is left that
//! tells who they were.

use std::collections::BTreeMap;

use serde_json::Value;
use usher::domain::{Erased, HistoryEvent, UserId};

use super::World;

/// Everything that is there and must not be.
pub(super) fn wrong(world: &World) -> Vec<String> {
    let mut found = Vec::new();
    let mut owned = BTreeMap::new();
    for row in world.rows("ADDRESS") {
        let pk = text(&row, "pk").unwrap_or_default();
        let Some(id) = text(&row, "user_id") else {
            if row["suppressed"].is_null() {
                found.push("an address is nobody's, and may have mail".to_owned());
            }
            continue;
        };
        if owned.insert(id.clone(), pk).is_some() {
            found.push(format!("{id} has two addresses"));
        }
    }
    for user in world.changes.now.values() {
        let pk = format!("ADDRESS#{}#{}", user.tenant, user.email.key().as_str());
        if owned.remove(&user.id.to_string()) != Some(pk) {
            found.push(format!("the address of {} is not theirs", user.id));
        }
    }
    let of_nobody = owned.keys();
    found.extend(of_nobody.map(|id| format!("an address is that of {id}, who is not there")));
    let erased = erased(world);
    for id in world.changes.gone.keys() {
        if !erased.contains_key(id) {
            found.push(format!("nothing says that {id} was erased"));
        }
    }
    for (user, event) in world.histories() {
        let gone = world.changes.gone.contains_key(&user.parse().unwrap());
        if gone && event != scrubbed(event.clone()) {
            found.push(format!("{user} is erased, and the history tells of them"));
        }
    }
    found
}

/// What the history keeps of an event once its user is erased.
pub(super) fn scrubbed(event: HistoryEvent) -> HistoryEvent {
    HistoryEvent {
        message_id: None,
        reason: None,
        ..event
    }
}

/// The last event of everybody who was erased.
pub(super) fn ends(world: &World) -> Vec<(String, HistoryEvent)> {
    let erased = erased(world);
    let ends = world.changes.gone.iter().filter_map(|(id, last)| {
        let end = HistoryEvent::of_erasure(erased.get(id)?, last.version);
        Some((id.to_string(), end))
    });
    ends.collect()
}

/// Whether a line is about somebody who was erased.
pub(super) fn who_is_gone(world: &World) -> impl Fn(&str) -> bool {
    let gone: Vec<_> = world.changes.gone.keys().map(ToString::to_string).collect();
    move |line| gone.iter().any(|id| line.starts_with(id.as_str()))
}

fn erased(world: &World) -> BTreeMap<UserId, Erased> {
    let rows = world.rows("ERASED").into_iter();
    rows.map(|row| {
        let id = text(&row, "pk").unwrap().replace("USER#", "");
        let row: serde_dynamo::Item = serde_json::from_value(row).unwrap();
        (id.parse().unwrap(), serde_dynamo::from_item(row).unwrap())
    })
    .collect()
}

fn text(row: &Value, name: &str) -> Option<String> {
    row[name]["S"].as_str().map(ToOwned::to_owned)
}
