//! The Secret as it is read and written. What is not ours in it stays: other keys, labels, annotations, owners.

use super::make::Authority;
use super::read::{Distrust, each, is_key_of, lifetime, trusts};
use super::{CA_CERTIFICATE, CA_KEY, CERTIFICATE, CertificateError, KEY, Pair, Spec};
use crate::tls::Certificates;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use std::collections::BTreeMap;
use std::time::SystemTime;
use zeroize::Zeroizing;

/// The type of our Secret, which is also that of Flyte's.
const TYPE: &str = "Opaque";
/// Who takes care of it.
pub(super) const MANAGED_BY: (&str, &str) = ("app.kubernetes.io/managed-by", "keybearer");

/// Marks what we have written into: where it holds nonsense later, that is made good.
const MARK: (&str, &str) = ("keybearer.dev/certificates", "made");

/// While a CA is being replaced: the next one, which is published and has signed nothing yet.
const NEXT_CERTIFICATE: &str = "ca-next.crt";
/// Its key.
const NEXT_KEY: &str = "ca-next.key";
/// After that: the CAs that are to go as soon as nobody serves a certificate of theirs.
const LEAVING: &str = "ca-leaving.crt";

/// A pair, and the CA's key where that is kept: Flyte throws it away.
#[derive(Clone)]
pub(crate) struct Kept {
    pub(crate) pair: Pair,
    pub(crate) ca_key: Option<Zeroizing<String>>,
    /// The CA that is published beside the one in use and will be used next.
    pub(crate) next: Option<Authority>,
    /// The CAs of the bundle that are to go, as PEM.
    pub(crate) leaving: Option<String>,
}

/// What the Secret holds of ours.
pub(crate) enum Found {
    Nothing,
    /// A pair that an API server trusts.
    Kept(Kept),
    /// The same, but for another Service; its CA's key is there.
    ForOthers(Kept),
}

/// What may still be good in a Secret that can't be used.
pub(super) struct Remains {
    pub(super) ca: String,
    pub(super) ca_key: Option<Zeroizing<String>>,
}

/// What is left in one that can't be used.
pub(super) fn remains(secret: &Secret) -> Remains {
    let get = |key| String::from_utf8(secret.data.as_ref()?.get(key)?.0.clone()).ok();
    Remains { ca: get(CA_CERTIFICATE).unwrap_or_default(), ca_key: get(CA_KEY).map(Zeroizing::new) }
}

/// Whether we have written into it.
pub(super) fn is_marked(secret: &Secret) -> bool {
    let annotations = secret.metadata.annotations.as_ref();
    annotations.is_some_and(|annotations| annotations.get(MARK.0).is_some_and(|value| value == MARK.1))
}

/// Reads the Secret.
///
/// # Errors
/// [`CertificateError`] where it is somebody else's, or can't be used.
pub(crate) fn found(secret: &Secret, spec: &Spec, now: SystemTime) -> Result<Found, CertificateError> {
    if let Some(type_) = secret.type_.as_deref().filter(|type_| *type_ != TYPE) {
        return Err(CertificateError::Type { place: spec.place(), type_: type_.to_owned() });
    }
    let get = |key: &'static str| -> Result<Option<Zeroizing<String>>, CertificateError> {
        let Some(ByteString(bytes)) = secret.data.as_ref().and_then(|data| data.get(key)) else { return Ok(None) };
        if bytes.is_empty() {
            return Ok(None);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| foreign(spec, key, "it is no PEM"))?;
        Ok(Some(Zeroizing::new(text.to_owned())))
    };
    let (ca, ca_key) = (get(CA_CERTIFICATE)?, get(CA_KEY)?);
    match (ca, get(CERTIFICATE)?, get(KEY)?) {
        (None, None, None) if ca_key.is_none() => Ok(Found::Nothing),
        (Some(ca), Some(certificate), Some(key)) => {
            let pair = Pair { ca: ca.to_string(), certificate: certificate.to_string(), key };
            let (next, leaving) = under_way(secret, &pair);
            checked(Kept { pair, ca_key, next, leaving }, spec, now)
        }
        (ca, certificate, _) => {
            let missing = if ca.is_none() {
                CA_CERTIFICATE
            } else if certificate.is_none() {
                CERTIFICATE
            } else {
                KEY
            };
            Err(foreign(spec, missing, "it is not there, but others of the four are"))
        }
    }
}

/// What is under way with the CA. What makes no sense is as if it were not there: it keeps nobody from serving or renewing.
fn under_way(secret: &Secret, pair: &Pair) -> (Option<Authority>, Option<String>) {
    let get = |key: &str| {
        let bytes = secret.data.as_ref()?.get(key)?;
        String::from_utf8(bytes.0.clone()).ok().filter(|text| !text.is_empty()).map(Zeroizing::new)
    };
    let is_published = |ca: &str| each(&pair.ca).skip(1).any(|published| each(ca).next() == Some(published));
    let next = get(NEXT_CERTIFICATE).zip(get(NEXT_KEY));
    let next = next.filter(|(ca, key)| is_published(ca) && is_key_of(key, ca) == Ok(true));
    let next = next.map(|(ca, key)| Authority { certificate: ca.to_string(), key });
    let in_use = each(&pair.ca).next().unwrap_or_default();
    let leaving = get(LEAVING).filter(|leaving| each(leaving).all(|ca| ca != in_use) && each(leaving).next().is_some());
    match next {
        Some(next) => (Some(next), None),
        None => (None, leaving.map(|leaving| leaving.to_string())),
    }
}

