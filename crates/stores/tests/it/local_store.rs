//! The local store: what is put there is found again, and whatever is wrong with its files is said and loses nothing.

use admission::Value;
use secrecy::ExposeSecret;
use secret::{Secret, shorthand};
use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, SystemTime};
use stores::{LocalStore, Location, StoreError};
use tempfile::TempDir;

const CANARY: &str = "canary-Zq7Lw0";

struct Place {
    dir: TempDir,
    store: LocalStore,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = store_at(&dir.path().join("data/keybearer/secrets.age"));
        Self { dir, store }
    }

    /// With one secret, whose value is the canary.
    fn with_a_secret() -> Self {
        let place = Self::new();
        place.set("db/password", CANARY);
        place
    }

    fn path(&self, below: &str) -> PathBuf {
        self.dir.path().join(below)
    }

    fn file(&self) -> PathBuf {
        self.path("data/keybearer/secrets.age")
    }

    fn identity(&self) -> PathBuf {
        self.path("data/keybearer/identity.txt")
    }

    fn set(&self, name: &str, value: &str) {
        set(&self.store, name, value.as_bytes()).unwrap();
    }

    /// The error of reading and of changing, which is the same, and the store's file is as before.
    fn fails(&self) -> StoreError {
        let before = fs::read(self.file()).ok();
        let error = self.store.read().err().expect("the store can be read");
        let other = set(&self.store, "other/key", b"other").unwrap_err();
        assert_eq!(error.to_string(), other.to_string());
        assert_eq!(fs::read(self.file()).ok(), before);
        assert!(!format!("{error} {error:?} {:?}", error.hint()).contains(CANARY));
        error
    }
}

fn store_at(file: &Path) -> LocalStore {
    LocalStore::at(Location { file: file.to_owned(), identity: file.with_file_name("identity.txt") })
}

fn named(name: &str) -> Secret {
    shorthand::parse_name(name).unwrap()
}

fn set(store: &LocalStore, name: &str, value: &[u8]) -> Result<bool, StoreError> {
    store.change(|content| content.set(&named(name), value.to_vec().into(), SystemTime::now()))
}

fn get(store: &LocalStore, name: &str) -> Option<Vec<u8>> {
    let content = store.read().unwrap()?;
    content.get(&named(name)).map(|kept| kept.value.expose_secret().to_vec())
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn what_is_kept_is_found_again() {
    let place = Place::new();
    assert!(place.store.read().unwrap().is_none());
    let every_byte: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let names =
        ["db/password", "db/password@3", "arn:aws:s3:::x/y/k", "/k", "g/", "é/\u{1}\"\\\n", "g/joe@example.com@"];
    for (index, name) in names.iter().enumerate() {
        assert!(!set(&place.store, name, &every_byte[index..]).unwrap());
    }
    assert!(!set(&place.store, "g/empty", b"").unwrap());
    for (index, name) in names.iter().enumerate() {
        assert_eq!(get(&place.store, name).as_deref(), Some(&every_byte[index..]), "{name}");
    }
    assert_eq!(get(&place.store, "g/empty"), Some(Vec::new()));
    assert_eq!(get(&place.store, "db/password@4"), None);
    assert!(set(&place.store, "db/password", b"new").unwrap());
    assert_eq!(get(&place.store, "db/password").unwrap(), b"new");
    let deleted = |name: &str| place.store.change(|content| content.delete(&named(name))).unwrap();
    assert!(deleted("db/password"));
    assert!(!deleted("db/password"));
    assert_eq!(place.store.read().unwrap().unwrap().iter().count(), names.len());
}

#[test]
fn a_version_is_answered_by_its_own_value_and_else_by_the_one_for_all() {
    let place = Place::new();
    let answer = |version: &str| {
        let content = place.store.read().unwrap().unwrap();
        content.answer("db", "password", version).map(|value: &Value| value.expose_secret().to_vec())
    };
    place.set("db/password@3", "three");
    assert_eq!(answer("3").unwrap(), b"three");
    assert_eq!(answer(""), None);
    assert_eq!(answer("4"), None);
    place.set("db/password", "all");
    assert_eq!(answer("3").unwrap(), b"three");
    assert_eq!(answer("").unwrap(), b"all");
    assert_eq!(answer("4").unwrap(), b"all");
}

#[test]
fn nobody_else_can_read_it_and_no_value_is_in_a_file() {
    let place = Place::with_a_secret();
    for (path, wanted) in [
        (place.path("data"), 0o700),
        (place.path("data/keybearer"), 0o700),
        (place.file(), 0o600),
        (place.identity(), 0o600),
        (place.path("data/keybearer/secrets.age.lock"), 0o600),
    ] {
        assert_eq!(mode(&path), wanted, "{path:?}");
    }
    place.set("db/other", CANARY);
    assert_eq!(mode(&place.file()), 0o600);
    let names: Vec<_> = fs::read_dir(place.path("data/keybearer")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names.len(), 3, "{names:?}");
    for name in names {
        let bytes = fs::read(place.path("data/keybearer").join(name)).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains(CANARY));
        assert!(!String::from_utf8_lossy(&bytes).contains("password"));
    }
}

