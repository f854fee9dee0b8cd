//! The Secret of the certificates: made, completed, renewed, always under the version that was read.

use super::due::{Due, due, fresh};
use super::secret::{self, Found, Kept};
use super::{CertificateError, Pair, Spec};
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

/// The certificate that the Secret holds now, whoever of us wrote it; none where there is no Secret, or none of ours that can
/// be used.
///
/// # Errors
/// What the API server says.
pub async fn read(client: &Client, spec: &Spec) -> Result<Option<Pair>, ClusterError> {
    let secrets: Api<Secret> = Api::namespaced(client.clone(), &spec.namespace);
    let read = secrets.get_opt(&spec.secret).await;
    let there = read.map_err(|error| refused("get", spec, &error))?;
    Ok(match there.map(|there| secret::found(&there, spec, SystemTime::now())) {
        Some(Ok(Found::Kept(kept))) => Some(kept.pair),
        // Until it is made anew or mended, what was there last still counts.
        Some(Ok(Found::Nothing | Found::ForOthers(_)) | Err(_)) | None => None,
    })
}

/// The Secret as it was read, and what is in it.
pub(crate) struct Written {
    there: Secret,
    pub(crate) kept: Kept,
}

/// The Secret and what is in it; none where there is no Secret, or nothing in it.
pub(crate) async fn find(client: &Client, spec: &Spec, now: SystemTime) -> Result<Option<Written>, CertificateError> {
    let secrets: Api<Secret> = Api::namespaced(client.clone(), &spec.namespace);
    let read = secrets.get_opt(&spec.secret).await;
    let Some(there) = read.map_err(|error| refused("get", spec, &error))? else { return Ok(None) };
    match secret::found(&there, spec, now)? {
        Found::Nothing => Ok(None),
        Found::Kept(kept) => Ok(Some(Written { there, kept })),
        Found::ForOthers(_) => {
            let reason = format!("it is not for `{}`", spec.names()[2]);
            Err(secret::foreign(spec, super::CERTIFICATE, reason))
        }
    }
}

/// Writes another state in place of the one that was read; says whether nobody was faster.
pub(crate) async fn write_back(
    client: &Client,
    spec: &Spec,
    read: Written,
    kept: &Kept,
) -> Result<bool, CertificateError> {
    let secrets: Api<Secret> = Api::namespaced(client.clone(), &spec.namespace);
    swap(&secrets, read.there, kept, spec).await
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
