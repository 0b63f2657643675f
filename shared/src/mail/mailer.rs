//! Sends through SES.

use aws_sdk_sesv2::{
    operation::get_email_identity::GetEmailIdentityError,
    types::{
        BulkEmailContent, BulkEmailEntry, Destination, EmailTemplateContent, MessageHeader,
        MessageTag, ReplacementEmailContent, ReplacementTemplate, Template as SesTemplate,
    },
};
use thiserror::Error;

use super::{
    Batch, MailFrom, Outcome, Template, Values,
    batch::Letter,
    outcome::{call_outcome, entry_outcomes},
};
use crate::aws::{self, Ses};

/// SES as it is can't send our mail.
#[derive(Debug, Error)]
pub enum SesUnusable {
    /// It does not answer, or the function may not ask.
    #[error(
        "SES can't be used ({0}): check that it exists in this region, and that the function's role may use it"
    )]
    Unanswered(String),
    /// The sender is unknown.
    #[error(
        "SES does not know the identity {0} that MAIL_IDENTITY names: create and verify it in this region, or correct the stack's parameter MailIdentity"
    )]
    UnknownIdentity(String),
    /// The sender is not verified.
    #[error(
        "the identity {0} that MAIL_IDENTITY names is not verified: set the DNS records that SES shows for it in this region, or follow the link that SES has mailed to it"
    )]
    UnverifiedIdentity(String),
}

/// SES through one client.
#[derive(Debug)]
pub struct Mailer {
    client: Ses,
    identity: String,
    configuration_set: Option<String>,
}

impl Mailer {
    /// A mailer that sends through this identity.
    pub fn new(client: Ses, from: &MailFrom) -> Self {
        Self {
            client,
            identity: from.identity.clone(),
            configuration_set: from.configuration_set.clone(),
        }
    }

    /// Asks SES for the account's rate, in recipients a second, and for the sender, which also opens the connection. Fails
    /// unless the sender is verified.
    pub async fn check(&self) -> Result<f64, SesUnusable> {
        let unanswered = |error: &str| SesUnusable::Unanswered(error.to_owned());
        let account = self.client.get_account().customize();
        let account = account.config_override(aws::repeated()).send().await;
        let account = account.map_err(|error| unanswered(aws::cause(&error)))?;
        let identity = || self.identity.clone();
        let known = self.client.get_email_identity().email_identity(identity());
        let known = known.customize().config_override(aws::repeated());
        match known.send().await {
            Ok(found) if found.verified_for_sending_status() => {}
            Ok(_) => return Err(SesUnusable::UnverifiedIdentity(identity())),
            Err(error) => {
                let error_of_service = error.as_service_error();
                return Err(
                    if error_of_service.is_some_and(GetEmailIdentityError::is_not_found_exception) {
                        SesUnusable::UnknownIdentity(identity())
                    } else {
                        unanswered(aws::cause(&error))
                    },
                );
            }
        }
        let rate = account
            .send_quota()
            .map(|quota| quota.max_send_rate())
            .filter(|rate| *rate > 0.0)
            .unwrap_or(1.0);
        if !account.production_access_enabled() {
            tracing::warn!("SES is in its sandbox: only verified addresses get mail, 200 a day");
        }
        Ok(rate)
    }

    /// One `SendBulkEmail`. Answers for each mail, by its position among those that the batch was made of.
    ///
    /// The account's rate is the caller's to keep: a call counts as many times as it has mails.
    pub async fn send(&self, batch: &Batch<'_>) -> Vec<(usize, Outcome)> {
        let outcomes = self.send_alike(batch).await;
        batch.positions().zip(outcomes).collect()
    }

    async fn send_alike(&self, batch: &Batch<'_>) -> Vec<Outcome> {
        let letters = &batch.letters;
        let Some((_, first)) = letters.first() else {
            return Vec::new();
        };
        let Some(template) = &first.made.template else {
            let broken = Outcome::unfamiliar("Usher's own template can't be read");
            return vec![broken; letters.len()];
        };
        let reply_to = batch.stationery.reply_to().map(|to| to.as_str().to_owned());
        let sent = self
            .client
            .send_bulk_email()
            .from_email_address(batch.stationery.header())
            .set_reply_to_addresses(reply_to.map(|address| vec![address]))
            .set_configuration_set_name(self.configuration_set.clone())
            .default_content(content(template, &first.made.values))
            .set_bulk_email_entries(letters.iter().map(|(_, letter)| entry(letter)).collect())
            .send()
            .await;
        match sent {
            Ok(output) => entry_outcomes(&output, letters.len()),
            Err(error) => {
                tracing::error!(
                    code = aws::cause(&error),
                    mails = letters.len(),
                    "SES refused a call"
                );
                vec![call_outcome(&error); letters.len()]
            }
        }
    }
}

fn content(template: &Template, values: &Values) -> BulkEmailContent {
    let content = template.content(|name| values.has(name));
    let content = EmailTemplateContent::builder()
        .subject(content.subject)
        .text(content.text)
        .html(content.html)
        .build();
    // Tells mail programs not to answer with "out of office" (RFC 3834).
    let automatic = MessageHeader::builder()
        .name("Auto-Submitted")
        .value("auto-generated")
        .build()
        .ok();
    let template = SesTemplate::builder()
        .template_content(content)
        .template_data("{}")
        .set_headers(automatic.map(|header| vec![header]))
        .build();
    BulkEmailContent::builder().template(template).build()
}

fn entry(letter: &Letter<'_>) -> Option<BulkEmailEntry> {
    let tag =
        |name: &str, value: String| MessageTag::builder().name(name).value(value).build().ok();
    let data = ReplacementTemplate::builder()
        .replacement_template_data(&letter.data)
        .build();
    // With these, mail programs offer to unsubscribe without opening anything: they post there (RFC 8058).
    let header = |name: &str, value: &str| {
        MessageHeader::builder()
            .name(name)
            .value(value)
            .build()
            .ok()
    };
    let headers = [
        header(
            "List-Unsubscribe",
            &format!("<{}>", letter.made.one_click_url),
        ),
        header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
    ];
    let tags = letter.tags.clone().into_iter().flatten();
    BulkEmailEntry::builder()
        .destination(
            Destination::builder()
                .to_addresses(letter.to.as_str())
                .build(),
        )
        .replacement_email_content(
            ReplacementEmailContent::builder()
                .replacement_template(data)
                .build(),
        )
        .set_replacement_headers(headers.into_iter().collect())
        .set_replacement_tags(tags.map(|(name, value)| tag(name, value)).collect())
        .build()
        .into()
}
