//! Whether the server is ready: it has a certificate, listens, and is registered as far as that is its business.

use crate::tls::Certificates;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What has to be so before the server is ready.
#[derive(Debug, Default)]
pub(crate) struct Readiness {
    listening: AtomicBool,
    registered: AtomicBool,
    draining: AtomicBool,
}

impl Readiness {
    /// The TLS listener is open.
    pub(crate) fn set_listening(&self) {
        self.listening.store(true, Ordering::Release);
    }

    /// The webhook is registered, or that is not this server's business.
    pub(crate) fn set_registered(&self) {
        self.registered.store(true, Ordering::Release);
    }

    /// The server was asked to end.
    pub(crate) fn set_draining(&self) {
        self.draining.store(true, Ordering::Release);
    }

    /// Whether the server was asked to end.
    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    /// What is missing; nothing where the server is ready.
    pub(crate) fn missing(&self, certificates: &Arc<Certificates>) -> Vec<&'static str> {
        let checks = [
            (certificates.is_valid(), "no certificate that is valid now"),
            (self.listening.load(Ordering::Acquire), "not listening yet"),
            (self.registered.load(Ordering::Acquire), "not registered yet"),
            (!self.is_draining(), "draining"),
        ];
        checks.into_iter().filter(|(is_so, _)| !is_so).map(|(_, what)| what).collect()
    }
}
