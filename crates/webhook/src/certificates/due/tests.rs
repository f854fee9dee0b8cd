use super::*;
use crate::certificates::read::each;
use crate::certificates::sample::spec;
use crate::certificates::{CA_KEY, CA_LIFE, KEY, is_trusted, secret};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// What a start does with what another wrote.
fn start(secret: &Secret, spec: &Spec, now: SystemTime) -> Result<(Outcome, Kept), CertificateError> {
    Ok(match due(secret::found(secret, spec, now)?, spec, Known::default(), now)? {
        Due::Nothing(pair) => (Outcome::Unchanged, Kept { pair, ca_key: None, next: None, leaving: None }),
        Due::Write(outcome, kept) => (outcome, kept),
    })
}

fn made(spec: &Spec, now: SystemTime) -> (Secret, Kept) {
    let kept = fresh(spec, now).unwrap();
    (secret::new(spec, &kept), kept)
}

fn without(mut secret: Secret, key: &str) -> Secret {
    secret.data.as_mut().unwrap().remove(key);
    secret
}

fn with(mut secret: Secret, key: &str, value: &str) -> Secret {
    secret.data.as_mut().unwrap().insert(key.to_owned(), ByteString(value.as_bytes().to_vec()));
    secret
}

#[test]
fn two_thirds_of_a_leafs_life_nothing_is_done() {
    let now = SystemTime::now();
    let (secret, _) = made(&spec(), now);
    assert_eq!(start(&secret, &spec(), now + 19 * DAY).unwrap().0, Outcome::Unchanged);
    assert_eq!(start(&secret, &spec(), now + 21 * DAY).unwrap().0, Outcome::Renewed);
    assert_eq!(start(&secret, &spec(), now + 400 * DAY).unwrap().0, Outcome::Renewed);
}

#[test]
fn a_ca_signs_leaves_until_no_whole_one_fits() {
    let now = SystemTime::now();
    let (secret, old) = made(&spec(), now);
    let (outcome, kept) = start(&secret, &spec(), now + CA_LIFE - 31 * DAY).unwrap();
    assert_eq!((outcome, &kept.pair.ca), (Outcome::Renewed, &bundle(&old.pair.ca, "", now)));
    assert_eq!(start(&secret, &spec(), now + CA_LIFE - 29 * DAY).unwrap().0, Outcome::Replaced);
}

#[test]
fn after_a_change_of_ca_both_leaves_are_trusted_and_the_old_ca_goes_when_it_is_over() {
    let now = SystemTime::now();
    let (secret, old) = made(&spec(), now);
    let late = now + CA_LIFE - 29 * DAY;
    let (_, new) = start(&secret, &spec(), late).unwrap();
    assert_eq!(each(&new.pair.ca).count(), 2);
    let name = &spec().names()[2];
    for pair in [&new.pair, &Pair { ca: new.pair.ca.clone(), ..old.pair.clone() }] {
        trusts(pair, name, late).unwrap();
    }
    // A replica that finds it has to wait, too: what is published may be the old bundle still.
    assert!(!is_trusted(&new.pair, &old.pair.ca, &spec()) && is_trusted(&new.pair, &new.pair.ca, &spec()));
    // The next leaf is the new CA's, which stands first.
    let later = late + 30 * DAY;
    let (outcome, third) = start(&secret::new(&spec(), &new), &spec(), later).unwrap();
    assert_eq!(outcome, Outcome::Renewed);
    assert_eq!(each(&third.pair.ca).collect::<Vec<_>>(), [each(&new.pair.ca).next().unwrap()]);
    assert_eq!(third.ca_key, new.ca_key);
}

#[test]
fn without_the_cas_key_it_is_used_and_then_replaced() {
    let now = SystemTime::now();
    let (secret, old) = made(&spec(), now);
    let flytes = without(secret, CA_KEY);
    assert_eq!(start(&flytes, &spec(), now).unwrap().0, Outcome::Unchanged);
    let (outcome, new) = start(&flytes, &spec(), now + 25 * DAY).unwrap();
    assert_eq!(outcome, Outcome::Replaced);
    assert!(new.ca_key.is_some() && new.pair.ca.contains(each(&old.pair.ca).next().unwrap()));
}

