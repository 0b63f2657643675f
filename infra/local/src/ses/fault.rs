//! Failures on demand, so that tests can reach what SES does rarely.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use super::error::SesError;

/// Something that goes wrong once, with the next call or entry it fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The next call is answered with 429, nothing is sent.
    CallThrottled,
    /// The next call is answered with 500, nothing is sent.
    ServiceDown,
    /// The next call is answered with this exception, nothing is sent.
    CallRefused(SesError),
    /// The next call of this operation is answered with this exception.
    OperationRefused(&'static str, SesError),
    /// The next entry of a bulk call gets this status, its mail is not sent.
    EntryStatus(String),
    /// The next call's mails are sent, and the connection breaks before its answer is complete.
    DropConnectionAfterAccept,
}

/// What a fault does to a whole call.
pub(super) enum CallFault {
    Refuse(SesError),
    DropAnswer,
}

#[derive(Default)]
pub(super) struct Faults(Mutex<VecDeque<Fault>>);

impl Faults {
    pub(super) fn first(faults: Vec<Fault>) -> Self {
        Self(Mutex::new(faults.into()))
    }

    pub(super) fn push(&self, fault: Fault) {
        self.with(|queue| queue.push_back(fault));
    }

    pub(super) fn for_call(&self, operation: &str) -> Option<CallFault> {
        let fault = self.take(|fault| match fault {
            Fault::EntryStatus(_) => false,
            Fault::OperationRefused(of, _) => *of == operation,
            _ => true,
        })?;
        match fault {
            Fault::CallThrottled => Some(CallFault::Refuse(SesError::TooManyRequests)),
            Fault::ServiceDown => Some(CallFault::Refuse(SesError::InternalServiceError)),
            Fault::CallRefused(error) | Fault::OperationRefused(_, error) => {
                Some(CallFault::Refuse(error))
            }
            Fault::DropConnectionAfterAccept => Some(CallFault::DropAnswer),
            Fault::EntryStatus(_) => None,
        }
    }

    pub(super) fn for_entry(&self) -> Option<String> {
        match self.take(|fault| matches!(fault, Fault::EntryStatus(_)))? {
            Fault::EntryStatus(status) => Some(status),
            _ => None,
        }
    }

    fn take(&self, fits: impl Fn(&Fault) -> bool) -> Option<Fault> {
        self.with(|queue| {
            let index = queue.iter().position(fits)?;
            queue.remove(index)
        })
    }

    fn with<T>(&self, act: impl FnOnce(&mut VecDeque<Fault>) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
