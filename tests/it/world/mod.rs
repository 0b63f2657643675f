//! A whole Usher in one thread, on virtual time: the functions' own handlers and the real AWS clients, which reach an
//! embedded database and an SES without a socket between. Whatever goes wrong goes wrong by seed, so a seed repeats it.

pub(crate) mod asks;
pub(crate) mod book;
mod call;
pub(crate) mod changes;
pub(crate) mod checks;
pub(crate) mod events;
pub(crate) mod flow;
mod functions;
pub(crate) mod kill;
pub(crate) mod remains;
pub(crate) mod seeds;
pub(crate) mod source;
pub(crate) mod table;
pub(crate) mod trace;
pub(crate) mod weather;
pub(crate) mod wire;

use std::{collections::BTreeMap, fmt::Debug, future::Future, sync::Arc, time::Duration};

use feedback::Listener;
use history::Chronicler;
use jiff::Timestamp;
use mailer::Mailing;
use serde_json::{Value, json};
use sweeper::Sweeper;
use tokio::time::Instant;
use usher::{
    clock::{Clock, Entropy},
    store::Store,
};
use usher_local::{
    database,
    mailbox::Mailbox,
    ses::{Event, Ses, SesOptions},
};

use self::{
    asks::{Ask, Reply},
    book::Book,
    changes::Changes,
    events::Events,
    functions::{Function, environment},
    kill::Run,
    source::Source,
    table::Stream,
    weather::Weather,
    wire::Services,
};
use crate::app::START;

/// As long as the template lets the mailer run, and as the schedule leaves until the next sweep.
const MAILER: Duration = Duration::from_mins(2);
const SWEEP: Duration = Duration::from_mins(1);
/// How long a mail of which nobody knows whether it went is left alone, in every world.
pub(crate) const SETTLE: Duration = Duration::from_mins(10);

/// How a world is.
pub(crate) struct Settings {
    pub(crate) seed: u64,
    /// SES's recipients a second, if they are limited.
    pub(crate) rate: Option<f64>,
    /// How many milliseconds a call takes there and as many back, at least and at most.
    pub(crate) latency: (u64, u64),
}

/// When SES's events arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hearing {
    /// Before anybody gives up waiting for them.
    Prompt,
    /// Some time.
    Late,
    /// Not at all.
    Never,
}

/// See the module.
pub(crate) struct World {
    pub(crate) services: Arc<Services>,
    pub(crate) clock: Clock,
    pub(crate) source: Source,
    /// The stream's other reader.
    pub(crate) chronicle: Source,
    pub(crate) hearing: Hearing,
    /// Everything that was ever written to users.
    pub(crate) changes: Changes,
    events: Events,
    /// What SES told and was taken in.
    pub(crate) heard: Vec<Event>,
    stream: Stream,
    mailing: Arc<Mailing>,
    sweeper: Arc<Sweeper>,
    listener: Arc<Listener>,
    chronicler: Arc<Chronicler>,
    functions: BTreeMap<&'static str, Function>,
    runs: usize,
}

