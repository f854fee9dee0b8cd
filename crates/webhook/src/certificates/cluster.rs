//! The Secret of the certificates: made, completed, renewed, always under the version that was read.

use super::make::{Authority, make_authority, make_leaf};
use super::read::lifetime;
use super::{CA_CERTIFICATE, CA_KEY, CERTIFICATE, CertificateError, KEY, Pair, Spec};
use crate::cluster::{self, ClusterError};
use crate::tls::Certificates;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{DeleteParams, PostParams, Preconditions};
use kube::{Api, Client};
use std::collections::BTreeMap;
use std::time::SystemTime;
use zeroize::Zeroizing;

/// How often a Secret that others change at the same time is read again.
const TRIES: usize = 20;
/// How long is waited before.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(50);

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
    /// The certificate was near its end.
    Renewed,
    /// Nothing.
    Unchanged,
}

/// What the Secret holds of ours.
enum Found {
    Nothing,
    /// A pair, and the CA's key where that is kept.
    Pair(Pair, Option<Zeroizing<String>>),
}

/// Makes the certificates where they are not there, and renews them where they are near their end.
///
/// # Errors
/// [`CertificateError`]; nothing was changed then.
pub async fn init(client: &Client, spec: &Spec, now: SystemTime) -> Result<Initialized, CertificateError> {
    let secrets: Api<Secret> = Api::namespaced(client.clone(), &spec.namespace);
    for _ in 0..TRIES {
        let read = secrets.get_opt(&spec.secret).await;
        let Some(secret) = read.map_err(|error| refused("get", spec, error))? else {
            let pair = fresh(spec, now)?;
            match secrets.create(&PostParams::default(), &new_secret(spec, &pair)).await {
                Ok(_) => return Ok(Initialized { outcome: Outcome::Created, pair: pair.0 }),
                Err(error) if cluster::is_conflict(&error) => continue,
                Err(error) => return Err(refused("create", spec, error).into()),
            }
        };
        let (outcome, pair) = match found(&secret, spec)? {
            Found::Nothing => (Outcome::Completed, fresh(spec, now)?),
            Found::Pair(pair, ca_key) => {
                let ends = leaf_life(&pair, spec)?;
                if !ends.is_near_its_end(now) {
                    return Ok(Initialized { outcome: Outcome::Unchanged, pair });
                }
                (Outcome::Renewed, renewed(spec, &pair, ca_key, now)?)
            }
        };
        if swap(&secrets, secret, &pair, spec).await? {
            return Ok(Initialized { outcome, pair: pair.0 });
        }
        tokio::time::sleep(PAUSE).await;
    }
    Err(CertificateError::Contended { place: spec.place() })
}

/// A new certificate where the one that is there is near its end; none where it is not.
///
/// # Errors
/// [`CertificateError`]; nothing was changed then.
pub async fn renew(client: &Client, spec: &Spec, now: SystemTime) -> Result<Initialized, CertificateError> {
    init(client, spec, now).await
}

/// A new CA and a certificate of it.
fn fresh(spec: &Spec, now: SystemTime) -> Result<(Pair, Option<Zeroizing<String>>), CertificateError> {
    let authority = make_authority(spec, now)?;
    let pair = make_leaf(spec, &authority, now + spec.ca_life, now)?;
    Ok((pair, Some(authority.key)))
}

/// A new certificate of the same CA, as long as the CA can sign and has time left; else everything anew.
fn renewed(
    spec: &Spec,
    pair: &Pair,
    ca_key: Option<Zeroizing<String>>,
    now: SystemTime,
) -> Result<(Pair, Option<Zeroizing<String>>), CertificateError> {
    let ca = lifetime(&pair.ca).map_err(|reason| foreign(spec, CA_CERTIFICATE, reason))?;
    match ca_key {
        Some(key) if !ca.is_near_its_end(now) => {
            let authority = Authority { certificate: pair.ca.clone(), key };
            let pair = make_leaf(spec, &authority, ca.not_after, now)?;
            Ok((pair, Some(authority.key)))
        }
        Some(_) | None => fresh(spec, now),
    }
}

fn leaf_life(pair: &Pair, spec: &Spec) -> Result<super::Lifetime, CertificateError> {
    lifetime(&pair.certificate).map_err(|reason| foreign(spec, CERTIFICATE, reason))
}

fn foreign(spec: &Spec, key: &'static str, reason: impl Into<String>) -> CertificateError {
    CertificateError::Foreign { place: spec.place(), key, reason: reason.into() }
}

