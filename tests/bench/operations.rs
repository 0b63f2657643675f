//! What each operation asks of AWS: calls, units, bytes, and what a million of it cost at list price. Every operation is done
//! once, by the function's own process, on a table that has what it needs; so these figures are the same in every run.

use jiff::SignedDuration;
use serde_json::{Value, json};
use usher::domain::{Suppression, SuppressionReason, User};

use crate::{
    Bench, cost,
    engine::broken,
    people::token,
    prices::Prices,
    report::{Figure, Trouble, Unit},
    scene::{Done, Scene, of_users},
};

const SECTION: &str = "operations";
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// As long ago that a link is over.
const LONG_AGO: SignedDuration = SignedDuration::from_hours(24 * 8);

/// As many records as the histories' event source brings at a time.
const RECORDS: usize = 100;
/// The most calls, and write units of the table, where there is a goal.
const GOALS: [(&str, f64, Option<f64>); 7] = [
    ("invite one", 1.0, Some(4.0)),
    ("resend", 1.0, Some(1.0)),
    ("revoke", 1.0, Some(1.0)),
    ("accept", 1.0, Some(1.0)),
    ("accept, with a pool", 2.0, Some(1.0)),
    ("list a state", 1.0, None),
    ("list a state, next page", 1.0, None),
];

/// Operations so far, and where they are done.
struct Operations<'a> {
    scene: Scene<'a>,
    prices: Prices,
    figures: Vec<Figure>,
}

pub(crate) async fn measure(bench: &Bench) -> Result<Vec<Figure>, Trouble> {
    let mut operations = Operations {
        scene: Scene::start(bench).await?,
        prices: Prices::read()?,
        figures: Vec::new(),
    };
    operations.administrators().await?;
    operations.invitees().await?;
    operations.lists().await?;
    operations.decisions().await?;
    operations.events().await?;
    let mut figures = operations.figures;
    figures.extend(cost::whole_invitation(bench, &operations.prices).await?);
    Ok(figures)
}

