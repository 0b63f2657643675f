//! What a million invitations cost at list price, from the first request to the registered account, without SES: one
//! invitation is taken all the way through the functions, and what each asked of AWS is multiplied by the prices.

use crate::{
    Bench,
    count::Counts,
    journey::{TOGETHER, steps},
    operations::count,
    prices::{Prices, memory},
    report::{Figure, Trouble, Unit},
    scene::Done,
};

/// What a million may cost.
const GOAL: f64 = 9.0;

/// What functions did for so many invitations, in one of their steps.
#[derive(Default)]
pub(crate) struct Step {
    name: &'static str,
    pub(crate) function: &'static str,
    pub(crate) invocations: f64,
    /// By a browser or a client through the API.
    by_api: bool,
    counts: Counts,
    pub(crate) cpu_seconds: f64,
    /// Bytes of the answers, as they leave AWS.
    pub(crate) answered: f64,
    /// Bytes that the function has logged.
    pub(crate) logged: f64,
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
    pub(crate) fn new(name: &'static str, function: &'static str, by_api: bool) -> Self {
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

    pub(crate) fn add(&mut self, done: &Done) {
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
        let logged = (self.logged + self.invocations * prices.assumed("platform_log_bytes")) / 1e9;
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
