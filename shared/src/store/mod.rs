//! The table: users with their histories and addresses in DynamoDB, the row in which mailers take turns, and those that
//! count what SES reports. One public method is one DynamoDB call, or says how many it makes, and every write is conditional,
//! but for the history's, which says why.

mod address;
mod condition;
mod daily;
mod due;
mod error;
mod feedback;
mod history;
mod invite;
mod item;
mod keys;
mod list;
mod mail;
mod pace;
mod scrub;
mod settings;
mod standing;
mod suppression;
mod table;
mod tally;
mod update;
mod users;

use aws_sdk_dynamodb::Client;

use crate::{aws, clock::Entropy, config::Environment};

pub use self::{
    address::{Changed, ErasureWritten},
    due::{DuePage, DuePlace},
    error::{StoreError, TableUnusable},
    history::{Change, EVENTS_PER_CALL, HistoryPage},
    invite::{ADDRESSES_PER_CALL, INVITEES_PER_CALL, Written},
    item::{user_from_image, user_that_ended},
    list::{Page, Position, Selection},
    pace::Slot,
    scrub::ERASED_PER_CALL,
    settings::{DecisionWritten, Decisions, Expected, OwnTemplate},
    standing::{Decided, Standing},
    suppression::KnownAddress,
    tally::Tally,
    users::Attempt,
};

/// The table through one client. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    client: Client,
    table: String,
    marks: Entropy,
}

impl Store {
    /// The table of this name.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self {
            client,
            table: table.into(),
            marks: Entropy::system(),
        }
    }

    /// The table that `TABLE_NAME` names, in the region of the environment.
    pub fn from_env(env: &Environment) -> Option<Self> {
        let (client, table) = (aws::dynamodb(env), env.table_name());
        Some(Self::new(client?, table?))
    }
}
