//! Services of which a function needs a few plain operations. They are called without a crate of their own: each of those
//! reads a table of all of AWS's partitions as soon as a client is made, which is a tenth of what a function needs to start.
//!
//! Everything else is the SDK's: signatures, retries, time limits, connections.

use std::{
    error::Error,
    fmt::{self, Debug, Display, Formatter},
};

use aws_runtime::{
    auth::{SigV4OperationSigningConfig, SigningOptions, sigv4},
    retries::classifiers::AwsErrorCodeClassifier,
};
use aws_sdk_dynamodb::{
    config::{BehaviorVersion, SharedHttpClient, http::HttpResponse},
    error::{BoxError, ErrorMetadata, ProvideErrorMetadata, SdkError},
};
use aws_smithy_runtime::client::{
    orchestrator::operation::Operation,
    retries::classifiers::{HttpStatusCodeClassifier, TransientErrorClassifier},
};
use aws_smithy_runtime_api::client::{
    auth::{
        AuthSchemeOptionResolverParams, SharedAuthScheme, SharedAuthSchemeOptionResolver,
        static_resolver::StaticAuthSchemeOptionResolver,
    },
    orchestrator::{HttpRequest, OrchestratorError, SensitiveOutput},
    runtime_components::RuntimeComponentsBuilder,
    runtime_plugin::{SharedRuntimePlugin, StaticRuntimePlugin},
};
use aws_smithy_types::{
    body::SdkBody, config_bag::Layer, retry::RetryConfig, timeout::TimeoutConfig,
};
use aws_types::{SdkConfig, SigningName, region::SigningRegion};
use serde_json::Value;

use super::CallLog;

/// A service at its endpoint.
#[derive(Debug)]
pub(crate) struct Service {
    log: &'static str,
    http: SharedHttpClient,
    endpoint: String,
    signing: SharedRuntimePlugin,
    timeouts: TimeoutConfig,
}

/// The service refuses.
#[derive(Debug)]
pub(crate) struct Refused(ErrorMetadata);

/// Goes through the SDK, which may write down what it sends: there are people in it.
struct Request(HttpRequest);
/// The same of an answer.
struct Response(Vec<u8>);

/// The ends of the endpoints' names, by how regions' names begin, where they are not [`USUAL_END`]: AWS's other partitions.
const ENDS: [(&str, &str); 6] = [
    ("cn-", "amazonaws.com.cn"),
    ("eu-isoe-", "cloud.adc-e.uk"),
    ("eusc-", "amazonaws.eu"),
    ("us-iso-", "c2s.ic.gov"),
    ("us-isob-", "sc2s.sgov.gov"),
    ("us-isof-", "csp.hci.ic.gov"),
];
const USUAL_END: &str = "amazonaws.com";

impl Service {
    /// The service of which endpoints are named `host`, for which requests are signed as `name`, and which IAM's actions
    /// call so too. Tries a call three times.
    pub(super) fn new(
        config: &SdkConfig,
        host: &str,
        name: &'static str,
        timeouts: TimeoutConfig,
    ) -> Option<Self> {
        let region = config.region()?.clone();
        let endpoint = config.endpoint_url().map(ToOwned::to_owned);
        let endpoint = endpoint.unwrap_or_else(|| endpoint_of(host, region.as_ref()));
        let mut signs = Layer::new("signature");
        signs.store_put(SigV4OperationSigningConfig {
            region: Some(SigningRegion::from(region)),
            name: Some(SigningName::from_static(name)),
            signing_options: signing_options(),
            ..SigV4OperationSigningConfig::default()
        });
        signs.store_put(AuthSchemeOptionResolverParams::new(()));
        signs.store_put(SensitiveOutput);
        let scheme = StaticAuthSchemeOptionResolver::new(vec![sigv4::SCHEME_ID]);
        let signer = RuntimeComponentsBuilder::new("signature")
            .with_auth_scheme(SharedAuthScheme::new(sigv4::SigV4AuthScheme::new()))
            .with_auth_scheme_option_resolver(Some(SharedAuthSchemeOptionResolver::new(scheme)))
            .with_identity_resolver(sigv4::SCHEME_ID, config.credentials_provider()?);
        let signing = StaticRuntimePlugin::new()
            .with_config(signs.freeze())
            .with_runtime_components(signer);
        Some(Self {
            log: name,
            http: config.http_client()?,
            endpoint,
            signing: SharedRuntimePlugin::new(signing),
            timeouts,
        })
    }

    /// Calls an operation of AWS's JSON protocol, version 1.1. `api` is the service's name in it.
    pub(crate) async fn json(
        &self,
        api: &str,
        operation: &'static str,
        input: &Value,
    ) -> Result<Value, SdkError<Refused>> {
        let body = input.to_string();
        let mut request = HttpRequest::new(SdkBody::from(body));
        let headers = request.headers_mut();
        headers.insert("content-type", "application/x-amz-json-1.1");
        headers.insert("x-amz-target", format!("{api}.{operation}"));
        let answer = self.call(operation, "POST", "/", request).await?;
        Ok(serde_json::from_slice(&answer).unwrap_or_default())
    }

