//! How long a request takes once the function runs: one environment, kept to one processor, and what of that is the
//! engine's in place of DynamoDB. Lambda gives an environment one event at a time, so its throughput is how soon it is
//! ready for the next.

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Value, json};
use usher::domain::{Suppression, SuppressionReason, User};

use crate::{
    Bench,
    engine::broken,
    people::token,
    progress,
    report::{Figure, Trouble, Unit},
    scene::{Done, Scene},
    start::{millis, percentile},
};

const SECTION: &str = "warm";
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// So many requests come first and are not counted.
const BEFORE: usize = 20;

/// The same request again and again; where it can be made of a person once, each time of somebody else.
struct Repeated {
    subject: &'static str,
    function: &'static str,
    request: &'static str,
    body: fn(usize, &User) -> Value,
    /// Whom it is made of is in the table before.
    of: Of,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    Nobody,
    Invited,
    Suppressed,
}

const REQUESTS: [Repeated; 12] = [
    repeated(
        "invite one",
        "invite",
        "POST /v1/invitations",
        Of::Nobody,
        |number, _| json!({"invitees": [{"email": format!("warm-{number}@example.com")}]}),
    ),
    repeated(
        "list a state",
        "list",
        "GET /v1/users?state=pending",
        Of::Nobody,
        nothing,
    ),
    repeated(
        "one user",
        "list",
        "GET /v1/users/{id}",
        Of::Invited,
        nothing,
    ),
    repeated(
        "read the settings",
        "settings",
        "GET /v1/settings",
        Of::Nobody,
        nothing,
    ),
    repeated("page", "pages", "GET /accept", Of::Nobody, nothing),
    repeated(
        "resend",
        "resend",
        "POST /v1/users/{id}/resend",
        Of::Invited,
        |_, _| json!({}),
    ),
    repeated(
        "look up",
        "accept",
        "POST /v1/accept/lookup",
        Of::Invited,
        |_, user| json!({"token": token(user)}),
    ),
    repeated(
        "accept",
        "accept",
        "POST /v1/accept",
        Of::Invited,
        |_, user| json!({"token": token(user), "name": "Ann Lee"}),
    ),
    repeated(
        "revoke",
        "revoke",
        "POST /v1/users/{id}/revoke",
        Of::Invited,
        nothing,
    ),
    repeated(
        "change a name",
        "update",
        "PATCH /v1/users/{id}",
        Of::Invited,
        |_, _| json!({"name": "Ann Lee"}),
    ),
    repeated(
        "erase",
        "erase",
        "DELETE /v1/users/{id}",
        Of::Invited,
        nothing,
    ),
    repeated(
        "lift a suppression",
        "suppression",
        "DELETE /v1/users/{id}/suppression",
        Of::Suppressed,
        nothing,
    ),
];

const fn repeated(
    subject: &'static str,
    function: &'static str,
    request: &'static str,
    of: Of,
    body: fn(usize, &User) -> Value,
) -> Repeated {
    Repeated {
        subject,
        function,
        request,
        body,
        of,
    }
}

fn nothing(_: usize, _: &User) -> Value {
    Value::Null
}

/// What many requests took.
#[derive(Default)]
struct Times {
    took: Vec<Duration>,
    engine: Vec<Duration>,
    /// Without the engine.
    own: Vec<Duration>,
    cpu: Duration,
    cycles: Duration,
}

pub(crate) async fn measure(bench: &Bench) -> Result<Vec<Figure>, Trouble> {
    let requests = if bench.quick { 30 } else { 500 };
    progress(&format!("  {requests} requests of each kind"));
    let mut figures = Vec::new();
    for repeated in REQUESTS {
        // A table for each: how large the others have made it would show.
        let mut scene = Scene::start(bench).await?;
        scene.function(repeated.function).await?.pin(0).await?;
        let mut times = Times::default();
        for number in 0..BEFORE + requests {
            let done = repeated.once(&mut scene, number).await?;
            if number >= BEFORE {
                times.add(&done);
            }
        }
        figures.extend(times.figures(repeated.subject));
    }
    Ok(figures)
}

impl Repeated {
    async fn once(&self, scene: &mut Scene<'_>, number: usize) -> Result<Done, Trouble> {
        let user = scene.somebody(DAY)?;
        if self.of != Of::Nobody {
            scene.put(&user).await?;
        }
        if self.of == Of::Suppressed {
            let why = Suppression {
                reason: SuppressionReason::Bounced,
                at: user.invited_at,
            };
            let noted = scene.engine.store.suppress(&user, &user.email, why).await;
            noted.map_err(|error| broken(&error))?;
        }
        let request = self.request.replace("{id}", &user.id.to_string());
        scene.request(&request, &(self.body)(number, &user)).await
    }
}

impl Times {
    fn add(&mut self, done: &Done) {
        let engine = done.counts.engine;
        self.took.push(done.took);
        self.engine.push(engine);
        self.own.push(done.took.saturating_sub(engine));
        self.cpu += done.cpu;
        self.cycles += done.cycle;
    }

    fn figures(mut self, subject: &str) -> [Figure; 6] {
        let requests = u32::try_from(self.took.len().max(1)).unwrap_or(u32::MAX);
        let time =
            |name, time| Figure::new(SECTION, subject, name, millis(time), Unit::Milliseconds);
        let a_second = f64::from(requests) / self.cycles.as_secs_f64();
        [
            time("p50", percentile(&mut self.took, 0.5)),
            time("p99", percentile(&mut self.took, 0.99)),
            time("engine, p50", percentile(&mut self.engine, 0.5)),
            time("without it, p50", percentile(&mut self.own, 0.5)),
            time("processor", self.cpu / requests),
            Figure::new(SECTION, subject, "requests", a_second, Unit::PerSecond),
        ]
    }
}
