//! What a tenant has decided: its settings, and its own templates. Each row has a version, so that nobody writes over what they
//! have not seen.

use aws_sdk_dynamodb::{
    operation::{delete_item::DeleteItemError, put_item::PutItemError},
    types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure},
};
use jiff::{Timestamp, fmt::serde::timestamp::millisecond as ms};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    Store, StoreError,
    item::{Item, read, write},
    keys,
};
use crate::domain::{Inviter, Locale, Settings, TemplateSource, TenantId};

/// Something that a tenant has decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided<T> {
    /// How often it was.
    pub version: u64,
    /// When it was last.
    #[serde(with = "ms::required")]
    pub changed_at: Timestamp,
    /// By whom.
    pub changed_by: Inviter,
    /// What.
    #[serde(flatten)]
    pub value: T,
}

/// A tenant's own template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnTemplate {
    /// Its language.
    pub locale: Locale,
    /// What its author wrote.
    #[serde(flatten)]
    pub source: TemplateSource,
}

/// What must be there for a change to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Whatever is.
    Anything,
    /// Nothing.
    Nothing,
    /// This version.
    Version(u64),
}

/// Whether a change was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DecisionWritten<T> {
    /// It was, and this is there now; nothing, if it was taken away.
    Done(Option<Decided<T>>),
    /// Something else was there than was expected: this, or nothing.
    Refused(Option<Decided<T>>),
}

/// Of a tenant, everything that a mail, or an invitation, depends on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decisions {
    /// Its settings.
    pub settings: Option<Decided<Settings>>,
    /// Its own templates.
    pub templates: Vec<Decided<OwnTemplate>>,
}

impl Store {
    /// A tenant's settings, as they are now. One `GetItem`.
    pub async fn settings(
        &self,
        tenant: &TenantId,
    ) -> Result<Option<Decided<Settings>>, StoreError> {
        self.decided(keys::settings_key(tenant)).await
    }

    /// A tenant's own template of this language. One `GetItem`.
    pub async fn template(
        &self,
        tenant: &TenantId,
        locale: &Locale,
    ) -> Result<Option<Decided<OwnTemplate>>, StoreError> {
        self.decided(keys::template_key(tenant, locale)).await
    }

    /// Everything that a tenant has decided. One `Query` for each megabyte of templates. A template that can't be read is
    /// left out: mail goes out with the one that Usher comes with.
    pub async fn decisions(&self, tenant: &TenantId) -> Result<Decisions, StoreError> {
        let mut found = Decisions::default();
        for item in self.rows_of(tenant, None).await? {
            if keys::is_settings(&item) {
                found.settings = Some(read(item)?);
            } else if keys::is_template(&item) {
                match read(item) {
                    Ok(template) => found.templates.push(template),
                    Err(error) => tracing::error!(%error, "a tenant's own template is left out"),
                }
            }
        }
        Ok(found)
    }

    /// The languages that a tenant has templates of its own in. One `Query`, of little more than names.
    pub async fn template_locales(&self, tenant: &TenantId) -> Result<Vec<Locale>, StoreError> {
        let rows = self.rows_of(tenant, Some("sk, #locale")).await?;
        let rows = rows.into_iter().filter(keys::is_template);
        let locales = rows.map(|mut item| {
            let tag = item.remove("locale");
            let tag = tag.and_then(|tag| tag.as_s().ok().cloned());
            tag.and_then(|tag| tag.parse().ok())
        });
        Ok(locales.flatten().collect())
    }

