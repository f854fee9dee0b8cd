//! What is counted. `docs/metrics.md` says what each means.

use crate::peaks::{Bound, Peaks};
use admission::Manager;
use admission::config::Limits;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use std::sync::atomic::AtomicU64;

/// Every value of [`Ended`].
const OUTCOMES: [&str; 3] = ["allowed", "refused", "unreadable"];
/// Every value of [`Turned`].
const TURNED_AWAY: [&str; 9] =
    ["body", "too_large", "content_type", "encoding", "overload", "slow", "panic", "path", "method"];
/// Every value of [`Mended`].
const MENDED: [&str; 3] = ["made", "bundle", "other"];
/// Every value of [`Mended`] for certificates.
const CERTIFICATES: [&str; 3] = ["restored", "remade", "joined"];
/// Every value of [`Cut`].
const CUT: [&str; 3] = ["place", "untaken", "stopped"];

/// Upper bounds of the duration's buckets, in seconds.
const BUCKETS: [f64; 9] = [25e-6, 50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 5e-3, 25e-3, 100e-3];

/// How an admission ended.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(crate) struct Ended {
    /// `allowed`, `refused` or `unreadable`.
    pub(crate) outcome: &'static str,
}

/// A manager.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(crate) struct ByManager {
    /// Its name.
    pub(crate) manager: &'static str,
}

/// Why a request got no review's answer.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(crate) struct Turned {
    /// `body`, `too_large`, `content_type`, `encoding`, `overload`, `slow`, `panic`, `path` or `method`.
    pub(crate) reason: &'static str,
}

/// What was done to the registration, or to the certificates in the cluster.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(crate) struct Mended {
    /// `made`, `bundle` or `other`; `restored`, `remade` or `joined`.
    pub(crate) what: &'static str,
}

/// Why a connection was cut.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(crate) struct Cut {
    /// `place`, `untaken` or `stopped`.
    pub(crate) reason: &'static str,
}

/// A limit that each request, pod or connection has for itself.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(crate) struct Limited {
    /// Its name.
    pub(crate) limit: &'static str,
}

/// Everything that is counted.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    /// Reviews answered.
    pub(crate) admissions: Family<Ended, Counter>,
    /// Secrets given, by manager.
    pub(crate) secrets: Family<ByManager, Counter>,
    /// Requests that got no review's answer.
    pub(crate) turned_away: Family<Turned, Counter>,
    /// Open connections.
    pub(crate) connections: Gauge,
    /// Most connections at once.
    pub(crate) connections_limit: Gauge,
    /// Bytes of reviews being read or answered.
    pub(crate) bytes_in_flight: Gauge,
    /// Most bytes in flight.
    pub(crate) bytes_in_flight_limit: Gauge,
    /// Connections that were cut.
    pub(crate) connections_cut: Family<Cut, Counter>,
    /// Handshakes that failed.
    pub(crate) handshake_failures: Counter,
    /// Unix time at which the serving certificate ends.
    pub(crate) certificate_not_after: Gauge,
    /// Unix time at which its CA ends.
    pub(crate) ca_not_after: Gauge,
    /// Certificates in files that could not be used.
    pub(crate) certificate_failures: Counter,
    /// Secrets of certificates that were mended.
    pub(crate) certificates_mended: Family<Mended, Counter>,
    /// Global secrets that could not be read again.
    pub(crate) globals_failures: Counter,
    /// Registrations that were made or mended.
    pub(crate) registration_mended: Family<Mended, Counter>,
    /// Whether the server says that it is ready.
    pub(crate) ready: Gauge,
}

impl Metrics {
    /// Has every label's value there from the start: Prometheus sees no growth in a counter that comes into being as 1.
    fn begin_at_zero(&self) {
        for outcome in OUTCOMES {
            drop(self.admissions.get_or_create(&Ended { outcome }));
        }
        for manager in Manager::CONFIGURABLE {
            drop(self.secrets.get_or_create(&ByManager { manager: manager.name() }));
        }
        for reason in TURNED_AWAY {
            drop(self.turned_away.get_or_create(&Turned { reason }));
        }
        for what in MENDED {
            drop(self.registration_mended.get_or_create(&Mended { what }));
        }
        for what in CERTIFICATES {
            drop(self.certificates_mended.get_or_create(&Mended { what }));
        }
        for reason in CUT {
            drop(self.connections_cut.get_or_create(&Cut { reason }));
        }
    }
}

/// The registry that is shown, and the histogram, which has no default buckets.
pub(crate) struct Shown {
    registry: Registry,
    /// Seconds from the last byte of a review to the first of its answer.
    pub(crate) duration: Histogram,
    peaks: Family<Limited, Gauge<f64, AtomicU64>>,
}

impl Shown {
    /// Registers everything.
    pub(crate) fn new(metrics: &Metrics, limits: &Limits) -> Self {
        let duration = Histogram::new(BUCKETS);
        let mut registry = Registry::with_prefix("keybearer");
        let m = metrics;
        m.begin_at_zero();
        registry.register("admissions", "Reviews answered, by outcome", m.admissions.clone());
        registry.register("admission_duration_seconds", "Time to answer a review", duration.clone());
        registry.register("secrets", "Secrets given, by manager", m.secrets.clone());
        registry.register("turned_away", "Requests without a review's answer, by reason", m.turned_away.clone());
        registry.register("connections", "Open connections", m.connections.clone());
        registry.register("connections_limit", "Most connections at once", m.connections_limit.clone());
        registry.register("bytes_in_flight", "Bytes of reviews in hand", m.bytes_in_flight.clone());
        registry.register("bytes_in_flight_limit", "Most bytes of reviews in hand", m.bytes_in_flight_limit.clone());
        registry.register("connections_cut", "Connections that were cut, by reason", m.connections_cut.clone());
        let (each, peaks) = (Family::<Limited, Gauge<f64, AtomicU64>>::default(), Family::default());
        for bound in Bound::ALL {
            each.get_or_create(&Limited { limit: bound.name() }).set(bound.limit(limits));
        }
        registry.register("limit", "Limits of one request, pod or connection", each);
        registry.register("limit_peak", "The most that was seen of what has a limit", peaks.clone());
        registry.register("tls_handshake_failures", "TLS handshakes that failed", m.handshake_failures.clone());
        registry.register(
            "certificate_not_after_seconds",
            "Unix time at which the serving certificate ends",
            m.certificate_not_after.clone(),
        );
        registry.register(
            "ca_not_after_seconds",
            "Unix time at which the CA of the serving certificate ends",
            m.ca_not_after.clone(),
        );
        registry.register(
            "certificate_load_failures",
            "Certificates in files that could not be used",
            m.certificate_failures.clone(),
        );
        registry.register(
            "certificates_mended",
            "Secrets of certificates that were mended, by what was done",
            m.certificates_mended.clone(),
        );
        registry.register("globals_load_failures", "Failed reads of global secrets", m.globals_failures.clone());
        registry.register(
            "registration_mended",
            "Registrations made or mended, by what was wrong",
            m.registration_mended.clone(),
        );
        registry.register("ready", "1 while the server is ready", m.ready.clone());
        Self { registry, duration, peaks }
    }

    /// The text that Prometheus reads.
    pub(crate) fn text(&self, peaks: &Peaks) -> String {
        for bound in Bound::ALL {
            self.peaks.get_or_create(&Limited { limit: bound.name() }).set(peaks.of(bound));
        }
        let mut text = String::new();
        match encode(&mut text, &self.registry) {
            Ok(()) => text,
            Err(error) => unreachable!("writing to a string can't fail: {error}"),
        }
    }
}
