//! What a tenant has decided: its settings, and its own templates. Each row has a version, so that nobody writes over what they
//! have not seen.

use aws_sdk_dynamodb::{
    operation::put_item::PutItemError,
    types::{AttributeValue, ReturnValuesOnConditionCheckFailure},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    Store, StoreError,
    item::{Item, read},
    keys,
    standing::{Decided, Standing, TAKEN_AWAY},
};
use crate::domain::{Inviter, Locale, Settings, TemplateSource, TenantId};

/// Random: it tells a write from every other, should its answer be lost.
const MARK: &str = "mark";

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
    /// Nothing, whether or not there ever was.
    Nothing,
    /// This version.
    Version(u64),
}

/// Whether a change was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DecisionWritten<T> {
    /// It was, and this is there now.
    Done(Standing<T>),
    /// Something else was there than was expected: this.
    Refused(Standing<T>),
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
    /// A tenant's settings, as they are now, for what depends on them: an error if they can't be read. One `GetItem`.
    pub async fn settings(
        &self,
        tenant: &TenantId,
    ) -> Result<Option<Decided<Settings>>, StoreError> {
        let found = self.decision(keys::settings_key(tenant)).await?;
        found.map(read).transpose()
    }

    /// A tenant's settings for whoever changes them, who mends those that can't be read. One `GetItem`.
    pub async fn standing_settings(
        &self,
        tenant: &TenantId,
    ) -> Result<Standing<Settings>, StoreError> {
        let found = self.decision(keys::settings_key(tenant)).await?;
        Ok(Standing::of(found))
    }

    /// A tenant's own template of this language, for whoever changes it. One `GetItem`.
    pub async fn standing_template(
        &self,
        tenant: &TenantId,
        locale: &Locale,
    ) -> Result<Standing<OwnTemplate>, StoreError> {
        let found = self.decision(keys::template_key(tenant, locale)).await?;
        Ok(Standing::of(found))
    }

    /// Everything that a tenant has decided. One `Query` for each megabyte of templates. A template that can't be read is
    /// left out: mail goes out with the one that Usher comes with.
    pub async fn decisions(&self, tenant: &TenantId) -> Result<Decisions, StoreError> {
        let mut found = Decisions::default();
        for item in self.rows_of(tenant, None).await? {
            if keys::is_settings(&item) {
                found.settings = Some(read(item)?);
            } else if keys::is_template(&item) && !item.contains_key(TAKEN_AWAY) {
                match read(item) {
                    Ok(template) => found.templates.push(template),
                    Err(error) => tracing::error!(%error, "a tenant's own template is left out"),
                }
            }
        }
        Ok(found)
    }

    /// Of every language that a tenant has, or had, a template of its own in, which version that is. One `Query`, of little
    /// more than names.
    pub async fn standing_templates(
        &self,
        tenant: &TenantId,
    ) -> Result<Vec<(Locale, Standing<()>)>, StoreError> {
        let projection = format!("sk, version, changed_at, changed_by, {TAKEN_AWAY}");
        let rows = self.rows_of(tenant, Some(&projection)).await?.into_iter();
        let known =
            rows.filter_map(|row| Some((keys::template_locale(&row)?, Standing::of(Some(row)))));
        Ok(known.collect())
    }

    /// The languages that a tenant has templates of its own in, also those that can't be read: to know that of one, all its words
    /// would have to be read for every invitation. The mailer leaves it out, so whoever was to be written to in it gets the next
    /// best language, while their `locale_source` still says that the asked-for one was there.
    pub async fn template_locales(&self, tenant: &TenantId) -> Result<Vec<Locale>, StoreError> {
        let known = self.standing_templates(tenant).await?.into_iter();
        let own = known.filter(|(_, found)| found.is_decided());
        Ok(own.map(|(locale, _)| locale).collect())
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
                query = query.projection_expression(projection);
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

    /// Changes a tenant's settings. One `PutItem`, after a `GetItem` unless a version is expected.
    pub async fn put_settings(
        &self,
        tenant: &TenantId,
        settings: Settings,
        expected: Expected,
        by: (Inviter, Timestamp),
    ) -> Result<DecisionWritten<Settings>, StoreError> {
        let key = keys::settings_key(tenant);
        self.decide(key, Some(settings), expected, by).await
    }

    /// Gives a tenant a template of its own. One `PutItem`, after a `GetItem` unless a version is expected.
    pub async fn put_template(
        &self,
        tenant: &TenantId,
        template: OwnTemplate,
        expected: Expected,
        by: (Inviter, Timestamp),
    ) -> Result<DecisionWritten<OwnTemplate>, StoreError> {
        let key = keys::template_key(tenant, &template.locale);
        self.decide(key, Some(template), expected, by).await
    }

    /// Takes a tenant's own template away. One `PutItem`, after a `GetItem` unless a version is expected: what remains is the
    /// version, so that none comes twice.
    pub async fn take_template_away(
        &self,
        tenant: &TenantId,
        locale: &Locale,
        expected: Expected,
        by: (Inviter, Timestamp),
    ) -> Result<DecisionWritten<OwnTemplate>, StoreError> {
        let key = keys::template_key(tenant, locale);
        self.decide(key, None, expected, by).await
    }

    async fn decision(&self, key: Item) -> Result<Option<Item>, StoreError> {
        let found = self
            .client
            .get_item()
            .table_name(&self.table)
            .consistent_read(true)
            .set_key(Some(key))
            .send()
            .await
            .map_err(|error| StoreError::of("GetItem", &error))?;
        Ok(found.item)
    }

    /// Writes the next version: this value, or that there is none any more. Which version that is depends on the one that is
    /// expected, and where that is none, on what is there.
    async fn decide<T: Serialize + DeserializeOwned>(
        &self,
        key: Item,
        value: Option<T>,
        expected: Expected,
        by: (Inviter, Timestamp),
    ) -> Result<DecisionWritten<T>, StoreError> {
        let seen = match expected {
            Expected::Version(version) => version,
            Expected::Anything | Expected::Nothing => {
                let found = Standing::<T>::of(self.decision(key.clone()).await?);
                let unexpected = expected == Expected::Nothing && found.is_decided();
                if unexpected || (value.is_none() && !found.is_decided()) {
                    return Ok(DecisionWritten::Refused(found));
                }
                found.version()
            }
        };
        let (mut condition, seen_value) = match seen {
            0 => (
                "NOT attribute_type(version, :seen)".to_owned(),
                AttributeValue::S("N".to_owned()),
            ),
            version => (
                "version = :seen".to_owned(),
                AttributeValue::N(version.to_string()),
            ),
        };
        if value.is_none() {
            condition.push_str(" AND attribute_not_exists(taken_away)");
        }
        let mark = self.marks.bytes();
        let mark = AttributeValue::S(format!("{:032x}", u128::from_be_bytes(mark)));
        let (written, mut item) = Standing::next(value, seen.saturating_add(1), by)?;
        item.extend(key);
        item.insert(MARK.to_owned(), mark.clone());
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression(condition)
            .expression_attribute_values(":seen", seen_value)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match put {
            Ok(_) => Ok(DecisionWritten::Done(written)),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(failed)) => {
                    let found = failed.item.clone();
                    // The client tries again where an answer was lost: then it meets what it wrote itself.
                    let ours = found.as_ref().and_then(|item| item.get(MARK)) == Some(&mark);
                    Ok(if ours {
                        DecisionWritten::Done(written)
                    } else {
                        DecisionWritten::Refused(Standing::of(found))
                    })
                }
                _ => Err(StoreError::of("PutItem", &error)),
            },
        }
    }
}
