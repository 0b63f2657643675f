//! Lists on tables of different sizes: a page should take as long, and as many read units, of 100,000 users as of 100. Rows are
//! written straight into the engine, which for so many would else take longer than everything that is measured.

use std::time::Duration;

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
    progress,
    report::{Figure, Trouble, Unit},
    scene::{Scene, person},
};

const SECTION: &str = "list";
/// The smallest and the largest table are compared.
const SIZES: [u32; 3] = [100, 10_000, 100_000];
const QUICK: [u32; 2] = [100, 1_000];
/// How much longer the largest may take.
const GROWTH: f64 = 1.3;
/// Small enough that every state has more than a page in the smallest table.
const LIMIT: usize = 10;
/// Over how long people were invited: their links are still valid, where they are not told to be over.
const SPREAD: SignedDuration = SignedDuration::from_hours(24 * 6);

/// A page of users, and the time and units that it took in a table.
struct Page {
    name: String,
    query: String,
}

pub(crate) async fn measure(bench: &Bench) -> Result<Vec<Figure>, Trouble> {
    let sizes: &[u32] = if bench.quick { &QUICK } else { &SIZES };
    let rounds = if bench.quick { 5 } else { 40 };
    let models = models().await?;
    let mut figures: Vec<Figure> = Vec::new();
    for &size in sizes {
        progress(&format!("measuring: list, {size} users"));
        let mut scene = Scene::start(bench).await?;
        let middle = fill(&scene.engine, &models, size)?;
        for page in pages(&middle) {
            let (mut took, mut units) = (Vec::new(), 0.0);
            for _ in 0..rounds {
                let done = scene.request(&page.query, &Value::Null).await?;
                let found = done.body()["data"].as_array().map_or(0, Vec::len);
                if found != LIMIT {
                    let what = format!("{} has {found} users of {size}", page.query);
                    return Err(Trouble::new(
                        what,
                        "see how tests/bench/list.rs fills the table",
                    ));
                }
                took.push(done.took);
                units = done.counts.read;
            }
            figures.extend(compared(
                &figures,
                &page.name,
                size,
                median(took),
                units,
                sizes,
            ));
        }
    }
    bench.note("a page has 10 users; a fifth of the users is in each state, invited over the last six days; deep is from the middle on");
    Ok(figures)
}

/// Figures of a page at a size; at the largest, with those of the smallest as goal.
fn compared(
    figures: &[Figure],
    subject: &str,
    size: u32,
    took: Duration,
    units: f64,
    sizes: &[u32],
) -> Vec<Figure> {
    let (time, read): (&'static str, &'static str) =
        match sizes.iter().position(|known| *known == size) {
            Some(0) => ("time, smallest", "read units, smallest"),
            Some(n) if n + 1 == sizes.len() => ("time, largest", "read units, largest"),
            _ => ("time, between", "read units, between"),
        };
    let milliseconds = took.as_secs_f64() * 1e3;
    let figure = |name, value, unit| Figure::new(SECTION, subject, name, value, unit);
    let mut new = vec![
        figure(time, milliseconds, Unit::Milliseconds),
        figure(read, units, Unit::Units),
    ];
    let smallest = |name: &str| {
        figures
            .iter()
            .find(|figure| figure.subject == subject && figure.name == name)
    };
    if let (true, Some(before), Some(units)) = (
        time.ends_with("largest"),
        smallest("time, smallest"),
        smallest("read units, smallest"),
    ) {
        new[1].goal = Some(units.value);
        new.push(figure("growth", milliseconds / before.value, Unit::Times).at_most(GROWTH));
    }
    new
}

/// Every state and all of them, and searches; from the beginning, and from the middle on.
fn pages(middle: &User) -> Vec<Page> {
    let deep = encode_cursor(&Position::of(middle).0, CursorKind::Newest);
    let deep_in_search = encode_cursor(middle.email.as_str(), CursorKind::Address);
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
    pages.sort_by_key(|page| page.name.starts_with("search"));
    pages
}

/// Puts so many users into the table, and answers the one in the middle of them.
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
    person(size / 2)
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
