//! Lists on tables of different sizes: a page should take as long, and as many read units, of 100,000 users as of 100. Rows are
//! written straight into the engine, which for so many would else take longer than everything that is measured.

use std::time::{Duration, Instant};

use jiff::SignedDuration;
use serde_json::{Value, json};
use usher::{
    domain::{State, StateName, User},
    http::{CursorKind, encode_cursor},
    store::Position,
};

use crate::{
    Bench,
    engine::{Engine, broken},
    people::person,
    progress,
    report::{Figure, Trouble, Unit},
    scene::Scene,
};

const SECTION: &str = "list";
/// The smallest and the largest table are compared.
const SIZES: [u32; 3] = [100, 10_000, 100_000];
const QUICK: [u32; 2] = [100, 1_000];
/// How much longer the largest may take.
const GROWTH: f64 = 1.3;
/// How often a page is asked for of each table; less often if that takes long.
const ROUNDS: usize = 60;
const FEWEST: usize = 5;
const LONGEST: Duration = Duration::from_secs(10);
/// Small enough that every state has more than a page in the smallest table.
const LIMIT: usize = 10;
/// Over how long people were invited: their links are still valid, where they are not told to be over.
const SPREAD: SignedDuration = SignedDuration::from_hours(24 * 6);

/// A page of users.
struct Page {
    name: String,
    query: String,
}

pub(crate) async fn measure(bench: &Bench) -> Result<Vec<Figure>, Trouble> {
    let sizes: &[u32] = if bench.quick { &QUICK } else { &SIZES };
    let models = models().await?;
    let mut tables = Vec::new();
    for &size in sizes {
        progress(&format!(
            "measuring: list, filling a table with {size} users"
        ));
        let scene = Scene::start(bench).await?;
        let behind = fill(&scene.engine, &models, size)?;
        tables.push((scene, pages(&behind)));
    }
    let mut figures = Vec::new();
    for nth in 0..tables[0].1.len() {
        let mut measured = vec![(Vec::new(), 0.0); tables.len()];
        let began = Instant::now();
        // By turns, so that whatever else the machine does is the same for all of them.
        for round in 0..ROUNDS {
            if round >= FEWEST && (bench.quick || began.elapsed() > LONGEST) {
                break;
            }
            for ((scene, pages), (times, units)) in tables.iter_mut().zip(&mut measured) {
                let done = scene.request(&pages[nth].query, &Value::Null).await?;
                let found = done.body()["data"].as_array().map_or(0, Vec::len);
                if found != LIMIT {
                    let what = format!("{} has {found} users", pages[nth].query);
                    return Err(Trouble::new(
                        what,
                        "see how tests/bench/list.rs fills its tables",
                    ));
                }
                times.push(done.took);
                *units = done.counts.read;
            }
        }
        let measured: Vec<_> = measured
            .into_iter()
            .map(|(times, units)| (median(times), units))
            .collect();
        figures.extend(compared(&tables[0].1[nth].name, &measured));
    }
    let sizes: Vec<_> = sizes.iter().map(ToString::to_string).collect();
    bench.note(format!(
        "tables of {} users: a fifth of them in each state, invited over the last six days",
        sizes.join(", ")
    ));
    bench.note("a page has 10 users; deep is behind the first third of the table");
    Ok(figures)
}

/// The figures of a page in all tables: at the largest, with those of the smallest as goal.
fn compared(subject: &str, measured: &[(Duration, f64)]) -> Vec<Figure> {
    let figure = |name, value, unit| Figure::new(SECTION, subject, name, value, unit);
    let time = |time: Duration| time.as_secs_f64() * 1e3;
    let [smallest, between @ .., largest] = measured else {
        return Vec::new();
    };
    let mut figures = vec![
        figure("smallest, time", time(smallest.0), Unit::Milliseconds),
        figure("smallest, read units", smallest.1, Unit::Units),
    ];
    for (took, units) in between {
        figures.extend([
            figure("between, time", time(*took), Unit::Milliseconds),
            figure("between, read units", *units, Unit::Units),
        ]);
    }
    figures.extend([
        figure("largest, time", time(largest.0), Unit::Milliseconds),
        figure("largest, read units", largest.1, Unit::Units).at_most(smallest.1),
        figure("growth", time(largest.0) / time(smallest.0), Unit::Times).at_most(GROWTH),
    ]);
    figures
}

