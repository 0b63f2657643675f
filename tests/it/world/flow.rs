//! What flows by itself: the stream to the mailer, SES's events to whoever listens, and time until all is well.

use std::time::Duration;

use super::{BATCH, Hearing, TABLE, World, table};
use serde_json::{Value, json};
use usher::domain::HistoryEvent;

/// How the counts name what SES told.
pub(crate) const HEARD: &str = "SES events, late, twice and in any order";

impl World {
    /// Takes what was written since, for the event source and for the checks.
    pub(crate) fn read_stream(&mut self) {
        let records = self.stream.new_records(&self.services.database);
        self.changes.take(&records);
        self.chronicle.take(records.iter().cloned());
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

    /// Every row whose `sk` begins so.
    pub(crate) fn rows(&self, sk: &str) -> Vec<Value> {
        let request = json!({
            "TableName": TABLE,
            "FilterExpression": "begins_with(sk, :sk)",
            "ExpressionAttributeValues": {":sk": {"S": sk}},
        });
        let (_, answer) = table::answer(
            &self.services.database,
            "Scan",
            request.to_string().as_bytes(),
        );
        let mut answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(answer["LastEvaluatedKey"], Value::Null);
        std::mem::take(answer["Items"].as_array_mut().unwrap())
    }

    /// Every event in every history, with its user.
    pub(crate) fn histories(&self) -> Vec<(String, HistoryEvent)> {
        let items = self.rows("EVENT#").into_iter();
        items
            .map(|item| {
                let user = item["pk"]["S"].as_str().unwrap().replace("USER#", "");
                let item: serde_dynamo::Item = serde_json::from_value(item).unwrap();
                (user, serde_dynamo::from_item(item).unwrap())
            })
            .collect()
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

    /// Some of SES's events arrive, or all that are left. One that is not taken in comes again, as Lambda brings it.
    pub(crate) async fn hear_events(&mut self, all: bool) {
        if self.hearing == Hearing::Never {
            return;
        }
        self.events.take(&self.services.ses.events());
        loop {
            let arrived = {
                let weather = &mut self.services.book().weather;
                if all {
                    self.events.rest(weather)
                } else {
                    self.events.some(weather)
                }
            };
            for event in arrived {
                let kill = self.kill(20);
                if self.hear(&event, kill).await {
                    self.book().weather.count(HEARD);
                    self.heard.push(event);
                } else {
                    self.events.again(event);
                }
            }
            if !all || self.events.is_empty() {
                return;
            }
        }
    }

    /// Where the next function is killed, if it is; never where nothing goes wrong.
    pub(crate) fn kill(&self, percent: u32) -> Option<u32> {
        let weather = &mut self.services.book().weather;
        let killed = weather.per_mille > 0 && weather.percent(percent);
        killed.then(|| u32::try_from(1 + weather.below(40)).unwrap())
    }

    /// A batch of the stream's other reader, in disorder; sometimes it comes again although it was done.
    pub(crate) async fn chronicle_some(&mut self) {
        self.read_stream();
        let (batch, disturbed) = {
            let weather = &mut self.services.book().weather;
            let batch = self.chronicle.batch(1 + weather.below(12));
            let disturbed = self.chronicle.disturb(&batch, weather);
            (batch, disturbed)
        };
        let kill = self.kill(50);
        let answer = self.write_history(&disturbed, kill).await;
        if answer.is_none() || !self.book().weather.percent(15) {
            self.chronicle.settle(&batch, answer.as_ref());
        }
    }

    pub(crate) async fn chronicle_all(&mut self) {
        self.read_stream();
        while !self.chronicle.is_empty() {
            let batch = self.chronicle.batch(BATCH);
            let answer = self.write_history(&batch, None).await;
            self.chronicle.settle(&batch, answer.as_ref());
        }
    }

    /// From now on nothing goes wrong. Time goes on from minute to minute, with sweeps and mailers, until no mail is under
    /// way any more; or until so much time has passed that something must be stuck.
    pub(crate) async fn recover(&mut self) {
        self.book().weather.per_mille = 0;
        self.note("RECOVERY");
        for _ in 0..300 {
            self.deliver_all().await;
            self.hear_events(true).await;
            let now = self.clock.now();
            let Some(due) = self.changes.next_mail_due(now) else {
                break;
            };
            // The minute in which somebody looks; those between would find nothing.
            let wait = due.duration_since(now).as_secs().max(0).unsigned_abs() / 60 + 1;
            self.pass(Duration::from_secs(wait * 60)).await;
            self.sweep(None).await;
        }
        self.chronicle_all().await;
    }
}
