use super::*;
use crate::certificates::sample::spec;
use crate::certificates::{CA_LIFE, LEAF_LIFE, make_authority, make_leaf};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod,
    KeyUsagePurpose, PKCS_RSA_SHA256, RsaKeySize,
};
use zeroize::Zeroizing;

fn ours(now: SystemTime) -> Pair {
    let authority = make_authority(&spec(), now).unwrap();
    make_leaf(&spec(), &authority, now + CA_LIFE, now).unwrap()
}

/// As Flyte's `init-certs` makes them: RSA, a CA without a common name, uses that don't fit, one key identifier for all.
fn flytes() -> Pair {
    let named = |common: Option<&str>| {
        let mut name = DistinguishedName::new();
        name.push(DnType::OrganizationName, "flyte.org");
        if let Some(common) = common {
            name.push(DnType::CommonName, common);
        }
        name
    };
    let key = || KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
    let uses = vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
    let mut ca = CertificateParams::default();
    ca.distinguished_name = named(None);
    ca.serial_number = Some(2021.into());
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyCertSign];
    ca.extended_key_usages.clone_from(&uses);
    let ca_key = key();
    let ca_pem = ca.self_signed(&ca_key).unwrap().pem();
    let mut leaf = CertificateParams::new(spec().names()[..3].to_vec()).unwrap();
    leaf.distinguished_name = named(Some("flyte-pod-webhook.flyte.svc"));
    leaf.serial_number = Some(1658.into());
    leaf.key_identifier_method = KeyIdMethod::PreSpecified(vec![1, 2, 3, 4, 6]);
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    leaf.extended_key_usages = uses;
    let leaf_key = key();
    let certificate = leaf.signed_by(&leaf_key, &Issuer::new(ca, ca_key)).unwrap().pem();
    Pair { ca: ca_pem, certificate, key: Zeroizing::new(leaf_key.serialize_pem()) }
}

#[test]
fn an_api_server_trusts_the_pair_for_each_name_and_no_other() {
    let now = SystemTime::now();
    let pair = ours(now);
    for name in spec().names() {
        trusts(&pair, &name, now).unwrap();
    }
    for name in ["other.flyte.svc", "flyte-pod-webhook.other.svc", "localhost"] {
        assert_eq!(trusts(&pair, name, now), Err(Distrust::OtherName), "{name}");
    }
}

#[test]
fn flytes_certificates_are_trusted_as_they_are() {
    trusts(&flytes(), "flyte-pod-webhook.flyte.svc", SystemTime::now()).unwrap();
}

#[test]
fn another_ca_is_told_from_another_name_also_where_both_cas_have_one_name() {
    let now = SystemTime::now();
    let (one, other) = (ours(now), ours(now));
    let name = &spec().names()[2];
    let mixed = Pair { ca: other.ca.clone(), ..one.clone() };
    assert_eq!(trusts(&mixed, name, now), Err(Distrust::OtherCa));
    for both in [format!("{}{}", one.ca, other.ca), format!("{}\n{}", other.ca, one.ca)] {
        assert_eq!(each(&both).count(), 2);
        trusts(&Pair { ca: both, ..one.clone() }, name, now).unwrap();
    }
}

#[test]
fn a_pair_whose_time_is_over_is_still_of_its_ca() {
    let now = SystemTime::now();
    trusts(&ours(now), &spec().names()[2], now + LEAF_LIFE * 3).unwrap();
}

#[test]
fn a_key_is_told_from_another() {
    let authority = make_authority(&spec(), SystemTime::now()).unwrap();
    let other = make_authority(&spec(), SystemTime::now()).unwrap();
    assert_eq!(is_key_of(&authority.key, &authority.certificate), Ok(true));
    assert_eq!(is_key_of(&other.key, &authority.certificate), Ok(false));
    assert!(is_key_of("hello", &authority.certificate).is_err());
    assert!(is_key_of(&authority.key, "hello").is_err());
}
