//! The JSON of SES v2's REST API, as far as this endpoint reads and writes it. Unknown members are ignored.

use serde::{Deserialize, Serialize};

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct SendEmailRequest {
    pub(super) from_email_address: String,
    pub(super) configuration_set_name: Option<String>,
    pub(super) reply_to_addresses: Vec<String>,
    pub(super) destination: Destination,
    pub(super) content: EmailContent,
    pub(super) email_tags: Vec<NameValue>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct EmailContent {
    pub(super) simple: Option<Message>,
    pub(super) template: Option<Template>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct Message {
    pub(super) subject: Content,
    pub(super) body: Body,
    pub(super) headers: Vec<NameValue>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct Body {
    pub(super) html: Option<Content>,
    pub(super) text: Option<Content>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct Content {
    pub(super) data: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct SendBulkEmailRequest {
    pub(super) from_email_address: String,
    pub(super) configuration_set_name: Option<String>,
    pub(super) reply_to_addresses: Vec<String>,
    pub(super) default_email_tags: Vec<NameValue>,
    pub(super) default_content: BulkContent,
    pub(super) bulk_email_entries: Vec<BulkEntry>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct BulkContent {
    pub(super) template: Option<Template>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct Template {
    #[serde(rename = "TemplateName")]
    pub(super) name: Option<String>,
    #[serde(rename = "TemplateArn")]
    pub(super) arn: Option<String>,
    #[serde(rename = "TemplateContent")]
    pub(super) content: Option<TemplateContent>,
    #[serde(rename = "TemplateData")]
    pub(super) data: Option<String>,
    pub(super) headers: Vec<NameValue>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct TemplateContent {
    pub(super) subject: Option<String>,
    pub(super) html: Option<String>,
    pub(super) text: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct BulkEntry {
    pub(super) destination: Destination,
    pub(super) replacement_tags: Vec<NameValue>,
    pub(super) replacement_email_content: ReplacementEmailContent,
    pub(super) replacement_headers: Vec<NameValue>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct ReplacementEmailContent {
    pub(super) replacement_template: ReplacementTemplate,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct ReplacementTemplate {
    pub(super) replacement_template_data: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct Destination {
    #[serde(rename = "ToAddresses")]
    pub(super) to: Vec<String>,
    #[serde(rename = "CcAddresses")]
    pub(super) cc: Vec<String>,
    #[serde(rename = "BccAddresses")]
    pub(super) bcc: Vec<String>,
}

impl Destination {
    pub(super) fn addresses(&self) -> impl Iterator<Item = &str> {
        [&self.to, &self.cc, &self.bcc]
            .into_iter()
            .flatten()
            .map(String::as_str)
    }
}

/// A message tag or a header.
#[derive(Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct NameValue {
    pub(super) name: String,
    pub(super) value: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SendEmailAnswer {
    pub(super) message_id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SendBulkEmailAnswer {
    pub(super) bulk_email_entry_results: Vec<BulkEntryResult>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct BulkEntryResult {
    pub(super) status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) message_id: Option<String>,
}
