//! Writes the new users, 50 a transaction and several transactions at a time, and settles who was there already. Or, if it
//! is only to be tried, reads who is there.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use futures::{StreamExt, stream};
use usher::{
    domain::{User, UserId},
    store::{ADDRESSES_PER_CALL, INVITEES_PER_CALL, StoreError, Written},
};

use crate::{
    Invite, Terms,
    rows::{Fate, Row},
};

/// How many calls are under way at a time. More would only wait for each other in the table.
const CALLS_AT_A_TIME: usize = 8;
/// How often a transaction that DynamoDB could not take is tried, beyond what the SDK does by itself.
const TRIES: u32 = 4;

/// Writes what is to be written, or only asks what would be. Whatever happens every row has its true fate; `trouble` is why some were not written.
pub(crate) async fn write(
    state: &Invite,
    terms: &Terms,
    mut rows: Vec<Row>,
) -> (Vec<Row>, Option<StoreError>) {
    let most = if terms.dry_run {
        ADDRESSES_PER_CALL
    } else {
        INVITEES_PER_CALL
    };
    let mut chunks: Vec<Chunk> = Vec::new();
    for (index, row) in rows.iter_mut().enumerate() {
        let user = match std::mem::replace(&mut row.fate, Fate::NotWritten) {
            Fate::New(user) => user,
            decided => {
                row.fate = decided;
                continue;
            }
        };
        match chunks.last_mut() {
            Some(chunk) if chunk.len() < most => chunk.push((index, user)),
            _ => chunks.push(vec![(index, user)]),
        }
    }
    // Once the table has given out for good, asking it for the rest would outlast the caller's patience.
    let given_up = AtomicBool::new(false);
    let mut written = stream::iter(chunks)
        .map(|chunk| write_chunk(state, terms, chunk, &given_up))
        .buffer_unordered(CALLS_AT_A_TIME);
    let mut trouble = None;
    while let Some((fates, error)) = written.next().await {
        for (index, fate) in fates {
            rows[index].fate = fate;
        }
        trouble = trouble.or(error);
    }
    drop(written);
    (rows, trouble)
}

/// People who are to be users, with the places of their rows.
type Chunk = Vec<(usize, Box<User>)>;

/// What became of a chunk.
#[derive(Default)]
struct Outcome {
    fates: Vec<(usize, Fate)>,
    /// Whose address was taken by somebody who is erased now: it is free.
    vanished: Chunk,
    trouble: Option<StoreError>,
}

/// Writes what fits into one call; and once more, if somebody was erased in the middle, whoever is invited in their place.
async fn write_chunk(
    state: &Invite,
    terms: &Terms,
    chunk: Chunk,
    given_up: &AtomicBool,
) -> (Vec<(usize, Fate)>, Option<StoreError>) {
    let mut first = try_chunk(state, terms, chunk, given_up).await;
    if first.vanished.is_empty() {
        return (first.fates, first.trouble);
    }
    let second = try_chunk(state, terms, first.vanished, given_up).await;
    first.fates.extend(second.fates);
    let vanished = (!second.vanished.is_empty()).then(StoreError::vanished);
    let trouble = first.trouble.or(second.trouble).or(vanished);
    (first.fates, trouble)
}

/// Whoever is there already is left out and the rest tried again.
async fn try_chunk(
    state: &Invite,
    terms: &Terms,
    mut chunk: Chunk,
    given_up: &AtomicBool,
) -> Outcome {
    let mut fates = Vec::with_capacity(chunk.len());
    let mut taken = Vec::new();
    let mut tries = 0;
    let mut trouble = None;
    while !chunk.is_empty() && !given_up.load(Ordering::Relaxed) {
        let users: Vec<User> = chunk.iter().map(|(_, user)| (**user).clone()).collect();
        let written = if terms.dry_run {
            state.store.would_invite(&users).await
        } else {
            state.store.invite(&users).await
        };
        let written = match written {
            Ok(written) => written,
            Err(StoreError::Unavailable { .. }) if tries + 1 < TRIES => {
                tries += 1;
                tokio::time::sleep(pause(state, tries)).await;
                continue;
            }
            Err(error) => {
                given_up.store(true, Ordering::Relaxed);
                let settled = settle(state, terms, fates, taken).await;
                return Outcome {
                    trouble: Some(error),
                    ..settled
                };
            }
        };
        let mut rest = Vec::new();
        for ((index, user), written) in chunk.into_iter().zip(written) {
            match written {
                Written::Created if terms.dry_run => fates.push((index, Fate::WouldBeInvited)),
                Written::Created => fates.push((index, Fate::Invited(user))),
                Written::Taken {
                    user_id: Some(id), ..
                } => taken.push((index, user, id)),
                Written::Taken {
                    user_id: None,
                    suppressed: Some(why),
                } => fates.push((index, Fate::Suppressed(why.reason))),
                // A row without an owner and without a reason is none of ours.
                Written::Taken { .. } | Written::Unreadable => {
                    trouble = Some(StoreError::unreadable_address());
                }
                Written::Undone => rest.push((index, user)),
            }
        }
        chunk = rest;
    }
    let settled = settle(state, terms, fates, taken).await;
    Outcome {
        trouble: trouble.or(settled.trouble),
        ..settled
    }
}

/// Reads those who were there already: by their state, and by the request that created them, rows differ.
async fn settle(
    state: &Invite,
    terms: &Terms,
    fates: Vec<(usize, Fate)>,
    taken: Vec<(usize, Box<User>, UserId)>,
) -> Outcome {
    let mut settled = Outcome {
        fates,
        ..Outcome::default()
    };
    if taken.is_empty() {
        return settled;
    }
    let ids: Vec<UserId> = taken.iter().map(|(.., id)| *id).collect();
    let mut found = match state.store.users(&ids).await {
        Ok(found) => found,
        Err(error) => {
            settled.trouble = Some(error);
            return settled;
        }
    };
    for (index, new, id) in taken {
        match found.remove(&id) {
            Some(user) => {
                let ours = terms.idempotency_key.is_some()
                    && user.idempotency_key == terms.idempotency_key
                    // Somebody else's request is not repeated by guessing its key.
                    && user.invited_by.id == terms.invited_by.id;
                let user = Box::new(user);
                settled.fates.push((
                    index,
                    if ours {
                        Fate::Invited(user)
                    } else {
                        Fate::Exists(user)
                    },
                ));
            }
            // Erased since, or broken.
            None => match state.store.erased(id).await {
                Ok(Some(_)) => settled.vanished.push((index, new)),
                Ok(None) => settled.trouble = Some(StoreError::missing_user(id)),
                Err(error) => settled.trouble = Some(error),
            },
        }
    }
    settled
}

/// Exponential, with jitter, so that two requests in conflict don't meet again.
fn pause(state: &Invite, tries: u32) -> Duration {
    let [jitter] = state.entropy.bytes::<1>();
    Duration::from_millis((50 << tries) + u64::from(jitter))
}
