//! AWS clients that are ready soon: no configuration chain, no 144 root certificates, connections opened at start.
//!
//! On a cold start, reading the system's roots is nine tenths of building a client. AWS's endpoints are signed by
//! Amazon's own roots, so only those are trusted. An operator behind a proxy that inspects TLS sets
//! `TRUST_STORE=system` to have the system's roots back.

mod service;

use std::{
    collections::BTreeSet,
    sync::{LazyLock, OnceLock},
    time::Duration,
};

use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_sdk_dynamodb::{
    config::{BehaviorVersion, ConfigBag, Intercept, RuntimeComponents, SharedHttpClient},
    error::{BoxError, ProvideErrorMetadata, SdkError},
    operation::transact_write_items::TransactWriteItemsInput,
};
use aws_smithy_http_client::{
    Builder, Connector,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::{
    http::{SharedHttpConnector, http_client_fn},
    interceptors::context::BeforeSerializationInterceptorContextRef,
    orchestrator::Metadata,
};
use aws_smithy_types::{retry::RetryConfig, timeout::TimeoutConfig};
use aws_types::{SdkConfig, region::Region, sdk_config};

pub(crate) use self::service::{Refused, Service, refused};
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
    let config = aws_sdk_dynamodb::config::Builder::from(&config).interceptor(CallLog("dynamodb"));
    Some(aws_sdk_dynamodb::Client::from_conf(config.build()))
}

/// An SES client, made when it is first used: most requests do without.
pub type Ses = LazyLock<aws_sdk_sesv2::Client, Box<dyn FnOnce() -> aws_sdk_sesv2::Client + Send>>;

/// A client that does not repeat a call unless told to: SES has no idempotency token, so a repeated one is a second mail.
pub fn ses(env: &Environment) -> Option<Ses> {
    let config = sdk_config(env, "AWS_ENDPOINT_URL_SESV2")?
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts(Duration::from_secs(20), Duration::from_secs(20)))
        .build();
    let config = aws_sdk_sesv2::config::Builder::from(&config).interceptor(CallLog("ses"));
    Some(LazyLock::new(Box::new(|| {
        aws_sdk_sesv2::Client::from_conf(config.build())
    })))
}

/// For a question to SES, which may be repeated: three times, within 8 seconds in all, since INIT may take ten.
pub fn repeated() -> aws_sdk_sesv2::config::Builder {
    aws_sdk_sesv2::Config::builder()
        .retry_config(RetryConfig::standard().with_max_attempts(3))
        .timeout_config(timeouts(Duration::from_secs(3), Duration::from_secs(8)))
}

/// Secrets Manager, within 8 seconds in all: INIT may take ten.
pub(crate) fn secrets(env: &Environment) -> Option<Service> {
    let config = sdk_config(env, "AWS_ENDPOINT_URL_SECRETS_MANAGER")?.build();
    let limits = timeouts(Duration::from_secs(3), Duration::from_secs(8));
    Service::new(&config, "secretsmanager", "secretsmanager", limits)
}

/// Cognito, within 10 seconds in all.
pub(crate) fn cognito(env: &Environment) -> Option<Service> {
    let config = sdk_config(env, "AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER")?.build();
    let limits = timeouts(Duration::from_secs(4), Duration::from_secs(10));
    Service::new(&config, "cognito-idp", "cognito-idp", limits)
}

/// SES for what takes no more than an address, and may be repeated: within 8 seconds in all.
pub(crate) fn ses_lists(env: &Environment) -> Option<Service> {
    let config = sdk_config(env, "AWS_ENDPOINT_URL_SESV2")?.build();
    let limits = timeouts(Duration::from_secs(3), Duration::from_secs(8));
    Service::new(&config, "email", "ses", limits)
}

/// Logs, at debug level, which permissions each call needs: `actions` are IAM's names for what is done.
///
/// An operator who narrows a role reads there what the function really does; the deployment test compares the roles
/// with it.
#[derive(Debug)]
struct CallLog(&'static str);

impl Intercept for CallLog {
    fn name(&self) -> &'static str {
        "CallLog"
    }

    fn read_before_serialization(
        &self,
        call: &BeforeSerializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if tracing::enabled!(tracing::Level::DEBUG) {
            let operation = config.load::<Metadata>().map_or("", Metadata::name);
            let actions = match call.input().downcast_ref::<TransactWriteItemsInput>() {
                Some(transaction) => transaction_actions(transaction),
                // SES asks for the older API's permission too, and only that one can be restricted to a sender.
                None if operation == "SendBulkEmail" => {
                    [operation, "SendBulkTemplatedEmail"].into()
                }
                None => [operation].into(),
            };
            let service = self.0;
            let actions: Vec<_> = actions
                .iter()
                .map(|name| format!("{service}:{name}"))
                .collect();
            tracing::debug!(actions = actions.join(" "), operation, "AWS call");
        }
        Ok(())
    }
}

