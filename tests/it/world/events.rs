//! SES's events on their way to whoever listens: late, some of them twice, and in any order.

use usher_local::ses::Event;

use super::weather::Weather;

/// What has happened at SES and is not told yet.
#[derive(Default)]
pub(crate) struct Events {
    /// How many of SES's events were taken.
    taken: usize,
    waiting: Vec<Event>,
}

impl Events {
    /// Takes what has happened since.
    pub(crate) fn take(&mut self, all: &[Event]) {
        self.waiting.extend_from_slice(&all[self.taken..]);
        self.taken = all.len();
    }

    /// Some of what waits, not the oldest first. Some of that waits on all the same: it comes again.
    pub(crate) fn some(&mut self, weather: &mut Weather) -> Vec<Event> {
        weather.shuffle(&mut self.waiting);
        let told = self.waiting.len() - weather.below(self.waiting.len() + 1);
        let told: Vec<_> = self.waiting.drain(..told).collect();
        let again = told.iter().filter(|_| weather.percent(20)).cloned();
        let again: Vec<_> = again.collect();
        self.waiting.extend(again);
        told
    }

    /// One that nobody could take in comes again.
    pub(crate) fn again(&mut self, event: Event) {
        self.waiting.push(event);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Everything that waits, in any order.
    pub(crate) fn rest(&mut self, weather: &mut Weather) -> Vec<Event> {
        weather.shuffle(&mut self.waiting);
        std::mem::take(&mut self.waiting)
    }
}
