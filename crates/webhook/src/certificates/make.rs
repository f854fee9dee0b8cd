//! A CA, and certificates of it (RFC 5280), with ECDSA P-256 keys.
//!
//! A serial number is a hash of the certificate's own new key, and so as random as that: two CAs of one name never share
//! one. RFC 5280, 4.1.2.2, asks for no more.

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
/// The longest common name (ub-common-name of RFC 5280, appendix A.1).
const MAX_COMMON_NAME: usize = 64;

/// A CA's certificate and key, as PEM.
#[derive(Clone)]
pub struct Authority {
    /// The certificate.
    pub certificate: String,
    /// The key.
    pub key: Zeroizing<String>,
}

/// Makes a CA, which can sign serving certificates and nothing else (RFC 5280, 4.2.1.3 and 4.2.1.9).
///
/// # Errors
/// What rcgen says.
pub fn make_authority(spec: &Spec, now: SystemTime) -> Result<Authority, rcgen::Error> {
    let mut params = CertificateParams::default();
    params.distinguished_name = name(&[
        &format!("keybearer CA of {}.{}", spec.service, spec.namespace),
        &format!("keybearer CA of {}", spec.service),
        "keybearer CA",
    ]);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_before = begin(now, spec.ca_life);
    params.not_after = OffsetDateTime::from(now + spec.ca_life);
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
    params.distinguished_name = name(&[&names[2], "keybearer webhook"]);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    // Tells CAs of one name apart: without it a verifier tries the wrong one and says so (flyteorg/flyte#4050).
    params.use_authority_key_identifier_extension = true;
    params.not_before = begin(now, spec.leaf_life);
    params.not_after = OffsetDateTime::from((now + spec.leaf_life).min(ca_ends));
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, &issuer)?.pem();
    Ok(Pair { ca: authority.certificate.clone(), certificate, key: Zeroizing::new(key.serialize_pem()) })
}

/// An hour back; less for a certificate that lives so shortly that it would be near its end at once.
fn begin(now: SystemTime, life: Duration) -> OffsetDateTime {
    OffsetDateTime::from(now - BEFORE.min(life / 2))
}