impl World {
    /// A new world, in which nobody is invited yet and nothing goes wrong.
    pub(crate) async fn new(settings: &Settings) -> Self {
        // The AWS clients draw their pauses from it.
        fastrand::seed(settings.seed);
        let start: Timestamp = START.parse().unwrap();
        let clock = Clock::virtual_time(start);
        let mailbox = Arc::new(Mailbox::memory());
        let options = SesOptions {
            rate: settings.rate,
            ..SesOptions::default()
        };
        let entropy = |of: u64| Entropy::seeded(settings.seed.wrapping_mul(2).wrapping_add(of));
        let ses = Ses::new(options, Arc::clone(&mailbox), clock.clone(), entropy(1));
        let weather = Weather::new(settings.seed);
        let database = database::in_memory().unwrap();
        let services = Services::new(database, ses, mailbox, weather, settings.latency);
        let env = environment().with_http_client(services.client());
        Store::from_env(&env).unwrap().create_table().await.unwrap();
        let mailing = Mailing::start(&env, clock.clone()).await.unwrap();
        let sweeper = Sweeper::new(&env, clock.clone()).unwrap();
        let functions = functions::all(&env, &clock, &entropy(0));
        trace::take();
        Self {
            stream: Stream::of(&services.database, TABLE),
            services,
            clock,
            source: Source::of_mail(),
            chronicle: Source::of_users(),
            hearing: Hearing::Prompt,
            changes: Changes::default(),
            events: Events::default(),
            heard: Vec::new(),
            mailing: Arc::new(mailing),
            sweeper: Arc::new(sweeper),
            listener: Arc::new(Listener::new(&env).unwrap()),
            chronicler: Arc::new(Chronicler::new(&env).unwrap()),
            functions,
            runs: 0,
        }
    }

