//! Why a rotation is not begun, or not at its end; the same command goes on with it.

use crate::certificates::CertificateError;
use crate::cluster::ClusterError;
use crate::registration::RegistrationError;
use std::time::Duration;
use thiserror::Error;

/// Why a CA was not rotated, or not to the end.
#[derive(Debug, Error)]
pub enum RotationError {
    /// The API server did not do what was asked.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// The certificates can't be used.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The registration is somebody else's.
    #[error(transparent)]
    Registration(#[from] RegistrationError),
    /// They are somebody else's.
    #[error(
        "{place} is of type `{type_}`: its certificate is made by somebody else, who also has to replace the CA; nothing was changed"
    )]
    OfOthers {
        /// The Secret.
        place: String,
        /// Its type.
        type_: String,
    },
    /// There is no CA to rotate.
    #[error("{place} is not there, or has no certificate: there is no CA to replace")]
    Nothing {
        /// The Secret.
        place: String,
    },
    /// There is no registration.
    #[error("there is no MutatingWebhookConfiguration `{name}` with the webhook's entry: nobody trusts the CA")]
    Unregistered {
        /// Its name.
        name: String,
    },
    /// There is nobody whom the Service sends anything to.
    #[error(
        "Service `{name}` in namespace `{namespace}` has no selector, so that it can't be said which pods are replicas"
    )]
    NoSelector {
        /// The Service.
        name: String,
        /// Its namespace.
        namespace: String,
    },
    /// The registration does not get the CAs.
    #[error("MutatingWebhookConfiguration `{name}` does not have the CAs of {place} after {} s", .after.as_secs())]
    NotRegistered {
        /// The registration.
        name: String,
        /// The Secret.
        place: String,
        /// Its namespace.
        namespace: String,
        /// The Secret's name.
        secret: String,
        /// How long was waited.
        after: Duration,
    },
    /// A replica does not take the new leaf.
    #[error("not every replica serves the new certificate after {} s: {}", .after.as_secs(), .waiting.join("; "))]
    NotServed {
        /// Which, and what was seen of it.
        waiting: Vec<String>,
        /// How long was waited.
        after: Duration,
    },
}

impl RotationError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        const GOES_ON: &str =
            "nothing is lost, and both CAs are trusted until then: the same command goes on from here";
        Some(match self {
            Self::Cluster(error) => return error.hint(),
            Self::Certificate(error) => return error.hint(),
            Self::Registration(error) => return error.hint(),
            Self::OfOthers { .. } => "with cert-manager, renew the issuer's CA (`cmctl renew`) while its `caBundle` holds both, as \
                                      trust-manager makes one; by hand, put both CAs into `ca.crt`, wait two minutes, put in the new \
                                      certificate, wait again, and leave the old CA out"
                .to_owned(),
            Self::Nothing { .. } => "name the install's with --namespace and --config-map; `keybearer webhook init-certs` makes a CA \
                                     where there is none"
                .to_owned(),
            Self::Unregistered { .. } => "start the webhook, which writes it; or register it by your manifests, with the Secret's \
                                          `ca.crt` as `caBundle`"
                .to_owned(),
            Self::NoSelector { .. } => {
                "wait instead of looking: `--unseen 300`, and see to it that every replica is restarted meanwhile".to_owned()
            }
            Self::NotRegistered { namespace, secret, .. } => format!(
                "the webhook writes it every half a minute: does it run, and what does its log say? Where your manifests have it, \
                 set `caBundle` to what `kubectl --namespace {namespace} get secret {secret} --output \
                 jsonpath='{{.data.ca\\.crt}}'` prints; {GOES_ON}"
            ),
            Self::NotServed { .. } => {
                format!("look at these pods and their logs, or delete them: one that starts serves the new one; {GOES_ON}")
            }
        })
    }
}
