//! Bytes in hand, bounded: past the bound a request is turned away instead of held in memory.

use prometheus_client::metrics::gauge::Gauge;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A counter of bytes with a bound.
#[derive(Debug)]
pub(crate) struct InFlight {
    held: Arc<AtomicUsize>,
    limit: usize,
    gauge: Gauge,
}

/// Bytes that are counted until this is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    bytes: usize,
    held: Arc<AtomicUsize>,
    gauge: Gauge,
}

impl InFlight {
    pub(crate) fn new(limit: usize, gauge: Gauge) -> Self {
        Self { held: Arc::default(), limit, gauge }
    }

    /// Counts bytes in, unless that would be too many.
    pub(crate) fn hold(&self, bytes: usize) -> Option<Held> {
        let add = |held: usize| held.checked_add(bytes).filter(|sum| *sum <= self.limit);
        self.held.fetch_update(Ordering::AcqRel, Ordering::Acquire, add).ok()?;
        self.gauge.inc_by(i64::try_from(bytes).unwrap_or(i64::MAX));
        Some(Held { bytes, held: Arc::clone(&self.held), gauge: self.gauge.clone() })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.held.fetch_sub(self.bytes, Ordering::AcqRel);
        self.gauge.dec_by(i64::try_from(self.bytes).unwrap_or(i64::MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_let_go_can_be_held_again() {
        let in_flight = InFlight::new(10, Gauge::default());
        let held = in_flight.hold(7);
        assert!(held.is_some());
        assert!(in_flight.hold(4).is_none());
        drop(held);
        assert!(in_flight.hold(10).is_some());
    }
}
