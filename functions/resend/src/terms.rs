//! What holds for everybody whom a request sends their invitation again.

use lambda_http::Request;
use usher::{
    domain::{
        self, Inviter, Lifetime, Locale, LocaleSource, Message, Nonce, ResendRequest, TenantId,
        UserId,
    },
    http::{Caller, Problem, field, idempotency_key},
    tenant,
};

use crate::Resend;

/// What was sent.
pub(crate) struct Asked {
    pub(crate) locale: Option<String>,
    pub(crate) message: Option<String>,
    pub(crate) expires_in_days: Option<i64>,
    pub(crate) reactivate: Option<bool>,
}

/// What it means, and who asks.
pub(crate) struct Terms {
    pub(crate) tenant: TenantId,
    by: Inviter,
    appoints: bool,
    locale: Option<(Locale, LocaleSource)>,
    message: Option<Message>,
    lifetime: Lifetime,
    reactivate: bool,
    request: Option<ResendRequest>,
}

impl Terms {
    pub(crate) async fn of(
        state: &Resend,
        request: &Request,
        caller: Caller,
        asked: Asked,
    ) -> Result<Self, Problem> {
        let by = &caller.identity.id;
        let named = |key| ResendRequest {
            key,
            by: by.clone(),
        };
        let request = idempotency_key(request)?.map(named);
        let locale: Option<Locale> = field("locale", asked.locale, |tag| tag.parse())?;
        let message = field("message", asked.message, |text| Message::parse(&text))?;
        let lifetime = field("expires_in_days", asked.expires_in_days, Lifetime::days)?;
        let settings = state.settings.of(&caller.tenant).await?;
        let templates = tenant::languages(&state.store, &caller.tenant, locale.as_slice()).await?;
        let defaults = settings.locales(&state.default_locale);
        Ok(Self {
            tenant: caller.tenant,
            by: caller.identity,
            appoints: caller.appoints,
            locale: locale
                .map(|asked| templates.choose(Some((asked, LocaleSource::Invitee)), &defaults)),
            message,
            lifetime: lifetime.unwrap_or_else(|| settings.lifetime()),
            reactivate: asked.reactivate.unwrap_or_default(),
            request,
        })
    }

    /// The operation on one user, with a link of their own.
    pub(crate) fn resend(&self, state: &Resend, id: UserId) -> domain::Resend {
        let nonce = Nonce::new(state.entropy.bytes());
        domain::Resend {
            tenant: self.tenant.clone(),
            by: self.by.clone(),
            now: state.clock.now(),
            reactivate: self.reactivate,
            appoints: self.appoints,
            locale: self.locale.clone(),
            message: self.message.clone(),
            lifetime: self.lifetime,
            token: state.key.issue(&self.tenant, id, nonce),
            nonce,
            request: self.request.clone(),
        }
    }
}
