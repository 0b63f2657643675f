//! AWS clients that are ready soon: no configuration chain, no 144 root certificates, connections opened at start.
//!
//! On a cold start, reading the system's roots is nine tenths of building a client. AWS's endpoints are signed by
//! Amazon's own roots, so only those are trusted. An operator behind a proxy that inspects TLS sets
//! `TRUST_STORE=system` to have the system's roots back.

use std::time::Duration;

use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_sdk_dynamodb::config::BehaviorVersion;
use aws_sdk_dynamodb::config::SharedHttpClient;
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_smithy_types::{retry::RetryConfig, timeout::TimeoutConfig};
use aws_types::{SdkConfig, region::Region};

use crate::config::{Environment, web_address};

const ROOTS: [&str; 5] = [
    include_str!("../roots/amazon_root_ca_1.pem"),
    include_str!("../roots/amazon_root_ca_2.pem"),
    include_str!("../roots/amazon_root_ca_3.pem"),
    include_str!("../roots/amazon_root_ca_4.pem"),
    include_str!("../roots/starfield_services_root_ca_g2.pem"),
];

/// A DynamoDB client that tries a call three times, within 10 seconds in all.
pub fn dynamodb(env: &Environment) -> Option<aws_sdk_dynamodb::Client> {
    let config = sdk_config(env, "AWS_ENDPOINT_URL_DYNAMODB")?
        .retry_config(RetryConfig::standard().with_max_attempts(3))
        .timeout_config(timeouts(Duration::from_secs(4), Duration::from_secs(10)))
        .build();
    Some(aws_sdk_dynamodb::Client::new(&config))
}

/// An SES client that never repeats a call: SES has no idempotency token, so a repeated one is a second mail.
pub fn ses(env: &Environment) -> Option<aws_sdk_sesv2::Client> {
    let config = sdk_config(env, "AWS_ENDPOINT_URL_SESV2")?
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts(Duration::from_secs(20), Duration::from_secs(20)))
        .build();
    Some(aws_sdk_sesv2::Client::new(&config))
}

/// Lambda sets region and credentials as variables, so those are read and nothing else is searched.
fn sdk_config(
    env: &Environment,
    endpoint_variable: &str,
) -> Option<aws_types::sdk_config::Builder> {
    let text = |value: &str| Ok::<_, &str>(value.to_owned());
    let region = env.required("AWS_REGION", text);
    let id = env.required("AWS_ACCESS_KEY_ID", text);
    let secret = env.required("AWS_SECRET_ACCESS_KEY", text);
    let session = env.text("AWS_SESSION_TOKEN").map(ToOwned::to_owned);
    let endpoint = env
        .optional(endpoint_variable, web_address)
        .or_else(|| env.optional("AWS_ENDPOINT_URL", web_address));
    let roots = env.optional("TRUST_STORE", |value| match value {
        "amazon" => Ok(amazon_roots()),
        "system" => Ok(TrustStore::default()),
        _ => Err("it is amazon or system"),
    });
    let tls = TlsContext::builder()
        .with_trust_store(roots.unwrap_or_else(amazon_roots))
        .build()
        .ok()?;
    let http = Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .tls_context(tls)
        .build_https();
    let credentials = Credentials::new(id?, secret?, session, None, "environment");
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region?))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(http);
    config.set_endpoint_url(endpoint.map(|url| url.as_str().trim_end_matches('/').to_owned()));
    Some(config)
}

/// A client for services on this machine, which speak plain HTTP.
pub fn plain_http_client() -> SharedHttpClient {
    Builder::new().build_http()
}

fn amazon_roots() -> TrustStore {
    ROOTS.iter().fold(TrustStore::empty(), |store, root| {
        store.with_pem_certificate(*root)
    })
}

fn timeouts(attempt: Duration, operation: Duration) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(2))
        .operation_attempt_timeout(attempt)
        .operation_timeout(operation)
        .build()
}
