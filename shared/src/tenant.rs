//! What a tenant has decided, as requests need it: between the table and the mail.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp};

use crate::{
    clock::Clock,
    config::Environment,
    domain::{Locale, Settings, TenantId},
    mail::Templates,
    store::{Store, StoreError},
};

/// How many tenants' settings a process keeps at most.
const MOST: usize = 1000;

/// The settings of tenants, as a request needs them. Those that were just read are used again for a few seconds, so that an
/// invitation is one call and not two wherever many come at once. What is made of a mail is never read here but by the mailer,
/// at its every run.
#[derive(Debug)]
pub struct TenantSettings {
    store: Store,
    clock: Clock,
    kept_for: SignedDuration,
    kept: Mutex<HashMap<TenantId, (Timestamp, Arc<Settings>)>>,
}

impl TenantSettings {
    /// Reads `SETTINGS_SECONDS`, see [`settings_kept_for`].
    pub fn from_env(env: &Environment, store: &Store, clock: &Clock) -> Self {
        Self {
            store: store.clone(),
            clock: clock.clone(),
            kept_for: settings_kept_for(env),
            kept: Mutex::default(),
        }
    }

    /// A tenant's settings, at most as old as is allowed; those of one that has decided nothing are empty. One `GetItem` at most.
    pub async fn of(&self, tenant: &TenantId) -> Result<Arc<Settings>, StoreError> {
        if let Some(kept) = self.kept(tenant) {
            return Ok(kept);
        }
        // The answer may be as old as the question.
        let read_at = self.clock.now();
        let settings = Arc::new(settings(&self.store, tenant).await?);
        if self.kept_for.is_positive() {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.len() >= MOST {
                kept.clear();
            }
            kept.insert(tenant.clone(), (read_at, Arc::clone(&settings)));
        }
        Ok(settings)
    }

    fn kept(&self, tenant: &TenantId) -> Option<Arc<Settings>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let (read_at, settings) = kept.get(tenant)?;
        let age = self.clock.now().duration_since(*read_at);
        // A clock that was set back says nothing of an age.
        (!age.is_negative() && age < self.kept_for).then(|| Arc::clone(settings))
    }
}

/// `SETTINGS_SECONDS`: for how long settings that were read are used again, 2 seconds if not set. Whoever changes settings
/// waits as long before they say that it is done: from then on nobody uses older ones.
pub fn settings_kept_for(env: &Environment) -> SignedDuration {
    let kept_for = env.optional("SETTINGS_SECONDS", |text| {
        let seconds = text.parse().ok();
        let allowed = seconds.filter(|seconds| (0..=10).contains(seconds));
        allowed
            .map(SignedDuration::from_secs)
            .ok_or("write a whole number of seconds from 0 to 10")
    });
    kept_for.unwrap_or(SignedDuration::from_secs(2))
}

/// A tenant's settings as they are now; those of one that has decided nothing are empty. One `GetItem`.
pub async fn settings(store: &Store, tenant: &TenantId) -> Result<Settings, StoreError> {
    let found = store.settings(tenant).await?;
    Ok(found.map(|found| found.value).unwrap_or_default())
}

/// Whether Usher comes with mails in this language, so that no tenant has to be asked for its own.
pub fn is_built_in(locale: &Locale) -> bool {
    Templates::built_in().locales().contains(locale)
}

/// The languages that a tenant's mails can be in. Its own templates are asked for only if one of those `wanted` is none that
/// Usher comes with.
pub async fn languages(
    store: &Store,
    tenant: &TenantId,
    wanted: &[Locale],
) -> Result<Templates, StoreError> {
    if wanted.iter().all(is_built_in) {
        return Ok(Templates::built_in());
    }
    Ok(Templates::with_locales(
        store.template_locales(tenant).await?,
    ))
}
