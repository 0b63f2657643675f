//! What a million invitations cost at list price, from the first request to the registered account, without SES: one
//! invitation is taken all the way through the functions, and what each asked of AWS is multiplied by the prices.

use std::fs;

use serde::Deserialize;
use serde_json::{Value, json};
use usher_local::ses::EventKind;

use crate::{
    Bench,
    engine::Counts,
    operations::count,
    report::{Figure, Trouble, Unit},
    root,
    scene::{Done, Scene, of_users},
};

/// What a million may cost.
const GOAL: f64 = 9.0;
/// How many go together in the calls that take many: people in a request, mails in a mailer's batch.
const TOGETHER: usize = 50;
/// As many records as the histories' event source brings at a time.
const RECORDS: usize = 100;

/// Prices, and what has to be assumed with them. The file says where each is from.
#[derive(Deserialize)]
pub(crate) struct Prices {
    date: String,
    #[serde(rename = "prices")]
    list: Each<Price>,
    assumptions: Each<Assumption>,
}

type Each<T> = std::collections::BTreeMap<String, T>;

#[derive(Deserialize)]
struct Price {
    usd: f64,
}

#[derive(Deserialize)]
struct Assumption {
    value: f64,
}

impl Prices {
    pub(crate) fn read() -> Result<Self, Trouble> {
        let file = root().join("tests/bench/prices.json");
        let unusable = |error: String| {
            Trouble::new(
                format!("{}: {error}", file.display()),
                "mend the price file",
            )
        };
        let text = fs::read_to_string(&file).map_err(|error| unusable(error.to_string()))?;
        serde_json::from_str(&text).map_err(|error| unusable(error.to_string()))
    }

    fn of(&self, name: &str) -> f64 {
        self.list.get(name).map_or(f64::NAN, |price| price.usd)
    }

    fn assumed(&self, name: &str) -> f64 {
        self.assumptions
            .get(name)
            .map_or(f64::NAN, |assumption| assumption.value)
    }

    /// What a million times these units cost.
    pub(crate) fn table(&self, counts: &Counts) -> f64 {
        (counts.written + counts.written_to_indexes()) * self.of("dynamodb_write_million")
            + counts.read * self.of("dynamodb_read_million")
    }
}

/// What functions did for so many invitations, in one of their steps.
#[derive(Default)]
struct Step {
    name: &'static str,
    function: &'static str,
    invocations: f64,
    /// By a browser or a client through the API.
    by_api: bool,
    counts: Counts,
    cpu_seconds: f64,
    /// Bytes of the answers, as they leave AWS.
    answered: f64,
    /// How many of its calls the function makes at a time.
    calls_at_a_time: f64,
}

/// Dollars for a million invitations.
#[derive(Clone, Copy, Default)]
struct Bill {
    table: f64,
    lambda: f64,
    api: f64,
    logs: f64,
    transfer: f64,
}

impl Bill {
    fn sum(self) -> f64 {
        self.table + self.lambda + self.api + self.logs + self.transfer
    }

    fn plus(self, other: Self) -> Self {
        Self {
            table: self.table + other.table,
            lambda: self.lambda + other.lambda,
            api: self.api + other.api,
            logs: self.logs + other.logs,
            transfer: self.transfer + other.transfer,
        }
    }
}

impl Step {
    fn new(name: &'static str, function: &'static str, by_api: bool) -> Self {
        let calls_at_a_time = match function {
            "mailer" => 16.0,
            "history" => 4.0,
            _ => 1.0,
        };
        Self {
            name,
            function,
            by_api,
            calls_at_a_time,
            ..Self::default()
        }
    }

    fn add(&mut self, done: &Done) {
        self.invocations += 1.0;
        self.cpu_seconds += done.cpu.as_secs_f64();
        self.answered += count(done.answer["body"].as_str().unwrap_or_default().len() as u64);
        let (all, new) = (&mut self.counts, &done.counts);
        for (name, times) in &new.calls {
            *all.calls.entry(name.clone()).or_default() += times;
        }
        for (name, units) in &new.indexes {
            *all.indexes.entry(name.clone()).or_default() += units;
        }
        all.read += new.read;
        all.written += new.written;
    }