#[test]
fn a_leaf_as_long_as_its_ca_is_replaced_with_it() {
    let now = SystemTime::now();
    let propeller = Spec { leaf_life: CA_LIFE, ..spec() };
    let (secret, _) = made(&propeller, now);
    assert_eq!(start(&secret, &propeller, now + CA_LIFE / 2).unwrap().0, Outcome::Unchanged);
    assert_eq!(start(&secret, &propeller, now + CA_LIFE / 10 * 7).unwrap().0, Outcome::Replaced);
    // Ours, then started as Flyte's program: the CA has most of its life left.
    let (secret, _) = made(&spec(), now);
    let (outcome, kept) = start(&secret, &propeller, now + 25 * DAY).unwrap();
    assert_eq!(outcome, Outcome::Renewed);
    assert!(lifetime(&kept.pair.certificate).unwrap().left(now) > CA_LIFE / 2);
}

#[test]
fn another_service_gets_another_leaf_of_the_same_ca() {
    let now = SystemTime::now();
    let (secret, old) = made(&spec(), now);
    let renamed = Spec { service: "other".into(), ..spec() };
    let (outcome, kept) = start(&secret, &renamed, now).unwrap();
    assert_eq!((outcome, each(&kept.pair.ca).next()), (Outcome::Renewed, each(&old.pair.ca).next()));
    // Without the key there is no way but another Secret.
    let error = start(&without(secret, CA_KEY), &renamed, now).err().unwrap();
    assert!(error.to_string().contains("`tls.crt`: it is not for `other.flyte.svc`"), "{error}");
}

#[test]
fn what_can_not_be_used_is_named_by_its_key() {
    let now = SystemTime::now();
    let ((secret, _), (_, other)) = (made(&spec(), now), made(&spec(), now));
    let tls = Secret { type_: Some("kubernetes.io/tls".into()), ..secret.clone() };
    for (secret, part) in [
        (tls, "is of type `kubernetes.io/tls`"),
        (without(secret.clone(), KEY), "`tls.key`: it is not there"),
        (without(secret.clone(), CERTIFICATE), "`tls.crt`: it is not there"),
        (with(secret.clone(), KEY, &other.pair.key), "does not match the key in `tls.key`"),
        (with(secret.clone(), CERTIFICATE, "hello"), "`tls.crt`"),
        (with(secret.clone(), CA_CERTIFICATE, "hello"), "`ca.crt`: it is no certificate"),
        (with(secret.clone(), CA_KEY, "hello"), "`ca.key`: it is no private key"),
        (with(secret.clone(), CA_KEY, other.ca_key.as_deref().unwrap()), "`ca.key`: it is not the key of"),
        (with(without(secret, CA_KEY), CA_CERTIFICATE, &other.pair.ca), "`tls.crt`: no CA in `ca.crt` has signed it"),
    ] {
        let error = start(&secret, &spec(), now).err().unwrap();
        let text = error.to_string();
        assert!(text.contains(part), "{text} has no {part}");
        assert!(
            text.contains("Secret `flyte-pod-webhook` in namespace `flyte`") && !text.contains("PRIVATE"),
            "{text}"
        );
        assert!(error.hint().is_some());
    }
}

#[test]
fn what_others_wrote_on_an_immutable_one_stays() {
    let (mut old, kept) = made(&spec(), SystemTime::now());
    old.immutable = Some(true);
    old.metadata.uid = Some("u".into());
    old.metadata.resource_version = Some("1".into());
    old.metadata.labels = Some([("team".to_owned(), "data".to_owned())].into());
    old.metadata.annotations = Some([("note".to_owned(), "kept".to_owned())].into());
    let new = secret::in_place_of(old, &spec(), &kept);
    assert_eq!(new.metadata.labels.as_ref().unwrap()["team"], "data");
    assert_eq!(new.metadata.labels.unwrap()["app.kubernetes.io/managed-by"], "keybearer");
    assert_eq!(new.metadata.annotations.unwrap()["note"], "kept");
    assert_eq!((new.immutable, new.metadata.uid, new.metadata.resource_version), (None, None, None));
}

