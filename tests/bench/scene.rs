//! The functions with their table, SES and user pool, and people in the table: what operations are measured on.

use std::{collections::BTreeMap, time::Duration};

use jiff::SignedDuration;
use serde_json::{Value, json};
use usher::domain::User;
use usher_local::{invocation, ses::SENDER};

use crate::{
    Bench,
    count::Counts,
    engine::{Engine, TABLE, broken},
    people::person,
    program::Function,
    report::Trouble,
    services::Services,
};

/// The functions at work.
pub(crate) struct Scene<'a> {
    pub(crate) bench: &'a Bench,
    pub(crate) engine: Engine,
    pub(crate) services: Services,
    functions: BTreeMap<String, Function>,
    people: u32,
}

/// What came of a request or an event.
pub(crate) struct Done {
    pub(crate) answer: Value,
    pub(crate) counts: Counts,
    pub(crate) took: Duration,
    /// Until the function could take the next event.
    pub(crate) cycle: Duration,
    /// The function's own time on a processor.
    pub(crate) cpu: Duration,
}

impl Done {
    /// An HTTP answer's body.
    pub(crate) fn body(&self) -> Value {
        let text = self.answer["body"].as_str().unwrap_or_default();
        serde_json::from_str(text).unwrap_or_default()
    }
}

impl<'a> Scene<'a> {
    /// An empty table.
    pub(crate) async fn start(bench: &'a Bench) -> Result<Self, Trouble> {
        let engine = Engine::start().await?;
        let services = Services::start(&engine.counter).await?;
        Ok(Self {
            bench,
            engine,
            services,
            functions: BTreeMap::new(),
            people: 0,
        })
    }

    /// A function, which is started if it does not run yet. `accept+pool` is `accept` with a user pool.
    pub(crate) async fn function(&mut self, name: &str) -> Result<&mut Function, Trouble> {
        if !self.functions.contains_key(name) {
            let program = self.bench.program(name.trim_end_matches("+pool"))?;
            let pool = if name.ends_with("+pool") {
                "us-east-1_pool"
            } else {
                ""
            };
            let variables = [
                ("AWS_ENDPOINT_URL_DYNAMODB", self.engine.url.clone()),
                ("AWS_ENDPOINT_URL_SESV2", self.services.ses_url.clone()),
                (
                    "AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER",
                    self.services.pool_url.clone(),
                ),
                ("MAIL_FROM", format!("Acme <{SENDER}>")),
                ("MAIL_IDENTITY", SENDER.to_owned()),
                ("TABLE_NAME", TABLE.to_owned()),
                ("USER_POOL_ID", pool.to_owned()),
            ];
            let function = Function::start(&program, &variables).await?;
            self.functions.insert(name.to_owned(), function);
        }
        self.functions
            .get_mut(name)
            .ok_or_else(|| Trouble::new(format!("{name} did not start"), "run the bench again"))
    }

    /// Has a function handle an event, and counts what that asks of AWS. What its start has asked is not counted.
    pub(crate) async fn event(&mut self, function: &str, event: &Value) -> Result<Done, Trouble> {
        self.function(function).await?;
        self.engine.take();
        let running = self.function(function).await?;
        let before = running.cpu()?;
        let invocation = running.invoke(event).await?;
        let cpu = running.cpu()?.saturating_sub(before);
        Ok(Done {
            answer: invocation.answer,
            counts: self.engine.take(),
            took: invocation.took,
            cycle: invocation.cycle,
            cpu,
        })
    }

    /// A request to the API by an administrator, or by nobody where no sign-in is needed. Fails unless it is answered well.
    pub(crate) async fn request(&mut self, request: &str, body: &Value) -> Result<Done, Trouble> {
        self.request_to("", request, body).await
    }

    /// The same for a function in another setting: with `+pool`.
    pub(crate) async fn request_to(
        &mut self,
        setting: &str,
        request: &str,
        body: &Value,
    ) -> Result<Done, Trouble> {
        let (function, event) = api(request, body)?;
        let done = self.event(&format!("{function}{setting}"), &event).await?;
        answered_well(request, done)
    }

    /// What a browser asks for, which takes compressed answers.
    pub(crate) async fn request_compressed(&mut self, request: &str) -> Result<Done, Trouble> {
        let (method, target) = request.split_once(' ').unwrap_or_default();
        let Some((function, mut event)) = invocation(method, target, &Value::Null, b"") else {
            return Err(no_route(request));
        };
        event["headers"]["accept-encoding"] = "gzip, deflate, br, zstd".into();
        let done = self.event(function, &event).await?;
        answered_well(request, done)
    }

