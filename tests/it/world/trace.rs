//! What has happened so far, in order: kept outside of the world, so that it outlives a panic in it.

use std::cell::RefCell;

thread_local! {
    static TRACE: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// More than any scenario makes: whoever gets here goes round in circles.
const LONGEST: usize = 200_000;

pub(crate) fn push(line: String) {
    TRACE.with_borrow_mut(|trace| {
        assert!(trace.len() < LONGEST, "the scenario does not end");
        trace.push(line);
    });
}

/// Everything since the last call.
pub(crate) fn take() -> Vec<String> {
    TRACE.take()
}