    /// Calls an operation that is a method of a path and has no body.
    pub(crate) async fn rest(
        &self,
        operation: &'static str,
        method: &str,
        path: &str,
    ) -> Result<(), SdkError<Refused>> {
        let request = HttpRequest::new(SdkBody::empty());
        self.call(operation, method, path, request).await.map(drop)
    }

    async fn call(
        &self,
        operation: &'static str,
        method: &str,
        path: &str,
        mut request: HttpRequest,
    ) -> Result<Vec<u8>, SdkError<Refused>> {
        request
            .set_method(method)
            .and_then(|()| request.set_uri(path))
            .map_err(SdkError::construction_failure)?;
        let called = Operation::builder()
            .service_name(self.log)
            .operation_name(operation)
            .behavior_version(BehaviorVersion::latest())
            .http_client(self.http.clone())
            .endpoint_url(&self.endpoint)
            .standard_retry(&RetryConfig::standard().with_max_attempts(3))
            .retry_classifier(TransientErrorClassifier::<Refused>::new())
            .retry_classifier(HttpStatusCodeClassifier::default())
            .retry_classifier(AwsErrorCodeClassifier::<Refused>::new())
            .timeout_config(self.timeouts.clone())
            .with_connection_poisoning()
            .interceptor(CallLog(self.log))
            .runtime_plugin(self.signing.clone())
            .serializer(|Request(request)| Ok::<_, BoxError>(request))
            .deserializer(read)
            .build();
        let Response(answer) = Box::pin(called.invoke(Request(request))).await?;
        Ok(answer)
    }
}

fn endpoint_of(host: &str, region: &str) -> String {
    let ends = ENDS.iter().find(|(begin, _)| region.starts_with(begin));
    let end = ends.map_or(USUAL_END, |(_, end)| end);
    format!("https://{host}.{region}.{end}")
}

/// What the services' own crates say.
fn signing_options() -> SigningOptions {
    let mut options = SigningOptions::default();
    options.double_uri_encode = true;
    options.normalize_uri_path = true;
    options.content_sha256_header = false;
    options
}

fn read(response: &HttpResponse) -> Result<Response, OrchestratorError<Refused>> {
    let body = response.body().bytes().unwrap_or_default();
    if response.status().is_success() {
        return Ok(Response(body.to_vec()));
    }
    let error = serde_json::from_slice::<Value>(body).unwrap_or_default();
    let code = response.headers().get("x-amzn-errortype");
    let code = code.or_else(|| {
        ["code", "__type"]
            .iter()
            .find_map(|key| error[*key].as_str())
    });
    let mut metadata = ErrorMetadata::builder();
    if let Some(code) = code {
        metadata = metadata.code(bare(code));
    }
    Err(OrchestratorError::operation(Refused(metadata.build())))
}

/// An error's code without the namespace before it and the address behind it.
fn bare(code: &str) -> &str {
    let code = code.split(':').next().unwrap_or(code);
    code.rsplit('#').next().unwrap_or(code)
}

/// Whether the service refuses with this code.
pub(crate) fn refused(error: &SdkError<Refused>, code: &str) -> bool {
    error
        .as_service_error()
        .is_some_and(|error| error.code() == Some(code))
}

impl Display for Refused {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.code().unwrap_or("no code"))
    }
}

impl Error for Refused {}

impl ProvideErrorMetadata for Refused {
    fn meta(&self) -> &ErrorMetadata {
        &self.0
    }
}

impl Debug for Request {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("Request")
    }
}

impl Debug for Response {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("Response")
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_sesv2::config::endpoint::{DefaultResolver, Params, ResolveEndpoint};

    use super::*;

    #[tokio::test]
    async fn endpoints_are_where_the_sdk_has_them() {
        let resolver = DefaultResolver::new();
        for region in [
            "us-east-1",
            "eu-central-1",
            "us-gov-west-1",
            "cn-north-1",
            "cn-northwest-1",
            "eu-isoe-west-1",
            "eusc-de-east-1",
            "us-iso-east-1",
            "us-isob-east-1",
            "us-isof-south-1",
        ] {
            let place = Params::builder().region(region.to_owned()).build().unwrap();
            let known = resolver.resolve_endpoint(&place);
            assert_eq!(known.await.unwrap().url(), endpoint_of("email", region));
        }
    }

    #[test]
    fn a_code_has_no_namespace_and_no_address() {
        for code in [
            "UserNotFoundException",
            "com.amazonaws.cognito#UserNotFoundException",
            "UserNotFoundException:http://internal.amazon.com/",
        ] {
            assert_eq!(bare(code), "UserNotFoundException");
        }
    }
}
