//! From a plan to its values, on a laptop.

use crate::planned::{plan, secret};
use admission::Manager;
use secret::{Mount, Secret, shorthand};
use std::time::SystemTime;
use stores::{Local, LocalStore, Location, Origin, Stores, fetch};

fn local(list: &[(&str, &str, &str)]) -> Stores {
    let mut local = Local::default();
    for (group, key, value) in list {
        assert!(local.insert(group, key, value.as_bytes().to_vec()));
    }
    Stores { local }
}

#[test]
fn a_value_answers_every_version() {
    let stores = local(&[("a", "b", "value")]);
    for version in ["", "1", "2026-01-01"] {
        let plan = plan(&[Secret { group_version: version.to_owned(), ..secret("a", "b", Mount::Any) }]);
        assert_eq!(fetch(&plan, &stores).unwrap().get(0), Some(&b"value"[..]));
    }
}

#[test]
fn any_group_may_be_given() {
    let groups = ["arn:aws:secretsmanager:us-east-2:1:secret:x", "https://vault.example.com/kv", "a b", "A/B/C"];
    for group in groups {
        let plan = plan(&[secret(group, "key", Mount::EnvVar)]);
        assert_eq!(fetch(&plan, &local(&[(group, "key", "value")])).unwrap().get(0), Some(&b"value"[..]), "{group}");
    }
}

#[test]
fn names_are_compared_as_they_are_spelled() {
    let plan = plan(&[secret("Team", "Key", Mount::Any)]);
    assert!(fetch(&plan, &local(&[("team", "key", "value")])).is_err());
    assert!(fetch(&plan, &local(&[("Team", "Key", "value")])).is_ok());
}

#[test]
fn every_miss_is_named_and_not_only_the_first() {
    let plan = plan(&[secret("a", "b", Mount::Any), secret("c", "d", Mount::File), secret("e", "f", Mount::EnvVar)]);
    let error = fetch(&plan, &local(&[("c", "d", "canary")])).err().unwrap();
    assert_eq!(error.misses.iter().map(|miss| miss.asked.clone()).collect::<Vec<_>>(), [[Manager::Local]; 2]);
    let message = error.to_string();
    assert_eq!(message, "secret `a/b`: not found (asked: Local)\nsecret `e/f`: not found (asked: Local)");
    assert!(!format!("{error:?}").contains("canary"));
}

#[test]
fn a_second_value_for_the_same_is_told() {
    let mut local = Local::default();
    assert!(local.insert("a", "b", b"1".to_vec()));
    assert!(!local.insert("a", "b", b"2".to_vec()));
    assert!(local.insert("a/b", "", b"3".to_vec()));
    assert_eq!(local.given().collect::<Vec<_>>(), [("a", "b"), ("a/b", "")]);
}

#[test]
fn what_is_given_goes_before_what_is_kept_and_a_broken_store_is_told_only_where_it_is_asked() {
    let dir = tempfile::tempdir().unwrap();
    let location = Location { file: dir.path().join("s"), identity: dir.path().join("i") };
    let store = LocalStore::at(location.clone());
    let keep = |name: &str, value: &str| {
        let (secret, value) = (shorthand::parse_name(name).unwrap(), value.as_bytes().to_vec());
        store.change(|content| content.set(&secret, value.into(), SystemTime::now())).unwrap();
    };
    keep("a/b", "kept");
    keep("c/d", "kept");
    keep("c/d@2", "second");
    keep("c/e@2", "second");
    let local = || {
        let mut local = Local::with_store(Some(store.clone()));
        local.insert("a", "b", b"given".to_vec());
        Stores { local }
    };
    let pinned = Secret { group_version: "2".to_owned(), ..secret("c", "d", Mount::Any) };
    let plan_of = |list: &[Secret]| plan(list);
    let values = fetch(&plan_of(&[secret("a", "b", Mount::Any), pinned]), &local()).unwrap();
    assert_eq!((values.get(0), values.get(1)), (Some(&b"given"[..]), Some(&b"second"[..])));
    let stores = local();
    let found = |group: &str, key: &str, version: &str| stores.local.get(group, key, version).map(|(_, origin)| origin);
    assert_eq!(found("a", "b", "7"), Some(Origin::Given));
    assert_eq!(found("c", "d", ""), Some(Origin::Store));
    assert_eq!(found("c", "e", ""), None);
    assert_eq!(stores.local.keys_of("c").into_iter().collect::<Vec<_>>(), ["d"]);
    assert!(stores.local.failure().is_none());

    std::fs::write(&location.file, "damaged").unwrap();
    let stores = local();
    assert!(fetch(&plan_of(&[secret("a", "b", Mount::Any)]), &stores).is_ok());
    assert!(stores.local.failure().is_none());
    assert!(fetch(&plan_of(&[secret("c", "d", Mount::Any)]), &stores).is_err());
    assert!(stores.local.failure().is_some());
}
