//! When connections are opened: at INIT, which Lambda does ahead of the request, or in the first invocation, where somebody
//! waits for them. A TLS handshake is most of what a first request takes on a small function.

use jiff::SignedDuration;
use serde_json::{Value, json};
use usher::domain::{Suppression, SuppressionReason, User};

use crate::{
    Bench,
    cloud::Cloud,
    engine::broken,
    people::token,
    program::Function,
    report::{Figure, Trouble, Unit},
    scene::{Scene, api, of_users, with_mail},
    secured::Secured,
};

const SECTION: &str = "tls";
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// What makes several calls at once, so that how many connections it opens is a matter of chance.
const AT_ONCE: [&str; 2] = ["mail health", "invite, dry run"];

pub(crate) async fn measure(bench: &Bench) -> Result<Vec<Figure>, Trouble> {
    let cloud = Cloud::start().await?;
    let mut scene = Scene::start(bench).await?;
    let addresses = [
        scene.engine.url.clone(),
        scene.services.ses_url.clone(),
        format!("http://{}", cloud.address),
        scene.services.pool_url.clone(),
    ];
    let secured = Secured::start(&addresses).await?;
    let mut figures = Vec::new();
    // Whose mail goes out, is reported and written down below.
    let invited = api("POST /v1/invitations", &one("ann@example.com"))?;
    figures.extend(first(&secured, bench, "invite", invited).await?);
    let records = scene.engine.records().await?;
    let mails: Vec<_> = with_mail(&records).collect();
    let mails = ("mailer", json!({ "Records": mails }));
    figures.extend(first(&secured, bench, "mailer", mails).await?);
    let changes: Vec<_> = of_users(&records).collect();
    let changes = ("history", json!({ "Records": changes }));
    figures.extend(first(&secured, bench, "history", changes).await?);
    let reported = scene.services.ses.events();
    let reported = reported.first().map(|event| event.to_bus_event());
    let reported = ("feedback", reported.unwrap_or_default());
    figures.extend(first(&secured, bench, "feedback", reported).await?);
    let sweep = ("sweeper", json!({}));
    figures.extend(first(&secured, bench, "sweeper", sweep).await?);
    for (subject, event) in requests(&mut scene).await? {
        figures.extend(first(&secured, bench, subject, event).await?);
    }
    Ok(figures)
}

/// First requests of every kind that asks something else of AWS.
async fn requests(scene: &mut Scene<'_>) -> Result<Vec<(&'static str, Invocation)>, Trouble> {
    let mut people = Vec::new();
    for _ in 0..5 {
        people.push(scene.invited(DAY).await?);
    }
    let [accepts, gone, again, revoked, suppressed] = &people[..] else {
        return Err(broken(&"nobody is in it"));
    };
    let why = Suppression {
        reason: SuppressionReason::Bounced,
        at: suppressed.invited_at,
    };
    let (store, email) = (&scene.engine.store, &suppressed.email);
    let noted = store.suppress(suppressed, email, why).await;
    noted.map_err(|error| broken(&error))?;
    let of = |route: &str, user: &User| route.replace("{id}", &user.id.to_string());
    let registration = json!({"token": token(accepts), "name": "Ann Lee"});
    let name = json!({"name": "Ann Lee"});
    let nothing = Value::Null;
    Ok(vec![
        ("accept", api("POST /v1/accept", &registration)?),
        ("update", api(&of("PATCH /v1/users/{id}", again), &name)?),
        ("erase", api(&of("DELETE /v1/users/{id}", gone), &nothing)?),
        (
            "resend",
            api(&of("POST /v1/users/{id}/resend", again), &json!({}))?,
        ),
        (
            "revoke",
            api(&of("POST /v1/users/{id}/revoke", revoked), &nothing)?,
        ),
        (
            "suppression",
            api(
                &of("DELETE /v1/users/{id}/suppression", suppressed),
                &nothing,
            )?,
        ),
        ("list", api("GET /v1/users?state=pending", &nothing)?),
        ("list all", api("GET /v1/users", &nothing)?),
        ("settings", api("GET /v1/settings", &nothing)?),
        ("mail health", api("GET /v1/mail-health", &nothing)?),
        (
            "invite, dry run",
            api("POST /v1/invitations?dry_run=true", &one("eve@example.com"))?,
        ),
    ])
}

/// A function, and an event for it.
type Invocation = (&'static str, Value);

fn one(email: &str) -> Value {
    json!({"invitees": [{"email": email}]})
}

/// Starts the function, and has it handle the event: how often did it shake hands before, and how often then?
async fn first(
    secured: &Secured,
    bench: &Bench,
    subject: &str,
    (function, event): Invocation,
) -> Result<[Figure; 2], Trouble> {
    let variables = secured.variables();
    secured.take();
    let mut function = Function::start(&bench.program(function)?, &variables).await?;
    let at_init = secured.take();
    let answer = function.invoke(&event).await?.answer;
    let refused = answer["statusCode"]
        .as_u64()
        .is_some_and(|status| status >= 400);
    let failed = answer["batchItemFailures"].as_array();
    if refused || failed.is_some_and(|failed| !failed.is_empty()) {
        return Err(Trouble::new(
            format!("{subject} was answered {answer}"),
            "mend the function, or the request in tests/bench/tls.rs",
        ));
    }
    let first = secured.take();
    bench.note(format!(
        "{subject}: at INIT {}; in the first invocation {}",
        in_words(&at_init),
        in_words(&first)
    ));
    let figure = |name, counts: &[(&str, u32)]| {
        let sum: u32 = counts.iter().map(|(_, count)| count).sum();
        Figure::new(SECTION, subject, name, f64::from(sum), Unit::Calls)
    };
    Ok([
        figure("handshakes at INIT", &at_init),
        Figure {
            unit: if AT_ONCE.contains(&subject) {
                Unit::Connections
            } else {
                Unit::Calls
            },
            ..figure("in the first invocation", &first).at_most(0.0)
        },
    ])
}

fn in_words(counts: &[(&str, u32)]) -> String {
    if counts.is_empty() {
        return "none".to_owned();
    }
    let words: Vec<_> = counts
        .iter()
        .map(|(service, count)| format!("{count} with {service}"))
        .collect();
    words.join(", ")
}