fn found(secret: &Secret, spec: &Spec) -> Result<Found, CertificateError> {
    let get = |key: &'static str| -> Result<Option<Zeroizing<String>>, CertificateError> {
        let Some(ByteString(bytes)) = secret.data.as_ref().and_then(|data| data.get(key)) else { return Ok(None) };
        if bytes.is_empty() {
            return Ok(None);
        }
        let text = String::from_utf8(bytes.clone()).map_err(|_| foreign(spec, key, "it is no PEM"))?;
        Ok(Some(Zeroizing::new(text)))
    };
    let (ca, ca_key) = (get(CA_CERTIFICATE)?, get(CA_KEY)?);
    match (ca, get(CERTIFICATE)?, get(KEY)?) {
        (None, None, None) if ca_key.is_none() => Ok(Found::Nothing),
        (Some(ca), Some(certificate), Some(key)) => {
            let checked = Certificates::default().set(certificate.as_bytes(), key.as_bytes(), (CERTIFICATE, KEY));
            checked.map_err(|error| foreign(spec, CERTIFICATE, error.to_string()))?;
            lifetime(&ca).map_err(|reason| foreign(spec, CA_CERTIFICATE, reason))?;
            Ok(Found::Pair(Pair { ca: ca.to_string(), certificate: certificate.to_string(), key }, ca_key))
        }
        (ca, certificate, _) => {
            let missing = if ca.is_none() {
                CA_CERTIFICATE
            } else if certificate.is_none() {
                CERTIFICATE
            } else {
                KEY
            };
            Err(foreign(spec, missing, "it is not there, but the others are"))
        }
    }
}

/// Writes the certificates under the version that was read; says whether nobody was faster.
async fn swap(
    secrets: &Api<Secret>,
    mut secret: Secret,
    made: &(Pair, Option<Zeroizing<String>>),
    spec: &Spec,
) -> Result<bool, CertificateError> {
    let written = if secret.immutable == Some(true) {
        let ours = [CA_CERTIFICATE, CA_KEY, CERTIFICATE, KEY];
        let only_ours = secret.data.iter().flatten().all(|(key, _)| ours.contains(&key.as_str()));
        if !only_ours {
            return Err(CertificateError::Immutable { place: spec.place() });
        }
        // It can't be changed, so it is replaced; only the very object that was read.
        let preconditions = Preconditions {
            uid: secret.metadata.uid.clone(),
            resource_version: secret.metadata.resource_version.clone(),
        };
        let params = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() };
        match secrets.delete(&spec.secret, &params).await {
            Err(error) if cluster::is_conflict(&error) || cluster::is_missing(&error) => return Ok(false),
            Err(error) => return Err(refused("delete", spec, error).into()),
            Ok(_) => secrets.create(&PostParams::default(), &new_secret(spec, made)).await,
        }
    } else {
        secret.data.get_or_insert_default().extend(data(made));
        secrets.replace(&spec.secret, &PostParams::default(), &secret).await
    };
    match written {
        Ok(_) => Ok(true),
        Err(error) if cluster::is_conflict(&error) || cluster::is_missing(&error) => Ok(false),
        Err(error) => Err(refused("update", spec, error).into()),
    }
}

fn new_secret(spec: &Spec, made: &(Pair, Option<Zeroizing<String>>)) -> Secret {
    let labels = [("app.kubernetes.io/managed-by".to_owned(), "keybearer".to_owned())];
    Secret {
        metadata: ObjectMeta {
            name: Some(spec.secret.clone()),
            namespace: Some(spec.namespace.clone()),
            labels: Some(labels.into()),
            ..ObjectMeta::default()
        },
        type_: Some("Opaque".to_owned()),
        data: Some(data(made)),
        ..Secret::default()
    }
}

fn data((pair, ca_key): &(Pair, Option<Zeroizing<String>>)) -> BTreeMap<String, ByteString> {
    let bytes = |text: &str| ByteString(text.as_bytes().to_vec());
    let mut data = BTreeMap::from([
        (CA_CERTIFICATE.to_owned(), bytes(&pair.ca)),
        (CERTIFICATE.to_owned(), bytes(&pair.certificate)),
        (KEY.to_owned(), bytes(&pair.key)),
    ]);
    if let Some(key) = ca_key {
        data.insert(CA_KEY.to_owned(), bytes(key));
    }
    data
}

fn refused(verb: &'static str, spec: &Spec, error: kube::Error) -> ClusterError {
    ClusterError::asked(verb, "secrets", &spec.secret, Some(&spec.namespace), error)
}