    /// For a million invitations, where this was done for so many.
    fn bill(&self, prices: &Prices, people: f64) -> Result<Bill, Trouble> {
        let memory = memory(self.function)?;
        let to_ses = self
            .counts
            .calls
            .get("SendBulkEmail")
            .copied()
            .unwrap_or_default();
        let to_table = count(self.counts.calls() - to_ses);
        let waits = to_table / self.calls_at_a_time * prices.assumed("table_milliseconds")
            + count(to_ses) * prices.assumed("ses_milliseconds");
        let works = self.cpu_seconds * 1e3 * prices.assumed("whole_processor_mb") / memory;
        // Lambda counts whole milliseconds.
        let milliseconds = ((waits + works) / self.invocations.max(1.0)).ceil() * self.invocations;
        let gigabyte_seconds = milliseconds / 1e3 * memory / 1024.0;
        let logged = self.invocations * prices.assumed("platform_log_bytes") / 1e9;
        let (by_api, answered) = if self.by_api {
            (self.invocations, self.answered)
        } else {
            (0.0, 0.0)
        };
        let million = 1.0 / people;
        Ok(Bill {
            table: prices.table(&self.counts) * million,
            lambda: (self.invocations * prices.of("lambda_request_million")
                + gigabyte_seconds * 1e6 * prices.of("lambda_gb_second"))
                * million,
            api: by_api * prices.of("http_api_million") * million,
            logs: logged * 1e6 * prices.of("logs_gb") * million,
            transfer: answered / 1e9 * 1e6 * prices.of("transfer_out_gb") * million,
        })
    }

    fn explain(&self, bill: Bill, people: f64) -> String {
        let Bill {
            table,
            lambda,
            api,
            logs,
            transfer,
        } = bill;
        let indexes: Vec<_> = self
            .counts
            .indexes
            .iter()
            .map(|(name, units)| format!("{name} {:.2}", units / people))
            .collect();
        let indexes = if indexes.is_empty() {
            String::new()
        } else {
            format!(" + {}", indexes.join(" + "))
        };
        format!(
            "{:<22} {:>5.2} invocations, written {:.2}{indexes}, read {:.2}: table ${table:.2}, Lambda ${lambda:.2}, API ${api:.2}, logs ${logs:.2}, transfer ${transfer:.2} = ${:.2}",
            self.name,
            self.invocations / people,
            self.counts.written / people,
            self.counts.read / people,
            bill.sum(),
        )
    }
}

/// One figure for invitations of many in a request, and one for invitations that come one by one.
pub(crate) async fn whole_invitation(
    bench: &Bench,
    prices: &Prices,
) -> Result<Vec<Figure>, Trouble> {
    let mut figures = Vec::new();
    for (together, subject) in [
        (TOGETHER, "an invitation, 50 at a time"),
        (1, "an invitation, one by one"),
    ] {
        let steps = steps(bench, together).await?;
        let people = count(TOGETHER as u64);
        bench.note(format!(
            "{subject}, to the account and without SES, at the list prices of {}:",
            prices.date
        ));
        let mut all = Bill::default();
        for step in &steps {
            let bill = step.bill(prices, people)?;
            bench.note(format!("  {}", step.explain(bill, people)));
            all = all.plus(bill);
        }
        let mut left = all.sum();
        let Bill {
            table,
            lambda,
            api,
            logs,
            transfer,
        } = all;
        bench.note(format!(
            "  a million: table ${table:.2} + Lambda ${lambda:.2} + API ${api:.2} + logs ${logs:.2} + transfer ${transfer:.2} = ${:.2}",
            all.sum()
        ));
        if together > 1 {
            bench.note("  what would make it less:");
            for (change, saved) in savings(&steps, prices, people)? {
                left -= saved;
                bench.note(format!("    -${saved:.2} = ${left:.2}: {change}"));
            }
        }
        let units = |of: fn(&Counts) -> f64| {
            steps.iter().map(|step| of(&step.counts)).sum::<f64>() / people
        };
        let figure = |name, value, unit| Figure::new("operations", subject, name, value, unit);
        figures.extend([
            figure(
                "write units, table",
                units(|counts| counts.written),
                Unit::Units,
            ),
            figure(
                "write units, indexes",
                units(Counts::written_to_indexes),
                Unit::Units,
            ),
            figure("table, a million", table, Unit::Dollars),
            figure("all, a million", all.sum(), Unit::Dollars).at_most(GOAL),
        ]);
    }
    Ok(figures)
}

