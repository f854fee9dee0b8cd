//! A CA, and certificates of it (RFC 5280), with ECDSA P-256 keys.

use super::{Pair, Spec};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use std::time::{Duration, SystemTime};
use time::OffsetDateTime;
use zeroize::Zeroizing;

/// How far back a certificate begins, for clocks that are behind.
const BEFORE: Duration = Duration::from_secs(3600);
/// The longest common name (ub-common-name of RFC 5280).
const MAX_COMMON_NAME: usize = 64;

/// A CA's certificate and key, as PEM.
#[derive(Clone)]
pub struct Authority {
    /// The certificate.
    pub certificate: String,
    /// The key.
    pub key: Zeroizing<String>,
}

/// Makes a CA.
///
/// # Errors
/// What rcgen says.
pub fn make_authority(spec: &Spec, now: SystemTime) -> Result<Authority, rcgen::Error> {
    let mut params = CertificateParams::default();
    params.distinguished_name = name(&format!("keybearer CA of {}", spec.service));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
    params.not_before = time_of(now - BEFORE);
    params.not_after = time_of(now + spec.ca_life);
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?.pem();
    Ok(Authority { certificate, key: Zeroizing::new(key.serialize_pem()) })
}

/// Makes a serving certificate of a CA, which ends no later than the CA does.
///
/// # Errors
/// What rcgen says of the CA or the names.
pub fn make_leaf(
    spec: &Spec,
    authority: &Authority,
    ca_ends: SystemTime,
    now: SystemTime,
) -> Result<Pair, rcgen::Error> {
    let key = KeyPair::from_pem(&authority.key)?;
    let issuer = Issuer::from_ca_cert_pem(&authority.certificate, key)?;
    let names = spec.names();
    let mut params = CertificateParams::new(names.to_vec())?;
    let common = if names[2].len() <= MAX_COMMON_NAME { &names[2] } else { "keybearer webhook" };
    params.distinguished_name = name(common);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    params.not_before = time_of(now - BEFORE);
    params.not_after = time_of((now + spec.leaf_life).min(ca_ends));
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, &issuer)?.pem();
    Ok(Pair { ca: authority.certificate.clone(), certificate, key: Zeroizing::new(key.serialize_pem()) })
}

fn name(common: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::OrganizationName, "keybearer");
    name.push(DnType::CommonName, common);
    name
}

fn time_of(time: SystemTime) -> OffsetDateTime {
    OffsetDateTime::from(time)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificates::{CA_LIFE, LEAF_LIFE, lifetime};
    use crate::tls::Certificates;
    use rustls_pki_types::pem::PemObject;
    use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
    use std::sync::Arc;

    fn spec() -> Spec {
        Spec {
            secret: "s".into(),
            namespace: "flyte".into(),
            service: "flyte-pod-webhook".into(),
            ca_life: CA_LIFE,
            leaf_life: LEAF_LIFE,
        }
    }

    #[test]
    fn an_api_server_trusts_the_chain_for_each_name_and_no_other() {
        let now = SystemTime::now();
        let authority = make_authority(&spec(), now).unwrap();
        let pair = make_leaf(&spec(), &authority, now + CA_LIFE, now).unwrap();
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(pair.ca.as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier =
            rustls::client::WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
        let leaf = CertificateDer::from_pem_slice(pair.certificate.as_bytes()).unwrap();
        let verify = |name: &str| {
            use rustls::client::danger::ServerCertVerifier;
            verifier.verify_server_cert(
                &leaf,
                &[],
                &ServerName::try_from(name.to_owned()).unwrap(),
                &[],
                UnixTime::now(),
            )
        };
        for name in spec().names() {
            verify(&name).unwrap();
        }
        assert!(verify("other.flyte.svc").is_err());
        Certificates::default().set(pair.certificate.as_bytes(), pair.key.as_bytes(), ("tls.crt", "tls.key")).unwrap();
    }

    #[test]
    fn a_leaf_lasts_thirty_days_and_never_longer_than_its_ca() {
        let now = SystemTime::now();
        let authority = make_authority(&spec(), now).unwrap();
        let whole =
            |life: crate::certificates::Lifetime| life.not_after.duration_since(life.not_before).unwrap().as_secs();
        let leaf = make_leaf(&spec(), &authority, now + CA_LIFE, now).unwrap();
        assert_eq!(whole(lifetime(&leaf.certificate).unwrap()), (LEAF_LIFE + BEFORE).as_secs());
        let short = make_leaf(&spec(), &authority, now + Duration::from_secs(60), now).unwrap();
        assert_eq!(whole(lifetime(&short.certificate).unwrap()), 60 + BEFORE.as_secs());
        assert_eq!(whole(lifetime(&authority.certificate).unwrap()), (CA_LIFE + BEFORE).as_secs());
    }

    #[test]
    fn no_key_is_printed() {
        let now = SystemTime::now();
        let authority = make_authority(&spec(), now).unwrap();
        let pair = make_leaf(&spec(), &authority, now + CA_LIFE, now).unwrap();
        assert!(!format!("{pair:?}").contains("PRIVATE"));
    }
}