/// A transaction needs the permission of each of its writes, and none of its own.
fn transaction_actions(transaction: &TransactWriteItemsInput) -> BTreeSet<&'static str> {
    transaction
        .transact_items()
        .iter()
        .flat_map(|item| {
            [
                item.condition_check().map(|_| "ConditionCheckItem"),
                item.delete().map(|_| "DeleteItem"),
                item.put().map(|_| "PutItem"),
                item.update().map(|_| "UpdateItem"),
            ]
        })
        .flatten()
        .collect()
}

/// What all clients of an environment share, at an endpoint of their own if a variable names one.
fn sdk_config(env: &Environment, endpoint_variable: &str) -> Option<sdk_config::Builder> {
    let mut config = env.sdk(shared_config)?.clone().into_builder();
    let endpoint = env
        .optional(endpoint_variable, web_address)
        .or_else(|| env.optional("AWS_ENDPOINT_URL", web_address));
    config.set_endpoint_url(endpoint.map(|url| url.as_str().trim_end_matches('/').to_owned()));
    Some(config)
}

/// Lambda sets region and credentials as variables, so those are read and nothing else is searched.
fn shared_config(env: &Environment) -> Option<SdkConfig> {
    let text = |value: &str| Ok::<_, &str>(value.to_owned());
    let region = env.required("AWS_REGION", text);
    let id = env.required("AWS_ACCESS_KEY_ID", text);
    let secret = env.required("AWS_SECRET_ACCESS_KEY", text);
    let session = env.text("AWS_SESSION_TOKEN").map(ToOwned::to_owned);
    let roots = env.optional("TRUST_STORE", |value| match value {
        "amazon" => Ok(amazon_roots()),
        "system" => Ok(TrustStore::default()),
        _ => Err("it is amazon or system"),
    });
    let tls = TlsContext::builder()
        .with_trust_store(roots.unwrap_or_else(amazon_roots))
        .build()
        .ok()?;
    let http = env
        .http_client()
        .cloned()
        .unwrap_or_else(|| one_connector(tls));
    let credentials = Credentials::new(id?, secret?, session, None, "environment");
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region?))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(http);
    Some(config.build())
}

/// The SDK's own HTTP client reads the roots for every client that is made, and again for the first call. All of ours want
/// the same connector, so it is made once.
fn one_connector(tls: TlsContext) -> SharedHttpClient {
    let connector = OnceLock::new();
    http_client_fn(move |settings, components| {
        let made = connector.get_or_init(|| {
            let mut builder = Connector::builder()
                .tls_provider(Provider::Rustls(CryptoMode::Ring))
                .tls_context(tls.clone())
                .connector_settings(settings.clone());
            builder.set_sleep_impl(components.sleep_impl());
            SharedHttpConnector::new(builder.build())
        });
        made.clone()
    })
}

/// What went wrong, in words that may be logged: the service's code, or what became of the connection. A service's message
/// is left out, because it may quote the request.
pub fn cause<E: ProvideErrorMetadata>(error: &SdkError<E>) -> &str {
    match error {
        SdkError::ServiceError(context) => context.err().code().unwrap_or("no code"),
        SdkError::TimeoutError(_) => "no answer in time",
        SdkError::DispatchFailure(failure) if failure.is_timeout() => "no connection in time",
        SdkError::DispatchFailure(_) => "no connection",
        SdkError::ResponseError(_) => "an unreadable answer",
        _ => "the request could not be built",
    }
}

/// What AWS answers to who lacks a permission, by its old and new protocols.
pub const NOT_AUTHORIZED: [&str; 2] = ["AccessDeniedException", "AccessDenied"];

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

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        net::TcpListener,
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
        thread,
    };

    use super::*;

    /// A service that knows nothing, its address, and how many connections it was asked over.
    fn service() -> (String, Arc<AtomicUsize>) {
        const NOTHING: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = connections.clone();
        thread::spawn(move || {
            for connection in listener.incoming() {
                let mut connection = connection.unwrap();
                counted.fetch_add(1, Ordering::SeqCst);
                thread::spawn(move || {
                    let mut asked = [0; 16 * 1024];
                    while connection.read(&mut asked).is_ok_and(|read| read > 0) {
                        connection.write_all(NOTHING).unwrap();
                    }
                });
            }
        });
        (address, connections)
    }

    #[tokio::test]
    async fn the_clients_of_an_environment_share_their_connections() {
        let (address, connections) = service();
        let variables = [
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "id"),
            ("AWS_SECRET_ACCESS_KEY", "key"),
            ("AWS_ENDPOINT_URL", &address),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let env: Environment = variables.into_iter().collect();
        dynamodb(&env).unwrap().list_tables().send().await.unwrap();
        let ses = ses(&env).unwrap();
        ses.get_account().send().await.unwrap();
        let question = ses.get_account().customize();
        let question = question.config_override(repeated());
        question.send().await.unwrap();
        assert_eq!(connections.load(Ordering::SeqCst), 1);
    }
}
