//! Lambda's event source mapping: the table's stream, filtered, in batches, to a function; again and again what failed;
//! and what fails too often, put aside. Its records come twice, late, and those of different users in any order.

use std::collections::{HashMap, VecDeque};

use serde_json::Value;

use super::weather::Weather;

/// How often a batch is tried before its first record is put aside: the template's attempts, and the first one.
const TRIES: u32 = 9;

/// One consumer of the stream.
pub(crate) struct Source {
    /// Which records it gets.
    wanted: fn(&Value) -> bool,
    /// What waits to be delivered, oldest first.
    queue: VecDeque<Value>,
    /// What was delivered before, and may come again.
    delivered: Vec<Value>,
    /// Where an operator finds what could not be processed.
    pub(crate) set_aside: Vec<Value>,
    tries: u32,
}

impl Source {
    /// The mailer's, with the filter that the template has for it.
    pub(crate) fn of_mail() -> Self {
        Self::new(|record| record["dynamodb"]["NewImage"]["outbox"]["S"].is_string())
    }

    /// The history's, likewise.
    pub(crate) fn of_users() -> Self {
        Self::new(|record| record["dynamodb"]["Keys"]["sk"]["S"] == "USER")
    }

    fn new(wanted: fn(&Value) -> bool) -> Self {
        Self {
            wanted,
            queue: VecDeque::new(),
            delivered: Vec::new(),
            set_aside: Vec::new(),
            tries: 0,
        }
    }

    /// Takes new records of the stream that the event source's filter lets through.
    pub(crate) fn take(&mut self, records: impl IntoIterator<Item = Value>) {
        self.queue.extend(records.into_iter().filter(self.wanted));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// The next batch, oldest first.
    pub(crate) fn batch(&self, most: usize) -> Vec<Value> {
        self.queue.iter().take(most).cloned().collect()
    }

    /// The same records with others that were delivered before, some of them twice, and in another order: only the new
    /// records of one user stay in order, as DynamoDB keeps them.
    pub(crate) fn disturb(&self, batch: &[Value], weather: &mut Weather) -> Vec<Value> {
        let mut disturbed = Vec::new();
        let mut of_item: HashMap<String, VecDeque<Value>> = HashMap::new();
        let mut keys = Vec::new();
        for record in batch {
            let key = record["dynamodb"]["Keys"].to_string();
            keys.push(key.clone());
            of_item.entry(key).or_default().push_back(record.clone());
        }
        weather.shuffle(&mut keys);
        for key in keys {
            let record = of_item.get_mut(&key).and_then(VecDeque::pop_front);
            disturbed.extend(record);
        }
        let known = self.delivered.len() + disturbed.len();
        for _ in 0..weather.below(4) {
            if known == 0 {
                break;
            }
            let nth = weather.below(known);
            let old = self.delivered.get(nth).cloned();
            let again = old.unwrap_or_else(|| disturbed[nth - self.delivered.len()].clone());
            disturbed.insert(weather.below(disturbed.len() + 1), again);
            weather.count("stream record delivered again");
        }
        disturbed
    }

    /// What Lambda makes of the function's answer: with none, because it was killed, the whole batch comes again; else
    /// everything from the lowest record that failed on.
    pub(crate) fn settle(&mut self, batch: &[Value], answer: Option<&Value>) {
        let Some(answer) = answer else {
            self.failed(0);
            return;
        };
        let failures = answer["batchItemFailures"].as_array();
        let lowest = failures.and_then(|failures| {
            let ids = failures.iter().map(|failure| {
                let id = failure["itemIdentifier"].as_str().unwrap_or_default();
                id.parse::<u128>().unwrap_or_default()
            });
            ids.min()
        });
        let done = match lowest {
            None => batch.len(),
            Some(lowest) => {
                let before = |record: &&Value| sequence(record) < lowest;
                batch.iter().take_while(before).count()
            }
        };
        if lowest.is_some() {
            self.failed(done);
        } else {
            self.done(done);
        }
    }

    fn failed(&mut self, done: usize) {
        self.tries = if done > 0 { 0 } else { self.tries + 1 };
        self.done(done);
        if self.tries == TRIES {
            self.set_aside.extend(self.queue.pop_front());
            self.tries = 0;
        }
    }

    fn done(&mut self, count: usize) {
        self.delivered.extend(self.queue.drain(..count));
        if count > 0 {
            self.tries = 0;
        }
    }
}

fn sequence(record: &Value) -> u128 {
    let sequence = record["dynamodb"]["SequenceNumber"].as_str();
    sequence.unwrap_or_default().parse().unwrap_or_default()
}
