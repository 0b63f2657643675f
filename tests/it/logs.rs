//! What stands in the log, and above all what does not.

use std::{fs::File, time::Duration};

use serde_json::{Value, json};
use tokio::process::Command;

use crate::{
    app::token_in,
    process::{PROGRAM, Process},
};

#[tokio::test]
async fn no_log_line_has_a_link_a_sign_in_token_or_an_address_in_it() {
    assert_the_log_is_discreet(None).await;
}

#[tokio::test]
async fn not_even_the_most_talkative_log_has_one() {
    // The second names a library more closely than the filter does, which must not open it.
    assert_the_log_is_discreet(Some("trace,aws_smithy_runtime::client=trace")).await;
}

/// Does everything that logs, and looks for what must not be there.
async fn assert_the_log_is_discreet(rust_log: Option<&str>) {
    let data = tempfile::tempdir().unwrap();
    let log = data.path().join("stderr");
    let mut command = Command::new(PROGRAM);
    command
        .args(["--memory", "--ses-sandbox"])
        .args(["--ses-verified", "invitations@example.com"])
        .args(["--ses-verified", "ann@example.com"])
        .stderr(File::create(&log).unwrap())
        .env_remove("RUST_LOG");
    if let Some(rust_log) = rust_log {
        command.env("RUST_LOG", rust_log);
    }
    let stack = Process::spawn(command).await;
    let (url, sign_in) = (stack.url.clone(), &stack.token.clone());
    let post = async |path: &str, sign_in: Option<&str>, body: Value| {
        let mut request = stack.http.post(format!("{url}{path}")).json(&body);
        if let Some(token) = sign_in {
            request = request.bearer_auth(token);
        }
        request.send().await.unwrap();
    };
    let invited = stack
        .invite("Ann Lee <ann@example.com>, bo@example.com, cy@@example.com")
        .await;
    // Bo's address is not verified, so SES refuses their mail, and that is logged.
    let mut token = None;
    for _ in 0..200 {
        let mails = stack.mailed().await;
        let request = stack.http.get(format!("{url}/v1/users?q=bo"));
        let answer = request.bearer_auth(sign_in).send().await.unwrap();
        let users: Value = answer.json().await.unwrap();
        if let Some(mail) = mails.first().and_then(|mail| mail["text"].as_str()) {
            token = Some(token_in(mail));
        }
        if token.is_some() && users["data"][0]["delivery"]["status"] == "failed" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let token = token.expect("the mail to Ann");
    for body in [
        json!({"token": token}),
        json!({"token": format!("{token}x")}),
        json!({"token": [token]}),
        json!({"tokens": token}),
    ] {
        post("/v1/accept/lookup", None, body).await;
    }
    post(
        "/v1/accept",
        None,
        json!({"token": token, "name": "Ann Lee"}),
    )
    .await;
    post(
        "/v1/accept",
        None,
        json!({"token": token, "name": "Ann Lee"}),
    )
    .await;
    post("/v1/users/ann@example.com/resend", Some(sign_in), json!({})).await;
    let of_ann = json!({"email": "ann@example.com"});
    post("/v1/suppressions/lift", Some(sign_in), of_ann).await;
    // The answer has Bo's link in it.
    let bo = invited["results"][1]["user_id"].as_str().unwrap();
    let link = stack.http.get(format!("{url}/v1/users/{bo}/link"));
    let link = link.bearer_auth(sign_in).send().await.unwrap();
    let link: Value = link.json().await.unwrap();
    let (_, link) = link["accept_url"]
        .as_str()
        .unwrap()
        .split_once('#')
        .unwrap();
    stack
        .http
        .get(format!("{url}/accept?token={token}"))
        .send()
        .await
        .unwrap();
    let id = invited["results"][0]["user_id"].as_str().unwrap();
    post(&format!("/v1/users/{id}/revoke"), Some(sign_in), json!({})).await;
    stack.kill().await;

    let log = std::fs::read_to_string(&log).unwrap();
    assert!(log.matches("request answered").count() >= 7, "{log}");
    let secret = &token[4..];
    for bad in [
        "inv_",
        secret,
        &link[4..],
        sign_in,
        "ann@example.com",
        "bo@example.com",
        "cy@@example.com",
        "Ann Lee",
    ] {
        assert!(!log.contains(bad), "{bad} in the log:\n{log}");
    }
}