/// What a server that serves a pair does with what it finds.
fn while_served(secret: &Secret, served: &Pair, now: SystemTime) -> (Outcome, Kept) {
    let known = Known { served: Some(served), published: "" };
    match due(secret::found(secret, &spec(), now).unwrap(), &spec(), known, now).unwrap() {
        Due::Nothing(pair) => (Outcome::Unchanged, Kept { pair, ca_key: None, next: None, leaving: None }),
        Due::Write(outcome, kept) => (outcome, kept),
    }
}

#[test]
fn what_is_served_is_put_back_into_a_secret_that_was_emptied() {
    let now = SystemTime::now();
    let (secret, kept) = made(&spec(), now);
    let mut empty = secret.clone();
    empty.data = None;
    let (outcome, restored) = while_served(&empty, &kept.pair, now);
    assert_eq!((outcome, &restored.pair), (Outcome::Restored, &kept.pair));
    // The CA's key is lost with the Secret, and the pair is used until it is near its end.
    assert!(restored.ca_key.is_none());
    let (outcome, renewed) = while_served(&empty, &kept.pair, now + 25 * DAY);
    assert_eq!(outcome, Outcome::Replaced);
    assert!(is_trusted(&kept.pair, &renewed.pair.ca, &spec()));
}

#[test]
fn the_cas_key_stays_where_only_something_else_can_not_be_used() {
    let now = SystemTime::now();
    let (secret, kept) = made(&spec(), now);
    let known = Known { served: Some(&kept.pair), published: "" };
    let broken = with(secret.clone(), CERTIFICATE, "nonsense");
    let (outcome, restored) = lost(&spec(), known, Some(secret::remains(&broken)), Outcome::Remade, now).unwrap();
    assert_eq!((outcome, &restored.pair, &restored.ca_key), (Outcome::Restored, &kept.pair, &kept.ca_key));
    let (_, other) = made(&spec(), now);
    let foreign = with(secret, CA_KEY, other.ca_key.as_deref().unwrap());
    let (_, restored) = lost(&spec(), known, Some(secret::remains(&foreign)), Outcome::Remade, now).unwrap();
    assert!(restored.ca_key.is_none());
}

#[test]
fn a_new_ca_leaves_those_trusted_that_are_published_or_left_in_the_secret() {
    let now = SystemTime::now();
    let (secret, left) = made(&spec(), now);
    let (_, published) = made(&spec(), now);
    let known = Known { served: None, published: &published.pair.ca };
    let broken = with(secret, CERTIFICATE, "nonsense");
    let (outcome, remade) = lost(&spec(), known, Some(secret::remains(&broken)), Outcome::Remade, now).unwrap();
    assert_eq!(outcome, Outcome::Remade);
    assert!([&left.pair, &published.pair].iter().all(|pair| is_trusted(pair, &remade.pair.ca, &spec())));
}

#[test]
fn a_pair_of_another_ca_does_not_take_trust_from_what_is_served() {
    let now = SystemTime::now();
    let (_, served) = made(&spec(), now);
    let (secret, theirs) = made(&spec(), now);
    let (outcome, joined) = while_served(&secret, &served.pair, now);
    assert_eq!((outcome, &joined.pair.certificate), (Outcome::Joined, &theirs.pair.certificate));
    assert!([&served.pair, &theirs.pair].iter().all(|pair| is_trusted(pair, &joined.pair.ca, &spec())));
    // Found again it is as it should be, and a rotation is to drop the old one.
    let again = secret::new(&spec(), &joined);
    assert_eq!(while_served(&again, &served.pair, now).0, Outcome::Unchanged);
    assert_eq!(each(joined.leaving.as_deref().unwrap()).next(), each(&served.pair.ca).next());
    // One that has ended itself needs no trust.
    let over = now + CA_LIFE;
    let (secret, _) = made(&spec(), over);
    assert_eq!(while_served(&secret, &served.pair, over).0, Outcome::Unchanged);
}
