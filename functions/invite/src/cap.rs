//! The most that a tenant wants to invite a day. Only who would be somebody new counts, so it is asked first who is there
//! already; a tenant without a cap is spared that.

use jiff::Timestamp;
use usher::{
    domain::{DailyCap, User},
    store::{ADDRESSES_PER_CALL, StoreError, Written},
};

use crate::{
    Invite, Terms,
    rows::{Fate, Row},
};

/// What was taken of the day, for whom.
pub(crate) struct Taken {
    /// Their places among the rows.
    new: Vec<usize>,
    /// Of which day.
    at: Timestamp,
}

/// Takes so many of the day's invitations as there are new people and as are left; whoever comes after the last of them is
/// over the cap. In a dry run nothing is taken.
pub(crate) async fn take(
    state: &Invite,
    terms: &Terms,
    cap: DailyCap,
    rows: &mut [Row],
) -> Result<Taken, StoreError> {
    let mut new = Vec::new();
    let open: Vec<(usize, User)> = rows
        .iter()
        .enumerate()
        .filter_map(|(index, row)| match &row.fate {
            Fate::New(user) => Some((index, (**user).clone())),
            _ => None,
        })
        .collect();
    for chunk in open.chunks(ADDRESSES_PER_CALL) {
        let users: Vec<User> = chunk.iter().map(|(_, user)| user.clone()).collect();
        let written = state.store.would_invite(&users).await?;
        let created = chunk.iter().zip(written);
        let created = created.filter(|(_, written)| *written == Written::Created);
        new.extend(created.map(|((index, _), _)| *index));
    }
    let (tenant, now, wanted) = (&terms.tenant, state.clock.now(), new.len() as u64);
    let left = if terms.dry_run {
        state.store.invitations_left(tenant, now, cap).await?
    } else {
        state
            .store
            .take_invitations(tenant, now, cap, wanted)
            .await?
    };
    let left = usize::try_from(left).unwrap_or(usize::MAX);
    for index in new.drain(left.min(new.len())..) {
        rows[index].fate = Fate::OverCap {
            cap,
            until: DailyCap::ends(now),
        };
    }
    Ok(Taken { new, at: now })
}

/// Gives back what was taken for those who were not invited after all. Of whom nobody knows, they count as invited.
pub(crate) async fn give_back(state: &Invite, terms: &Terms, taken: &Taken, rows: &[Row]) {
    let used = |index: &&usize| {
        matches!(
            rows[**index].fate,
            Fate::Invited(_) | Fate::New(_) | Fate::NotWritten
        )
    };
    let unused = taken.new.len() - taken.new.iter().filter(used).count();
    if terms.dry_run || unused == 0 {
        return;
    }
    let given = state
        .store
        .give_invitations_back(&terms.tenant, taken.at, unused as u64);
    if let Err(error) = given.await {
        tracing::warn!(%error, unused, "the day's invitations that were not used could not be given back");
    }
}
