//! What flows by itself: the stream to the mailer, SES's events to whoever listens, and time until all is well.

use std::time::Duration;

use serde_json::{Value, json};
use usher_local::ses::Event;

use super::{BATCH, TABLE, World, table};

impl World {
    /// Takes what was written since, for the event source and for the checks.
    pub(crate) fn read_stream(&mut self) {
        let records = self.stream.new_records(&self.services.database);
        self.changes.take(&records);
        self.source.take(records);
    }

    /// As [`read_stream`](Self::read_stream), for a test that is its own event source: the records that are announced.
    pub(crate) fn read_stream_apart(&mut self) -> Vec<Value> {
        self.read_stream();
        let records = self.source.batch(usize::MAX);
        self.source.settle(&records, Some(&Value::Null));
        records
    }

    /// Writes a row past Usher.
    pub(crate) fn put(&self, item: &Value) {
        let request = json!({"TableName": TABLE, "Item": item}).to_string();
        let (status, answer) =
            table::answer(&self.services.database, "PutItem", request.as_bytes());
        assert_eq!(status, 200, "{answer}");
    }

    /// Delivers everything that is announced, in order and without a fault, until nothing is left.
    pub(crate) async fn deliver_all(&mut self) {
        self.read_stream();
        while !self.source.is_empty() {
            let batch = self.source.batch(BATCH);
            let answer = self.mail(&batch, None).await;
            self.source.settle(&batch, answer.as_ref());
        }
    }

    /// Some of SES's events arrive, or all that are left.
    pub(crate) fn hear_events(&mut self, all: bool) {
        self.events.take(&self.services.ses.events());
        let weather = &mut self.services.book().weather;
        let arrived = if all {
            self.events.rest(weather)
        } else {
            self.events.some(weather)
        };
        for event in arrived {
            weather.count("SES events, late, twice and in any order");
            Self::hear(&event);
        }
    }

    /// The one place where an event reaches whoever listens.
    fn hear(event: &Event) {
        let tags = ["user", "attempt"].map(|tag| event.tags.contains_key(tag));
        assert_eq!(
            tags,
            [true, true],
            "an event does not say whose mail it is about"
        );
    }

    /// From now on nothing goes wrong. Time goes on from minute to minute, with sweeps and mailers, until no mail is under
    /// way any more; or until so much time has passed that something must be stuck.
    pub(crate) async fn recover(&mut self) {
        self.book().weather.per_mille = 0;
        self.note("RECOVERY");
        for _ in 0..300 {
            self.deliver_all().await;
            self.hear_events(true);
            let now = self.clock.now();
            let Some(due) = self.changes.next_mail_due(now) else {
                return;
            };
            // The minute in which somebody looks; those between would find nothing.
            let wait = due.duration_since(now).as_secs().max(0).unsigned_abs() / 60 + 1;
            self.pass(Duration::from_secs(wait * 60)).await;
            self.sweep(None).await;
        }
    }
}
