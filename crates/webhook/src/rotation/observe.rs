//! What the cluster says of a rotation.

use super::{RotationError, Stage, Subject};
use crate::certificates::{self, CertificateError, Kept, Written, each};
use crate::cluster::ClusterError;
use crate::registration::{self, RegistrationError, bundle, whose};
use k8s_openapi::api::admissionregistration::v1::MutatingWebhookConfiguration;
use kube::{Api, Client};
use std::collections::BTreeSet;
use std::time::SystemTime;

/// The Secret of the install.
pub(super) async fn secret(client: &Client, subject: &Subject) -> Result<Written, RotationError> {
    let spec = subject.spec();
    match certificates::find(client, &spec, SystemTime::now()).await {
        Ok(Some(written)) => Ok(written),
        Ok(None) => Err(RotationError::Nothing { place: spec.place() }),
        Err(CertificateError::Type { place, type_ }) => Err(RotationError::OfOthers { place, type_ }),
        Err(error) => Err(error.into()),
    }
}

/// The CAs in a bundle.
pub(super) fn cas(bundle: &str) -> BTreeSet<String> {
    each(bundle).map(|ca| ca.replace('\r', "")).collect()
}

/// The CAs in the registration; none where it has no entry of the webhook's.
pub(super) async fn registered(client: &Client, subject: &Subject) -> Result<Option<BTreeSet<String>>, ClusterError> {
    let there = registration_of(client, subject).await?;
    Ok(there.as_ref().and_then(bundle).map(|bundle| cas(&String::from_utf8_lossy(bundle))))
}

/// Fails where the registration is not the install's.
pub(super) async fn is_registered(client: &Client, subject: &Subject) -> Result<(), RotationError> {
    let unregistered = || RotationError::Unregistered { name: subject.service.clone() };
    let there = registration_of(client, subject).await?.ok_or_else(unregistered)?;
    bundle(&there).ok_or_else(unregistered)?;
    let spec = registration::Spec {
        service: subject.service.clone(),
        namespace: subject.namespace.clone(),
        port: 443,
        label: String::new(),
        namespace_selector: None,
        owner: None,
        adopt: false,
    };
    match whose(&there, &spec) {
        // By manifests: nothing says whose it is but where it calls.
        Ok(_) | Err(RegistrationError::Flytes { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

async fn registration_of(
    client: &Client,
    subject: &Subject,
) -> Result<Option<MutatingWebhookConfiguration>, ClusterError> {
    let configurations: Api<MutatingWebhookConfiguration> = Api::all(client.clone());
    let read = configurations.get_opt(&subject.service).await;
    read.map_err(|error| ClusterError::asked("get", "mutatingwebhookconfigurations", &subject.service, None, &error))
}

/// Where the Secret stands.
pub(super) fn stage(kept: &Kept) -> Stage {
    match (&kept.next, &kept.leaving) {
        (Some(_), _) => Stage::Published,
        (None, Some(_)) => Stage::Switched,
        (None, None) => Stage::Resting,
    }
}

/// The CAs that a rotation which begins or goes on now has to replace: all but the newest.
pub(super) fn leaving(kept: &Kept) -> BTreeSet<String> {
    let mut leaving = cas(&kept.pair.ca);
    if stage(kept) != Stage::Resting {
        for newest in cas(newest(kept)) {
            leaving.remove(&newest);
        }
    }
    leaving
}

/// The CA that is to stay, as PEM.
pub(super) fn newest(kept: &Kept) -> &str {
    match &kept.next {
        Some(next) => &next.certificate,
        None => each(&kept.pair.ca).next().unwrap_or_default(),
    }
}
