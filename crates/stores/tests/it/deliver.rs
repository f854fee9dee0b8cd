//! Files and the env file, as the containers find them.

use crate::planned::{Folders, plan, secret, values};
use secret::{Mount, Secret};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;
use stores::{DeliverError, MAX_FILE, Unfit, Volumes, deliver, prepare};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn a_value_is_found_in_lower_case_and_as_spelled() {
    let folders = Folders::new();
    let plan = plan(&[Secret { group_version: "V1".to_owned(), ..secret("Team/Db", "Pass", Mount::File) }]);
    deliver(&values(["a\0b\r\n\u{e9}"]), &plan, &folders.volumes).unwrap();
    for path in ["team/db/v1/pass", "Team/Db/V1/Pass", "team/db/pass", "Team/Db/Pass"] {
        assert_eq!(fs::read(folders.file(path)).unwrap(), "a\0b\r\n\u{e9}".as_bytes(), "{path}");
    }
    assert!(!folders.env_file().exists(), "no variable was asked for");
}

/// Run once as it is and, by the test below, under umasks that would forbid everything or nothing.
#[test]
fn modes_are_what_the_plan_says() {
    let folders = Folders::new();
    let mut plan = plan(&[secret("a/b", "file", Mount::Any)]);
    deliver(&values(["value"]), &plan, &folders.volumes).unwrap();
    let wanted = plan.fetcher.as_ref().unwrap().file_mode;
    assert_eq!(mode(&folders.file("a/b/file")), wanted);
    assert_eq!((mode(&folders.file("a")), mode(&folders.file("a/b"))), (0o755, 0o755));
    assert_eq!(mode(&folders.env_file()), 0o400, "the kubelet alone reads it");

    for wanted in [0o400, 0o440, 0o444] {
        plan.fetcher.as_mut().unwrap().file_mode = wanted;
        deliver(&values(["value"]), &plan, &folders.volumes).unwrap();
        assert_eq!(mode(&folders.file("a/b/file")), wanted, "written over the one before");
    }
}

#[test]
fn the_umask_has_no_say() {
    for umask in ["000", "077", "777"] {
        let again = Command::new("sh")
            .args(["-c", "umask $0; exec \"$@\"", umask])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "deliver::modes_are_what_the_plan_says", "--test-threads=1"])
            // With umask 777 only root could make a folder in a folder it has just made.
            .env("TMPDIR", std::env::temp_dir())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&again.stdout).into_owned();
        if umask == "777" && said.contains("Permission denied") {
            continue;
        }
        assert!(again.status.success() && said.contains("1 passed"), "umask {umask}: {said}");
    }
}

#[test]
fn a_second_run_writes_over_the_first() {
    let folders = Folders::new();
    let plan = plan(&[secret("a", "b", Mount::Any)]);
    deliver(&values(["a long value"]), &plan, &folders.volumes).unwrap();
    deliver(&values(["short"]), &plan, &folders.volumes).unwrap();
    assert_eq!(fs::read_to_string(folders.file("a/b")).unwrap(), "short");
    assert_eq!(fs::read_to_string(folders.env_file()).unwrap(), "s0='short'\n");
}

#[test]
fn a_link_in_the_way_is_replaced_and_not_followed() {
    let folders = Folders::new();
    let elsewhere = tempfile::tempdir().unwrap();
    let target = elsewhere.path().join("target");
    fs::write(&target, "untouched").unwrap();
    fs::create_dir(folders.file("a")).unwrap();
    symlink(&target, folders.file("a/b")).unwrap();
    deliver(&values(["value"]), &plan(&[secret("a", "b", Mount::File)]), &folders.volumes).unwrap();
    assert_eq!(fs::read_to_string(target).unwrap(), "untouched");
    assert_eq!(fs::read_to_string(folders.file("a/b")).unwrap(), "value");
}

#[test]
fn a_file_holds_one_mebibyte_and_not_a_byte_more() {
    let plan = plan(&[secret("a", "b", Mount::File)]);
    let folders = Folders::new();
    deliver(&values([vec![0xff; MAX_FILE]]), &plan, &folders.volumes).unwrap();
    assert_eq!(fs::metadata(folders.file("a/b")).unwrap().len(), 1 << 20);

    let error = deliver(&values([vec![0xff; MAX_FILE + 1]]), &plan, &folders.volumes).unwrap_err();
    assert!(matches!(error, DeliverError::TooLarge { size, .. } if size == MAX_FILE + 1));
    assert_eq!(error.to_string(), "secret `a/b` has 1048577 bytes; 1048576 is the limit for a file");
    assert!(error.hint().is_some());
}

#[test]
fn an_empty_value_is_an_empty_file() {
    let folders = Folders::new();
    deliver(&values([""]), &plan(&[secret("a", "b", Mount::File)]), &folders.volumes).unwrap();
    assert_eq!(fs::read(folders.file("a/b")).unwrap(), b"");
}

