//! The event bus between SES and the function `feedback`, as `EventBridge` is in AWS: every event comes at least once, and
//! again while the function fails. What is on it goes with the process.

use std::{sync::Arc, time::Duration};

use futures::{StreamExt, stream};
use tokio::{sync::watch, task::JoinSet};

use crate::{
    invoker::{InvokeError, Invoker},
    ses::{Event, Ses},
};

/// How many events are under way at a time.
const AT_A_TIME: usize = 8;
/// How often an event is tried, and the pause after the first try in vain. `EventBridge` and Lambda try for hours.
const TRIES: u32 = 6;
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// Takes what SES publishes to the function.
pub(crate) struct Bus {
    ses: Arc<Ses>,
    invoker: Invoker,
    /// How many events are done with.
    done: watch::Sender<usize>,
    stop: watch::Receiver<bool>,
}

impl Bus {
    /// Starts it. What comes back counts the events that are done with.
    pub(crate) fn start(
        tasks: &mut JoinSet<()>,
        ses: &Arc<Ses>,
        invoker: &Invoker,
        stop: &watch::Receiver<bool>,
    ) -> watch::Receiver<usize> {
        let (done, reported) = watch::channel(0);
        let bus = Self {
            ses: Arc::clone(ses),
            invoker: invoker.clone(),
            done,
            stop: stop.clone(),
        };
        tasks.spawn(bus.run());
        reported
    }

    /// Runs until it is told to stop. Events that are under way are finished first.
    async fn run(mut self) {
        let mut published = self.ses.published();
        while !*self.stop.borrow() {
            let done = *self.done.borrow();
            let events = self.ses.events_from(done);
            let count = events.len();
            stream::iter(events)
                .for_each_concurrent(AT_A_TIME, |event| self.deliver(event))
                .await;
            self.done.send_modify(|done| *done += count);
            if count == 0 {
                tokio::select! {
                    // An error means that the stack is gone, and with it the reason to wait.
                    _ = published.wait_for(|published| *published > done) => {}
                    _ = self.stop.wait_for(|stop| *stop) => {}
                }
            }
        }
    }

    async fn deliver(&self, event: Event) {
        let mut tries = 0;
        let mut pause = FIRST_PAUSE;
        while let Err(error) = self.invoker.invoke("feedback", event.to_bus_event()).await {
            if !matches!(error, InvokeError::Unreachable(_)) {
                tries += 1;
            }
            if tries == TRIES || *self.stop.borrow() {
                tracing::error!(%error, kind = event.kind.name(), "an event of SES's is given up");
                return;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(5));
        }
    }
}