    /// How many bytes the functions have logged by now, by their names.
    pub(crate) async fn logged(&self) -> BTreeMap<&str, usize> {
        // Whoever reads the logs may be behind.
        tokio::time::sleep(Duration::from_millis(200)).await;
        let logged = self.functions.iter();
        logged
            .map(|(name, function)| (name.as_str(), function.logged()))
            .collect()
    }

    /// The token that was mailed to this address.
    pub(crate) fn mailed_token(&self, email: &str) -> Result<String, Trouble> {
        let mails = self.services.mailbox.list(Some(email));
        let words = mails.first().map(|mail| mail.text.split_whitespace());
        let link = words.and_then(|mut words| words.find_map(|word| word.split_once("/accept#")));
        let token = link.map(|(_, token)| token.to_owned());
        token.ok_or_else(|| {
            Trouble::new(
                format!("no mail came to {email}"),
                "see what the mailer logs",
            )
        })
    }

    /// Somebody who was invited so long ago, and whose link is mailed already; not in the table yet.
    pub(crate) fn somebody(&mut self, ago: SignedDuration) -> Result<User, Trouble> {
        self.people += 1;
        person(self.people, ago)
    }

    /// Somebody like that in the table.
    pub(crate) async fn invited(&mut self, ago: SignedDuration) -> Result<User, Trouble> {
        let user = self.somebody(ago)?;
        self.put(&user).await?;
        Ok(user)
    }

    /// Puts somebody into the table, with their address. Nobody reads of it in the stream.
    pub(crate) async fn put(&self, user: &User) -> Result<(), Trouble> {
        let written = self.engine.store.invite(std::slice::from_ref(user)).await;
        written.map_err(|error| broken(&error))?;
        self.engine.records().await.map(drop)
    }
}

/// A request to the API by an administrator, or by nobody where no sign-in is needed: the function, and its event.
pub(crate) fn api(request: &str, body: &Value) -> Result<(&'static str, Value), Trouble> {
    let (method, target) = request.split_once(' ').unwrap_or_default();
    let claims = json!({
        "sub": "admin",
        "name": "Alex Admin",
        "email": "admin@example.com",
        "scope": "users:read users:invite users:write settings:write",
    });
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let invocation = invocation(method, target, &claims, body.as_bytes());
    let (function, mut event) = invocation.ok_or_else(|| no_route(request))?;
    // Settings and templates are written only over what one has seen.
    event["headers"]["if-match"] = "*".into();
    Ok((function, event))
}

fn no_route(request: &str) -> Trouble {
    Trouble::new(
        format!("no route is like {request}"),
        "see infra/local/src/routes.rs",
    )
}

fn answered_well(request: &str, done: Done) -> Result<Done, Trouble> {
    match done.answer["statusCode"].as_u64() {
        Some(200..=399) => Ok(done),
        _ => Err(Trouble::new(
            format!("{request} was answered {}", done.answer),
            "mend the function, or the request in tests/bench",
        )),
    }
}

impl Scene<'_> {
    /// Has the mailer handle those of these records that its event source lets through: with a mail in the outbox.
    pub(crate) async fn mail(&mut self, records: &[Value]) -> Result<Done, Trouble> {
        let wanted: Vec<_> = with_mail(records).collect();
        // Whoever comes while another has its turn at SES needs one write less. Here everybody comes alone.
        tokio::time::sleep(Duration::from_millis(60)).await;
        self.event("mailer", &json!({"Records": wanted})).await
    }

    /// Has the histories written of those of these records that their event source lets through.
    pub(crate) async fn chronicle(&mut self, records: &[Value]) -> Result<Done, Trouble> {
        let wanted: Vec<_> = of_users(records).collect();
        self.event("history", &json!({"Records": wanted})).await
    }

    /// One sweep, as the schedule asks for it every minute.
    pub(crate) async fn sweep(&mut self) -> Result<Done, Trouble> {
        let event = json!({"version": "0", "source": "aws.scheduler", "detail-type": "Scheduled Event", "detail": {}});
        self.event("sweeper", &event).await
    }
}

/// The mailer's filter, as the template has it.
pub(crate) fn with_mail(records: &[Value]) -> impl Iterator<Item = &Value> {
    let outbox = |record: &&Value| record["dynamodb"]["NewImage"]["outbox"]["S"].is_string();
    records.iter().filter(outbox)
}

/// The histories' filter, as the template has it.
pub(crate) fn of_users(records: &[Value]) -> impl Iterator<Item = &Value> {
    records
        .iter()
        .filter(|record| record["dynamodb"]["Keys"]["sk"]["S"] == "USER")
}
