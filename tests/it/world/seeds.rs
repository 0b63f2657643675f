//! Runs scenarios, each from its seed, on as many threads as there are processors; and says how to repeat one that fails.

#![expect(
    clippy::print_stdout,
    reason = "what was tried, and how to try it again, is for whoever runs the tests"
)]

use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Instant,
};

use super::{trace, weather::Counts};

/// What a scenario was like.
#[derive(Default)]
pub(crate) struct Outcome {
    pub(crate) counts: Counts,
    /// What must not be, each in a sentence.
    pub(crate) violations: Vec<String>,
}

/// A number that a variable sets for the full run.
pub(crate) fn number(variable: &str, unless_set: u64) -> u64 {
    let set = std::env::var(variable).ok().filter(|text| !text.is_empty());
    set.map_or(unless_set, |text| {
        let digits = text.replace('_', "");
        digits
            .parse()
            .unwrap_or_else(|_| panic!("{variable} is a whole number"))
    })
}

/// Runs a future on virtual time, in this thread.
pub(crate) fn on_virtual_time<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(future)
}

/// Runs scenario after scenario until `enough` of what they count, or only the one that `USHER_SEED` names. Panics with
/// the first that fails, after its trace.
pub(crate) fn run<F: Future<Output = Outcome>>(
    test: &str,
    enough: impl Fn(&Counts) -> bool + Sync,
    scenario: impl Fn(u64) -> F + Sync,
) -> Counts {
    let only = std::env::var("USHER_SEED").is_ok_and(|seed| !seed.is_empty());
    let started = Instant::now();
    let next = AtomicU64::new(if only { number("USHER_SEED", 0) } else { 1 });
    let (stop, total) = (AtomicBool::new(false), Mutex::new(Counts::new()));
    let failure = Mutex::new(None);
    let work = || {
        while !stop.load(Ordering::Relaxed) {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            trace::take();
            let run = || on_virtual_time(async { Box::pin(scenario(seed)).await });
            let outcome = catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
                let words = panic.downcast_ref::<String>().map(String::as_str);
                let words = words.or_else(|| panic.downcast_ref::<&str>().copied());
                Outcome {
                    violations: vec![format!("panicked: {}", words.unwrap_or("?"))],
                    ..Outcome::default()
                }
            });
            let mut total = total.lock().unwrap();
            *total.entry("scenarios".to_owned()).or_default() += 1;
            for (what, count) in outcome.counts {
                *total.entry(what).or_default() += count;
            }
            if !outcome.violations.is_empty() {
                let failed = (seed, trace::take(), outcome.violations);
                failure.lock().unwrap().get_or_insert(failed);
                stop.store(true, Ordering::Relaxed);
            }
            if only || enough(&total) {
                stop.store(true, Ordering::Relaxed);
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..if only { 1 } else { threads } {
            scope.spawn(work);
        }
    });
    let total = total.into_inner().unwrap();
    println!("{test}, in {:.1} s:", started.elapsed().as_secs_f64());
    for (what, count) in &total {
        println!("{count:>9} {what}");
    }
    if let Some((seed, trace, violations)) = failure.into_inner().unwrap() {
        println!("{}", trace.join("\n"));
        println!("seed {seed} fails:\n  {}", violations.join("\n  "));
        println!(
            "repeat it: USHER_SEED={seed} cargo test -p usher-tests --test it {test} -- --nocapture"
        );
        panic!("seed {seed} fails; its trace stands above");
    }
    total
}