/// What would make it cheaper, and by how much: each is a change to what was measured, after those before it.
fn savings(steps: &[Step], prices: &Prices, people: f64) -> Result<Vec<(String, f64)>, Trouble> {
    let step = |name: &str| steps.iter().find(|step| step.name == name);
    let bill =
        |name: &str| step(name).map_or(Ok(Bill::default()), |step| step.bill(prices, people));
    let index = |step_name: &str, index: &str| {
        let units = step(step_name).and_then(|step| step.counts.indexes.get(index));
        units.copied().unwrap_or_default() / people * prices.of("dynamodb_write_million")
    };
    let page = bill("page")?;
    let requests = step("page").map_or(1.0, |step| step.invocations / people);
    let (all_page, once) = (
        page.lambda + page.api + page.logs,
        "the page in one answer, with its styles, scripts and texts in it",
    );
    let copies: f64 = ["mail", "SES reports: delivered", "accept", "sweep"]
        .map(|step| {
            index(step, "by_email")
                + if step == "accept" {
                    0.0
                } else {
                    index(step, "by_state")
                }
        })
        .iter()
        .sum();
    let due = index("mail", "by_due") / 2.0;
    let swept = bill("sweep")?.sum();
    let mut savings = vec![
        (once.to_owned(), all_page * (requests - 1.0) / requests),
        (
            "no report of what the mailer knows already: `sent`".to_owned(),
            bill("SES reports: sent")?.sum(),
        ),
        (
            "indexes that keep what never changes, so that a mail's progress is written once"
                .to_owned(),
            copies,
        ),
        (
            "no other due time for a claim than for the mail that it claims".to_owned(),
            due,
        ),
        (
            "nothing due any more once somebody has accepted".to_owned(),
            (swept - index("sweep", "by_email") - index("sweep", "by_state")).max(0.0),
        ),
    ];
    let table = steps
        .iter()
        .map(|step| prices.table(&step.counts))
        .sum::<f64>()
        / people;
    let saved_on_table = prices.table(
        &step("SES reports: sent")
            .map(|step| step.counts.clone())
            .unwrap_or_default(),
    ) / people
        + savings[2..].iter().map(|(_, saved)| saved).sum::<f64>();
    let busy = prices.assumed("provisioned_busy");
    let provisioned = prices.of("dynamodb_provisioned_write_hour") / 3600.0 * 1e6 / busy;
    let part = 1.0 - provisioned / prices.of("dynamodb_write_million");
    savings.push((
        format!(
            "provisioned capacity, {:.0} % used, in place of on-demand, where the load is steady",
            busy * 100.0
        ),
        (table - saved_on_table).max(0.0) * part,
    ));
    Ok(savings)
}

