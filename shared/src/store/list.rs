//! Lists: newest first by state, or by the beginning of an address. A page never misses or repeats a user while
//! others are being invited, because a user's place in the order never changes.

use std::collections::{HashMap, hash_map::Entry};

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp, fmt::serde::timestamp::millisecond as ms};
use serde::{Deserialize, de::DeserializeOwned};

use super::{
    ADDRESSES_PER_CALL, Store, StoreError,
    item::{Item, read},
    keys,
};
use crate::domain::{StateName, TenantId, User, UserId};

/// How many rows a query reads at once where most of them may be left out; at 1 KB a row, half of DynamoDB's page.
const SPARSE_READ: usize = 500;

/// Longer than any address may be.
const LONGEST_ADDRESS: usize = 254;

/// The place in a list after which the next page begins.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position(pub String);

impl Position {
    /// Where this user is in a list by the time of invitation.
    pub fn of(user: &User) -> Self {
        Self(keys::by_state_sk(user.invited_at, user.id))
    }
}

/// Which users, and how many.
#[derive(Clone, Debug)]
pub struct Selection {
    /// Whose users.
    pub tenant: TenantId,
    /// Only those in this state.
    pub state: Option<StateName>,
    /// Only those after this place.
    pub after: Option<Position>,
    /// At most this many, 1 at least.
    pub limit: usize,
    /// Now: it tells pending from expired.
    pub now: Timestamp,
}

/// A piece of a list. If there is more, `after` is where it goes on.
#[derive(Debug)]
pub struct Page {
    /// The users, in order.
    pub users: Vec<User>,
    /// Where the next page begins.
    pub after: Option<Position>,
}

/// One row of an index: its place and, if it can be read, what it holds.
type Row<T> = (Position, Option<T>);

/// What the index by address holds.
#[derive(Deserialize)]
struct Found {
    pk: String,
    state: StateName,
    #[serde(with = "ms::required")]
    expires_at: Timestamp,
}

