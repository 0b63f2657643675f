//! A function that is killed in the middle, at an await point of one's choice.

use std::{
    cell::Cell,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

thread_local! {
    static RUN: Cell<usize> = const { Cell::new(0) };
}

/// Which invocation is being polled just now: what the wire needs to know to say whose call it carries.
pub(crate) fn current_run() -> usize {
    RUN.get()
}

/// One invocation of a function. It ends with `None` if it was killed: its future is dropped where it stood, as Lambda's
/// process is gone where it stood.
pub(crate) struct Run<F> {
    future: Option<Pin<Box<F>>>,
    pub(crate) number: usize,
    /// At the how many-th time that it waits for something it is killed.
    kill_at: Option<u32>,
    waits: u32,
}

impl<F: Future> Run<F> {
    pub(crate) fn new(number: usize, kill_at: Option<u32>, future: F) -> Self {
        Self {
            future: Some(Box::pin(future)),
            number,
            kill_at,
            waits: 0,
        }
    }
}

impl<F: Future> Future for Run<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let number = self.number;
        let Some(future) = &mut self.future else {
            return Poll::Ready(None);
        };
        let outer = RUN.replace(number);
        let polled = future.as_mut().poll(context);
        let polled = match polled {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending => {
                self.waits += 1;
                if Some(self.waits) == self.kill_at {
                    self.future = None;
                    Poll::Ready(None)
                } else {
                    Poll::Pending
                }
            }
        };
        RUN.set(outer);
        polled
    }
}

/// Waits once, for nothing: an await point that costs no time.
pub(crate) async fn once() {
    let mut waited = false;
    std::future::poll_fn(|context| {
        if waited {
            return Poll::Ready(());
        }
        waited = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
