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
        /// How often it is looked, and how long is waited.
        pace: Pace,
    },
}

/// How often the server looks at what the cluster has of it, and how long it waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// How often the Secret is read and the registration applied again. Applying what is there changes nothing, and no verb is
    /// needed that Flyte's own RBAC lacks, as a watch would.
    pub look: Duration,
    /// How long a new CA is published before its certificate is served: twice what the slowest replica needs to apply it.
    pub publishing: Duration,
}

impl Default for Pace {
    /// Half a minute, and a minute.
    fn default() -> Self {
        Self { look: Duration::from_secs(30), publishing: Duration::from_secs(60) }
    }
}
