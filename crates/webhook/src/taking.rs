//! What is known of a connection while it is open: whether it has asked for anything yet, and which answers it has not
//! taken. An answer counts as bytes in hand until its last byte is written, and whoever leaves it lying is cut.

use crate::in_flight::Held;
use axum::body::Bytes;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What a connection has asked for and not taken.
#[derive(Debug, Default)]
pub(crate) struct Taking {
    asked: AtomicBool,
    waiting: Mutex<VecDeque<Instant>>,
}

impl Taking {
    /// The head of a request was read.
    pub(crate) fn set_asked(&self) {
        self.asked.store(true, Ordering::Relaxed);
    }

    /// Whether any request's head was read.
    pub(crate) fn has_asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }

    /// How long the oldest answer has been waiting to be taken.
    pub(crate) fn oldest(&self) -> Option<Duration> {
        self.waiting().front().map(Instant::elapsed)
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, VecDeque<Instant>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An answer that is waiting to be taken.
struct Waiting {
    answer: Vec<u8>,
    since: Instant,
    taking: Arc<Taking>,
    _held: Held,
}

impl AsRef<[u8]> for Waiting {
    fn as_ref(&self) -> &[u8] {
        &self.answer
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut waiting = self.taking.waiting();
        if let Some(place) = waiting.iter().position(|since| *since == self.since) {
            waiting.remove(place);
        }
    }
}

/// An answer's bytes, which are counted until the connection has taken them.
pub(crate) fn wait(answer: Vec<u8>, mut held: Held, taking: Arc<Taking>) -> Bytes {
    held.be(answer.capacity());
    let since = Instant::now();
    taking.waiting().push_back(since);
    Bytes::from_owner(Waiting { answer, since, taking, _held: held })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::in_flight::InFlight;
    use prometheus_client::metrics::gauge::Gauge;

    #[test]
    fn an_answer_is_counted_until_its_last_part_is_taken() {
        let gauge = Gauge::default();
        let in_flight = InFlight::new(100, gauge.clone());
        let taking = Arc::new(Taking::default());
        let mut first = wait(vec![0; 10], in_flight.hold(), Arc::clone(&taking));
        let second = wait(vec![0; 500], in_flight.hold(), Arc::clone(&taking));
        assert_eq!(gauge.get(), 510);
        let part = first.split_to(4);
        drop((first, second));
        assert!(taking.oldest().is_some());
        drop(part);
        assert_eq!((gauge.get(), taking.oldest()), (0, None));
    }
}
