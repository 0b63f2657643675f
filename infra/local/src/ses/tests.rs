//! Drives the endpoint with the client that Usher uses on AWS.

use std::fmt::Debug;

use aws_sdk_sesv2::{
    Client,
    config::{BehaviorVersion, Credentials, Region, retry::RetryConfig},
    error::{ProvideErrorMetadata, SdkError},
    operation::{RequestId, send_bulk_email::builders::SendBulkEmailFluentBuilder},
    types::{
        Body, BulkEmailContent, BulkEmailEntry, BulkEmailEntryResult, BulkEmailStatus, Content,
        Destination, EmailContent, EmailTemplateContent, Message, MessageHeader, MessageTag,
        ReplacementEmailContent, ReplacementTemplate, Template,
    },
};
use aws_smithy_http_client::Builder;
use jiff::SignedDuration;
use tokio::net::TcpListener;

use super::*;

mod account;

struct Endpoint {
    ses: Arc<Ses>,
    mailbox: Arc<Mailbox>,
    clock: Clock,
    client: Client,
}

impl Endpoint {
    async fn start(options: SesOptions) -> Self {
        let mailbox = Arc::new(Mailbox::memory());
        let clock = Clock::fixed("2026-01-01T12:00:00Z".parse().unwrap());
        let ses = Ses::new(
            options,
            Arc::clone(&mailbox),
            clock.clone(),
            Entropy::seeded(7),
        );
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = ses.router();
        tokio::spawn(async move { axum::serve(listener, router).await });
        let config = aws_sdk_sesv2::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .credentials_provider(Credentials::new("local", "local", None, None, "test"))
            .region(Region::new("eu-central-1"))
            .endpoint_url(url)
            .http_client(Builder::new().build_http())
            .retry_config(RetryConfig::disabled());
        Self {
            ses,
            mailbox,
            clock,
            client: Client::from_conf(config.build()),
        }
    }