fn checked(kept: Kept, spec: &Spec, now: SystemTime) -> Result<Found, CertificateError> {
    let pair = &kept.pair;
    let usable = Certificates::default().set(pair.certificate.as_bytes(), pair.key.as_bytes(), (CERTIFICATE, KEY));
    usable.map_err(|error| foreign(spec, CERTIFICATE, error.to_string()))?;
    lifetime(&pair.ca).map_err(|reason| foreign(spec, CA_CERTIFICATE, reason))?;
    if let Some(key) = &kept.ca_key
        && !is_key_of(key, &pair.ca).map_err(|reason| foreign(spec, CA_KEY, reason))?
    {
        return Err(foreign(spec, CA_KEY, "it is not the key of the certificate in `ca.crt`"));
    }
    let name = &spec.names()[2];
    match trusts(pair, name, now) {
        Ok(()) => Ok(Found::Kept(kept)),
        Err(Distrust::OtherName) if kept.ca_key.is_some() => Ok(Found::ForOthers(kept)),
        Err(Distrust::OtherName) => Err(foreign(spec, CERTIFICATE, format!("it is not for `{name}`"))),
        Err(Distrust::OtherCa) => Err(foreign(spec, CERTIFICATE, "no CA in `ca.crt` has signed it")),
        Err(Distrust::Other(reason)) => Err(foreign(spec, CERTIFICATE, reason)),
    }
}

pub(super) fn foreign(spec: &Spec, key: &'static str, reason: impl Into<String>) -> CertificateError {
    CertificateError::Foreign { place: spec.place(), key, reason: reason.into() }
}

/// Whether nothing but certificates is in it.
pub(super) fn holds_only_certificates(secret: &Secret) -> bool {
    let ours = [CA_CERTIFICATE, CA_KEY, CERTIFICATE, KEY, NEXT_CERTIFICATE, NEXT_KEY, LEAVING];
    secret.data.iter().flatten().all(|(key, _)| ours.contains(&key.as_str()))
}

/// Puts certificates into one that is there.
pub(super) fn fill(secret: &mut Secret, kept: &Kept) {
    let there = secret.data.get_or_insert_default();
    // A key of a CA that is out of use must not stay.
    for key in [CA_KEY, NEXT_CERTIFICATE, NEXT_KEY, LEAVING] {
        there.remove(key);
    }
    there.extend(data(kept));
    mark(&mut secret.metadata);
}

fn mark(metadata: &mut ObjectMeta) {
    metadata.annotations.get_or_insert_default().insert(MARK.0.to_owned(), MARK.1.to_owned());
}

/// A new Secret.
pub(super) fn new(spec: &Spec, kept: &Kept) -> Secret {
    let mut secret = Secret { data: Some(data(kept)), ..empty(spec) };
    mark(&mut secret.metadata);
    secret
}

/// A new Secret with nothing in it.
pub(super) fn empty(spec: &Spec) -> Secret {
    let mut metadata = ObjectMeta {
        name: Some(spec.secret.clone()),
        namespace: Some(spec.namespace.clone()),
        ..ObjectMeta::default()
    };
    metadata.labels.get_or_insert_default().insert(MANAGED_BY.0.to_owned(), MANAGED_BY.1.to_owned());
    Secret { metadata, type_: Some(TYPE.to_owned()), ..Secret::default() }
}

/// A new Secret in place of one that can't be changed (KEP-1412), with what others wrote on that.
pub(super) fn in_place_of(old: Secret, spec: &Spec, kept: &Kept) -> Secret {
    let mut secret = new(spec, kept);
    secret.metadata.annotations.get_or_insert_default().extend(old.metadata.annotations.unwrap_or_default());
    secret.metadata.owner_references = old.metadata.owner_references;
    let labels = secret.metadata.labels.get_or_insert_default();
    for (name, value) in old.metadata.labels.into_iter().flatten() {
        labels.entry(name).or_insert(value);
    }
    secret
}

fn data(Kept { pair, ca_key, next, leaving }: &Kept) -> BTreeMap<String, ByteString> {
    let bytes = |text: &str| ByteString(text.as_bytes().to_vec());
    let mut data = BTreeMap::from([
        (CA_CERTIFICATE.to_owned(), bytes(&pair.ca)),
        (CERTIFICATE.to_owned(), bytes(&pair.certificate)),
        (KEY.to_owned(), bytes(&pair.key)),
    ]);
    if let Some(key) = ca_key {
        data.insert(CA_KEY.to_owned(), bytes(key));
    }
    if let Some(next) = next {
        data.insert(NEXT_CERTIFICATE.to_owned(), bytes(&next.certificate));
        data.insert(NEXT_KEY.to_owned(), bytes(&next.key));
    }
    if let Some(leaving) = leaving {
        data.insert(LEAVING.to_owned(), bytes(leaving));
    }
    data
}
