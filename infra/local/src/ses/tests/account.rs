//! What SES says of the account, asked with the client that Usher uses on AWS.

use aws_sdk_sesv2::{
    error::ProvideErrorMetadata,
    types::{DkimStatus, EventType, VerificationStatus},
};

use super::*;

#[tokio::test]
async fn an_identity_is_known_verified_and_signed_or_it_is_not_found() {
    let endpoint = Endpoint::start(SesOptions {
        verified: vec!["acme.example".into()],
        dkim: Some("PENDING"),
        ..SesOptions::default()
    })
    .await;
    let ask = |name: &str| {
        let question = endpoint.client.get_email_identity();
        question.email_identity(name).send()
    };
    let found = ask(SENDER).await.unwrap();
    assert!(found.verified_for_sending_status());
    let dkim = found.dkim_attributes().unwrap();
    assert_eq!(
        (dkim.status(), dkim.signing_enabled()),
        (Some(&DkimStatus::Pending), false)
    );
    endpoint.ses.change(|now| now.sender_unverified = true);
    let found = ask(SENDER).await.unwrap();
    assert!(!found.verified_for_sending_status());
    let error = ask("other.example").await.unwrap_err();
    assert_eq!(error.code(), Some("NotFoundException"));
}

#[tokio::test]
async fn identities_are_listed_a_page_at_a_time_with_their_status() {
    let endpoint = Endpoint::start(SesOptions {
        verified: (0..4).map(|n| format!("p{n}@example.org")).collect(),
        sender_unverified: true,
        ..SesOptions::default()
    })
    .await;
    let pages = endpoint.client.list_email_identities().page_size(2);
    let pages: Vec<_> = pages.into_paginator().send().collect().await;
    let sizes: Vec<_> = pages
        .iter()
        .map(|page| page.as_ref().unwrap().email_identities().len())
        .collect();
    assert_eq!(sizes, [2, 2, 1]);
    let first = &pages[0].as_ref().unwrap().email_identities()[0];
    assert_eq!(
        (first.identity_name(), first.verification_status()),
        (Some(SENDER), Some(&VerificationStatus::Pending))
    );
    let many = endpoint.client.list_email_identities().page_size(1001);
    let error = many.send().await.unwrap_err();
    assert_eq!(error.code(), Some("BadRequestException"));
}

#[tokio::test]
async fn a_configuration_set_that_is_not_there_is_not_found_and_sends_nothing() {
    let endpoint = Endpoint::start(SesOptions::default()).await;
    let destinations = |name: &str| {
        let question = endpoint.client.get_configuration_set_event_destinations();
        question.configuration_set_name(name).send()
    };
    let found = destinations(CONFIGURATION_SET).await.unwrap();
    let [bus] = found.event_destinations() else {
        panic!("one destination");
    };
    assert!(bus.enabled() && bus.event_bridge_destination().is_some());
    assert!(bus.matching_event_types().contains(&EventType::Bounce));

    let error = destinations("other").await.unwrap_err();
    assert_eq!(error.code(), Some("NotFoundException"));
    let set = endpoint.client.get_configuration_set();
    let error = set.configuration_set_name("other").send().await;
    assert_eq!(error.unwrap_err().code(), Some("NotFoundException"));
    let mail = endpoint.bulk(&["ada@example.org"]);
    let error = mail.configuration_set_name("other").send().await;
    assert_eq!(error.unwrap_err().code(), Some("NotFoundException"));
    assert!(endpoint.mailbox.list(None).is_empty());
}

#[tokio::test]
async fn a_paused_account_says_so_and_sends_nothing() {
    let endpoint = Endpoint::start(SesOptions::default()).await;
    endpoint.ses.change(|now| now.paused = true);
    let account = endpoint.client.get_account().send().await.unwrap();
    assert!(!account.sending_enabled());
    let error = endpoint.bulk(&["ada@example.org"]).send().await;
    assert_eq!(error.unwrap_err().code(), Some("SendingPausedException"));
    assert!(endpoint.mailbox.list(None).is_empty());
}
