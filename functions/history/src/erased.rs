//! What is left of the histories of those who were erased.

use std::collections::BTreeSet;

use futures::{StreamExt, stream};
use usher::{
    domain::{Erased, HistoryEvent, UserId},
    store::{ERASED_PER_CALL, Store, StoreError},
};

use crate::{Concerned, WRITES_AT_A_TIME};

/// Goes through the histories of those of them who were erased, and notes that they were. Answers with the sequence numbers
/// of those for whom that has to be done again.
pub(crate) async fn scrub(store: &Store, concerned: Concerned) -> BTreeSet<String> {
    let mut failed = BTreeSet::new();
    let mut gone = Vec::new();
    let ids: Vec<UserId> = concerned.keys().copied().collect();
    for ids in ids.chunks(ERASED_PER_CALL) {
        match store.who_was_erased(ids).await {
            Ok(erased) => gone.extend(erased),
            Err(error) => {
                tracing::error!(%error, users = ids.len(), "whether users were erased could not be asked");
                failed.extend(ids.iter().flat_map(|id| concerned[id].0.clone()));
            }
        }
    }
    let mut scrubbed = stream::iter(gone)
        .map(|(id, erased)| {
            let version = concerned[&id].1;
            async move { (id, scrub_one(store, id, &erased, version).await) }
        })
        .buffer_unordered(WRITES_AT_A_TIME);
    while let Some((id, scrubbed)) = scrubbed.next().await {
        match scrubbed {
            Ok(events) => {
                tracing::info!(user_id = %id, events, "the history of an erased user was gone through");
            }
            Err(error) => {
                tracing::error!(%error, user_id = %id, "the history of an erased user could not be gone through");
                failed.extend(concerned[&id].0.clone());
            }
        }
    }
    failed
}

/// `version` is the user's last, if this is their end. How many events were scrubbed.
async fn scrub_one(
    store: &Store,
    id: UserId,
    erased: &Erased,
    version: Option<u64>,
) -> Result<usize, StoreError> {
    if let Some(version) = version {
        let end = (id, HistoryEvent::of_erasure(erased, version));
        if !store.write_history(&[end]).await?.is_empty() {
            return Err(StoreError::unprocessed());
        }
    }
    store.scrub_history(id).await
}
