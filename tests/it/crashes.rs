//! The pipeline is killed wherever it waits, and everything around it fails in every way it can; afterwards every mail
//! that was asked for has gone, none went twice without a reason that is written down, and nobody is stuck.
//!
//! `USHER_CRASHES` says how many crashes and faults to inject, `USHER_SEED` repeats one scenario with its trace.

use std::time::Duration;

use serde_json::{Value, json};

use crate::world::{
    Hearing, Settings, World,
    asks::{ALL_SCOPES, Ask, Reply, administrator},
    checks,
    flow::HEARD,
    seeds::{self, Outcome, on_virtual_time},
    trace,
    weather::Counts,
};

/// Without `USHER_CRASHES`: enough to find a mistake, and done in seconds.
const IN_CI: u64 = 600;

#[test]
fn no_mail_is_lost_and_none_goes_twice_without_a_reason_whatever_fails() {
    let injected = |counts: &Counts| -> u64 {
        let faults = counts.iter().filter(|(what, _)| {
            !matches!(
                what.as_str(),
                "scenarios" | "mails" | "stream record delivered again" | HEARD
            ) && !what.starts_with("duplicates")
        });
        faults.map(|(_, count)| count).sum()
    };
    let most = seeds::number("USHER_CRASHES", IN_CI);
    let test = "crashes::no_mail_is_lost_and_none_goes_twice_without_a_reason_whatever_fails";
    let counts = seeds::run(test, |counts| injected(counts) >= most, scenario);
    println!("{:>9} crashes and faults in all", injected(&counts));
    if std::env::var_os("USHER_SEED").is_none() {
        for what in [
            "killed at an await point",
            "answer lost after the effect",
            "mails",
        ] {
            assert!(counts.contains_key(what), "nothing was injected: {what}");
        }
    }
}

#[test]
fn a_seed_repeats_a_scenario_to_the_letter() {
    let play = |seed| {
        trace::take();
        on_virtual_time(async { Box::pin(scenario(seed)).await });
        trace::take()
    };
    for seed in 1..=5 {
        let (first, second) = (play(seed), play(seed));
        let differ = first.iter().zip(&second).find(|(one, two)| one != two);
        assert_eq!(differ, None, "seed {seed}");
        assert_eq!(first.len(), second.len(), "seed {seed}");
    }
}

/// People who are invited, and somebody who invites them.
struct Scene {
    world: World,
    claims: Value,
    /// How many were invited.
    people: usize,
    /// Answers that are not true.
    lies: Vec<String>,
}

async fn scenario(seed: u64) -> Outcome {
    let mut scene = Scene::of(seed).await;
    let steps = 6 + scene.below(10);
    scene.invite().await;
    for _ in 0..steps {
        scene.step().await;
    }
    scene.end().await
}

impl Scene {
    async fn of(seed: u64) -> Self {
        let rate = [None, None, Some(14.0), Some(1.0)][usize::try_from(seed % 4).unwrap()];
        let world = World::new(&Settings {
            seed,
            rate,
            latency: if seed.is_multiple_of(3) {
                (0, 0)
            } else {
                (1, 30)
            },
        })
        .await;
        let mut world = world;
        world.hearing =
            [Hearing::Prompt, Hearing::Late, Hearing::Never][usize::try_from(seed % 3).unwrap()];
        let per_mille = world.book().weather.pick(&[0, 20, 60, 150, 300]);
        world.book().weather.per_mille = per_mille;
        Self {
            world,
            claims: administrator("adm", "default", ALL_SCOPES),
            people: 0,
            lies: Vec::new(),
        }
    }

    fn below(&self, below: usize) -> usize {
        self.world.book().weather.below(below)
    }

    /// Some more people are invited. Whoever gets no answer asks again, with the same key.
    async fn invite(&mut self) {
        let new = 1 + self.below(3);
        let people = self.people..self.people + new;
        self.people += new;
        let invitees: Vec<_> = people
            // Every third complains as soon as the mail is there.
            .map(|n| match n % 3 {
                2 => json!({"email": format!("complaint+p{n}@simulator.amazonses.com")}),
                _ => json!({"email": format!("p{n}@example.com")}),
            })
            .collect();
        let ask = Ask::invite(
            &self.claims,
            json!({"invitees": invitees}),
            Some(format!("key-{}", self.people)),
        );
        for _ in 0..5 {
            let kill = self.world.kill(30);
            if self
                .world
                .ask(&ask, kill)
                .await
                .is_some_and(|reply| reply.status == 200)
            {
                return;
            }
        }
    }

    async fn step(&mut self) {
        match self.below(100) {
            0..25 => self.deliver().await,
            25..35 => self.deliver_with_company().await,
            35..50 => {
                let kill = self.world.kill(40);
                self.world.sweep(kill).await;
            }
            50..54 => self.invite().await,
            54..59 => self.world.hear_events(false).await,
            59..64 => self.world.chronicle_some().await,
            64..80 => {
                if let Some(ask) = self.something_to_ask() {
                    self.ask(&ask).await;
                }
            }
            _ => {
                let times = [1, 5, 20, 60, 61, 125, 150, 180, 610, 660, 3600, 7 * 86_400];
                let seconds = self.world.book().weather.pick(&times);
                if self.world.hearing == Hearing::Prompt {
                    self.world.hear_events(true).await;
                }
                self.world.pass(Duration::from_secs(seconds)).await;
            }
        }
    }

