//! Sequences of everything that anybody can do, at random, against a model of what Usher promises: every answer, every
//! shown state, and every link in a mail agree.
//!
//! `USHER_SEQUENCES` says how many, `USHER_SEED` repeats the sequences of one seed. A sequence that disagrees is shown
//! without those steps that do not matter.

mod expected;
mod moves;
mod play;
mod steps;

use self::{
    play::Play,
    steps::{Step, sequence},
};
use crate::world::{
    Settings, World,
    seeds::{self, Outcome},
    weather::Counts,
};

/// Without `USHER_SEQUENCES`.
const IN_CI: u64 = 400;
/// Sequences that share a world, each with tenants of its own: to make one takes as long as to play in it.
const PER_WORLD: usize = 6;

#[test]
fn whatever_administrators_and_invitees_do_in_any_order_is_answered_as_the_model_says() {
    let most = seeds::number("USHER_SEQUENCES", IN_CI);
    let test =
        "model::whatever_administrators_and_invitees_do_in_any_order_is_answered_as_the_model_says";
    let counts = seeds::run(
        test,
        |counts| {
            counts
                .get("sequences")
                .is_some_and(|played| *played >= most)
        },
        scenario,
    );
    for what in [
        "accept 200",
        "decline 200",
        "renew 200",
        "resend 429 daily_limit",
        "resend many 200",
        "repeated resend 200",
        "restore 200",
        "restore 429 daily_limit",
        "link 200",
        "correct 200",
        "correct 409 address_taken",
        "erase 200",
        "mails",
    ] {
        let asked = counts.contains_key(what);
        assert!(
            asked || std::env::var_os("USHER_SEED").is_some(),
            "never came to {what}"
        );
    }
}

async fn scenario(seed: u64) -> Outcome {
    let mut world = world(seed).await;
    let mut counts = Counts::new();
    for nth in 0..PER_WORLD {
        let steps = sequence(&mut world.book().weather);
        *counts.entry("sequences".to_owned()).or_default() += 1;
        if let Err(why) = Play::of(&mut world, nth, &mut counts).all(&steps).await {
            let steps = Box::pin(without_what_does_not_matter(seed, steps)).await;
            return Outcome {
                counts,
                violations: vec![format!(
                    "{why}; the shortest sequence that fails: {steps:#?}"
                )],
            };
        }
    }
    Outcome {
        counts,
        violations: vec![],
    }
}

async fn world(seed: u64) -> World {
    World::new(&Settings {
        seed,
        rate: None,
        latency: (0, 0),
    })
    .await
}

/// The same sequence less every step without which it still fails.
async fn without_what_does_not_matter(seed: u64, mut steps: Vec<Step>) -> Vec<Step> {
    let mut nth = 0;
    while nth < steps.len() {
        let mut fewer = steps.clone();
        fewer.remove(nth);
        let mut world = world(seed).await;
        let mut counts = Counts::new();
        if Play::of(&mut world, 0, &mut counts)
            .all(&fewer)
            .await
            .is_err()
        {
            steps = fewer;
        } else {
            nth += 1;
        }
    }
    steps
}
