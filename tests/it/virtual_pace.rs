//! Ten thousand mails at SES's default rate, through mailers as Lambda runs them, in minutes that pass in seconds; and a
//! record that nobody can read, among a hundred.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use futures::{StreamExt, future::BoxFuture, stream::FuturesUnordered};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::world::{
    BATCH, Settings, World,
    asks::{ALL_SCOPES, Ask, administrator},
    checks,
    seeds::{number, on_virtual_time},
};

/// New on-demand tables have four shards, each with a mailer of its own.
const SHARDS: usize = 4;
/// The template's `MaximumBatchingWindowInSeconds`.
const WINDOW: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);

/// A shard of the stream, and the mailer that reads it.
#[derive(Default)]
struct Shard {
    queue: VecDeque<Value>,
    waiting_since: Option<Instant>,
    busy: bool,
}

/// Who has finished: the mailer of a shard, the sweeper, or nobody, and it is time to look again.
enum Ended {
    Mailer(usize),
    Sweeper,
    Moment,
}

/// Runs the mailers of all shards and the sweeper of every minute until no mail is under way any more.
async fn run_to_the_end(world: &mut World) {
    let mut shards: Vec<Shard> = (0..SHARDS).map(|_| Shard::default()).collect();
    let mut running: FuturesUnordered<BoxFuture<'static, Ended>> = FuturesUnordered::new();
    let mut deal = Deal::default();
    let mut next_sweep = Instant::now() + MINUTE;
    loop {
        for record in world.read_stream_apart() {
            let shard = &mut shards[deal.shard_of(&record)];
            shard.waiting_since.get_or_insert_with(Instant::now);
            shard.queue.push_back(record);
        }
        for (n, shard) in shards.iter_mut().enumerate() {
            let full = shard.queue.len() >= BATCH;
            let waited = shard
                .waiting_since
                .is_some_and(|since| since.elapsed() >= WINDOW);
            if shard.busy || !(full || waited) {
                continue;
            }
            let size = shard.queue.len().min(BATCH);
            let batch: Vec<_> = shard.queue.drain(..size).collect();
            shard.waiting_since = (!shard.queue.is_empty()).then(Instant::now);
            shard.busy = true;
            let run = world.mailer(&batch, None);
            running.push(Box::pin(async move {
                let answer = run.await.unwrap();
                assert_eq!(answer, json!({"batchItemFailures": []}));
                Ended::Mailer(n)
            }));
        }
        if Instant::now() >= next_sweep {
            next_sweep += MINUTE;
            let run = world.sweeping(None);
            running.push(Box::pin(async move {
                assert!(run.await.unwrap());
                Ended::Sweeper
            }));
        }
        let idle = running.is_empty() && shards.iter().all(|shard| shard.queue.is_empty());
        if idle && world.changes.next_mail_due(world.clock.now()).is_none() {
            return;
        }
        let moment = async {
            sleep(Duration::from_millis(100)).await;
            Ended::Moment
        };
        let ended = if running.is_empty() {
            moment.await
        } else {
            tokio::select! { biased; Some(ended) = running.next() => ended, ended = moment => ended }
        };
        match ended {
            Ended::Mailer(n) => shards[n].busy = false,
            Ended::Sweeper | Ended::Moment => {}
        }
    }
}

/// DynamoDB's hash spreads users evenly over the shards, and leaves each in its own.
#[derive(Default)]
struct Deal(HashMap<String, usize>);

impl Deal {
    fn shard_of(&mut self, record: &Value) -> usize {
        let next = self.0.len() % SHARDS;
        let key = record["dynamodb"]["Keys"].to_string();
        *self.0.entry(key).or_insert(next)
    }
}

#[test]
fn many_mails_take_as_long_as_the_rate_has_it_and_ses_refuses_none() {
    let mails = number("USHER_MAILS", 1_000);
    on_virtual_time(async {
        let mut world = World::new(&Settings {
            seed: 1,
            rate: Some(14.0),
            latency: (2, 8),
        })
        .await;
        let real = std::time::Instant::now();
        let text: String = (0..mails).map(|n| format!("p{n}@example.com\n")).collect();
        let claims = administrator("adm", "default", ALL_SCOPES);
        let ask = Ask::invite(&claims, json!({"text": text}), None);
        let reply = world.ask(&ask, None).await.unwrap();
        assert_eq!(reply.status, 200);
        println!(
            "invited in {:.1} s of real time",
            real.elapsed().as_secs_f64()
        );
        run_to_the_end(&mut world).await;
        let violations = checks::of_changes(&world);
        assert!(violations.is_empty(), "{}", violations.join("\n"));
        let book = world.book();
        let (first, last) = (&book.sent[0], &book.sent[book.sent.len() - 1]);
        let took = last.at.duration_since(first.at).as_secs_f64();
        println!(
            "{} mails in {took:.1} s of virtual and {:.1} s of real time, {} calls, {} refused",
            book.sent.len(),
            real.elapsed().as_secs_f64(),
            book.bulk_calls,
            world.services.ses.refused()
        );
        assert_eq!(book.sent.len() as u64, mails);
        assert_eq!(world.services.ses.refused(), 0, "SES had to refuse");
        let exact = f64::from(u32::try_from(mails).unwrap()) / 14.0;
        assert!(took <= exact * 1.05, "{took} s is too slow for {exact} s");
        assert!(
            took >= exact - 50.0 / 14.0 - 1.0,
            "{took} s is faster than SES allows"
        );
        assert!(
            book.bulk_calls <= mails.div_ceil(50),
            "{} calls",
            book.bulk_calls
        );
    });
}

#[test]
fn of_a_hundred_records_one_that_nobody_can_read_is_set_aside_and_all_others_are_mailed_once() {
    on_virtual_time(async {
        let mut world = World::new(&Settings {
            seed: 1,
            rate: None,
            latency: (1, 5),
        })
        .await;
        let claims = administrator("adm", "default", ALL_SCOPES);
        for (people, poison) in [(0..42, true), (42..99, false)] {
            let text: String = people.map(|n| format!("p{n}@example.com\n")).collect();
            let ask = Ask::invite(&claims, json!({"text": text}), None);
            assert_eq!(world.ask(&ask, None).await.unwrap().status, 200);
            if poison {
                world.put(&json!({
                    "pk": {"S": "USER#poison"}, "sk": {"S": "USER"}, "outbox": {"S": "invitation"},
                    "version": {"S": "no number"},
                }));
            }
        }
        world.read_stream();
        let batch = world.source.batch(BATCH);
        assert_eq!(batch.len(), 100);
        world.deliver_all().await;
        world.chronicle_all().await;
        let key = |record: &Value| record["dynamodb"]["Keys"]["pk"]["S"].clone();
        let keys: Vec<_> = world.source.set_aside.iter().map(key).collect();
        assert_eq!(keys, [json!("USER#poison")]);
        let violations = checks::violations(&world);
        assert!(violations.is_empty(), "{}", violations.join("\n"));
        assert_eq!(world.book().sent.len(), 99);
    });
}
