//! What each tenant has decided, as its mails need it.

use std::collections::HashMap;

use tokio::time::Instant;
use usher::{
    domain::{Reminders, TenantId},
    mail::{Outcome, Stationery},
    store::StoreError,
};

use crate::{
    Held, Mailing,
    outcome::{FIRST_PAUSE, record},
};

/// What holds for a tenant's mails.
pub(crate) struct Tenants {
    pub(crate) stationery: HashMap<TenantId, Stationery>,
    pub(crate) reminders: HashMap<TenantId, Reminders>,
}

/// Reads what each tenant has decided, once a run. Mails of a tenant of whom it can't be read are put off: they would go out
/// in another's name.
pub(crate) async fn tenants(
    mailing: &Mailing,
    held: Vec<Held>,
    end: Instant,
) -> (Tenants, Vec<Held>) {
    let mut all = Tenants {
        stationery: HashMap::new(),
        reminders: HashMap::new(),
    };
    let mut troubles: HashMap<TenantId, Outcome> = HashMap::new();
    for held in &held {
        let tenant = &held.mail.0.tenant;
        if all.stationery.contains_key(tenant) || troubles.contains_key(tenant) {
            continue;
        }
        match mailing.store.decisions(tenant).await {
            Ok(found) => {
                let settings = found.settings.map(|found| found.value).unwrap_or_default();
                let own = found.templates.into_iter().map(|template| template.value);
                let own = own.map(|template| (template.locale, template.source));
                let reminders = settings.reminders(&mailing.reminders).clone();
                let stationery = mailing.defaults.stationery(&settings, own);
                all.stationery.insert(tenant.clone(), stationery);
                all.reminders.insert(tenant.clone(), reminders);
            }
            Err(error) => {
                tracing::error!(%error, "what a tenant has decided can't be read");
                let outcome = match error {
                    StoreError::Unavailable { .. } => Outcome::Wait(FIRST_PAUSE),
                    StoreError::CorruptRow { .. } => Outcome::Parked(UNREADABLE),
                    StoreError::Rejected { .. } | StoreError::Unwritable(_) => {
                        Outcome::Parked(REFUSED)
                    }
                };
                troubles.insert(tenant.clone(), outcome);
            }
        }
    }
    let (mut good, mut put_off) = (Vec::new(), Vec::new());
    for held in held {
        match troubles.get(&held.mail.0.tenant) {
            None => good.push(held),
            Some(outcome) => put_off.push((held, outcome.clone())),
        }
    }
    record(mailing, &all, put_off, end).await;
    (all, good)
}

const UNREADABLE: &str = "What was decided in the settings can't be read. The mail waits and is tried again every hour; save the settings once more.";

const REFUSED: &str = "DynamoDB does not let the mailer read what was decided in the settings. The mail waits and is tried again every hour; the operator finds DynamoDB's words in the mailer's log.";