    pub(crate) fn book(&self) -> std::sync::MutexGuard<'_, Book> {
        self.services.book()
    }

    pub(crate) fn note(&self, line: &str) {
        self.book().note(line);
    }

    /// Time goes on, by itself.
    pub(crate) async fn pass(&self, time: Duration) {
        self.note(&format!("{} s pass", time.as_secs_f64()));
        tokio::time::sleep(time).await;
    }

    /// An invocation with a number of its own, to be killed at its n-th await point if there is one.
    fn run<F: Future>(&mut self, what: &str, kill_at: Option<u32>, future: F) -> Run<F> {
        self.runs += 1;
        let number = self.runs;
        let kill = kill_at.map_or(String::new(), |at| format!(", to be killed at {at}"));
        self.note(&format!("#{number} {what}{kill}"));
        Run::new(number, kill_at, future)
    }

    fn note_end<T: Debug>(&self, number: usize, ended: Option<&T>) {
        let mut book = self.book();
        if let Some(answer) = ended {
            book.note(&format!("#{number} answered {answer:?}"));
        } else {
            book.weather.count("killed at an await point");
            book.killed.insert(number);
            book.note(&format!("#{number} KILLED"));
        }
    }

    /// Somebody asks something over HTTP. No answer if the function was killed.
    pub(crate) async fn ask(&mut self, ask: &Ask, kill_at: Option<u32>) -> Option<Reply> {
        let call = self.functions[ask.function](ask.event());
        let what = format!("{} {}", ask.method, ask.path);
        let run = self.run(&what, kill_at, async { Reply::of(&call.await) });
        self.finish(run).await
    }

    /// The mailer gets these records. Its answer, unless it was killed.
    pub(crate) async fn mail(&mut self, records: &[Value], kill_at: Option<u32>) -> Option<Value> {
        let run = self.mailer(records, kill_at);
        self.finish(run).await
    }

    /// As [`mail`](Self::mail), without waiting for it.
    pub(crate) fn mailer(
        &mut self,
        records: &[Value],
        kill_at: Option<u32>,
    ) -> Run<impl Future<Output = Value> + use<>> {
        let event =
            usher::table_stream::read_event(&json!({"Records": records}).to_string()).unwrap();
        let mailing = Arc::clone(&self.mailing);
        let call =
            async move { json!(mailer::handle(&mailing, event, Instant::now() + MAILER).await) };
        self.run(&format!("mailer, {} records", records.len()), kill_at, call)
    }

    /// The mailer gets these records, and at the same time this is asked. What the mailer answers.
    pub(crate) async fn mail_while_asking(
        &mut self,
        records: &[Value],
        ask: &Ask,
    ) -> Option<Value> {
        let first = self.mailer(records, None);
        let call = self.functions[ask.function](ask.event());
        let what = format!("{} {}", ask.method, ask.path);
        let second = self.run(&what, None, async { Reply::of(&call.await) });
        self.finish_both(first, second).await
    }

    /// The mailer gets these records, and meanwhile these are asked, one after the other, each after a pause.
    pub(crate) async fn mail_while_asking_all(
        &mut self,
        records: &[Value],
        asks: Vec<(Duration, Ask)>,
    ) -> Option<Value> {
        let first = self.mailer(records, None);
        let asks = asks.into_iter().map(|(pause, ask)| {
            let call = self.functions[ask.function](ask.event());
            async move {
                tokio::time::sleep(pause).await;
                Reply::of(&call.await)
            }
        });
        let calls: Vec<_> = asks.collect();
        let second = self.run("asked one after the other", None, async {
            let mut replies = Vec::new();
            for call in calls {
                replies.push(call.await);
            }
            replies
        });
        self.finish_both(first, second).await
    }

    /// The mailer gets these records while the sweeper runs. What the mailer answers.
    pub(crate) async fn mail_while_sweeping(&mut self, records: &[Value]) -> Option<Value> {
        let (first, second) = (self.mailer(records, None), self.sweeping(None));
        self.finish_both(first, second).await
    }

    /// Two mailers at once get these records. What the one answers that is not killed.
    pub(crate) async fn mail_twice(
        &mut self,
        records: &[Value],
        kill_at: Option<u32>,
    ) -> Option<Value> {
        let (first, second) = (self.mailer(records, None), self.mailer(records, kill_at));
        self.finish_both(first, second).await
    }

    /// The function that writes histories gets these records. Its answer, unless it was killed.
    pub(crate) async fn write_history(
        &mut self,
        records: &[Value],
        kill_at: Option<u32>,
    ) -> Option<Value> {
        let event = json!({"Records": records}).to_string();
        let event = usher::table_stream::read_event(&event).unwrap();
        let chronicler = Arc::clone(&self.chronicler);
        let call = async move { json!(history::handle(&chronicler, event).await) };
        let run = self.run(
            &format!("history, {} records", records.len()),
            kill_at,
            call,
        );
        self.finish(run).await
    }

    /// One of SES's events reaches the function that listens. Whether it was taken in.
    async fn hear(&mut self, event: &Event, kill_at: Option<u32>) -> bool {
        let text = event.to_bus_event().to_string();
        let listener = Arc::clone(&self.listener);
        let call = async move { feedback::handle(&listener, &text).await.is_ok() };
        let what = format!("feedback, {} of {:?}", event.kind.name(), event.tags);
        let run = self.run(&what, kill_at, call);
        self.finish(run).await == Some(true)
    }

    pub(crate) async fn sweep(&mut self, kill_at: Option<u32>) {
        let run = self.sweeping(kill_at);
        self.finish(run).await;
    }

    async fn finish<T: Debug>(&mut self, run: Run<impl Future<Output = T>>) -> Option<T> {
        let number = run.number;
        let answer = run.await;
        self.note_end(number, answer.as_ref());
        self.read_stream();
        answer
    }

    async fn finish_both<T: Debug, U: Debug>(
        &mut self,
        first: Run<impl Future<Output = T>>,
        second: Run<impl Future<Output = U>>,
    ) -> Option<T> {
        let numbers = (first.number, second.number);
        let (first, second) = futures::future::join(first, second).await;
        self.note_end(numbers.0, first.as_ref());
        self.note_end(numbers.1, second.as_ref());
        self.read_stream();
        first
    }

    /// As [`sweep`](Self::sweep), without waiting for it. Whether all could be read.
    pub(crate) fn sweeping(
        &mut self,
        kill_at: Option<u32>,
    ) -> Run<impl Future<Output = bool> + use<>> {
        let sweeper = Arc::clone(&self.sweeper);
        let call = async move {
            let swept = sweeper::sweep(&sweeper, Instant::now() + SWEEP).await;
            swept.is_ok()
        };
        self.run("sweeper", kill_at, call)
    }
}

/// The template's `BatchSize`.
pub(crate) const BATCH: usize = 100;
const TABLE: &str = "usher";