/// The condition of a query, its values, and its direction.
struct Range<'a> {
    index: &'a str,
    pk: (&'a str, String),
    sk: &'a str,
    condition: &'a str,
    values: Vec<(&'static str, String)>,
    newest_first: bool,
}

impl Store {
    /// Users by the time of their invitation, newest first. One `Query` a state, and more where a page is filtered.
    ///
    /// A row that can't be read is logged by its name and left out.
    pub async fn list(&self, selection: &Selection) -> Result<Page, StoreError> {
        let partitions: &[StateName] = match selection.state {
            // Pending comes first and again last: a user who leaves it, or comes to it, between two of these queries is
            // then seen twice, not missed.
            None => &[
                StateName::Pending,
                StateName::Expired,
                StateName::Accepted,
                StateName::Revoked,
                StateName::Declined,
                StateName::Pending,
            ],
            Some(StateName::Expired) => &[StateName::Pending, StateName::Expired],
            Some(StateName::Pending) => &[StateName::Pending],
            Some(StateName::Accepted) => &[StateName::Accepted],
            Some(StateName::Revoked) => &[StateName::Revoked],
            Some(StateName::Declined) => &[StateName::Declined],
        };
        let mut rows = Vec::new();
        for partition in partitions {
            rows.extend(self.partition(selection, *partition).await?);
        }
        rows.sort_by(|a, b| b.0.cmp(&a.0));
        Ok(page(rows, selection.limit))
    }

    /// Users whose address begins with `prefix` (in lower case), by address. One `Query`, and more where a page is filtered; then
    /// one `BatchGetItem`.
    pub async fn search(&self, selection: &Selection, prefix: &str) -> Result<Page, StoreError> {
        // No address is longer; a key that long would be an error.
        if prefix.len() > LONGEST_ADDRESS {
            return Ok(Page {
                users: Vec::new(),
                after: None,
            });
        }
        // Addresses are ASCII, so this is above every one that begins with the prefix.
        let to = format!("{prefix}\u{FFFF}");
        // A place from another search may be before this one, and must not widen it.
        let from = selection
            .after
            .as_ref()
            .map(|after| format!("{}\0", after.0))
            .filter(|from| from.as_str() > prefix)
            .unwrap_or_else(|| prefix.to_owned());
        if from.as_str() > to.as_str() {
            return Ok(Page {
                users: Vec::new(),
                after: None,
            });
        }
        let range = Range {
            index: keys::BY_EMAIL,
            pk: (keys::BY_EMAIL_PK, selection.tenant.as_str().to_owned()),
            sk: keys::BY_EMAIL_SK,
            condition: "#sk BETWEEN :from AND :to",
            values: vec![(":from", from), (":to", to)],
            newest_first: false,
        };
        let now = selection.now;
        let rows = self
            .query(&range, selection, |row: &Found| {
                row.state.at(now, row.expires_at)
            })
            .await?;
        self.found(rows, selection, prefix).await
    }

    /// The users of a page of these rows, as they are in the table: the index is a little late.
    async fn found(
        &self,
        mut rows: Vec<Row<Found>>,
        selection: &Selection,
        prefix: &str,
    ) -> Result<Page, StoreError> {
        // A row that can't be read fills no place on the page.
        rows.retain(|(_, found)| found.is_some());
        let more = rows.len() > selection.limit;
        rows.truncate(selection.limit);
        let after = rows.last().map(|(place, _)| place.clone()).filter(|_| more);
        let ids = rows
            .into_iter()
            .filter_map(|(_, found)| keys::user_id(&found?.pk));
        let ids: Vec<UserId> = ids.collect();
        let mut users = HashMap::new();
        for some in ids.chunks(ADDRESSES_PER_CALL) {
            users.extend(self.users(some).await?);
        }
        let users = ids.iter().filter_map(|id| users.remove(id));
        let users = users.filter(|user| {
            let wanted = |state| user.state_at(selection.now) == state;
            user.email.key().as_str().starts_with(prefix) && selection.state.is_none_or(wanted)
        });
        Ok(Page {
            users: users.collect(),
            after,
        })
    }

    async fn partition(
        &self,
        selection: &Selection,
        partition: StateName,
    ) -> Result<Vec<Row<User>>, StoreError> {
        // An invitation lives a day at least, so what is expired was invited more than a day ago.
        let aged = (selection.state == Some(StateName::Expired)).then(|| {
            let youngest = selection
                .now
                .saturating_sub(SignedDuration::from_hours(24))
                .unwrap_or(Timestamp::MIN);
            Position(format!("{youngest:.3}~"))
        });
        let before = [selection.after.clone(), aged].into_iter().flatten().min();
        let range = Range {
            index: keys::BY_STATE,
            pk: (
                keys::BY_STATE_PK,
                keys::by_state_pk(&selection.tenant, partition.as_str()),
            ),
            sk: keys::BY_STATE_SK,
            condition: if before.is_some() {
                "#sk < :before"
            } else {
                ""
            },
            values: before
                .into_iter()
                .map(|before| (":before", before.0))
                .collect(),
            newest_first: true,
        };
        let now = selection.now;
        self.query(&range, selection, |user: &User| user.state_at(now))
            .await
    }

    /// Queries until there is one row more than a page holds, which shows that there is a next page, or no more rows.
    async fn query<T: DeserializeOwned>(
        &self,
        range: &Range<'_>,
        selection: &Selection,
        state: impl Fn(&T) -> StateName,
    ) -> Result<Vec<Row<T>>, StoreError> {
        let wanted = selection.limit + 1;
        // Where most rows are left out, small reads would be many.
        let sparse = selection.state == Some(StateName::Expired)
            || (range.index == keys::BY_EMAIL && selection.state.is_some());
        let mut evaluated = if sparse { 4 * wanted } else { wanted };
        let mut rows = Vec::new();
        let mut readable = 0;
        let mut start = None;
        loop {
            let output = self
                .query_request(range, evaluated)
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(|error| StoreError::of("Query", &error))?;
            for item in output.items.unwrap_or_default() {
                let row = read_row(item, range.sk);
                let keep = |row: &T| selection.state.is_none_or(|wanted| state(row) == wanted);
                if row.1.as_ref().is_none_or(keep) {
                    // A row that can't be read fills no place on the page.
                    readable += usize::from(row.1.is_some());
                    rows.push(row);
                }
                if readable == wanted {
                    return Ok(rows);
                }
            }
            // That was not enough, so many rows are left out: the fewer there are, the more are read at once.
            evaluated = (4 * evaluated).min(SPARSE_READ.max(evaluated));
            start = output.last_evaluated_key;
            if start.is_none() {
                return Ok(rows);
            }
        }
    }

    fn query_request(
        &self,
        range: &Range<'_>,
        evaluated: usize,
    ) -> aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder {
        let mut query = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(range.index)
            .scan_index_forward(!range.newest_first)
            .limit(i32::try_from(evaluated).unwrap_or(i32::MAX))
            .expression_attribute_names("#pk", range.pk.0)
            .expression_attribute_values(":pk", AttributeValue::S(range.pk.1.clone()));
        if range.condition.is_empty() {
            query = query.key_condition_expression("#pk = :pk");
        } else {
            query = query
                .key_condition_expression(format!("#pk = :pk AND {}", range.condition))
                .expression_attribute_names("#sk", range.sk);
        }
        for (name, value) in &range.values {
            query = query.expression_attribute_values(*name, AttributeValue::S(value.clone()));
        }
        query
    }
}

fn read_row<T: DeserializeOwned>(item: Item, sk: &str) -> Row<T> {
    let place = item
        .get(sk)
        .and_then(|value| value.as_s().ok())
        .cloned()
        .unwrap_or_default();
    match read(item) {
        Ok(row) => (Position(place), Some(row)),
        Err(error) => {
            tracing::error!(%error, "a row was left out of a list");
            (Position(place), None)
        }
    }
}

/// Cuts the rows, which are in order, to a page.
fn page(rows: Vec<Row<User>>, limit: usize) -> Page {
    let mut users: Vec<User> = Vec::new();
    let mut places: HashMap<UserId, usize> = HashMap::new();
    let mut last = None;
    let mut more = false;
    for (place, user) in rows {
        let known = user.as_ref().and_then(|user| places.get(&user.id).copied());
        if users.len() == limit && known.is_none() {
            more = true;
            break;
        }
        last = Some(place);
        let Some(user) = user else { continue };
        match places.entry(user.id) {
            // Seen in two states, because it went from one to the other just now: the newer one counts.
            Entry::Occupied(place) => {
                let seen = &mut users[*place.get()];
                if user.version > seen.version {
                    *seen = user;
                }
            }
            Entry::Vacant(place) => {
                place.insert(users.len());
                users.push(user);
            }
        }
    }
    Page {
        users,
        after: last.filter(|_| more),
    }
}