#[test]
fn what_changes_nothing_writes_nothing() {
    let place = Place::new();
    assert!(!place.store.change(|content| content.delete(&named("a/b"))).unwrap());
    assert!(!place.file().exists());
    assert!(!place.identity().exists());
    place.set("a/b", "c");
    let before = fs::read(place.file()).unwrap();
    place.store.change(|content| content.delete(&named("c/d"))).unwrap();
    assert_eq!(fs::read(place.file()).unwrap(), before);
}

#[test]
fn when_a_secret_changed_is_kept_to_the_second() {
    let place = Place::new();
    let then = SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_900);
    place.store.change(|content| content.set(&named("a/b"), b"c".to_vec().into(), then)).unwrap();
    let content = place.store.read().unwrap().unwrap();
    let kept = content.get(&named("a/b")).unwrap();
    assert_eq!(kept.changed, SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000));
}

#[test]
fn many_who_write_at_once_lose_nothing() {
    let place = Place::new();
    let (writers, each) = (8, 6);
    // From nothing on, so that they also agree on one identity.
    let start = Barrier::new(writers);
    thread::scope(|scope| {
        for writer in 0..writers {
            let (start, store) = (&start, place.store.clone());
            scope.spawn(move || {
                start.wait();
                for number in 0..each {
                    set(&store, &format!("{writer}/{number}"), b"v").unwrap();
                    // Whoever reads meanwhile sees a whole store.
                    assert!(store.read().unwrap().is_some());
                }
            });
        }
    });
    assert_eq!(place.store.read().unwrap().unwrap().iter().count(), writers * each);
}

#[test]
fn a_store_cut_short_anywhere_or_changed_anywhere_is_refused() {
    let place = Place::with_a_secret();
    let whole = fs::read(place.file()).unwrap();
    for length in (0..whole.len()).step_by(29) {
        fs::write(place.file(), &whole[..length]).unwrap();
        assert!(matches!(place.fails(), StoreError::Damaged { .. }), "{length}");
    }
    for at in (0..whole.len()).step_by(17) {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        fs::write(place.file(), &changed).unwrap();
        // Which it is depends on the part that was changed.
        assert!(
            matches!(
                place.fails(),
                StoreError::Damaged { .. }
                    | StoreError::NotAge { .. }
                    | StoreError::AgeVersion { .. }
                    | StoreError::WrongIdentity { .. }
            ),
            "{at}"
        );
    }
    let mut longer = whole.clone();
    longer.push(b'\n');
    fs::write(place.file(), &longer).unwrap();
    assert!(matches!(place.fails(), StoreError::Damaged { .. }));
    fs::write(place.file(), &whole).unwrap();
    assert_eq!(get(&place.store, "db/password").unwrap(), CANARY.as_bytes());
}

#[test]
fn what_is_no_store_is_refused() {
    let place = Place::with_a_secret();
    for text in ["db/password=secret", "-----BEGIN AGE ENCRYPTED FILE-----\n", "{}", "\0"] {
        fs::write(place.file(), text).unwrap();
        assert!(matches!(place.fails(), StoreError::NotAge { .. }), "{text}");
    }
    fs::write(place.file(), "age-encryption.org/v2\n-> X25519 a\nb\n--- c\n").unwrap();
    let error = place.fails();
    assert!(matches!(error, StoreError::AgeVersion { .. } | StoreError::Damaged { .. }), "{error}");
    fs::remove_file(place.file()).unwrap();
    fs::create_dir(place.file()).unwrap();
    assert!(matches!(place.fails(), StoreError::NotAFile { .. }));
    fs::remove_dir(place.file()).unwrap();
    let pipe = Command::new("mkfifo").arg(place.file()).status().unwrap();
    assert!(pipe.success());
    assert!(matches!(place.store.read().err().unwrap(), StoreError::NotAFile { .. }));
}

