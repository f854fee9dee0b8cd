//! What the server is told besides its configuration.

use admission::Config;
use std::net::SocketAddr;
use std::time::Duration;

/// How to serve.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The configuration.
    pub config: Config,
    /// Address of the TLS listener.
    pub listen: SocketAddr,
    /// Address of the plain listener for probes and metrics.
    pub admin: SocketAddr,
    /// The pod that this server is, where it is one.
    pub pod: PodIdentity,
    /// Whether the API server is talked to: for certificates and for the registration.
    pub cluster: ClusterUse,
    /// How long the server still takes requests after it was asked to end, not ready any more.
    pub drain_delay: Duration,
    /// The limits.
    pub limits: Limits,
    /// How often files are looked at: certificates and global secrets. Secret volumes swap links, which file watches miss.
    pub poll: Duration,
}

/// The pod that this server is: `POD_NAME` and `POD_NAMESPACE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodIdentity {
    /// Its name, if it is known.
    pub name: Option<String>,
    /// Its namespace.
    pub namespace: String,
}

/// Whether the API server is talked to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClusterUse {
    /// No: certificates come from `certDir`, and somebody else registers the webhook.
    None,
    /// Yes.
    Full {
        /// Whether a registration that is Flyte's is taken over.
        adopt: bool,
        /// The install's own cluster role, which owns the registration.
        owner: Option<String>,
        /// How long a certificate lasts. Started as Flyte's program that is as long as the CA, so that going back to
        /// Flyte's image, which renews nothing, stays safe.
        certificate_life: Duration,
    },
}

/// Bounds on what callers can make the server hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one review. The API server's objects reach some 3 MiB; Flyte's webhook takes 7 MiB.
    pub body: usize,
    /// Bytes of reviews that are being read or answered at once.
    pub in_flight: usize,
    /// Connections at once; more wait in the kernel's queue. Many systems let a process have 1,024 files open, and
    /// probes, the API server and files need some of them.
    pub connections: usize,
    /// Time for a TLS handshake.
    pub handshake: Duration,
    /// Time for the head of a request, and so also between two requests: longer than the 90 s that an API server
    /// keeps an idle connection.
    pub head: Duration,
    /// Time for the body of a request.
    pub body_time: Duration,
    /// Age at which a connection is ended, so that new replicas get their share; each gets 20 % more or less.
    pub age: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 7 << 20,
            in_flight: 64 << 20,
            connections: 512,
            handshake: Duration::from_secs(10),
            head: Duration::from_secs(120),
            body_time: Duration::from_secs(10),
            age: Duration::from_secs(300),
        }
    }
}
