use super::*;
use crate::certificates::due::{Due, due, fresh};
use crate::certificates::sample::spec;
use crate::certificates::{CA_LIFE, Found, Outcome, Pair, found, is_trusted, secret};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// What another reads of what is written.
fn again(kept: &Kept, now: SystemTime) -> Kept {
    match found(&secret::new(&spec(), kept), &spec(), now) {
        Ok(Found::Kept(kept)) => kept,
        _ => panic!("it can't be read"),
    }
}

fn cas(pem: &str) -> Vec<&str> {
    each(pem).collect()
}

/// What a look of the server makes of it at a time.
fn look(kept: &Kept, now: SystemTime) -> (Outcome, Kept) {
    match due(Found::Kept(kept.clone()), &spec(), crate::certificates::Known::default(), now).unwrap() {
        Due::Nothing(_) => (Outcome::Unchanged, kept.clone()),
        Due::Write(outcome, kept) => (outcome, kept),
    }
}

#[test]
fn each_step_leaves_the_leaf_of_before_trusted_and_the_last_leaves_one_ca() {
    let now = SystemTime::now();
    let resting = fresh(&spec(), now).unwrap();
    let published = again(&published(&spec(), &resting, now).unwrap(), now);
    assert_eq!((cas(&published.pair.ca).len(), &published.pair.certificate), (2, &resting.pair.certificate));
    assert_eq!(published.ca_key, resting.ca_key);
    let switched = again(&switched(&spec(), &published, now).unwrap().unwrap(), now);
    assert_ne!(switched.pair.certificate, resting.pair.certificate);
    let mut reversed = cas(&published.pair.ca);
    reversed.reverse();
    assert_eq!(cas(&switched.pair.ca), reversed);
    assert_eq!(cas(switched.leaving.as_deref().unwrap()), cas(&resting.pair.ca));
    for pair in [&resting.pair, &switched.pair] {
        assert!(is_trusted(pair, &published.pair.ca, &spec()) && is_trusted(pair, &switched.pair.ca, &spec()));
    }
    let dropped = again(&dropped(&switched), now);
    assert_eq!(cas(&dropped.pair.ca), [cas(&switched.pair.ca)[0]]);
    assert!(
        is_trusted(&dropped.pair, &dropped.pair.ca, &spec()) && !is_trusted(&resting.pair, &dropped.pair.ca, &spec())
    );
    assert!(dropped.next.is_none() && dropped.leaving.is_none());
}

#[test]
fn no_key_of_a_ca_that_is_out_of_use_stays_in_the_secret() {
    let now = SystemTime::now();
    let resting = fresh(&spec(), now).unwrap();
    let mut written = secret::new(&spec(), &resting);
    let published = published(&spec(), &resting, now).unwrap();
    secret::fill(&mut written, &published);
    let switched = switched(&spec(), &published, now).unwrap().unwrap();
    secret::fill(&mut written, &switched);
    secret::fill(&mut written, &dropped(&switched));
    let keys: Vec<_> = written.data.unwrap().into_iter().map(|(key, value)| (key, value.0)).collect();
    let names: Vec<&str> = keys.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(names, ["ca.crt", "ca.key", "tls.crt", "tls.key"]);
    let old = resting.ca_key.unwrap();
    assert!(keys.iter().all(|(_, value)| value != old.as_bytes()));
}

#[test]
fn a_leaf_that_is_renewed_meanwhile_is_one_of_the_ca_that_is_in_use() {
    let now = SystemTime::now();
    let resting = fresh(&spec(), now).unwrap();
    let published = published(&spec(), &resting, now).unwrap();
    let (outcome, renewed) = look(&published, now + 25 * DAY);
    assert_eq!((outcome, cas(&renewed.pair.ca)), (Outcome::Renewed, cas(&published.pair.ca)));
    let old = Pair { ca: resting.pair.ca.clone(), ..renewed.pair.clone() };
    assert!(is_trusted(&old, &resting.pair.ca, &spec()), "it is not the old CA's");
    // The rotation goes on from there.
    let switched = switched(&spec(), &again(&renewed, now + 25 * DAY), now + 25 * DAY).unwrap().unwrap();
    let (outcome, renewed) = look(&switched, now + 50 * DAY);
    assert_eq!((outcome, &renewed.leaving), (Outcome::Renewed, &switched.leaving));
    assert!(is_trusted(&renewed.pair, &dropped(&renewed).pair.ca, &spec()));
}

#[test]
fn one_that_was_forgotten_until_the_old_ca_ends_goes_on_with_the_ca_that_is_published() {
    let now = SystemTime::now();
    let resting = fresh(&spec(), now).unwrap();
    let late = now + CA_LIFE - 40 * DAY;
    let published = published(&spec(), &resting, late).unwrap();
    let (_, leaf) = look(&published, late);
    let (outcome, kept) = look(&leaf, late + 25 * DAY);
    assert_eq!(outcome, Outcome::Replaced);
    assert_eq!(cas(&kept.pair.ca)[0], cas(&published.next.unwrap().certificate)[0]);
    // Without the key of the old CA, too: Flyte throws that away.
    let (_, kept) = look(&Kept { ca_key: None, ..leaf.clone() }, late + 25 * DAY);
    assert_eq!(cas(&kept.pair.ca)[0], cas(&leaf.next.unwrap().certificate)[0]);
}

#[test]
fn what_is_under_way_and_makes_no_sense_keeps_nobody_from_serving() {
    let now = SystemTime::now();
    let (resting, other) = (fresh(&spec(), now).unwrap(), fresh(&spec(), now).unwrap());
    let published = published(&spec(), &resting, now).unwrap();
    for change in [
        // Not in the bundle, another's key, and nothing that could be read.
        &|kept: &mut Kept| kept.pair.ca.clone_from(&resting.pair.ca),
        &|kept: &mut Kept| kept.next.as_mut().unwrap().key = other.ca_key.clone().unwrap(),
        &|kept: &mut Kept| "hello".clone_into(&mut kept.next.as_mut().unwrap().certificate),
    ] as [&dyn Fn(&mut Kept); 3]
    {
        let mut kept = published.clone();
        change(&mut kept);
        assert!(again(&kept, now).next.is_none());
    }
    let kept = Kept { leaving: Some(resting.pair.ca.clone()), ..resting };
    assert!(again(&kept, now).leaving.is_none(), "the CA in use can't go");
}
