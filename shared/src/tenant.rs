//! What a tenant has decided, as requests need it: between the table and the mail.

use crate::{
    domain::{Locale, Settings, TenantId},
    mail::Templates,
    store::{Store, StoreError},
};

/// A tenant's settings; those of one that has decided nothing are empty. One `GetItem`.
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
