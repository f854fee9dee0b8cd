//! The Secret of the certificates: made, completed, renewed, always under the version that was read.

use super::due::{Due, due, fresh};
use super::secret::{self, Kept};
use super::{CA_CERTIFICATE, CertificateError, Pair, Spec};
use crate::cluster::{self, ClusterError};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{DeleteParams, PostParams, Preconditions};
use kube::{Api, Client};
use std::time::{Duration, SystemTime};

/// How often a Secret that others change at the same time is read again.
const TRIES: usize = 20;
/// How long is waited before.
const PAUSE: Duration = Duration::from_millis(50);

/// What there is, and what had to be done for it.
#[derive(Debug)]
pub struct Initialized {
    /// What was done.
    pub outcome: Outcome,
    /// The certificate.
    pub pair: Pair,
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The Secret was not there.
    Created,
    /// The Secret was there without certificates.
    Completed,
    /// The certificate was near its end, or for another Service; the CA is the same.
    Renewed,
    /// The certificate was near its end, and its CA too or without a key: both are new, and the old CA is trusted as well
    /// until its end.
    Replaced,
    /// Nothing.
    Unchanged,
}

/// Makes the certificates where they are not there, and renews them where they are near their end.
///
/// # Errors
/// [`CertificateError`]; nothing was changed then.
pub async fn init(client: &Client, spec: &Spec, now: SystemTime) -> Result<Initialized, CertificateError> {
    let secrets: Api<Secret> = Api::namespaced(client.clone(), &spec.namespace);
    for _ in 0..TRIES {
        let read = secrets.get_opt(&spec.secret).await;
        let Some(there) = read.map_err(|error| refused("get", spec, &error))? else {
            let kept = fresh(spec, now)?;
            match secrets.create(&PostParams::default(), &secret::new(spec, &kept)).await {
                Ok(_) => return Ok(Initialized { outcome: Outcome::Created, pair: kept.pair }),
                Err(error) if cluster::is_conflict(&error) => continue,
                Err(error) => return Err(refused("create", spec, &error).into()),
            }
        };
        let (outcome, kept) = match due(secret::found(&there, spec, now)?, spec, now)? {
            Due::Nothing(pair) => return Ok(Initialized { outcome: Outcome::Unchanged, pair }),
            Due::Write(outcome, kept) => (outcome, kept),
        };
        if swap(&secrets, there, &kept, spec).await? {
            return Ok(Initialized { outcome, pair: kept.pair });
        }
        tokio::time::sleep(PAUSE).await;
    }
    Err(CertificateError::Contended { place: spec.place() })
}

/// A new certificate where the one that is there is near its end; none where it is not. It does what [`init`] does, so a
/// Secret that was lost meanwhile is made again.
///
/// # Errors
/// [`CertificateError`]; nothing was changed then.
pub async fn renew(client: &Client, spec: &Spec, now: SystemTime) -> Result<Initialized, CertificateError> {
    init(client, spec, now).await
}

/// The CAs that an API server has to trust now, whoever of us wrote them; none where there is no Secret or nothing in it.
///
/// # Errors
/// What the API server says.
pub async fn bundle(client: &Client, spec: &Spec) -> Result<Option<String>, ClusterError> {
    let secrets: Api<Secret> = Api::namespaced(client.clone(), &spec.namespace);
    let read = secrets.get_opt(&spec.secret).await;
    let there = read.map_err(|error| refused("get", spec, &error))?;
    let bytes = there.and_then(|secret| secret.data).and_then(|mut data| data.remove(CA_CERTIFICATE));
    Ok(bytes.and_then(|bytes| String::from_utf8(bytes.0).ok()).filter(|text| !text.is_empty()))
}

/// Writes the certificates under the version that was read; says whether nobody was faster.
async fn swap(secrets: &Api<Secret>, mut there: Secret, kept: &Kept, spec: &Spec) -> Result<bool, CertificateError> {
    if there.immutable != Some(true) {
        secret::fill(&mut there, kept);
        return was_first("update", secrets.replace(&spec.secret, &PostParams::default(), &there).await, spec);
    }
    if !secret::holds_only_certificates(&there) {
        return Err(CertificateError::Immutable { place: spec.place() });
    }
    // It can't be changed (KEP-1412), so it is replaced; only the very object that was read.
    let new = secret::in_place_of(there.clone(), spec, kept);
    may_be_made(secrets, &new, spec).await?;
    let preconditions =
        Preconditions { uid: there.metadata.uid.clone(), resource_version: there.metadata.resource_version.clone() };
    let params = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() };
    if !was_first("delete", secrets.delete(&spec.secret, &params).await, spec)? {
        return Ok(false);
    }
    was_first("create", secrets.create(&PostParams::default(), &new).await, spec)
}

/// Whether a Secret may be made where one stands: whoever deleted that and may not would have lost it. A dry run says so, since
/// rights and quotas are looked at before the name is.
async fn may_be_made(secrets: &Api<Secret>, new: &Secret, spec: &Spec) -> Result<(), ClusterError> {
    let dry = PostParams { dry_run: true, ..PostParams::default() };
    match secrets.create(&dry, new).await.map_err(|error| refused("create", spec, &error)) {
        Err(forbidden @ ClusterError::Forbidden { .. }) => Err(forbidden),
        // That it stands there is what is expected.
        Ok(_) | Err(_) => Ok(()),
    }
}

fn was_first<T>(verb: &'static str, done: kube::Result<T>, spec: &Spec) -> Result<bool, CertificateError> {
    match done {
        Ok(_) => Ok(true),
        Err(error) if cluster::is_conflict(&error) || cluster::is_missing(&error) => Ok(false),
        Err(error) => Err(refused(verb, spec, &error).into()),
    }
}

fn refused(verb: &'static str, spec: &Spec, error: &kube::Error) -> ClusterError {
    ClusterError::asked(verb, "secrets", &spec.secret, Some(&spec.namespace), error)
}
