//! How near callers have come to the limits that each request, pod or connection has for itself: the most that was seen
//! since the start. (What is bounded for all together, connections and bytes, has gauges of its own.)

use admission::config::Limits;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A limit that each request, pod or connection has for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bound {
    /// Bytes of a review.
    Body,
    /// Bytes of the names and values in a request's head.
    Head,
    /// Secrets of a pod.
    Secrets,
    /// Streams of an HTTP/2 connection.
    Streams,
    /// Time of a handshake.
    HandshakeTime,
    /// Time from one answer to the next request's head.
    HeadTime,
    /// Time of a body.
    BodyTime,
    /// Age of a connection at its end.
    ConnectionAge,
}

impl Bound {
    /// In the order of their places in [`Peaks`].
    pub(crate) const ALL: [Self; 8] = [
        Self::Body,
        Self::Head,
        Self::Secrets,
        Self::Streams,
        Self::HandshakeTime,
        Self::HeadTime,
        Self::BodyTime,
        Self::ConnectionAge,
    ];

    /// The metric's label.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Body => "body_bytes",
            Self::Head => "head_bytes",
            Self::Secrets => "secrets",
            Self::Streams => "streams",
            Self::HandshakeTime => "handshake_seconds",
            Self::HeadTime => "head_seconds",
            Self::BodyTime => "body_seconds",
            Self::ConnectionAge => "connection_age_seconds",
        }
    }

    /// What the configuration says.
    #[expect(clippy::cast_precision_loss, reason = "limits are far below 2^52")]
    pub(crate) fn limit(self, limits: &Limits) -> f64 {
        match self {
            Self::Body => limits.body as f64,
            Self::Head => limits.head_bytes as f64,
            Self::Secrets => limits.secrets as f64,
            Self::Streams => limits.streams.into(),
            Self::HandshakeTime => limits.handshake.as_secs_f64(),
            Self::HeadTime => limits.head.as_secs_f64(),
            Self::BodyTime => limits.body_time.as_secs_f64(),
            Self::ConnectionAge => limits.age.as_secs_f64(),
        }
    }

    fn is_time(self) -> bool {
        matches!(self, Self::HandshakeTime | Self::HeadTime | Self::BodyTime | Self::ConnectionAge)
    }
}

/// The most that was seen of each: a number, or microseconds.
#[derive(Debug, Default)]
pub(crate) struct Peaks([AtomicU64; Bound::ALL.len()]);

impl Peaks {
    /// Takes note of a number.
    pub(crate) fn saw(&self, bound: Bound, number: usize) {
        self.raise(bound, u64::try_from(number).unwrap_or(u64::MAX));
    }

    /// Takes note of a time.
    pub(crate) fn took(&self, bound: Bound, time: Duration) {
        self.raise(bound, u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
    }

    fn raise(&self, bound: Bound, seen: u64) {
        let peak = &self.0[bound as usize];
        // Nearly always so, and a look costs less than a write that other threads wait for.
        if peak.load(Ordering::Relaxed) < seen {
            peak.fetch_max(seen, Ordering::Relaxed);
        }
    }

    /// The most that was seen, in the metric's unit.
    #[expect(clippy::cast_precision_loss, reason = "a gauge has no more digits")]
    pub(crate) fn of(&self, bound: Bound) -> f64 {
        let seen = self.0[bound as usize].load(Ordering::Relaxed) as f64;
        if bound.is_time() { seen / 1e6 } else { seen }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_a_place_of_its_own_and_never_falls() {
        let peaks = Peaks::default();
        for (place, bound) in Bound::ALL.into_iter().enumerate() {
            assert_eq!(bound as usize, place);
            peaks.saw(bound, 3_000_000 + place);
            peaks.saw(bound, 1);
        }
        assert!((peaks.of(Bound::Body) - 3_000_000.0).abs() < 0.5);
        assert!((peaks.of(Bound::ConnectionAge) - 3.0).abs() < 0.1);
        peaks.took(Bound::BodyTime, Duration::from_secs(9));
        assert!((peaks.of(Bound::BodyTime) - 9.0).abs() < 0.1);
    }
}
