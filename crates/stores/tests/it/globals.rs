//! Global's values: the webhook's own environment, and the Secrets that are mounted into its pod.

use crate::planned::secret;
use admission::config::GlobalLookup;
use admission::{Config, Globals, Identity, PodView, Values};
use secret::{Mount, Secret};
use serde_json::json;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use stores::load_globals;

fn lookup(folder: &Path) -> GlobalLookup {
    GlobalLookup { secrets_prefix: folder.to_str().unwrap().to_owned(), env_prefix: "FLYTE_SECRET_".to_owned() }
}

/// The value that a pod in Flyte's dialect gets of these.
fn given(globals: &Globals, folder: &Path, asked: &Secret) -> Option<Vec<u8>> {
    let text = format!(
        "compat: flyte-v2\nwebhook: {{secretManagerType: Global}}\nsecrets: {{secrets-prefix: {}}}",
        folder.display()
    );
    let config = Config::parse(&text, "test").unwrap();
    let annotations: serde_json::Map<_, _> = secret::write(std::slice::from_ref(asked), secret::Spelling::Flyte)
        .unwrap()
        .into_iter()
        .map(|(name, value)| (name, value.into()))
        .collect();
    let pod = json!({"metadata": {"annotations": annotations}, "spec": {"containers": [{"name": "main"}]}}).to_string();
    let who = Identity { namespace: "default", service_account: "default" };
    let plan = admission::plan(&PodView::parse(&pod).unwrap(), &who, &config, globals).ok()?;
    Values::inline(&plan, globals, &config.global).get(0).map(<[u8]>::to_vec)
}

fn found(folder: &Path, group: &str, key: &str) -> Option<Vec<u8>> {
    given(&load_globals(&lookup(folder)).unwrap(), folder, &secret(group, key, Mount::EnvVar))
}

#[test]
fn files_are_found_by_group_and_key() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("team/db")).unwrap();
    fs::write(dir.path().join("team/db/password"), "s3cret\n").unwrap();
    fs::write(dir.path().join("team/token"), "abc").unwrap();
    assert_eq!(found(dir.path(), "team/db", "password"), Some(b"s3cret\n".to_vec()), "byte for byte");
    assert_eq!(found(dir.path(), "team", "token"), Some(b"abc".to_vec()));
    assert_eq!(found(dir.path(), "team", "other"), None);
    assert_eq!(found(dir.path(), "team/../team", "token"), None);
    assert_eq!(found(&dir.path().join("team"), "..", "token"), None);
}

#[test]
fn a_secret_volume_is_read_through_its_links() {
    // As the kubelet lays it out: `..data` names the newest of the folders that hold the files.
    let dir = tempfile::tempdir().unwrap();
    let volume = dir.path().join("team");
    fs::create_dir_all(volume.join("..2026_01_01")).unwrap();
    fs::write(volume.join("..2026_01_01/token"), "abc").unwrap();
    symlink("..2026_01_01", volume.join("..data")).unwrap();
    symlink("..data/token", volume.join("token")).unwrap();
    symlink("..data/gone", volume.join("gone")).unwrap();
    assert_eq!(found(dir.path(), "team", "token"), Some(b"abc".to_vec()));
    assert_eq!(found(dir.path(), "team", "gone"), None, "a link to nowhere is no file");
    assert_eq!(found(dir.path(), "team/..data", "token"), None, "the kubelet's own folders are not groups");
}

#[test]
fn what_no_secret_can_be_is_left_out() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("a")).unwrap();
    fs::write(dir.path().join("a/fits"), vec![b'x'; 1 << 20]).unwrap();
    fs::write(dir.path().join("a/large"), vec![b'x'; (1 << 20) + 1]).unwrap();
    assert_eq!(found(dir.path(), "a", "fits").map(|value| value.len()), Some(1 << 20));
    assert_eq!(found(dir.path(), "a", "large"), None);
    // A pipe would never end.
    assert!(Command::new("mkfifo").arg(dir.path().join("a/pipe")).status().unwrap().success());
    assert_eq!(found(dir.path(), "a", "pipe"), None);
    fs::create_dir_all(dir.path().join("1/2/3/4/5/6/7/8/9")).unwrap();
    fs::write(dir.path().join("1/2/3/4/5/6/7/8/9/deep"), "x").unwrap();
    assert_eq!(found(dir.path(), "1/2/3/4/5/6/7/8/9", "deep"), None);
}

#[test]
fn a_folder_that_is_not_there_has_none_and_one_that_can_not_be_read_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(found(&dir.path().join("nowhere"), "a", "b"), None);
    fs::write(dir.path().join("file"), "x").unwrap();
    let error = load_globals(&lookup(&dir.path().join("file"))).err().unwrap().to_string();
    assert!(error.starts_with("`secrets-prefix`: can't read `") && error.contains("/file`: "), "{error}");
    // A link to itself can't be read, by root either.
    fs::create_dir(dir.path().join("group")).unwrap();
    symlink("self", dir.path().join("group/self")).unwrap();
    let error = load_globals(&lookup(dir.path())).err().unwrap().to_string();
    assert!(error.contains("group/self"), "{error}");
}

#[test]
fn folders_in_a_circle_come_to_an_end() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("key"), "x").unwrap();
    symlink(".", dir.path().join("again")).unwrap();
    assert_eq!(found(dir.path(), "again", "key"), Some(b"x".to_vec()));
}

#[test]
fn thousands_of_files_are_too_many() {
    let dir = tempfile::tempdir().unwrap();
    for index in 0..=10_000 {
        fs::File::create(dir.path().join(format!("k{index}"))).unwrap();
    }
    let error = load_globals(&lookup(dir.path())).err().unwrap().to_string();
    assert!(error.contains("holds more than 10000 files"), "{error}");
}
