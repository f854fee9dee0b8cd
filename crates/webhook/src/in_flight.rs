//! Bytes in hand, bounded: past the bound a request is turned away instead of held in memory.

use prometheus_client::metrics::gauge::Gauge;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A counter of bytes with a bound.
#[derive(Debug)]
pub(crate) struct InFlight {
    all: Arc<All>,
}

#[derive(Debug)]
struct All {
    held: AtomicUsize,
    limit: usize,
    gauge: Gauge,
}

/// Bytes of one request that are counted until this is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    bytes: usize,
    all: Arc<All>,
}

impl InFlight {
    pub(crate) fn new(limit: usize, gauge: Gauge) -> Self {
        Self { all: Arc::new(All { held: AtomicUsize::new(0), limit, gauge }) }
    }

    /// A request of which nothing is held yet.
    pub(crate) fn hold(&self) -> Held {
        Held { bytes: 0, all: Arc::clone(&self.all) }
    }
}

impl Held {
    /// Counts this many bytes in all for the request, unless that would be too many together with the others'.
    #[must_use]
    pub(crate) fn grow(&mut self, bytes: usize) -> bool {
        let more = bytes.saturating_sub(self.bytes);
        let add = |held: usize| held.checked_add(more).filter(|sum| *sum <= self.all.limit);
        if self.all.held.fetch_update(Ordering::AcqRel, Ordering::Acquire, add).is_err() {
            return false;
        }
        self.all.gauge.inc_by(i64::try_from(more).unwrap_or(i64::MAX));
        self.bytes += more;
        true
    }

    /// Counts this many bytes from now on, be that too many or not: they are there.
    pub(crate) fn be(&mut self, bytes: usize) {
        self.all.held.fetch_add(bytes, Ordering::AcqRel);
        self.all.gauge.inc_by(i64::try_from(bytes).unwrap_or(i64::MAX));
        self.let_go();
        self.bytes = bytes;
    }

    fn let_go(&self) {
        self.all.held.fetch_sub(self.bytes, Ordering::AcqRel);
        self.all.gauge.dec_by(i64::try_from(self.bytes).unwrap_or(i64::MAX));
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.let_go();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_let_go_can_be_held_again() {
        let in_flight = InFlight::new(10, Gauge::default());
        let (mut one, mut two) = (in_flight.hold(), in_flight.hold());
        assert!(one.grow(7) && one.grow(7));
        assert!(!two.grow(4) && two.grow(3) && !two.grow(4));
        drop(one);
        assert!(two.grow(10));
        two.be(20);
        assert_eq!(in_flight.all.held.load(Ordering::Acquire), 20);
        drop(two);
        assert!(in_flight.hold().grow(10));
    }
}
