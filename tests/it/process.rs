//! The stack as a program of its own: for what can only be seen from outside, or by killing it.

use std::{
    collections::HashSet,
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use reqwest::Client;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

/// The program that `cargo run` starts.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_stack-under-test");

/// The stack as its own process, which can be killed.
pub(crate) struct Process {
    pub(crate) child: Child,
    pub(crate) url: String,
    pub(crate) token: String,
    pub(crate) http: Client,
}

impl Process {
    /// Starts a stack that keeps its data in this directory, and no log.
    pub(crate) async fn start(data: &Path) -> Self {
        let mut command = Command::new(PROGRAM);
        command.arg("--data").arg(data).stderr(Stdio::null());
        Self::spawn(command).await
    }

    /// Starts a stack on any free port, and waits until it says where it is.
    pub(crate) async fn spawn(mut command: Command) -> Self {
        let mut child = command
            .args(["--port", "0"])
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let url = loop {
            let line = lines
                .next_line()
                .await
                .unwrap()
                .expect("the stack says where it is");
            if let Some(url) = line.trim().strip_prefix("API") {
                break url.trim().trim_end_matches("/v1").to_owned();
            }
        };
        let http = Client::new();
        let answer = http
            .post(format!("{url}/_local/token"))
            .send()
            .await
            .unwrap();
        let token = answer.json::<Value>().await.unwrap()["access_token"]
            .as_str()
            .unwrap()
            .to_owned();
        Self {
            child,
            url,
            token,
            http,
        }
    }

    pub(crate) async fn invite(&self, text: &str) -> Value {
        let request = self
            .http
            .post(format!("{}/v1/invitations", self.url))
            .bearer_auth(&self.token);
        request
            .json(&json!({"text": text}))
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap()
    }

    /// How many users have an address that begins so.
    pub(crate) async fn found(&self, prefix: &str) -> usize {
        let url = format!("{}/v1/users?q={prefix}", self.url);
        let answer = self
            .http
            .get(url)
            .bearer_auth(&self.token)
            .send()
            .await
            .unwrap();
        answer.json::<Value>().await.unwrap()["data"]
            .as_array()
            .unwrap()
            .len()
    }

    pub(crate) async fn mailed(&self) -> Vec<Value> {
        let answer = self
            .http
            .get(format!("{}/_local/mail.json", self.url))
            .send()
            .await
            .unwrap();
        answer.json().await.unwrap()
    }

    /// All mails, once this many people have theirs: after a crash somebody's may come twice before another's comes.
    pub(crate) async fn wait_for_mailed(&self, people: usize) -> Vec<Value> {
        let start = Instant::now();
        loop {
            let mails = self.mailed().await;
            let reached: HashSet<_> = mails.iter().map(|mail| mail["to"].as_str()).collect();
            if reached.len() >= people {
                return mails;
            }
            assert!(
                start.elapsed() < Duration::from_mins(2),
                "{} of {people} people were mailed",
                reached.len()
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// As `kill -9` does it: nothing is finished, nothing is closed.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }
}
