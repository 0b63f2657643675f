//! `POST /v1/accept/lookup`: what the holder of a link sees of the invitation, before they decide.

use lambda_http::Request;
use serde::Serialize;
use usher::{
    domain::{self, DeclineToken, Locale, Message, PersonName, RedirectUrl},
    http::{Answer, json, json_body},
};

use crate::{Accept, LinkBody, decliner, holder};

/// What the invited person sees of the invitation.
#[derive(Serialize)]
struct InvitationView<'a> {
    email: &'a str,
    name: Option<&'a str>,
    locale: &'a Locale,
    /// In which the page speaks if it has nothing in the invitation's.
    default_locale: &'a Locale,
    inviter: InviterView<'a>,
    product_name: &'a str,
    message: Option<&'a str>,
    expires_at: String,
    redirect_url: Option<&'a str>,
}

#[derive(Serialize)]
struct InviterView<'a> {
    name: Option<&'a str>,
}

pub(crate) async fn lookup(state: &Accept, request: &Request) -> Answer {
    let body: LinkBody = json_body(request)?;
    if body.token.trim().parse::<DeclineToken>().is_ok() {
        return look_up_to_decline(state, &body.token).await;
    }
    let (user, token) = holder(state, &body.token).await?;
    if let Some(refusal) = domain::Accept::refusal(token, state.clock.now(), Some(&user)) {
        return Err(state.link_problem(refusal));
    }
    let settings = state.settings.of(&user.tenant).await?;
    json(&InvitationView {
        email: user.email.as_str(),
        name: user.name.as_ref().map(PersonName::as_str),
        locale: &user.locale,
        default_locale: settings.locales(&state.default_locale)[0].0,
        inviter: InviterView {
            name: user.invited_by.name.as_ref().map(PersonName::as_str),
        },
        product_name: settings.product_name(&state.product_name).as_str(),
        message: user.message.as_ref().map(Message::as_str),
        expires_at: format!("{:.3}", user.expires_at),
        redirect_url: user.redirect_url.as_ref().map(RedirectUrl::as_str),
    })
}

/// What whoever may decline, and nothing else, has to know for it: such a link goes through more hands.
async fn look_up_to_decline(state: &Accept, token: &str) -> Answer {
    let (user, token) = decliner(state, token).await?;
    let decline = domain::Decline {
        token,
        now: state.clock.now(),
    };
    if let Some(refusal) = decline.refusal(Some(&user)) {
        return Err(state.link_problem(refusal));
    }
    let settings = state.settings.of(&user.tenant).await?;
    json(&InvitationView {
        email: user.email.as_str(),
        name: None,
        locale: &user.locale,
        default_locale: settings.locales(&state.default_locale)[0].0,
        inviter: InviterView { name: None },
        product_name: settings.product_name(&state.product_name).as_str(),
        message: None,
        expires_at: format!("{:.3}", user.expires_at),
        redirect_url: None,
    })
}
