//! Writes many users, each by a write of their own and several at a time: what becomes of one stops no other.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use futures::{StreamExt, stream};
use tokio::time::Instant;
use usher::{
    domain::{DeliveryStatus, EmailAddress, ResendRefusal, User, UserId},
    store::{Attempt, Position, StoreError},
};

use crate::{Resend, terms::Terms};

/// How many writes are under way at a time. If so many have failed one after the other, the table has given out, and to ask
/// it for the rest would only outlast the caller's patience.
const WRITES_AT_A_TIME: usize = 16;
/// After the request came, no write begins later than this: the table's client may take ten seconds for one, and the
/// function has 29 in all.
const LAST_WRITE: Duration = Duration::from_secs(17);

/// One user's row in the answer, on its way.
pub(crate) struct Row {
    pub(crate) id: Option<UserId>,
    pub(crate) email: Option<EmailAddress>,
    /// Where the walk goes on after this user, if it is one.
    pub(crate) place: Option<Position>,
    pub(crate) fate: Fate,
}

/// What becomes of a user.
#[derive(Clone, Copy)]
pub(crate) enum Fate {
    /// To be written. When all is done, there was no time left for it.
    Open,
    /// A mail with a new link is queued.
    Resent,
    /// Nothing was sent, for this reason.
    Refused(ResendRefusal),
    /// The same user as in this earlier row.
    Duplicate(usize),
    /// Invited without a mail, and so not meant where everybody of a state is.
    NotRequested,
    /// No user id.
    InvalidId,
    /// The database did not confirm the row.
    Unavailable,
}

/// What the database said of a row: nothing, if it has given out, or gave no answer.
type Said = Result<(Fate, Option<EmailAddress>), Option<StoreError>>;

/// The rows for these ids, as they were sent.
pub(crate) fn rows_of_ids(ids: &[String]) -> Vec<Row> {
    let mut first: HashMap<UserId, usize> = HashMap::with_capacity(ids.len());
    let rows = ids.iter().enumerate().map(|(index, id)| {
        let id = id.parse().ok();
        let earlier = id.and_then(|id| first.get(&id).copied());
        let fate = match (id, earlier) {
            (None, _) => Fate::InvalidId,
            (Some(_), Some(earlier)) => Fate::Duplicate(earlier),
            (Some(id), None) => {
                first.insert(id, index);
                Fate::Open
            }
        };
        Row {
            id,
            email: None,
            place: None,
            fate,
        }
    });
    rows.collect()
}

/// The rows for these users, whom nobody has named. Who was invited without a mail gets none by this.
pub(crate) fn rows_of_users(users: Vec<User>) -> Vec<Row> {
    let row = |user: User| Row {
        id: Some(user.id),
        place: Some(Position::of(&user)),
        fate: match user.delivery.status {
            DeliveryStatus::NotRequested => Fate::NotRequested,
            _ => Fate::Open,
        },
        email: Some(user.email),
    };
    users.into_iter().map(row).collect()
}

/// Writes what is open. The error is there if rows are left that the database did not confirm, and is one of theirs; it is a
/// problem of the whole request if the database confirmed nothing.
pub(crate) async fn write(
    state: &Resend,
    terms: &Terms,
    rows: &mut [Row],
    began: Instant,
) -> Option<StoreError> {
    let failures = AtomicUsize::new(0);
    let open = rows.iter().enumerate().filter_map(|(index, row)| {
        let open = matches!(row.fate, Fate::Open);
        row.id.filter(|_| open).map(|id| (index, id))
    });
    let open: Vec<_> = open.collect();
    let mut written = stream::iter(open)
        .map(|(index, id)| {
            let failures = &failures;
            async move {
                if began.elapsed() > LAST_WRITE {
                    return (index, Ok((Fate::Open, None)));
                }
                if failures.load(Ordering::Relaxed) >= WRITES_AT_A_TIME {
                    return (index, Err(None));
                }
                let said = write_one(state, terms, id).await;
                match said {
                    Ok(_) => failures.store(0, Ordering::Relaxed),
                    Err(_) => _ = failures.fetch_add(1, Ordering::Relaxed),
                }
                (index, said)
            }
        })
        .buffer_unordered(WRITES_AT_A_TIME);
    let (mut confirmed, mut unconfirmed, mut trouble) = (0, 0, None);
    while let Some((index, said)) = written.next().await {
        let row = &mut rows[index];
        match said {
            Ok((Fate::Open, _)) => {}
            Ok((fate, email)) => {
                confirmed += 1;
                row.fate = fate;
                row.email = email.or(row.email.take());
            }
            Err(error) => {
                unconfirmed += 1;
                row.fate = Fate::Unavailable;
                trouble = trouble.or(error);
            }
        }
    }
    if confirmed == 0 {
        return trouble;
    }
    if unconfirmed > 0 {
        let error = trouble.map(tracing::field::display);
        tracing::error!(
            error,
            unconfirmed,
            confirmed,
            "the table did not confirm some rows of a request"
        );
    }
    None
}

async fn write_one(state: &Resend, terms: &Terms, id: UserId) -> Said {
    let resend = terms.resend(state, id);
    match state.store.resend(id, &resend).await.map_err(Some)? {
        Attempt::Done(user) => Ok((Fate::Resent, Some(user.email))),
        Attempt::Refused(found) => {
            // By the user that came back it should have been done: they were changed at the same moment.
            let refusal = resend.refusal(found.as_deref()).ok_or(None)?;
            // Another tenant's address is nobody's business here.
            let theirs = found.filter(|user| user.tenant == terms.tenant);
            let email = theirs.map(|user| user.email);
            Ok((Fate::Refused(refusal), email))
        }
    }
}
