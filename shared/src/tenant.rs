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

/// The languages that a tenant's mails can be in. Its own templates are asked for only if one of those `wanted` is none that
/// Usher comes with.
pub async fn languages(
    store: &Store,
    tenant: &TenantId,
    wanted: &[Locale],
) -> Result<Templates, StoreError> {
    let built_in = Templates::built_in();
    let known = |locale| built_in.locales().contains(locale);
    if wanted.iter().all(known) {
        return Ok(built_in);
    }
    Ok(Templates::with_locales(
        store.template_locales(tenant).await?,
    ))
}
