//! DynamoDB in this process: `dynoxide`, on `SQLite`, in a file or in memory.
//!
//! For every write, `dynoxide` looks for the highest sequence number of the stream, and for that reads all of its
//! records: ten thousand invitations would take minutes. An index on just that expression makes it one step.

use dynoxide::Database;
use rusqlite::Connection;
use thiserror::Error;
use ulid::Ulid;
use usher::clock::{Clock, Entropy};

use crate::files::{DataDir, private};

const STREAM_INDEX: &str = "CREATE INDEX IF NOT EXISTS usher_stream_position \
    ON _stream_records (table_name, CAST(sequence_number AS INTEGER))";

/// The database can't be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The file can't be made or read, or is no database.
    #[error("the database can't be opened: {0}")]
    Database(String),
    /// `SQLite` refused the index.
    #[error("the database's index can't be made: {0}")]
    Index(#[from] rusqlite::Error),
}

/// An empty database in memory.
pub fn in_memory() -> Result<Database, OpenError> {
    open(None)
}

/// Opens the database of the directory, or an empty one in memory.
pub(crate) fn open(data: Option<&DataDir>) -> Result<Database, OpenError> {
    let name = if let Some(data) = data {
        let file = data.file("usher.db");
        // Made here, so that only its owner can read it, and found unwritable before anybody is told that all is well.
        private()
            .append(true)
            .open(&file)
            .map_err(|error| OpenError::Database(error.to_string()))?;
        file.to_string_lossy().into_owned()
    } else {
        // By its name a second connection reaches it, which the index needs; it goes with the last connection.
        let now = Clock::system().now().as_millisecond().unsigned_abs();
        let unique = Ulid::from_parts(now, u128::from_be_bytes(Entropy::system().bytes()));
        format!("file:/usher-{unique}?vfs=memdb")
    };
    let database = Database::new(&name).map_err(|error| OpenError::Database(error.to_string()))?;
    Connection::open(&name)?.execute_batch(STREAM_INDEX)?;
    Ok(database)
}
