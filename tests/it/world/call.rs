//! One request of an AWS client, as far as the harness looks into it.

use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use serde_json::Value;

use super::wire::SES_URL;

/// What a request is about.
pub(super) struct Call {
    pub(super) operation: String,
    /// What it concerns: keys, as far as they are worth a line in a trace.
    pub(super) subject: String,
    pub(super) due_shard: Option<String>,
    pub(super) path: String,
    pub(super) method: String,
    pub(super) body: Vec<u8>,
    pub(super) headers: Vec<(String, String)>,
}

impl Call {
    pub(super) fn of(request: &HttpRequest) -> Self {
        let body = request.body().bytes().unwrap_or_default().to_vec();
        let uri = request.uri();
        let (operation, path) = if let Some(path) = uri.strip_prefix(SES_URL) {
            let operation = match path.rsplit('/').next() {
                Some("outbound-bulk-emails") => "SendBulkEmail",
                Some("account") => "GetAccount",
                _ => "GetEmailIdentity",
            };
            (operation.to_owned(), path.to_owned())
        } else {
            let target = request.headers().get("x-amz-target").unwrap_or_default();
            let operation = target.rsplit('.').next().unwrap_or_default();
            (operation.to_owned(), "/".to_owned())
        };
        let json: Value = serde_json::from_slice(&body).unwrap_or_default();
        let due_shard = (json["IndexName"] == "by_due").then(|| {
            let values = &json["ExpressionAttributeValues"];
            values[":pk"]["S"].as_str().unwrap_or_default().to_owned()
        });
        let headers = request.headers().iter();
        Self {
            subject: subject(&json),
            operation,
            due_shard,
            path,
            method: request.method().to_owned(),
            body,
            headers: headers
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        }
    }
}

fn subject(body: &Value) -> String {
    if let Some(pk) = body["Key"]["pk"]["S"].as_str() {
        return pk.to_owned();
    }
    if let Some(shard) = body["ExpressionAttributeValues"][":pk"]["S"].as_str() {
        return shard.to_owned();
    }
    let mails = body["BulkEmailEntries"].as_array().map(Vec::len);
    mails.map_or(String::new(), |mails| format!("{mails} mails"))
}