impl Operations<'_> {
    fn add(&mut self, subject: &str, done: &Done) {
        let counts = &done.counts;
        let goal = GOALS.iter().find(|(name, ..)| *name == subject);
        let figure = |name, value, unit| Figure::new(SECTION, subject, name, value, unit);
        let calls = figure("calls", count(counts.calls()), Unit::Calls);
        let written = figure("write units, table", counts.written, Unit::Units);
        self.figures.extend([
            match goal {
                Some((_, most, _)) => calls.at_most(*most),
                None => calls,
            },
            figure("read units", counts.read, Unit::Units),
            match goal {
                Some((_, _, Some(most))) => written.at_most(*most),
                _ => written,
            },
            figure(
                "write units, indexes",
                counts.written_to_indexes(),
                Unit::Units,
            ),
            figure("bytes sent", count(counts.sent as u64), Unit::Bytes),
            figure("bytes received", count(counts.received as u64), Unit::Bytes),
            figure("table, a million", self.prices.table(counts), Unit::Dollars),
        ]);
        let names: Vec<_> = counts
            .calls
            .iter()
            .map(|(name, times)| format!("{times} {name}"))
            .collect();
        self.scene
            .bench
            .note(format!("{subject}: {}", names.join(", ")));
    }

    async fn request(
        &mut self,
        subject: &str,
        request: &str,
        body: Value,
    ) -> Result<Done, Trouble> {
        let done = self.scene.request(request, &body).await?;
        self.add(subject, &done);
        Ok(done)
    }

    async fn of_user(
        &mut self,
        subject: &str,
        route: &str,
        user: &User,
        body: Value,
    ) -> Result<Done, Trouble> {
        let request = route.replace("{id}", &user.id.to_string());
        self.request(subject, &request, body).await
    }

    async fn administrators(&mut self) -> Result<(), Trouble> {
        // Functions know a tenant's settings for some seconds, so the first request of a process asks for more.
        for (email, subject) in [
            ("ann@example.com", "invite one, first"),
            ("bo@example.com", "invite one"),
        ] {
            let one = json!({"invitees": [{"email": email}]});
            self.request(subject, "POST /v1/invitations", one).await?;
        }
        let fifty: Vec<_> = (0..50)
            .map(|n| json!({"email": format!("fifty-{n}@example.com")}))
            .collect();
        self.request(
            "invite 50",
            "POST /v1/invitations",
            json!({"invitees": fifty}),
        )
        .await?;
        for subject in ["resend, first", "resend"] {
            let user = self.scene.invited(DAY).await?;
            self.of_user(subject, "POST /v1/users/{id}/resend", &user, json!({}))
                .await?;
        }
        let mut ids = Vec::new();
        for _ in 0..50 {
            ids.push(self.scene.invited(DAY).await?.id.to_string());
        }
        self.request(
            "resend 50",
            "POST /v1/invitations/resend",
            json!({"ids": ids}),
        )
        .await?;
        let user = self.scene.invited(DAY).await?;
        self.of_user("revoke", "POST /v1/users/{id}/revoke", &user, Value::Null)
            .await?;
        self.of_user("restore", "POST /v1/users/{id}/restore", &user, Value::Null)
            .await?;
        self.of_user(
            "change a name",
            "PATCH /v1/users/{id}",
            &user,
            json!({"name": "Ann Lee"}),
        )
        .await?;
        let user = self.scene.invited(DAY).await?;
        let email = json!({"email": "another@example.com"});
        self.of_user("change an address", "PATCH /v1/users/{id}", &user, email)
            .await?;
        let user = self.scene.invited(DAY).await?;
        self.of_user("erase", "DELETE /v1/users/{id}", &user, Value::Null)
            .await?;
        let user = self.scene.invited(DAY).await?;
        let why = Suppression {
            reason: SuppressionReason::Complained,
            at: user.invited_at,
        };
        let suppressed = self
            .scene
            .engine
            .store
            .suppress(&user, &user.email, why)
            .await;
        suppressed.map_err(|error| broken(&error))?;
        self.of_user(
            "lift a suppression",
            "DELETE /v1/users/{id}/suppression",
            &user,
            Value::Null,
        )
        .await?;
        Ok(())
    }

    async fn invitees(&mut self) -> Result<(), Trouble> {
        let user = self.scene.invited(DAY).await?;
        let link = json!({"token": token(&user)});
        self.request("look up", "POST /v1/accept/lookup", link)
            .await?;
        let registration = json!({"token": token(&user), "name": "Ann Lee"});
        self.request("accept", "POST /v1/accept", registration)
            .await?;
        let user = self.scene.invited(DAY).await?;
        let registration = json!({"token": token(&user), "name": "Ann Lee"});
        let done = self
            .scene
            .request_to("+pool", "POST /v1/accept", &registration)
            .await?;
        self.add("accept, with a pool", &done);
        let user = self.scene.invited(DAY).await?;
        self.request(
            "decline",
            "POST /v1/accept/decline",
            json!({"token": token(&user)}),
        )
        .await?;
        let user = self.scene.invited(LONG_AGO).await?;
        self.request(
            "renew",
            "POST /v1/accept/renew",
            json!({"token": token(&user)}),
        )
        .await?;
        Ok(())
    }

    async fn lists(&mut self) -> Result<(), Trouble> {
        // A page of 50 and one more, so that there is a next one.
        for _ in 0..51 {
            self.scene.invited(DAY).await?;
        }
        let page = self
            .request(
                "list a state",
                "GET /v1/users?state=pending&limit=50",
                Value::Null,
            )
            .await?;
        let after = page.body()["list_metadata"]["after"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let next = format!("GET /v1/users?state=pending&limit=50&after={after}");
        self.request("list a state, next page", &next, Value::Null)
            .await?;
        self.request("list all", "GET /v1/users?limit=50", Value::Null)
            .await?;
        self.request("search", "GET /v1/users?limit=50&q=person-", Value::Null)
            .await?;
        let user = self.scene.invited(DAY).await?;
        self.of_user("one user", "GET /v1/users/{id}", &user, Value::Null)
            .await?;
        self.of_user("history", "GET /v1/users/{id}/history", &user, Value::Null)
            .await?;
        self.request("who am I", "GET /v1/me", Value::Null).await?;
        Ok(())
    }

    async fn decisions(&mut self) -> Result<(), Trouble> {
        self.request("read the settings", "GET /v1/settings", Value::Null)
            .await?;
        self.request(
            "write the settings",
            "PUT /v1/settings",
            json!({"product_name": "Acme"}),
        )
        .await?;
        self.request("list the templates", "GET /v1/templates", Value::Null)
            .await?;
        let template = self
            .request("read a template", "GET /v1/templates/en", Value::Null)
            .await?
            .body();
        let own = json!({"subject": template["subject"], "text": template["text"], "html": template["html"]});
        self.request("write a template", "PUT /v1/templates/en", own)
            .await?;
        self.request("preview", "POST /v1/templates/en/preview", json!({}))
            .await?;
        self.request("remove a template", "DELETE /v1/templates/en", Value::Null)
            .await?;
        self.request("mail health", "GET /v1/mail-health", Value::Null)
            .await?;
        Ok(())
    }

    async fn events(&mut self) -> Result<(), Trouble> {
        let idle = self.scene.sweep().await?;
        self.add("sweeper, nothing due", &idle);
        let mut due = self.scene.somebody(LONG_AGO)?;
        due.due_at = Some(due.expires_at);
        self.scene.put(&due).await?;
        let done = self.scene.sweep().await?;
        self.add("sweeper, one expired", &done);
        for (mails, subject) in [(1, "mailer, one mail"), (50, "mailer, 50 mails")] {
            self.scene.engine.records().await?;
            let invitees: Vec<_> = (0..mails)
                .map(|n| json!({"email": format!("m{mails}-{n}@example.com")}))
                .collect();
            let invited = json!({"invitees": invitees});
            self.scene.request("POST /v1/invitations", &invited).await?;
            let records = self.scene.engine.records().await?;
            let done = self.scene.mail(&records).await?;
            self.add(subject, &done);
        }
        let reported = self.scene.services.ses.events();
        for (event, subject) in reported
            .iter()
            .take(2)
            .zip(["feedback, sent", "feedback, delivered"])
        {
            let done = self.scene.event("feedback", &event.to_bus_event()).await?;
            self.add(subject, &done);
        }
        let records = self.scene.engine.records().await?;
        let records: Vec<Value> = of_users(&records).take(RECORDS).cloned().collect();
        for (some, subject) in [
            (
                &records[records.len().saturating_sub(1)..],
                "history, one record",
            ),
            (&records[..], "history, 100 records"),
        ] {
            let done = self.scene.chronicle(some).await?;
            self.add(subject, &done);
        }
        Ok(())
    }
}

/// As exact as any count here is.
pub(crate) fn count(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}
