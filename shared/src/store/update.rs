//! Builds the one conditional `UpdateItem` that an operation is.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use serde::Serialize;

use super::{StoreError, keys};
use crate::domain::{
    Delivery, DeliveryStatus, MailKind, Requirement, StateName, Suppression, TenantId, UserId,
};

/// Who writes to a user. Each leaves its own mark, so that the mailer's next write does not cover a request's.
#[derive(Clone, Copy)]
pub(super) enum Writer {
    Request,
    Mailer,
    Sweeper,
}

impl Writer {
    fn attribute(self) -> &'static str {
        match self {
            Self::Request => "request_mark",
            Self::Mailer => "mailer_mark",
            Self::Sweeper => "sweeper_mark",
        }
    }
}

/// The expressions of an update. Every name is aliased, so no attribute has to dodge DynamoDB's reserved words.
#[derive(Default)]
pub(super) struct Update {
    sets: Vec<String>,
    removes: Vec<String>,
    conditions: Vec<String>,
    pub(super) names: HashMap<String, String>,
    pub(super) values: HashMap<String, AttributeValue>,
    pub(super) mark: Option<(&'static str, AttributeValue)>,
}

impl Update {
    /// An update of a user: it counts the version up and notes the time.
    ///
    /// `mark` is random: it tells this write from every other, should its answer be lost.
    pub(super) fn of_user(
        now: Timestamp,
        writer: Writer,
        mark: [u8; 16],
    ) -> Result<Self, StoreError> {
        let mark = format!("{:032x}", u128::from_be_bytes(mark));
        let mut update = Self::default()
            .increment("version")?
            .set("updated_at", now.as_millisecond())?
            .set(writer.attribute(), &mark)?;
        update.mark = Some((writer.attribute(), AttributeValue::S(mark)));
        Ok(update)
    }

    pub(super) fn set(mut self, name: &str, value: impl Serialize) -> Result<Self, StoreError> {
        let (name, value) = (self.name(name), self.value(value)?);
        self.sets.push(format!("{name} = {value}"));
        Ok(self)
    }

    /// Sets the attribute if there is a value; else leaves it as it is.
    pub(super) fn set_some(
        self,
        name: &str,
        value: Option<impl Serialize>,
    ) -> Result<Self, StoreError> {
        match value {
            Some(value) => self.set(name, value),
            None => Ok(self),
        }
    }

    /// Sets the attribute; removes it if there is no value.
    pub(super) fn set_or_remove(
        self,
        name: &str,
        value: Option<impl Serialize>,
    ) -> Result<Self, StoreError> {
        match value {
            Some(value) => self.set(name, value),
            None => Ok(self.remove(&[name])),
        }
    }

    pub(super) fn increment(mut self, name: &str) -> Result<Self, StoreError> {
        let (name, one) = (self.name(name), self.value(1)?);
        self.sets.push(format!("{name} = {name} + {one}"));
        Ok(self)
    }

    /// Like [`increment`](Self::increment), of an attribute that need not be there yet.
    pub(super) fn count(mut self, name: &str) -> Result<Self, StoreError> {
        let (name, none, one) = (self.name(name), self.value(0)?, self.value(1)?);
        self.sets
            .push(format!("{name} = if_not_exists({name}, {none}) + {one}"));
        Ok(self)
    }

    /// Puts the value before those that are in the list.
    pub(super) fn prepend(mut self, name: &str, value: impl Serialize) -> Result<Self, StoreError> {
        let (name, value) = (self.name(name), self.value([value])?);
        self.sets
            .push(format!("{name} = list_append({value}, {name})"));
        Ok(self)
    }

    pub(super) fn remove(mut self, names: &[&str]) -> Self {
        for name in names {
            let name = self.name(name);
            self.removes.push(name);
        }
        self
    }

    pub(super) fn remove_element(mut self, list: &str, index: usize) -> Self {
        let list = self.name(list);
        self.removes.push(format!("{list}[{index}]"));
        self
    }

    /// Puts the user into a state, and into the list of those in it.
    pub(super) fn state(self, tenant: &TenantId, state: StateName) -> Result<Self, StoreError> {
        self.set("state", state)?
            .set(keys::BY_STATE_PK, keys::by_state_pk(tenant, state.as_str()))
    }

    /// Puts a user of whom nothing is known but the row into the list of the accepted.
    pub(super) fn accepted(mut self) -> Result<Self, StoreError> {
        let (list, accepted) = (self.name(keys::BY_STATE_PK), self.name(keys::ACCEPTED_PK));
        self.sets.push(format!("{list} = {accepted}"));
        self.set("state", StateName::Accepted)
    }