/// Takes as many people as go together all the way.
async fn steps(bench: &Bench, together: usize) -> Result<Vec<Step>, Trouble> {
    let mut scene = Scene::start(bench).await?;
    let mut invite = Step::new("invite", "invite", true);
    let mut mailer = Step::new("mail", "mailer", false);
    let mut records = Vec::new();
    let people: Vec<_> = (0..TOGETHER)
        .map(|n| format!("person-{n:06}@example.com"))
        .collect();
    for some in people.chunks(together) {
        let invitees: Vec<_> = some.iter().map(|email| json!({"email": email})).collect();
        let invited = json!({"invitees": invitees});
        invite.add(&scene.request("POST /v1/invitations", &invited).await?);
        let new = scene.engine.records().await?;
        mailer.add(&scene.mail(&new).await?);
        records.extend(new);
    }
    let mut sent = Step::new("SES reports: sent", "feedback", false);
    let mut delivered = Step::new("SES reports: delivered", "feedback", false);
    for event in scene.services.ses.events() {
        let step = if event.kind == EventKind::Send {
            &mut sent
        } else {
            &mut delivered
        };
        step.add(&scene.event("feedback", &event.to_bus_event()).await?);
    }
    let page = page(&mut scene).await?;
    let mut lookup = Step::new("look up", "accept", true);
    let mut accept = Step::new("accept", "accept", true);
    for email in &people {
        let token = scene.mailed_token(email)?;
        lookup.add(
            &scene
                .request("POST /v1/accept/lookup", &json!({"token": token}))
                .await?,
        );
        let registration = json!({"token": token, "name": "Ann Lee"});
        accept.add(&scene.request("POST /v1/accept", &registration).await?);
    }
    records.extend(scene.engine.records().await?);
    let mut history = Step::new("history", "history", false);
    let records: Vec<Value> = of_users(&records).cloned().collect();
    // One by one, nothing happens in the second for which records are gathered.
    for some in records.chunks(if together == 1 { 1 } else { RECORDS }) {
        history.add(&scene.chronicle(some).await?);
    }
    // Everybody's time comes once more, though they have registered: whatever was still to come is called off then.
    let mut sweeper = Step::new("sweep", "sweeper", false);
    let mut rows: Vec<&Value> = of_users(&records)
        .map(|record| &record["dynamodb"]["Keys"])
        .collect();
    rows.sort_by_key(|keys| keys.to_string());
    rows.dedup();
    for keys in rows {
        scene.engine.make_due(keys).await?;
    }
    sweeper.add(&scene.sweep().await?);
    Ok(vec![
        invite, mailer, sent, delivered, page, lookup, accept, history, sweeper,
    ])
}

/// The page on which people accept, with all that it loads. A browser that was there before has most of it, but nobody is
/// invited twice.
async fn page(scene: &mut Scene<'_>) -> Result<Step, Trouble> {
    let mut step = Step::new("page", "pages", true);
    let done = scene.request("GET /accept", &Value::Null).await?;
    let html = done.answer["body"].as_str().unwrap_or_default().to_owned();
    let names = html.split('"').filter(|part| part.starts_with("/assets/"));
    let mut names: Vec<_> = names.map(ToOwned::to_owned).collect();
    names.sort_unstable();
    names.dedup();
    // What texts.js asks for, as the person's language is.
    if let Some((folder, _)) = names.first().and_then(|name| name.rsplit_once('/')) {
        names.push(format!("{folder}/accept.en.json"));
    }
    names.push("/accept".to_owned());
    for name in names {
        let mut done = scene.request_compressed(&format!("GET {name}")).await?;
        // Base64 is on the way between function and gateway only.
        let length = done.answer["body"].as_str().unwrap_or_default().len();
        if done.answer["isBase64Encoded"] == true {
            done.answer["body"] = "x".repeat(length / 4 * 3).into();
        }
        step.add(&done);
    }
    // One person's; the others are as many times the same.
    let people = count(TOGETHER as u64);
    step.invocations *= people;
    step.cpu_seconds *= people;
    step.answered *= people;
    Ok(step)
}

/// The memory that the template gives a function, in MB.
fn memory(function: &str) -> Result<f64, Trouble> {
    let file = root().join("infra/template.yaml");
    let unusable = |why: String| {
        Trouble::new(
            format!("{}: {why}", file.display()),
            "say in tests/bench/cost.rs how the template is read now",
        )
    };
    let template = fs::read_to_string(&file).map_err(|error| unusable(error.to_string()))?;
    let resource = format!(
        "  {}Function:",
        function[..1].to_uppercase() + &function[1..]
    );
    let size = |line: &str| line.trim().strip_prefix("MemorySize:")?.trim().parse().ok();
    let own = template
        .lines()
        .skip_while(|line| *line != resource)
        .skip(1)
        .take_while(|line| line.is_empty() || line.starts_with("   "))
        .find_map(size);
    // The first in the template is what holds for all.
    own.or_else(|| template.lines().find_map(size))
        .ok_or_else(|| unusable("it names no MemorySize".to_owned()))
}