    async fn rows_of(
        &self,
        tenant: &TenantId,
        projection: Option<&str>,
    ) -> Result<Vec<Item>, StoreError> {
        let mut rows = Vec::new();
        let mut start = None;
        loop {
            let mut query = self
                .client
                .query()
                .table_name(&self.table)
                .consistent_read(true)
                .key_condition_expression("pk = :pk")
                .expression_attribute_values(":pk", AttributeValue::S(keys::tenant_pk(tenant)))
                .set_exclusive_start_key(start);
            if let Some(projection) = projection {
                query = query
                    .projection_expression(projection)
                    .expression_attribute_names("#locale", "locale");
            }
            let page = query.send().await;
            let page = page.map_err(|error| StoreError::of("Query", &error))?;
            rows.extend(page.items.unwrap_or_default());
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(rows);
            }
        }
    }

    /// Changes a tenant's settings. One `PutItem`.
    pub async fn put_settings(
        &self,
        tenant: &TenantId,
        settings: Settings,
        expected: Expected,
        by: (Inviter, Timestamp),
    ) -> Result<DecisionWritten<Settings>, StoreError> {
        self.decide(keys::settings_key(tenant), settings, expected, by)
            .await
    }

    /// Gives a tenant a template of its own. One `PutItem`.
    pub async fn put_template(
        &self,
        tenant: &TenantId,
        template: OwnTemplate,
        expected: Expected,
        by: (Inviter, Timestamp),
    ) -> Result<DecisionWritten<OwnTemplate>, StoreError> {
        let key = keys::template_key(tenant, &template.locale);
        self.decide(key, template, expected, by).await
    }

    /// Takes a tenant's own template away. One `DeleteItem`.
    pub async fn delete_template(
        &self,
        tenant: &TenantId,
        locale: &Locale,
        expected: Expected,
    ) -> Result<DecisionWritten<OwnTemplate>, StoreError> {
        let (condition, version) = condition(expected);
        let deleted = self
            .client
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(keys::template_key(tenant, locale)))
            .set_condition_expression(condition)
            .set_expression_attribute_values(version)
            .return_values(ReturnValue::AllOld)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match deleted {
            // What was not there can't be taken away.
            Ok(output) => Ok(match output.attributes {
                Some(_) => DecisionWritten::Done(None),
                None => DecisionWritten::Refused(None),
            }),
            Err(error) => match error.as_service_error() {
                Some(DeleteItemError::ConditionalCheckFailedException(failed)) => Ok(
                    DecisionWritten::Refused(failed.item.clone().map(read).transpose()?),
                ),
                _ => Err(StoreError::of("DeleteItem", &error)),
            },
        }
    }

    async fn decided<T: DeserializeOwned>(&self, key: Item) -> Result<Option<T>, StoreError> {
        let found = self
            .client
            .get_item()
            .table_name(&self.table)
            .consistent_read(true)
            .set_key(Some(key))
            .send()
            .await
            .map_err(|error| StoreError::of("GetItem", &error))?;
        found.item.map(read).transpose()
    }

    /// Writes the next version. Which one that is depends on the one that is expected: for "anything", on what is there.
    async fn decide<T: Serialize + DeserializeOwned + Clone>(
        &self,
        key: Item,
        value: T,
        expected: Expected,
        (changed_by, changed_at): (Inviter, Timestamp),
    ) -> Result<DecisionWritten<T>, StoreError> {
        let expected = match expected {
            Expected::Anything => match self.decided::<Decided<T>>(key.clone()).await? {
                Some(found) => Expected::Version(found.version),
                None => Expected::Nothing,
            },
            expected => expected,
        };
        let version = match expected {
            Expected::Version(version) => version + 1,
            _ => 1,
        };
        let decided = Decided {
            version,
            changed_at,
            changed_by,
            value,
        };
        let mut item: Item = write(&decided)?;
        item.extend(key);
        let (condition, values) = condition(expected);
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .set_condition_expression(condition)
            .set_expression_attribute_values(values)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match put {
            Ok(_) => Ok(DecisionWritten::Done(Some(decided))),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(failed)) => Ok(
                    DecisionWritten::Refused(failed.item.clone().map(read).transpose()?),
                ),
                _ => Err(StoreError::of("PutItem", &error)),
            },
        }
    }
}

fn condition(expected: Expected) -> (Option<String>, Option<Item>) {
    match expected {
        Expected::Anything => (None, None),
        Expected::Nothing => (Some("attribute_not_exists(pk)".to_owned()), None),
        Expected::Version(version) => {
            let value = AttributeValue::N(version.to_string());
            let values = [(":version".to_owned(), value)].into();
            (Some("version = :version".to_owned()), Some(values))
        }
    }
}
