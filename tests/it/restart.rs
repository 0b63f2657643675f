//! A stack that is stopped, or killed, loses nothing.

use std::time::Duration;

use serde_json::json;
use tokio::process::Command;

use crate::process::{PROGRAM, Process};

#[tokio::test]
async fn a_killed_stack_keeps_its_users_and_sends_what_was_queued() {
    let data = tempfile::tempdir().unwrap();
    let count = 120;
    let text = people(count);
    let stack = Process::start(data.path()).await;
    let answer = stack.invite(&text).await;
    assert_eq!(answer["counts"]["invited"], count, "{answer}");
    // At once: the mails are queued, claimed or half sent.
    stack.kill().await;

    let stack = Process::start(data.path()).await;
    let again = stack.invite(&text).await;
    assert_eq!(again["counts"]["invited"], 0, "everybody is still there");
    assert!(
        again["results"]
            .as_array()
            .unwrap()
            .iter()
            .all(|row| row["outcome"] == "already_invited")
    );
    stack.wait_for_mailed(count).await;
    // A second crash, in idleness, brings no mail twice.
    stack.kill().await;
    let stack = Process::start(data.path()).await;
    stack.invite("last@example.com").await;
    let mails = stack.wait_for_mailed(count + 1).await;
    let links = |to: &str| {
        let texts = mails
            .iter()
            .filter(|mail| mail["to"] == to)
            .map(|mail| mail["text"].as_str().unwrap());
        texts.collect::<std::collections::HashSet<_>>().len()
    };
    // Only mail that was under way in the crash may have come twice, and then with the same link.
    assert!(mails.len() <= count + 1 + 50, "{} mails", mails.len());
    assert!((0..count).all(|n| links(&format!("p{n}@example.com")) == 1));
    assert_eq!(links("last@example.com"), 1);
}

#[tokio::test]
async fn two_stacks_do_not_share_a_directory() {
    let data = tempfile::tempdir().unwrap();
    let first = Process::start(data.path()).await;
    let second = Command::new(PROGRAM)
        .args(["--port", "0", "--data"])
        .arg(data.path())
        .output()
        .await
        .unwrap();
    assert!(!second.status.success());
    let said =
        String::from_utf8(second.stdout).unwrap() + &String::from_utf8(second.stderr).unwrap();
    assert!(said.contains("used by another stack"), "{said}");
    first.kill().await;
}

#[tokio::test]
async fn a_clock_that_was_moved_is_still_moved_after_a_crash() {
    let data = tempfile::tempdir().unwrap();
    let stack = Process::start(data.path()).await;
    let week = json!({"advance_seconds": 691_200});
    stack
        .http
        .post(format!("{}/_local/clock", stack.url))
        .json(&week)
        .send()
        .await
        .unwrap();
    stack.invite(&people(30)).await;
    stack.kill().await;
    let stack = Process::start(data.path()).await;
    // What was claimed a week ahead has to come free again.
    stack.wait_for_mailed(30).await;
    stack.kill().await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_stack_that_is_told_to_stop_finishes_what_is_under_way() {
    let data = tempfile::tempdir().unwrap();
    for signal in ["-INT", "-TERM"] {
        let mut stack = Process::start(data.path()).await;
        let text: String = (0..1000)
            .map(|n| format!("p{n}{signal}@example.com\n"))
            .collect();
        let invite = stack.invite(&text);
        let pid = stack.child.id().unwrap().to_string();
        let stop = async {
            // Once the first are written, the request is under way.
            while stack.found(&format!("p0{signal}")).await == 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            Command::new("kill")
                .args([signal, &pid])
                .status()
                .await
                .unwrap();
        };
        let (answer, ()) = tokio::join!(invite, stop);
        assert_eq!(answer["counts"]["invited"], 1000, "the answer comes whole");
        assert!(stack.child.wait().await.unwrap().success());
    }
}

fn people(count: usize) -> String {
    (0..count).map(|n| format!("p{n}@example.com\n")).collect()
}
