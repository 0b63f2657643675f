//! The functions behind the API, each called with the event that it has in Lambda, and the variables they run with.

use std::{collections::BTreeMap, future::Future, pin::Pin};

use lambda_http::{LambdaEvent, Request};
use serde_json::{Value, json, value::to_raw_value};
use usher::{
    clock::{Clock, Entropy},
    config::{ConfigError, Environment},
    http::{Answer, Endpoint},
};
use usher_local::ses::SENDER;

use super::{
    TABLE,
    wire::{SES_URL, TABLE_URL},
};

pub(super) type Function = Box<dyn Fn(Value) -> Pin<Box<dyn Future<Output = Value>>>>;

/// All of them, by name.
pub(super) fn all(
    env: &Environment,
    clock: &Clock,
    entropy: &Entropy,
) -> BTreeMap<&'static str, Function> {
    let make = Make {
        env,
        clock,
        entropy,
    };
    BTreeMap::from([
        (
            "accept",
            make.http(accept::Accept::new, |state, request| {
                Box::pin(accept::handle(state, request))
            }),
        ),
        (
            "erase",
            make.http(erase::Erase::new, |state, request| {
                Box::pin(erase::handle(state, request))
            }),
        ),
        (
            "invite",
            make.http(invite::Invite::new, |state, request| {
                Box::pin(invite::handle(state, request))
            }),
        ),
        (
            "list",
            make.http(list::List::new, |state, request| {
                Box::pin(list::handle(state, request))
            }),
        ),
        (
            "resend",
            make.http(resend::Resend::new, |state, request| {
                Box::pin(resend::handle(state, request))
            }),
        ),
        (
            "revoke",
            make.http(revoke::Revoke::new, |state, request| {
                Box::pin(revoke::handle(state, request))
            }),
        ),
        (
            "update",
            make.http(update::Update::new, |state, request| {
                Box::pin(update::handle(state, request))
            }),
        ),
    ])
}

/// What the template gives them.
pub(super) fn environment() -> Environment {
    [
        ("AWS_ACCESS_KEY_ID", "local"),
        ("AWS_ENDPOINT_URL_DYNAMODB", TABLE_URL),
        ("AWS_ENDPOINT_URL_SESV2", SES_URL),
        ("AWS_REGION", "us-east-1"),
        ("AWS_SECRET_ACCESS_KEY", "local"),
        ("MAIL_FROM", "Usher <invitations@example.com>"),
        ("MAIL_IDENTITY", SENDER),
        ("PRODUCT_NAME", "Acme"),
        ("PUBLIC_URL", "https://usher.example"),
        ("TABLE_NAME", TABLE),
        ("TOKEN_KEY", "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc="),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into_iter()
    .collect()
}

struct Make<'a> {
    env: &'a Environment,
    clock: &'a Clock,
    entropy: &'a Entropy,
}

impl Make<'_> {
    fn http<S: Send + Sync + 'static>(
        &self,
        new: fn(&Environment, Clock, Entropy) -> Result<S, ConfigError>,
        handle: for<'a> fn(&'a S, &'a Request) -> lambda_http::BoxFuture<'a, Answer>,
    ) -> Function {
        let state = new(self.env, self.clock.clone(), self.entropy.clone()).unwrap();
        let endpoint = Endpoint::new(state, handle);
        Box::new(move |event| {
            let endpoint = endpoint.clone();
            Box::pin(async move {
                let event = LambdaEvent::new(
                    to_raw_value(&event).unwrap(),
                    lambda_http::Context::default(),
                );
                json!(endpoint.answer_event(event).await.unwrap())
            })
        })
    }
}