/// Every state and all of them, and searches; from the beginning, and behind a third of the table.
fn pages(behind: &User) -> Vec<Page> {
    let deep = encode_cursor(&Position::of(behind).0, CursorKind::Newest);
    let deep_in_search = encode_cursor(behind.email.as_str(), CursorKind::Address);
    let filters = StateName::ALL
        .iter()
        .map(|state| (format!("state={}", state.as_str()), state.as_str()));
    let filters = filters.chain([(String::new(), "all")]);
    let mut pages = Vec::new();
    for (filter, name) in filters {
        for (search, name, deep) in [
            ("", name.to_owned(), &deep),
            ("q=person-&", format!("search, {name}"), &deep_in_search),
        ] {
            let first = format!("GET /v1/users?{search}{filter}&limit={LIMIT}")
                .replace("?&", "?")
                .replace("&&", "&");
            pages.push(Page {
                query: format!("{first}&after={deep}"),
                name: format!("{name}, deep"),
            });
            pages.push(Page { query: first, name });
        }
    }
    pages.sort_by_key(|page| (page.name.starts_with("search"), page.name.ends_with("deep")));
    pages
}

/// Puts so many users into the table, and answers one with a third of them before and the rest behind.
fn fill(engine: &Engine, models: &[Model], size: u32) -> Result<User, Trouble> {
    const AT_A_TIME: usize = 5_000;
    let person = |n: u32| {
        let ago = SPREAD.as_millis() * i128::from(n) / i128::from(size);
        person(
            n,
            SignedDuration::from_millis(i64::try_from(ago).unwrap_or_default()),
        )
    };
    let mut rows = Vec::new();
    for n in 0..size {
        let (was, image) = &models[n as usize % models.len()];
        let user = person(n)?;
        let mut text = image.clone();
        let instant = |user: &User| format!("{:.3}", user.invited_at);
        let milliseconds = |user: &User| user.invited_at.as_millisecond().to_string();
        for (old, new) in [
            (was.id.to_string(), user.id.to_string()),
            (
                was.email.as_str().to_owned(),
                user.email.as_str().to_owned(),
            ),
            (instant(was), instant(&user)),
            (milliseconds(was), milliseconds(&user)),
        ] {
            text = text.replace(&old, &new);
        }
        rows.push(serde_json::from_str(&text).map_err(|error| broken(&error))?);
        if rows.len() == AT_A_TIME || n + 1 == size {
            engine.import(std::mem::take(&mut rows))?;
        }
    }
    person(size / 3)
}

/// A user and their row, which others are made from.
type Model = (User, String);

/// One in each state, out of a table of their own.
async fn models() -> Result<Vec<Model>, Trouble> {
    let engine = Engine::start().await?;
    let mut models = Vec::new();
    for state in StateName::ALL {
        models.push(model(&engine, state).await?);
    }
    Ok(models)
}

async fn model(engine: &Engine, state: StateName) -> Result<Model, Trouble> {
    // Nobody else's number.
    let n = u32::MAX - state as u32;
    let mut user = person(n, SignedDuration::from_hours(1))?;
    let at = user.invited_at;
    user.state = match state {
        StateName::Pending | StateName::Expired => State::Pending,
        StateName::Accepted => State::Accepted { accepted_at: at },
        StateName::Revoked => State::Revoked { revoked_at: at },
        StateName::Declined => State::Declined { declined_at: at },
    };
    let is_expired = state == StateName::Expired;
    if is_expired {
        user.expires_at = at;
    }
    let written = engine.store.invite(std::slice::from_ref(&user)).await;
    written.map_err(|error| broken(&error))?;
    let records = engine.records().await?;
    let row = crate::scene::of_users(&records).next();
    let mut row = row
        .map(|record| record["dynamodb"]["NewImage"].clone())
        .unwrap_or_default();
    if is_expired {
        // Where the sweeper puts them.
        let list = row["by_state_pk"]["S"].as_str().unwrap_or_default();
        row["by_state_pk"] = json!({"S": list.replace("pending", "expired")});
    }
    Ok((user, row.to_string()))
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