    fn bulk(&self, to: &[&str]) -> SendBulkEmailFluentBuilder {
        let entries = to.iter().map(|to| entry(to, r#"{"name":"Ada"}"#)).collect();
        self.bulk_of(
            template("Hello {{name}}", "<p>{{name}}</p>", "{{name}}"),
            entries,
        )
    }

    fn bulk_of(
        &self,
        template: Template,
        entries: Vec<BulkEmailEntry>,
    ) -> SendBulkEmailFluentBuilder {
        self.client
            .send_bulk_email()
            .from_email_address("Usher <invitations@example.org>")
            .default_content(BulkEmailContent::builder().template(template).build())
            .set_bulk_email_entries(Some(entries))
    }

    fn kinds(&self) -> Vec<&'static str> {
        self.ses
            .events()
            .iter()
            .map(|event| event.kind.name())
            .collect()
    }
}

fn content(subject: &str, html: &str, text: &str) -> EmailTemplateContent {
    EmailTemplateContent::builder()
        .subject(subject)
        .html(html)
        .text(text)
        .build()
}

fn template(subject: &str, html: &str, text: &str) -> Template {
    Template::builder()
        .template_content(content(subject, html, text))
        .template_data("{}")
        .build()
}

fn entry(to: &str, data: &str) -> BulkEmailEntry {
    BulkEmailEntry::builder()
        .destination(destination(to))
        .replacement_email_content(replacing(data))
        .build()
}

fn destination(to: &str) -> Destination {
    Destination::builder().to_addresses(to).build()
}

fn replacing(data: &str) -> ReplacementEmailContent {
    let template = ReplacementTemplate::builder()
        .replacement_template_data(data)
        .build();
    ReplacementEmailContent::builder()
        .replacement_template(template)
        .build()
}

fn tag(name: &str, value: &str) -> MessageTag {
    MessageTag::builder()
        .name(name)
        .value(value)
        .build()
        .unwrap()
}

fn header(name: &str, value: &str) -> MessageHeader {
    MessageHeader::builder()
        .name(name)
        .value(value)
        .build()
        .unwrap()
}

fn statuses(results: &[BulkEmailEntryResult]) -> Vec<BulkEmailStatus> {
    results
        .iter()
        .map(|result| result.status().cloned().unwrap())
        .collect()
}

/// The exception's name and message.
fn refusal<T: Debug, E: ProvideErrorMetadata + Debug>(
    result: Result<T, SdkError<E>>,
) -> (String, String) {
    let error = result.unwrap_err();
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    (text(error.code()), text(error.message()))
}

#[tokio::test]
async fn a_bulk_call_merges_data_tags_and_headers_and_answers_in_order() {
    let endpoint = Endpoint::start(SesOptions::default()).await;
    let template = Template::builder()
        .template_content(content(
            "{{team}}: {{name}}",
            "<p>{{name}} & {{team}}</p>",
            "{{name}}",
        ))
        .template_data(r#"{"team":"Red","name":"somebody"}"#)
        .headers(header("List-Unsubscribe", "<https://example.org/all>"))
        .build();
    let ada = BulkEmailEntry::builder()
        .destination(destination("Ada Lovelace <ada@example.org>"))
        .replacement_email_content(replacing(r#"{"name":"<Ada>"}"#))
        .replacement_tags(tag("user", "1"))
        .replacement_headers(header("list-unsubscribe", "<https://example.org/ada>"))
        .build();
    let bob = BulkEmailEntry::builder()
        .destination(destination("bob@example.org"))
        .build();
    let answer = endpoint
        .bulk_of(template, vec![ada, bob])
        .default_email_tags(tag("tenant", "acme"))
        .default_email_tags(tag("user", "none"))
        .reply_to_addresses("help@example.org")
        .send()
        .await
        .unwrap();

    assert!(answer.request_id().is_some());
    let results = answer.bulk_email_entry_results();
    assert_eq!(
        statuses(results),
        [BulkEmailStatus::Success, BulkEmailStatus::Success]
    );
    let mails = endpoint.mailbox.list(None);
    let (bob, ada) = (&mails[0], &mails[1]);
    assert_eq!(results[0].message_id(), Some(ada.message_id.as_str()));
    assert_eq!(results[1].message_id(), Some(bob.message_id.as_str()));
    assert_ne!(ada.message_id, bob.message_id);

    assert_eq!(
        (ada.to.as_str(), ada.from.as_str()),
        ("ada@example.org", "Usher <invitations@example.org>")
    );
    assert_eq!(
        (ada.subject.as_str(), ada.html.as_str()),
        ("Red: <Ada>", "<p><Ada> & Red</p>")
    );
    assert_eq!(ada.text, "<Ada>");
    assert_eq!(ada.sent_at, endpoint.clock.now());
    assert_eq!(
        (ada.tags["tenant"].as_str(), ada.tags["user"].as_str()),
        ("acme", "1")
    );
    assert_eq!(ada.headers["list-unsubscribe"], "<https://example.org/ada>");
    assert_eq!(
        (ada.headers["Reply-To"].as_str(), ada.headers.len()),
        ("help@example.org", 2)
    );
    assert_eq!(
        (bob.subject.as_str(), bob.tags["user"].as_str()),
        ("Red: somebody", "none")
    );
    assert_eq!(bob.headers["List-Unsubscribe"], "<https://example.org/all>");
}

#[tokio::test]
async fn a_message_id_looks_like_one_of_ses() {
    let endpoint = Endpoint::start(SesOptions::default()).await;
    let answer = endpoint.bulk(&["ada@example.org"]).send().await.unwrap();
    let id = answer.bulk_email_entry_results()[0].message_id().unwrap();
    let lengths: Vec<usize> = id.split('-').map(str::len).collect();
    assert_eq!(lengths, [16, 8, 4, 4, 4, 12, 6], "{id}");
    assert!(id.starts_with("0100019b"), "{id}");
}

#[tokio::test]
async fn a_simple_mail_is_sent_as_it_is() {
    let endpoint = Endpoint::start(SesOptions::default()).await;
    let part = |text: &str| Content::builder().data(text).build().unwrap();
    let message = Message::builder()
        .subject(part("Hello {{name}}"))
        .body(Body::builder().text(part("{{name}}")).build())
        .build();
    let answer = endpoint
        .client
        .send_email()
        .from_email_address("invitations@example.org")
        .destination(
            Destination::builder()
                .to_addresses("a@example.org")
                .cc_addresses("b@example.org")
                .build(),
        )
        .content(EmailContent::builder().simple(message).build())
        .email_tags(tag("user", "1"))
        .send()
        .await
        .unwrap();
    let mails = endpoint.mailbox.list(None);
    assert_eq!(mails.len(), 2);
    for mail in &mails {
        assert_eq!(answer.message_id(), Some(mail.message_id.as_str()));
        assert_eq!(
            (
                mail.subject.as_str(),
                mail.text.as_str(),
                mail.html.as_str()
            ),
            ("Hello {{name}}", "{{name}}", "")
        );
        assert_eq!(mail.tags["user"], "1");
    }
    assert_eq!(endpoint.mailbox.list(Some("B@example.org")).len(), 1);
}

#[tokio::test]
async fn a_single_mail_can_have_an_inline_template_but_no_stored_one() {
    let endpoint = Endpoint::start(SesOptions::default()).await;
    let send = |template: Template| {
        let content = EmailContent::builder().template(template).build();
        let call = endpoint
            .client
            .send_email()
            .from_email_address("invitations@example.org");
        call.destination(destination("ada@example.org"))
            .content(content)
            .send()
    };
    let inline = Template::builder()
        .template_content(content("Hello {{name}}", "", ""))
        .template_data(r#"{"name":"Ada"}"#);
    send(inline.build()).await.unwrap();
    assert_eq!(endpoint.mailbox.list(None)[0].subject, "Hello Ada");

    let stored = send(Template::builder().template_name("welcome").build()).await;
    assert_eq!(
        refusal(stored),
        (
            "NotFoundException".into(),
            "Template welcome does not exist.".into()
        )
    );
    let bad_data = Template::builder()
        .template_content(content("a", "b", "c"))
        .template_data("{");
    assert_eq!(
        refusal(send(bad_data.build()).await).0,
        "BadRequestException"
    );
}

#[tokio::test]
async fn a_missing_variable_is_accepted_and_then_fails_to_render() {
    let endpoint = Endpoint::start(SesOptions::default()).await;
    let entries = vec![
        entry("ada@example.org", r#"{"nom":"Ada"}"#),
        entry("bob@example.org", r#"{"name":"Bob"}"#),
    ];
    let answer = endpoint
        .bulk_of(template("Hello {{name}}", "h", "t"), entries)
        .send()
        .await
        .unwrap();

    let results = answer.bulk_email_entry_results();
    assert_eq!(
        statuses(results),
        [BulkEmailStatus::Success, BulkEmailStatus::Success]
    );
    assert_eq!(endpoint.mailbox.list(None).len(), 1);
    let events = endpoint.ses.events();
    assert_eq!(endpoint.kinds(), ["Rendering Failure", "Send", "Delivery"]);
    assert_eq!(results[0].message_id(), Some(events[0].message_id.as_str()));
    let error = "Attribute 'name' is not present in the rendering data.".to_owned();
    assert_eq!(events[0].kind, EventKind::RenderingFailure { error });
    assert_eq!(events[0].recipient, "ada@example.org");
}

#[tokio::test]
async fn a_template_that_is_not_handlebars_is_accepted_and_then_fails_to_render() {
    let endpoint = Endpoint::start(SesOptions::default()).await;
    let entries = vec![entry("ada@example.org", "{}")];
    let answer = endpoint
        .bulk_of(template("s", "{{#if x}}", "t"), entries)
        .send()
        .await
        .unwrap();
    assert_eq!(
        statuses(answer.bulk_email_entry_results()),
        [BulkEmailStatus::Success]
    );
    assert_eq!(endpoint.kinds(), ["Rendering Failure"]);
    assert_eq!(endpoint.mailbox.count(), 0);
}

#[tokio::test]
async fn one_bad_entry_refuses_only_itself() {
    let endpoint = Endpoint::start(SesOptions::default()).await;
    let bad_tag = BulkEmailEntry::builder()
        .destination(destination("a@example.org"))
        .replacement_email_content(replacing(r#"{"name":"A"}"#))
        .replacement_tags(tag("user", "a b"))
        .build();
    let entries = vec![
        entry("ädä@example.org", r#"{"name":"A"}"#),
        entry("a@b@example.org", r#"{"name":"A"}"#),
        entry("", r#"{"name":"A"}"#),
        entry("good@example.org", r#"{"name":"A"}"#),
        entry("a@example.org", r#"{"name":"#),
        bad_tag,
        BulkEmailEntry::builder()
            .destination(Destination::builder().build())
            .build(),
    ];
    let answer = endpoint
        .bulk_of(template("{{name}}", "h", "t"), entries)
        .send()
        .await
        .unwrap();
    let results = answer.bulk_email_entry_results();
    for (index, result) in results.iter().enumerate() {
        let good = index == 3;
        let status = if good {
            BulkEmailStatus::Success
        } else {
            BulkEmailStatus::InvalidParameter
        };
        assert_eq!(result.status(), Some(&status), "entry {index}");
        assert_eq!(
            (result.message_id().is_some(), result.error().is_some()),
            (good, !good),
            "entry {index}"
        );
    }
    assert_eq!(endpoint.mailbox.count(), 1);
}

#[tokio::test]
async fn a_stored_template_is_not_found_by_any_entry() {
    let endpoint = Endpoint::start(SesOptions::default()).await;
    let stored = Template::builder().template_name("welcome").build();
    let entries = vec![entry("a@example.org", "{}"), entry("b@example.org", "{}")];
    let answer = endpoint.bulk_of(stored, entries).send().await.unwrap();
    let missing = BulkEmailStatus::TemplateNotFound;
    assert_eq!(
        statuses(answer.bulk_email_entry_results()),
        [missing.clone(), missing]
    );
}

#[tokio::test]
async fn more_than_fifty_entries_or_bad_defaults_refuse_the_call() {
    let endpoint = Endpoint::start(SesOptions::default()).await;
    let answer = endpoint.bulk(&["a@example.org"; 51]).send().await;
    assert_eq!(refusal(answer).0, "BadRequestException");
    assert_eq!(
        refusal(endpoint.bulk(&[]).send().await).0,
        "BadRequestException"
    );
    let from = endpoint
        .bulk(&["a@example.org"])
        .from_email_address("nobody")
        .send()
        .await;
    assert_eq!(
        refusal(from),
        (
            "BadRequestException".into(),
            "Missing final '@domain'".into()
        )
    );
    let tag = endpoint
        .bulk(&["a@example.org"])
        .default_email_tags(tag("a:b", "c"))
        .send()
        .await;
    assert_eq!(refusal(tag).0, "BadRequestException");
    let large = template("{{name}}", &"x".repeat(1_100_000), "t");
    let large = endpoint
        .bulk_of(large, vec![entry("a@example.org", r#"{"name":"A"}"#)])
        .send()
        .await;
    assert_eq!(refusal(large).0, "BadRequestException");
    assert_eq!(endpoint.mailbox.count(), 0);
    endpoint.bulk(&["a@example.org"; 50]).send().await.unwrap();
    assert_eq!(endpoint.mailbox.count(), 50);
}

#[tokio::test]
async fn simulator_addresses_meet_their_fate() {
    let endpoint = Endpoint::start(SesOptions::default()).await;
    let to = ["success", "bounce+1", "complaint", "suppressionlist"]
        .map(|part| format!("{part}@simulator.amazonses.com"));
    let answer = endpoint
        .bulk(&to.each_ref().map(String::as_str))
        .send()
        .await
        .unwrap();
    assert!(
        answer
            .bulk_email_entry_results()
            .iter()
            .all(|result| result.error().is_none())
    );
    let kinds = [
        "Send",
        "Delivery",
        "Send",
        "Bounce",
        "Send",
        "Delivery",
        "Complaint",
        "Send",
        "Bounce",
    ];
    assert_eq!(endpoint.kinds(), kinds);
    let mails = endpoint.mailbox.list(None);
    let delivered: Vec<&str> = mails.iter().map(|mail| mail.to.as_str()).collect();
    assert_eq!(
        delivered,
        [
            "complaint@simulator.amazonses.com",
            "success@simulator.amazonses.com"
        ]
    );
}

#[tokio::test]
async fn the_sandbox_takes_verified_recipients_only() {
    let options = SesOptions {
        sandbox: true,
        verified: vec!["Ada@example.org".into()],
        rate: Some(1000.0),
        ..SesOptions::default()
    };
    let endpoint = Endpoint::start(options).await;
    let to = [
        "ada@example.org",
        "bob@example.org",
        "success@simulator.amazonses.com",
    ];
    let answer = endpoint.bulk(&to).send().await.unwrap();
    let results = answer.bulk_email_entry_results();
    let (success, rejected) = (BulkEmailStatus::Success, BulkEmailStatus::MessageRejected);
    assert_eq!(statuses(results), [success.clone(), rejected, success]);
    let error = results[1].error().unwrap();
    assert!(
        error.starts_with("Email address is not verified. The following identities failed"),
        "{error}"
    );

    let part = Content::builder().data("a").build().unwrap();
    let message = Message::builder()
        .subject(part.clone())
        .body(Body::builder().text(part).build())
        .build();
    let single = endpoint
        .client
        .send_email()
        .from_email_address("a@example.org");
    let content = EmailContent::builder().simple(message).build();
    let single = single
        .destination(destination("bob@example.org"))
        .content(content)
        .send()
        .await;
    assert_eq!(refusal(single).0, "MessageRejected");
}

#[tokio::test]
async fn the_sandbox_ends_after_two_hundred_mails_and_the_next_day_begins_anew() {
    let options = SesOptions {
        sandbox: true,
        verified: vec!["a@example.org".into()],
        rate: Some(1000.0),
        ..SesOptions::default()
    };
    let endpoint = Endpoint::start(options).await;
    for _ in 0..4 {
        endpoint.bulk(&["a@example.org"; 50]).send().await.unwrap();
    }
    let account = endpoint.client.get_account().send().await.unwrap();
    let quota = account.send_quota().unwrap();
    assert!(!account.production_access_enabled());
    assert_eq!(
        (quota.sent_last24_hours(), quota.max24_hour_send()),
        (200.0, 200.0)
    );

    let spent = endpoint.bulk(&["a@example.org"]).send().await.unwrap();
    assert_eq!(
        statuses(spent.bulk_email_entry_results()),
        [BulkEmailStatus::AccountDailyQuotaExceeded]
    );
    endpoint.clock.advance(SignedDuration::from_hours(24));
    let anew = endpoint.bulk(&["a@example.org"]).send().await.unwrap();
    assert_eq!(
        statuses(anew.bulk_email_entry_results()),
        [BulkEmailStatus::Success]
    );
}

#[tokio::test]
async fn a_call_over_the_rate_is_taken_and_the_next_one_pays() {
    let endpoint = Endpoint::start(SesOptions {
        rate: Some(2.0),
        ..SesOptions::default()
    })
    .await;
    endpoint.bulk(&["a@example.org"; 50]).send().await.unwrap();
    let next = endpoint.bulk(&["a@example.org"]).send().await;
    assert_eq!(
        refusal(next),
        (
            "TooManyRequestsException".into(),
            "Maximum sending rate exceeded.".into()
        )
    );
    assert_eq!(endpoint.mailbox.count(), 50);
    let account = endpoint.client.get_account().send().await.unwrap();
    assert!((account.send_quota().unwrap().max_send_rate() - 2.0).abs() < f64::EPSILON);
}

#[tokio::test]
async fn an_account_without_limits_says_so() {
    let endpoint = Endpoint::start(SesOptions::default()).await;
    endpoint
        .bulk(&["a@example.org", "nobody"])
        .send()
        .await
        .unwrap();
    let account = endpoint.client.get_account().send().await.unwrap();
    let quota = account.send_quota().unwrap();
    assert!(account.production_access_enabled() && account.sending_enabled());
    assert!((quota.sent_last24_hours() - 1.0).abs() < f64::EPSILON);
    assert_eq!(
        (quota.max_send_rate(), quota.max24_hour_send()),
        (10_000.0, 1_000_000_000.0)
    );
}

#[tokio::test]
async fn a_fault_happens_once_to_the_call_or_entry_it_fits() {
    let endpoint = Endpoint::start(SesOptions::default()).await;
    let not_verified =
        SesError::MailFromDomainNotVerified("MAIL FROM domain is not verified.".into());
    for fault in [
        Fault::EntryStatus("TRANSIENT_FAILURE".into()),
        Fault::CallThrottled,
        Fault::EntryStatus("SOMETHING_NEW".into()),
        Fault::ServiceDown,
        Fault::CallRefused(not_verified),
    ] {
        endpoint.ses.fail_next(fault);
    }
    let to = ["a@example.org", "b@example.org", "c@example.org"];
    assert_eq!(
        refusal(endpoint.bulk(&to).send().await).0,
        "TooManyRequestsException"
    );
    assert_eq!(
        refusal(endpoint.bulk(&to).send().await).0,
        "InternalServiceErrorException"
    );
    assert_eq!(
        refusal(endpoint.bulk(&to).send().await).0,
        "MailFromDomainNotVerifiedException"
    );
    let answer = endpoint.bulk(&to).send().await.unwrap();
    let statuses = statuses(answer.bulk_email_entry_results());
    let names: Vec<&str> = statuses.iter().map(BulkEmailStatus::as_str).collect();
    assert_eq!(names, ["TRANSIENT_FAILURE", "SOMETHING_NEW", "SUCCESS"]);
    assert_eq!(endpoint.mailbox.count(), 1);
}

#[tokio::test]
async fn a_connection_that_breaks_after_sending_leaves_the_caller_in_doubt() {
    let endpoint = Endpoint::start(SesOptions::default()).await;
    endpoint.ses.fail_next(Fault::DropConnectionAfterAccept);
    let error = endpoint.bulk(&["a@example.org"]).send().await.unwrap_err();
    assert!(
        matches!(
            error,
            SdkError::DispatchFailure(_) | SdkError::ResponseError(_)
        ),
        "{error:?}"
    );
    assert_eq!(endpoint.mailbox.count(), 1);
}
