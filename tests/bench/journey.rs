//! One invitation's way through the functions, from the request to the registered account, as [`cost`](crate::cost) bills it.

use serde_json::{Value, json};
use usher_local::ses::EventKind;

use crate::{
    Bench,
    cost::Step,
    operations::count,
    report::Trouble,
    scene::{Scene, of_users},
};

/// How many go together in the calls that take many: people in a request, mails in a mailer's batch.
pub(crate) const TOGETHER: usize = 50;
/// As many records as the histories' event source brings at a time.
const RECORDS: usize = 100;

/// Takes as many people as go together all the way.
pub(crate) async fn steps(bench: &Bench, together: usize) -> Result<Vec<Step>, Trouble> {
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
    let mut steps = vec![
        invite, mailer, sent, delivered, page, lookup, accept, history, sweeper,
    ];
    let invocations = |steps: &[Step], name: &str| -> f64 {
        let of_function = steps.iter().filter(|step| step.function == name);
        of_function.map(|step| step.invocations).sum()
    };
    for (name, bytes) in scene.logged().await {
        // Of the page, only one was loaded.
        let all = if name == "pages" {
            invocations(&steps, name) / count(TOGETHER as u64)
        } else {
            invocations(&steps, name)
        };
        for step in steps.iter_mut().filter(|step| step.function == name) {
            step.logged = count(bytes as u64) / all * step.invocations;
        }
    }
    Ok(steps)
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
