//! The Secret of the certificates: made, completed, renewed, always under the version that was read.

use super::due::{Due, due, lost};
use super::secret::{self, Found, Kept};
use super::{CertificateError, Pair, Spec};
use crate::cluster::{self, ClusterError};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions};
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
    /// What was wrong with the Secret, where it could not be used as it was.
    pub wrong: Option<String>,
}

/// What is known besides the Secret, for when that is lost or holds something that can't be served.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known<'a> {
    /// What is served: it came from the Secret, and is put back.
    pub served: Option<&'a Pair>,
    /// The CAs that the API server was told to trust, as PEM: a new one does not take their place, so that whoever still serves
    /// theirs stays trusted.
    pub published: &'a str,
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
    /// The Secret was lost, or could not be used: what is served is in it again.
    Restored,
    /// The Secret was one of ours and could not be used: it has a new CA and certificate.
    Remade,
    /// The Secret has a pair of another CA, which is to be served: that of what is served now is trusted as well.
    Joined,
    /// Nothing.
    Unchanged,
}

/// Makes the certificates where they are not there, and renews them where they are near their end.
///
/// # Errors
/// [`CertificateError`]; nothing was changed then.
pub async fn init(client: &Client, spec: &Spec, now: SystemTime) -> Result<Initialized, CertificateError> {
    renew(client, spec, Known::default(), now).await
}

/// The same for a server: what it serves is put back where the Secret was lost or holds something that can't be served, and
/// stays trusted where somebody put another CA there.
///
/// # Errors
/// [`CertificateError`]; nothing was changed then.
pub async fn renew(
    client: &Client,
    spec: &Spec,
    known: Known<'_>,
    now: SystemTime,
) -> Result<Initialized, CertificateError> {
    let secrets: Api<Secret> = Api::namespaced(client.clone(), &spec.namespace);
    let mut was_lost = false;
    for _ in 0..TRIES {
        let read = secrets.get_opt(&spec.secret).await;
        let Some(there) = read.map_err(|error| refused("get", spec, &error))? else {
            was_lost = true;
            let (outcome, kept) = lost(spec, known, None, Outcome::Created, now)?;
            match secrets.create(&PostParams::default(), &secret::new(spec, &kept)).await {
                Ok(_) => {
                    let wrong = known.served.map(|_| format!("{} was lost", spec.place()));
                    return Ok(Initialized { outcome, pair: kept.pair, wrong });
                }
                Err(error) if cluster::is_conflict(&error) => {}
                Err(error) => make_empty(&secrets, spec, &error).await?,
            }
            continue;
        };
        let mut wrong = None;
        let (outcome, kept) = match secret::found(&there, spec, now) {
            // That something is served which was read from it is proof enough that it is ours; so is our mark.
            Err(error @ CertificateError::Foreign { .. }) if known.served.is_some() || secret::is_marked(&there) => {
                wrong = Some(error.to_string());
                lost(spec, known, Some(secret::remains(&there)), Outcome::Remade, now)?
            }
            found => {
                let found = found?;
                if matches!(found, Found::Nothing) && known.served.is_some() {
                    let what = if was_lost { "was lost" } else { "was emptied" };
                    wrong = Some(format!("{} {what}", spec.place()));
                }
                match due(found, spec, known, now)? {
                    Due::Nothing(pair) => return Ok(Initialized { outcome: Outcome::Unchanged, pair, wrong: None }),
                    Due::Write(outcome, kept) => (outcome, kept),
                }
            }
        };
        if swap(&secrets, there, &kept, spec).await? {
            return Ok(Initialized { outcome, pair: kept.pair, wrong });
        }
        tokio::time::sleep(PAUSE).await;
    }
    Err(CertificateError::Contended { place: spec.place() })
}

/// Makes an empty Secret by apply, which names it: RBAC can limit that to the name, and not a POST. Who does it twice changes
/// nothing, and nobody's data is touched.
async fn make_empty(secrets: &Api<Secret>, spec: &Spec, refusal: &kube::Error) -> Result<(), CertificateError> {
    let refusal = refused("create", spec, refusal);
    if !matches!(refusal, ClusterError::Forbidden { .. }) {
        return Err(refusal.into());
    }
    let empty = secret::empty(spec);
    match secrets.patch(&spec.secret, &PatchParams::apply(secret::MANAGED_BY.1), &Patch::Apply(&empty)).await {
        Ok(_) => Ok(()),
        Err(_) => Err(refusal.into()),
    }
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