/// The first of these that is short enough for a common name.
fn name(candidates: &[&str]) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::OrganizationName, "keybearer");
    if let Some(common) = candidates.iter().find(|candidate| candidate.len() <= MAX_COMMON_NAME) {
        name.push(DnType::CommonName, *common);
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificates::sample::spec;
    use crate::certificates::{CA_LIFE, LEAF_LIFE, lifetime};
    use rustls_pki_types::CertificateDer;
    use rustls_pki_types::pem::PemObject;
    use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

    fn made(spec: &Spec) -> (Authority, Pair) {
        let now = SystemTime::now();
        let authority = make_authority(spec, now).unwrap();
        let pair = make_leaf(spec, &authority, now + spec.ca_life, now).unwrap();
        (authority, pair)
    }

    fn look<T>(pem: &str, see: impl FnOnce(&X509Certificate<'_>) -> T) -> T {
        let der = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
        see(&X509Certificate::from_der(&der).unwrap().1)
    }

    #[test]
    fn the_ca_is_one_signs_certificates_and_tells_the_install() {
        let (authority, _) = made(&spec());
        look(&authority.certificate, |ca| {
            assert_eq!(ca.subject().to_string(), "O=keybearer, CN=keybearer CA of flyte-pod-webhook.flyte");
            assert_eq!(ca.subject(), ca.issuer());
            let constraints = ca.basic_constraints().unwrap().unwrap().value;
            assert!(constraints.ca && constraints.path_len_constraint == Some(0));
            let usage = ca.key_usage().unwrap().unwrap().value;
            assert!(usage.key_cert_sign() && usage.crl_sign() && !usage.digital_signature());
            ca.verify_signature(None).unwrap();
        });
    }

    #[test]
    fn the_leaf_serves_under_the_services_names_and_signs_nothing() {
        let (authority, pair) = made(&spec());
        let issuer_key = look(&authority.certificate, |ca| ca.public_key().raw.to_vec());
        look(&pair.certificate, |leaf| {
            assert_eq!(leaf.subject().to_string(), "O=keybearer, CN=flyte-pod-webhook.flyte.svc");
            let names = leaf.subject_alternative_name().unwrap().unwrap();
            let names: Vec<_> = names.value.general_names.iter().collect();
            assert_eq!(
                names,
                spec()
                    .names()
                    .iter()
                    .map(|name| GeneralName::DNSName(name))
                    .collect::<Vec<_>>()
                    .iter()
                    .collect::<Vec<_>>()
            );
            assert!(leaf.basic_constraints().unwrap().is_none_or(|constraints| !constraints.value.ca));
            let usage = leaf.key_usage().unwrap().unwrap().value;
            assert!(usage.digital_signature() && !usage.key_cert_sign());
            let extended = leaf.extended_key_usage().unwrap().unwrap().value;
            assert!(extended.server_auth && !extended.client_auth);
            let key = x509_parser::x509::SubjectPublicKeyInfo::from_der(&issuer_key).unwrap().1;
            leaf.verify_signature(Some(&key)).unwrap();
        });
        assert!(pair.key.starts_with("-----BEGIN PRIVATE KEY-----"), "the key is not PKCS#8");
    }

    #[test]
    fn a_long_name_is_in_the_sans_alone() {
        let long = Spec { service: "s".repeat(63), namespace: "n".repeat(63), ..spec() };
        let (authority, pair) = made(&long);
        look(&authority.certificate, |ca| assert_eq!(ca.subject().to_string(), "O=keybearer, CN=keybearer CA"));
        look(&pair.certificate, |leaf| {
            assert_eq!(leaf.subject().to_string(), "O=keybearer, CN=keybearer webhook");
            assert_eq!(leaf.subject_alternative_name().unwrap().unwrap().value.general_names.len(), 4);
        });
    }

    #[test]
    fn serials_are_positive_short_and_differ() {
        let (one, other) = (made(&spec()), made(&spec()));
        let serial = |pem: &str| look(pem, |certificate| certificate.raw_serial().to_vec());
        let mut serials: Vec<_> = [&one.0.certificate, &other.0.certificate, &one.1.certificate, &other.1.certificate]
            .map(|pem| serial(pem))
            .into();
        assert!(serials.iter().all(|serial| serial.len() <= 20 && serial[0] < 0x80), "{serials:?}");
        serials.sort();
        serials.dedup();
        assert_eq!(serials.len(), 4);
    }

    #[test]
    fn a_leaf_lasts_thirty_days_and_never_longer_than_its_ca() {
        let now = SystemTime::now();
        let (authority, leaf) = made(&spec());
        let whole =
            |pem: &str| lifetime(pem).map(|life| life.not_after.duration_since(life.not_before).unwrap().as_secs());
        assert_eq!(whole(&leaf.certificate), Ok((LEAF_LIFE + BEFORE).as_secs()));
        assert_eq!(whole(&authority.certificate), Ok((CA_LIFE + BEFORE).as_secs()));
        let short = make_leaf(&spec(), &authority, now + Duration::from_secs(60), now).unwrap();
        assert_eq!(whole(&short.certificate), Ok(60 + BEFORE.as_secs()));
    }

    #[test]
    fn a_short_lived_leaf_is_not_near_its_end_at_once() {
        let now = SystemTime::now();
        let (_, leaf) = made(&Spec { leaf_life: Duration::from_secs(30), ..spec() });
        let life = lifetime(&leaf.certificate).unwrap();
        assert!(!life.is_near_its_end(now));
        assert!(life.is_near_its_end(now + Duration::from_secs(25)));
    }

    #[test]
    fn no_key_is_printed() {
        assert!(!format!("{:?}", made(&spec()).1).contains("PRIVATE"));
    }
}
