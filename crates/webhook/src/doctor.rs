//! An install as it is, looked at from outside: what is wrong with it, and what mends it.
//!
//! Nothing is changed. The one request that would, a pod, is made as a dry run (`dryRun=All`), which goes through the same
//! admission as any other: so it also says whether the API server reaches the webhook. What the caller may not look at is
//! said to be unknown, with the right that is missing; it is no failure of the install.

mod certificate;
mod configuration;
mod finding;
mod place;
mod probe;
mod registered;
mod rights;
mod service;
mod versions;

pub use configuration::config_map;
pub use finding::{Finding, State};

use crate::certificates::{self, CA_LIFE, LEAF_LIFE};
use admission::Config;
use kube::Client;

/// The install that is looked at.
#[derive(Clone, Debug)]
pub struct Subject {
    /// Its configuration.
    pub config: Config,
    /// Its namespace.
    pub namespace: String,
    /// The webhook's service account.
    pub account: String,
    /// The cluster role that owns the registration.
    pub owner: String,
    /// The namespace in which a pod is tried.
    pub probe_namespace: String,
}

impl Subject {
    fn certificates(&self) -> certificates::Spec {
        certificates::Spec {
            secret: self.config.server.secret_name.clone(),
            namespace: self.namespace.clone(),
            service: self.config.server.service_name.clone(),
            ca_life: CA_LIFE,
            leaf_life: LEAF_LIFE,
        }
    }
}

/// Looks at everything, in the order in which one thing needs the other.
pub async fn examine(client: &Client, subject: &Subject) -> Vec<Finding> {
    let versions = versions::look(client).await;
    if versions.iter().any(|finding| finding.state == State::Failed && finding.check == versions::API_SERVER) {
        // Whoever does not answer this answers nothing.
        return versions;
    }
    let mut findings = versions;
    if let Some(missing) = place::missing(client, &subject.namespace).await {
        // All else would only be further words for it.
        findings.push(missing);
        return findings;
    }
    let (certificate, pair) = certificate::look(client, subject).await;
    findings.extend(certificate);
    findings.extend(registered::look(client, subject, pair.as_ref()).await);
    findings.extend(service::look(client, subject).await);
    findings.extend(rights::look(client, subject).await);
    findings.push(probe::look(client, subject).await);
    findings
}