    /// Puts a mail into the outbox; somebody looks at `due` whether it was sent.
    pub(super) fn queue_mail(
        self,
        id: UserId,
        kind: MailKind,
        now: Timestamp,
        due: Timestamp,
    ) -> Result<Self, StoreError> {
        self.prepend("mail_requests", now.as_millisecond())?
            .set("delivery", Delivery::new(DeliveryStatus::Queued, now))?
            .set("outbox", kind)?
            .due(id, due)
    }

    /// Somebody has to look at this user at `at`.
    pub(super) fn due(self, id: UserId, at: Timestamp) -> Result<Self, StoreError> {
        self.set(keys::DUE_AT, at.as_millisecond())?
            .set(keys::BY_DUE_PK, keys::by_due_pk(id))
    }

    /// Nobody has to look at this user.
    pub(super) fn not_due(self) -> Self {
        self.remove(&[keys::DUE_AT, keys::BY_DUE_PK])
    }

    pub(super) fn require(mut self, requirements: &[Requirement]) -> Result<Self, StoreError> {
        for requirement in requirements {
            let condition = self.condition(requirement)?;
            self.conditions.push(condition);
        }
        Ok(self)
    }

    /// Requires of a row that is no user that the attribute has this value.
    pub(super) fn require_equal(
        mut self,
        name: &str,
        value: impl Serialize,
    ) -> Result<Self, StoreError> {
        let condition = format!("{} = {}", self.name(name), self.value(value)?);
        self.conditions.push(condition);
        Ok(self)
    }

    /// Requires that the attribute is there.
    pub(super) fn require_some(mut self, name: &str) -> Self {
        let condition = format!("attribute_exists({})", self.name(name));
        self.conditions.push(condition);
        self
    }

    /// Requires that the attribute is not there.
    pub(super) fn require_none(mut self, name: &str) -> Self {
        let condition = format!("attribute_not_exists({})", self.name(name));
        self.conditions.push(condition);
        self
    }

    /// Requires that the attribute is not there, or has this value.
    pub(super) fn require_equal_or_none(
        mut self,
        name: &str,
        value: impl Serialize,
    ) -> Result<Self, StoreError> {
        let (name, value) = (self.name(name), self.value(value)?);
        let condition = format!("(attribute_not_exists({name}) OR {name} = {value})");
        self.conditions.push(condition);
        Ok(self)
    }

    /// Requires that the attribute is not there, or less than this value.
    pub(super) fn require_less(
        mut self,
        name: &str,
        value: impl Serialize,
    ) -> Result<Self, StoreError> {
        let (name, value) = (self.name(name), self.value(value)?);
        let condition = format!("(attribute_not_exists({name}) OR {name} < {value})");
        self.conditions.push(condition);
        Ok(self)
    }

    /// Requires that there is no suppression, or a lesser one, and that none was lifted since this one.
    pub(super) fn require_lesser_suppression(
        mut self,
        Suppression { reason, at }: Suppression,
    ) -> Result<Self, StoreError> {
        let at = at.as_millisecond();
        let there = self.name("suppressed");
        let (name_of_reason, name_of_at) = (self.name("reason"), self.name("at"));
        let (same, later) = (self.value(reason)?, self.value(at)?);
        let mut lesser = vec![
            format!("attribute_not_exists({there})"),
            format!("({there}.{name_of_reason} = {same} AND {there}.{name_of_at} < {later})"),
        ];
        for reason in reason.lesser() {
            let reason = self.value(reason)?;
            lesser.push(format!("{there}.{name_of_reason} = {reason}"));
        }
        self.conditions.push(format!("({})", lesser.join(" OR ")));
        self.require_less("suppression_lifted_at", at)
    }

    /// `SET .. REMOVE ..`
    pub(super) fn expression(&self) -> String {
        let part = |word: &str, what: &[String]| match what {
            [] => String::new(),
            what => format!("{word} {} ", what.join(", ")),
        };
        part("SET", &self.sets) + &part("REMOVE", &self.removes)
    }

    /// All requirements together, or nothing if there are none.
    pub(super) fn condition_expression(&self) -> Option<String> {
        (!self.conditions.is_empty()).then(|| self.conditions.join(" AND "))
    }

    pub(super) fn name(&mut self, name: &str) -> String {
        let alias = format!("#{name}");
        self.names.insert(alias.clone(), name.to_owned());
        alias
    }

    pub(super) fn value<T: Serialize>(&mut self, value: T) -> Result<String, StoreError> {
        let alias = format!(":v{}", self.values.len());
        let value = serde_dynamo::to_attribute_value(value).map_err(StoreError::unwritable)?;
        self.values.insert(alias.clone(), value);
        Ok(alias)
    }
}