    /// Whoever is told that nothing was done is told the truth; and what was not foreseen never happens.
    async fn ask(&mut self, ask: &Ask) {
        let kill = self.world.kill(30);
        let (before, count) = (self.world.changes.all.len(), self.world.changes.count());
        let Some(reply) = self.world.ask(ask, kill).await else {
            return;
        };
        let done = self.world.changes.count() > count;
        let refused = (400..500).contains(&reply.status);
        if (refused && done) || reply.status == 500 {
            let lie = format!(
                "{} {} is answered {reply:?}, done: {done}",
                ask.method, ask.path
            );
            self.lies.push(lie);
        }
        self.lies.extend(self.lies_in_rows(&reply, before));
    }

    /// Rows that say that somebody was sent a new link who was not, or the other way round.
    fn lies_in_rows(&self, reply: &Reply, before: usize) -> Vec<String> {
        let none = Vec::new();
        let rows = reply.body["results"].as_array().unwrap_or(&none).iter();
        let of_users = rows.filter(|row| row["outcome"] != "unavailable");
        let lies = of_users.filter(|row| {
            let done = self.world.changes.all[before..].iter().any(|change| {
                let fresh = change.old.as_ref().map(|old| old.nonce) != Some(change.new.nonce);
                fresh && row["user_id"] == change.new.id.to_string()
            });
            done != (row["outcome"] == "resent")
        });
        lies.map(|row| format!("this row is not true: {row}"))
            .collect()
    }

    /// The event source delivers a batch, in disorder, to a mailer that may be killed. Sometimes the batch comes again
    /// although it was done.
    async fn deliver(&mut self) {
        self.world.read_stream();
        let (batch, disturbed) = self.batch();
        // What SES reports may come between the announcement of a mail that is doubted and its claim.
        if self.below(4) == 0 {
            self.world.hear_events(true).await;
        }
        let kill = self.world.kill(50);
        let answer = self.world.mail(&disturbed, kill).await;
        if answer.is_some() && self.world.book().weather.percent(15) {
            return;
        }
        self.world.source.settle(&batch, answer.as_ref());
    }

    /// While the mailer is at work, there is another one, or the sweeper, or somebody who asks for something.
    async fn deliver_with_company(&mut self) {
        self.world.read_stream();
        let (batch, disturbed) = self.batch();
        let company = self.below(3);
        let answer = match (company, self.something_to_ask()) {
            (0, Some(ask)) => self.world.mail_while_asking(&disturbed, &ask).await,
            (1, _) => self.world.mail_while_sweeping(&disturbed).await,
            _ => {
                let kill = self.world.kill(50);
                self.world.mail_twice(&disturbed, kill).await
            }
        };
        self.world.source.settle(&batch, answer.as_ref());
    }

    fn batch(&self) -> (Vec<Value>, Vec<Value>) {
        let weather = &mut self.world.book().weather;
        let batch = self.world.source.batch(1 + weather.below(6));
        let disturbed = self.world.source.disturb(&batch, weather);
        (batch, disturbed)
    }

    /// Something that an administrator or the holder of some link does.
    fn something_to_ask(&self) -> Option<Ask> {
        let book = &mut *self.world.book();
        let ids: Vec<_> = self.world.changes.now.keys().collect();
        let id = ids.get(book.weather.below(ids.len().max(1)))?.to_string();
        let token = match book.sent.len() {
            0 => String::new(),
            mails => book.sent[book.weather.below(mails)].token.clone(),
        };
        Some(match book.weather.below(18) {
            10..12 => Ask::change(&self.claims, "restore", &id, Value::Null),
            12 => {
                let ids: Vec<_> = ids.iter().map(|id| id.to_string()).collect();
                Ask::resend_many(&self.claims, json!({"ids": ids}))
            }
            13 => {
                let state = book.weather.pick(&["pending", "expired"]);
                Ask::resend_many(&self.claims, json!({"state": state}))
            }
            0..4 => {
                let reactivate = book.weather.percent(50);
                Ask::change(
                    &self.claims,
                    "resend",
                    &id,
                    json!({"reactivate": reactivate}),
                )
            }
            4..6 => Ask::change(&self.claims, "revoke", &id, Value::Null),
            6 => Ask::link("/decline", &token),
            7 => Ask::link("", &token),
            // So few that they are often somebody's already.
            14..17 => {
                let email = format!("other{}@example.com", book.weather.below(4));
                Ask::correct(&self.claims, &id, &email)
            }
            17 => Ask::erase(&self.claims, &id),
            _ => Ask::link("/renew", &token),
        })
    }

    async fn end(mut self) -> Outcome {
        self.world.recover().await;
        let mut violations = checks::violations(&self.world);
        violations.append(&mut self.lies);
        let counts = self.world.book().weather.counts.clone();
        let twice = counts.keys().find(|what| what.starts_with("duplicates"));
        if let (Hearing::Prompt, Some(twice)) = (self.world.hearing, twice) {
            violations.push(format!("although SES had told what went: {twice}"));
        }
        Outcome { counts, violations }
    }
}