#[test]
fn any_leaves_the_variable_out_and_says_why() {
    let folders = Folders::new();
    let plan = plan(&[secret("a", "bad", Mount::Any), secret("a", "good", Mount::Any)]);
    let (long_line, too_long) = (vec![b'x'; 64 * 1024], vec![b'\n'; 131_072]);
    for (value, reason) in [
        (&b"it's"[..], Unfit::Quote),
        (b"", Unfit::Empty),
        (b"a\r\nb", Unfit::CarriageReturn),
        (b"a\0b", Unfit::Nul),
        (b"\xff", Unfit::NotUtf8),
        (&long_line, Unfit::LongLine),
        (&too_long, Unfit::TooLong),
    ] {
        let values = values([value, b"good"]);
        let prepared = prepare(&values, &plan).unwrap();
        let left_out: Vec<_> = prepared.left_out.iter().map(|left_out| (left_out.request, left_out.reason)).collect();
        assert_eq!(left_out, [(0, reason)]);
        prepared.write(&folders.volumes).unwrap();
        assert_eq!(fs::read(folders.file("a/bad")).unwrap(), value, "{reason:?}: the file is there all the same");
        assert_eq!(fs::read_to_string(folders.env_file()).unwrap(), "s1='good'\n");
    }
}

#[test]
fn env_var_is_refused_and_nothing_is_written() {
    let folders = Folders::new();
    let plan = plan(&[
        secret("a", "file", Mount::File),
        secret("a", "any", Mount::Any),
        secret("a", "good", Mount::EnvVar),
        secret("a", "bad", Mount::EnvVar),
    ]);
    let error = deliver(&values(["file", "any", "good", "canary's"]), &plan, &folders.volumes).unwrap_err();
    assert!(matches!(&error, DeliverError::Unfit { reason: Unfit::Quote, .. }), "{error}");
    let message = format!("{error} {error:?} {}", error.hint().unwrap());
    assert!(message.contains("secret `a/bad` was asked for as ENV_VAR") && message.contains("FILE"), "{message}");
    assert!(!message.contains("canary"), "{message}");
    assert_eq!(folders.all(), [""; 0]);

    let too_large = vec![b'x'; MAX_FILE + 1];
    let list: [&[u8]; 4] = [b"file", &too_large, b"good", b"good"];
    deliver(&values(list), &plan, &folders.volumes).unwrap_err();
    assert_eq!(folders.all(), [""; 0]);
}

#[test]
fn the_limit_of_a_variable_counts_its_longest_name() {
    let secret = Secret { env_var: "N".repeat(100), ..secret("a", "b", Mount::EnvVar) };
    let plan = plan(&[secret]);
    // Lines that are short enough, so that only the whole can be too long.
    let value = |length: usize| "0123456789abcdef\n".repeat(8_000)[..length].to_owned();
    let longest = 131_071 - 1 - 100;
    assert!(prepare(&values([value(longest)]), &plan).is_ok());
    let values = values([value(longest + 1)]);
    let error = prepare(&values, &plan).err().unwrap();
    assert!(matches!(error, DeliverError::Unfit { reason: Unfit::TooLong, .. }));
}

#[test]
fn a_value_that_is_missing_is_no_empty_one() {
    let plan = plan(&[secret("a", "b", Mount::File)]);
    let none = values::<&str>([]);
    let error = prepare(&none, &plan).err().unwrap();
    assert_eq!(error.to_string(), "secret `a/b` has no value");
}

#[test]
fn a_path_never_leaves_its_folder() {
    let mut plan = plan(&[secret("a", "b", Mount::File)]);
    for path in ["../b", "/b", "a/../../b", "a//b", "", ".", "a/."] {
        plan.requests[0].files = vec![path.to_owned()];
        let values = values(["value"]);
        let error = prepare(&values, &plan).err().unwrap();
        assert!(matches!(error, DeliverError::Path { .. }), "`{path}`: {error}");
    }
}

#[test]
fn what_the_system_refuses_is_said_with_its_path() {
    let folders = Folders::new();
    fs::write(folders.file("a"), "in the way").unwrap();
    let plan = plan(&[secret("a", "b", Mount::File)]);
    let error = deliver(&values(["canary"]), &plan, &folders.volumes).unwrap_err();
    let message = error.to_string();
    assert!(message.starts_with("secret `a/b` can't be written to `") && message.contains("/files/a/b`"), "{message}");
    assert!(!format!("{error:?}").contains("canary"));
}

#[test]
fn a_volume_that_is_needed_has_to_be_there() {
    let plan = plan(&[secret("a", "b", Mount::Any)]);
    let folders = Folders::new();
    let error = deliver(&values(["v"]), &plan, &Volumes::default()).unwrap_err();
    assert_eq!(error.to_string(), "the pod's volume `keybearer-files` is not there");
    let only_files = Volumes { files: folders.volumes.files.clone(), env: None };
    let error = deliver(&values(["v"]), &plan, &only_files).unwrap_err();
    assert_eq!(error.to_string(), "the pod's volume `keybearer-env` is not there");
    deliver(&values::<&str>([]), &crate::planned::plan(&[]), &Volumes::default()).unwrap();
}