#[test]
fn content_that_is_not_of_this_version_or_no_content_is_refused() {
    let place = Place::with_a_secret();
    let key: age::x25519::Identity =
        fs::read_to_string(place.identity()).unwrap().lines().last().unwrap().parse().unwrap();
    let write = |text: &str| fs::write(place.file(), age::encrypt(&key.to_public(), text.as_bytes()).unwrap()).unwrap();
    write(r#"{"keybearer_store":2,"vaults":{}}"#);
    let error = place.fails();
    assert!(error.to_string().ends_with("is of version 2; this program reads version 1"), "{error}");
    assert_eq!(error.hint().unwrap(), "use the keybearer that wrote it, or a newer one");
    let line = r#"{"group":"a","group_version":"","key":"b","value":"Yw==","changed":1}"#;
    for text in [
        "",
        "canary-Zq7Lw0",
        "[]",
        r#"{"secrets":[]}"#,
        r#"{"keybearer_store":1}"#,
        &format!(r#"{{"keybearer_store":1,"secrets":[{line},{line}]}}"#),
        &format!(r#"{{"keybearer_store":1,"secrets":[{}]}}"#, line.replace("Yw==", "canary-Zq7Lw0")),
        &format!(
            r#"{{"keybearer_store":1,"secrets":[{}]}}"#,
            line.replace("\"changed\":1", "\"changed\":\"canary-Zq7Lw0\"")
        ),
        &format!(r#"{{"keybearer_store":1,"secrets":[{line}"#),
    ] {
        write(text);
        assert!(matches!(place.fails(), StoreError::Damaged { .. }), "{text}");
    }
    write(&format!(r#"{{"keybearer_store":1,"secrets":[{line}]}}"#));
    assert_eq!(get(&place.store, "a/b").unwrap(), b"c");
}

#[test]
fn an_identity_that_is_not_there_or_another_one_opens_nothing() {
    let place = Place::with_a_secret();
    let moved = place.path("moved");
    fs::rename(place.identity(), &moved).unwrap();
    assert!(matches!(place.fails(), StoreError::NoIdentity { .. }));
    // No new one is made, which would lock the user out of what is there.
    assert!(!place.identity().exists());
    let named = LocalStore::at(Location { file: place.file(), identity: moved.clone() });
    assert_eq!(get(&named, "db/password").unwrap(), CANARY.as_bytes());

    let other = Place::with_a_secret();
    fs::copy(other.identity(), place.identity()).unwrap();
    assert!(matches!(place.fails(), StoreError::WrongIdentity { .. }));

    // Any of several keys opens it, and the store is written for all of them.
    let both = [&moved, &place.identity()].map(|path| fs::read_to_string(path).unwrap()).concat();
    fs::write(place.identity(), both).unwrap();
    place.set("db/other", "v");
    fs::copy(other.identity(), place.identity()).unwrap();
    assert_eq!(get(&place.store, "db/password").unwrap(), CANARY.as_bytes());
}

#[test]
fn an_identity_that_others_can_read_is_refused() {
    let place = Place::with_a_secret();
    for wrong in [0o644, 0o640, 0o620, 0o601] {
        fs::set_permissions(place.identity(), Permissions::from_mode(wrong)).unwrap();
        let error = place.fails();
        assert!(matches!(&error, StoreError::Exposed { mode, .. } if *mode == wrong), "{error}");
        assert_eq!(error.hint().unwrap(), format!("chmod 600 '{}'", place.identity().display()));
    }
    fs::set_permissions(place.identity(), Permissions::from_mode(0o400)).unwrap();
    place.set("a/b", "c");
}

#[test]
fn an_identity_that_is_none_is_refused_without_repeating_it() {
    let place = Place::with_a_secret();
    fs::write(place.identity(), "# a comment\n\nAGE-SECRET-KEY-1canary-Zq7Lw0\n").unwrap();
    let error = place.fails();
    assert!(matches!(error, StoreError::NotAKey { line: 3, .. }), "{error}");
    for nothing in ["", "# only a comment\n"] {
        fs::write(place.identity(), nothing).unwrap();
        assert!(matches!(place.fails(), StoreError::NoKey { .. }));
    }
    fs::write(place.identity(), b"\xff").unwrap();
    assert!(matches!(place.fails(), StoreError::ReadIdentity { .. }));
    fs::remove_file(place.identity()).unwrap();
    fs::create_dir(place.identity()).unwrap();
    assert!(matches!(place.fails(), StoreError::ReadIdentity { .. }));
}

#[test]
fn links_are_followed_and_stay_links() {
    let place = Place::with_a_secret();
    let elsewhere = place.path("elsewhere");
    fs::rename(place.path("data"), &elsewhere).unwrap();
    symlink(&elsewhere, place.path("data")).unwrap();
    place.set("a/b", "c");
    fs::rename(place.file(), place.path("store")).unwrap();
    symlink("../../store", place.file()).unwrap();
    place.set("d/e", "f");
    assert!(fs::symlink_metadata(place.file()).unwrap().is_symlink());
    assert_eq!(place.store.read().unwrap().unwrap().iter().count(), 3);
    assert!(!place.path("store.new").exists());

    fs::remove_dir_all(&elsewhere).unwrap();
    let error = place.fails();
    assert!(matches!(&error, StoreError::Dangling { link, .. } if *link == place.path("data")), "{error}");
    fs::remove_file(place.path("data")).unwrap();
    fs::create_dir_all(place.path("data/keybearer")).unwrap();
    symlink("secrets.age", place.file()).unwrap();
    assert!(matches!(place.fails(), StoreError::Links { .. }));
}

#[test]
fn a_folder_that_can_not_be_made_is_named() {
    let place = Place::new();
    fs::write(place.path("data"), "").unwrap();
    let error = set(&place.store, "a/b", b"c").unwrap_err();
    assert!(matches!(&error, StoreError::Folder { path, .. } if *path == place.path("data/keybearer")), "{error}");
    assert_eq!(error.hint().unwrap(), "name a place that you may write to with KEYBEARER_STORE");
    let store = LocalStore::at(Location { file: "/proc/keybearer/secrets.age".into(), identity: place.path("i") });
    assert!(matches!(set(&store, "a/b", b"c").unwrap_err(), StoreError::Folder { .. }));
    assert!(store.read().unwrap().is_none());
}

#[test]
fn what_a_crash_left_behind_is_no_obstacle() {
    let place = Place::with_a_secret();
    fs::write(place.path("data/keybearer/secrets.age.new"), "half").unwrap();
    place.set("a/b", "c");
    assert!(!place.path("data/keybearer/secrets.age.new").exists());
}

#[test]
fn a_store_is_not_its_own_identity() {
    let place = Place::new();
    let store = LocalStore::at(Location { file: place.file(), identity: place.file() });
    assert!(matches!(set(&store, "a/b", b"c").unwrap_err(), StoreError::SameFile { .. }));
    assert!(!place.file().exists());
    let place = Place::with_a_secret();
    symlink(place.identity(), place.path("link")).unwrap();
    let store = LocalStore::at(Location { file: place.path("link"), identity: place.identity() });
    assert!(matches!(set(&store, "a/b", b"c").unwrap_err(), StoreError::SameFile { .. }));
    assert_eq!(get(&place.store, "db/password").unwrap(), CANARY.as_bytes());
}

#[test]
fn the_environment_says_where_it_is() {
    let location = |env: &[(&str, &str)]| {
        let env: Vec<(String, OsString)> = env.iter().map(|(n, v)| ((*n).to_owned(), v.into())).collect();
        let value = |name: &str| env.iter().find(|(other, _)| other == name).map(|(_, value)| value.clone());
        Location::from_env(value).map(|l| (l.file.display().to_string(), l.identity.display().to_string()))
    };
    let at = |folder: &str| (format!("{folder}/secrets.age"), format!("{folder}/identity.txt"));
    assert_eq!(location(&[("HOME", "/h")]).unwrap(), at("/h/.local/share/keybearer"));
    assert_eq!(location(&[("HOME", "/h"), ("XDG_DATA_HOME", "/d")]).unwrap(), at("/d/keybearer"));
    for none in ["", "relative"] {
        assert_eq!(location(&[("HOME", "/h"), ("XDG_DATA_HOME", none)]).unwrap(), at("/h/.local/share/keybearer"));
    }
    let named = [("HOME", "/h"), ("KEYBEARER_STORE", "/s/x.age"), ("KEYBEARER_IDENTITY", "")];
    assert_eq!(location(&named).unwrap(), ("/s/x.age".to_owned(), "/s/identity.txt".to_owned()));
    let named = [("HOME", "/h"), ("KEYBEARER_IDENTITY", "/i")];
    assert_eq!(location(&named).unwrap(), ("/h/.local/share/keybearer/secrets.age".to_owned(), "/i".to_owned()));
    assert!(matches!(location(&[("HOME", "")]), Err(StoreError::NoHome)));
}
