//! Large requests: how long until everybody is in the table, how many calls that takes, and how much memory and processor time
//! of the function's own; then their mails, as the stream brings them to the mailer.

use serde_json::json;

use crate::{
    Bench,
    count::TURNS,
    operations::count,
    progress,
    report::{Figure, Trouble, Unit},
    scene::{Scene, with_mail},
};

const SECTION: &str = "bulk";
/// As many records as the mailer's event source brings at a time.
const RECORDS: usize = 100;
/// The request that has goals: as large as one may be.
const LARGEST: u32 = 10_000;
/// Bytes of memory, idle and at most.
const IDLE: f64 = 8e6;
const PEAK: f64 = 40e6;

pub(crate) async fn measure(bench: &Bench) -> Result<Vec<Figure>, Trouble> {
    let sizes: &[u32] = if bench.quick {
        &[1, 50, 1_000]
    } else {
        &[1, 50, 1_000, LARGEST]
    };
    let mut figures = Vec::new();
    for &people in sizes {
        progress(&format!("measuring: bulk, {people}"));
        let mut scene = Scene::start(bench).await?;
        figures.extend(invite(&mut scene, people).await?);
        figures.extend(mail(&mut scene, people).await?);
    }
    bench.note("time until durable, and the engine's share of it, are of the database in this process: DynamoDB's own differ");
    bench.note("the engine's share adds up what calls waited that were under way at the same time");
    Ok(figures)
}

/// One request with so many addresses.
async fn invite(scene: &mut Scene<'_>, people: u32) -> Result<Vec<Figure>, Trouble> {
    let invitees: Vec<_> = (0..people)
        .map(|n| json!({"email": format!("person-{n:06}@example.com")}))
        .collect();
    let body = json!({"invitees": invitees, "message": "Welcome to the team. Ask me anything."});
    let function = scene.function("invite").await?;
    let idle = function.memory()?.resident;
    function.forget_peak()?;
    let done = scene.request("POST /v1/invitations", &body).await?;
    let peak = scene.function("invite").await?.memory()?.peak;
    let invited = done.body()["counts"]["invited"].as_u64();
    if invited != Some(u64::from(people)) {
        let what = format!("of {people} people, {invited:?} were invited");
        return Err(Trouble::new(what, "see what the function answers"));
    }
    let subject = format!("invite {people}");
    let figure = |name, value, unit| Figure::new(SECTION, subject.clone(), name, value, unit);
    let largest = |figure: Figure, goal| {
        if people == LARGEST {
            figure.at_most(goal)
        } else {
            figure
        }
    };
    let transactions = done
        .counts
        .calls
        .get("TransactWriteItems")
        .copied()
        .unwrap_or_default();
    Ok(vec![
        figure(
            "until durable",
            done.took.as_secs_f64() * 1e3,
            Unit::Milliseconds,
        ),
        figure(
            "engine",
            done.counts.engine.as_secs_f64() * 1e3,
            Unit::Milliseconds,
        ),
        largest(
            figure(
                "own processor time",
                done.cpu.as_secs_f64() * 1e3,
                Unit::Milliseconds,
            ),
            1e3,
        ),
        figure("calls", count(done.counts.calls()), Unit::Calls),
        largest(
            figure(
                "transactions, or calls to SES",
                count(transactions),
                Unit::Calls,
            ),
            200.0,
        ),
        figure("memory, idle", count(idle), Unit::Memory).at_most(IDLE),
        largest(figure("memory, at most", count(peak), Unit::Memory), PEAK),
    ])
}

/// The mails of those who were just invited.
async fn mail(scene: &mut Scene<'_>, people: u32) -> Result<Vec<Figure>, Trouble> {
    let records = scene.engine.records().await?;
    let records: Vec<_> = with_mail(&records).cloned().collect();
    let function = scene.function("mailer").await?;
    let idle = function.memory()?.resident;
    function.forget_peak()?;
    let (mut took, mut engine, mut cpu) = (0.0, 0.0, 0.0);
    let (mut calls, mut to_ses) = (0, 0);
    for some in records.chunks(RECORDS) {
        let done = scene.mail(some).await?;
        took += done.took.as_secs_f64();
        engine += done.counts.engine.as_secs_f64();
        cpu += done.cpu.as_secs_f64();
        // How many turns are taken depends on the time between them; whoever had to wait for one reads its users again.
        let by_time = [TURNS, "GetItem"].map(|name| done.counts.calls.get(name));
        let by_time: u64 = by_time.into_iter().flatten().sum();
        calls += done.counts.calls() - by_time;
        to_ses += done
            .counts
            .calls
            .get("SendBulkEmail")
            .copied()
            .unwrap_or_default();
    }
    let peak = scene.function("mailer").await?.memory()?.peak;
    let sent = scene.services.mailbox.count();
    if sent != people as usize {
        return Err(Trouble::new(
            format!("of {people} mails, {sent} were sent"),
            "see what the mailer logs",
        ));
    }
    let subject = format!("mail {people}");
    let figure = |name, value, unit| Figure::new(SECTION, subject.clone(), name, value, unit);
    let to_ses = figure("transactions, or calls to SES", count(to_ses), Unit::Calls);
    Ok(vec![
        figure("until durable", took * 1e3, Unit::Milliseconds),
        figure("engine", engine * 1e3, Unit::Milliseconds),
        figure("own processor time", cpu * 1e3, Unit::Milliseconds),
        figure("calls", count(calls), Unit::Calls),
        if people == LARGEST {
            to_ses.at_most(200.0)
        } else {
            to_ses
        },
        figure("memory, idle", count(idle), Unit::Memory).at_most(IDLE),
        figure("memory, at most", count(peak), Unit::Memory),
        figure(
            "a second",
            f64::from(people) / took.max(1e-9),
            Unit::PerSecond,
        ),
    ])
}
