//! The person's account in the stack's own pool, where it has one: kept if they are accepted, taken back if they are not.

use jiff::Timestamp;
use usher::{
    domain::{StateName, User, UserId},
    http::Problem,
    pool::{keep, withdraw},
};

use crate::Accept;

pub(crate) async fn keep_account(
    state: &Accept,
    user: &User,
    now: Timestamp,
) -> Result<(), Problem> {
    let kept = keep(state.pool.as_ref(), &state.store, user, now).await;
    kept.map_err(|error| state.pool_problem(error))
}

/// If the invitation has ended, there must be no account, not even one that a broken-off try has made. If another accept
/// of the same link was faster, it is theirs; a link that was replaced leaves it to whoever accepts with the newer one.
pub(crate) async fn take_back(
    state: &Accept,
    id: UserId,
    found: Option<&User>,
) -> Result<(), Problem> {
    let ended = found
        .is_none_or(|user| matches!(user.state.name(), StateName::Revoked | StateName::Declined));
    if ended {
        withdraw(state.pool.as_ref(), &state.store, id).await?;
    }
    Ok(())
}

/// Whether the address was corrected while its old one's link was followed: the account that was made for whoever has that
/// must not be the new one's. Nor must one that made an administrator, or did not, stay if that was corrected meanwhile.
pub(crate) fn has_moved(user: &User, found: &User) -> bool {
    found.email.key() != user.email.key() && found.state.name() != StateName::Accepted
}
