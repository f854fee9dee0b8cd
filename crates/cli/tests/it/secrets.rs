//! `secret`: what is kept on the machine, and how `run` gets it.

use crate::support::{CANARY, KEYBEARER, Place, script};
use serde_json::json;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

#[test]
fn kept_listed_given_and_deleted() {
    let place = Place::new().env("PASSWORD", "hunter2").with("file", b"\0\xff\r\n");
    place
        .keybearer(&["secret", "list"])
        .code(0)
        .complains(&["note: the local store `", "secrets.age` is not there yet\n"]);
    let set = |name: &str, more: &[&str]| place.keybearer(&[&["secret", "set", name], more].concat());
    set("db/password", &["--from-env", "PASSWORD"]).code(0).complains(&["note: kept `db/password`: 7 bytes\n"]);
    set("db/password@3", &["--from-file", "file"])
        .code(0)
        .complains(&["note: kept `db/password@3`: 4 bytes, the last of them a newline\n"]);
    let said = place.keybearer_reads("line\n", &["secret", "set", "arn:aws:x/y/k"]).code(0);
    assert_eq!(said.stdout, "");
    set("db/password", &["--from-env", "PASSWORD"]).code(0).complains(&["note: replaced `db/password`: 7 bytes\n"]);

    let get = |name: &str| place.keybearer_bytes(&["secret", "get", name]);
    assert_eq!(get("db/password"), b"hunter2");
    assert_eq!(get("db/password@3"), b"\0\xff\r\n");
    assert_eq!(get("arn:aws:x/y/k"), b"line\n");

    let said = place.keybearer(&["secret", "list"]).code(0).never_says("hunter2");
    let lines: Vec<&str> = said.stdout.lines().collect();
    assert_eq!(lines[0].split_whitespace().collect::<Vec<_>>(), ["SECRET", "BYTES", "CHANGED"]);
    assert!(lines[1].starts_with("arn:aws:x/y/k  5      2"), "{lines:?}");
    assert_eq!(lines.len(), 4);
    let list = place.keybearer(&["secret", "list", "--output", "json"]).code(0).json();
    assert!(list[2]["changed"].as_str().unwrap().ends_with('Z'), "{list}");
    let mut third = list[2].clone();
    third["changed"] = json!("");
    assert_eq!(third, json!({"group": "db", "group_version": "3", "key": "password", "size": 4, "changed": ""}));

    place.keybearer(&["secret", "delete", "db/password"]).code(0).complains(&["note: deleted `db/password`\n"]);
    let said = place.keybearer(&["secret", "get", "db/password"]).code(1);
    said.complains(&[
        "error: there is no secret `db/password` in the local store\nhint: did you mean `db/password@3`?\n",
    ]);
    place.keybearer(&["secret", "delete", "db/password"]).code(1).complains(&["there is no secret `db/password`"]);
    place
        .keybearer(&["secret", "get", "x/y"])
        .code(1)
        .complains(&["hint: `keybearer secret list` has the names of all"]);
    for name in ["db/password@3", "arn:aws:x/y/k"] {
        place.keybearer(&["secret", "delete", name]).code(0);
    }
    let said = place.keybearer(&["secret", "list", "--output", "json"]).code(0);
    assert_eq!(said.stdout, "[]\n");
    place.keybearer(&["secret", "list"]).code(0).complains(&["secrets.age` is empty\n"]);
}

#[test]
fn where_nothing_is_kept_get_and_delete_say_so_and_make_nothing() {
    let place = Place::new();
    for command in ["get", "delete"] {
        place.keybearer(&["secret", command, "g/a b"]).code(1).complains(&[
            "error: there is no secret `g/a b`: nothing is kept on this machine yet\n",
            "hint: keep it with keybearer secret set 'g/a b'",
        ]);
    }
    assert!(!place.path("data").exists());
}

#[test]
fn a_value_that_can_not_be_had_keeps_nothing_and_is_not_told() {
    let place = Place::new().with("large", vec![b'x'; 1024 * 1024 + 1]).with("largest", vec![b'x'; 1024 * 1024]);
    let refused = |args: &[&str], words: &[&str]| {
        place.keybearer(&[&["secret"], args].concat()).code(2).never_says(CANARY).complains(words);
    };
    let with_value = format!("g/k={CANARY}");
    refused(
        &["set", &with_value],
        &["error: the name of the secret: a name holds no `=`\nhint: name the secret alone, and its"],
    );
    refused(&["set", CANARY], &["there is no `/` between group and key", "hint: write GROUP/KEY"]);
    refused(&["set", "/"], &["group and key are both empty"]);
    refused(&["set", "g/k", CANARY], &["unexpected argument"]);
    refused(&["set", "g/"], &["a secret without a key", "hint: name its key, too: GROUP/KEY"]);
    refused(&["set", "g/k", "--from-file", CANARY], &["the file of --from-file can't be read: there is no such file"]);
    refused(&["set", "g/k", "--from-env", CANARY], &["the environment variable of --from-env is not set"]);
    refused(&["set", "g/k", "--from-env", "PATH", "--from-file", "large"], &["cannot be used with"]);
    refused(&["set", "g/k"], &["there is nothing on stdin", "hint: to keep an empty value: --from-file /dev/null"]);
    refused(&["set", "g/k", "--from-file", "large"], &["the value has more than 1048576 bytes"]);
    refused(&["set", "g/k", "--from-file", "."], &["can't be read"]);
    refused(&["get", &with_value], &["a name holds no `=`"]);
    assert!(!place.path("data").exists());
    place.keybearer(&["secret", "set", "g/empty", "--from-file", "/dev/null"]).code(0).complains(&[": 0 bytes"]);
    place.keybearer(&["secret", "set", "g/largest", "--from-file", "largest"]).code(0);
}

#[test]
fn run_takes_what_is_kept_where_nothing_is_given() {
    let asked = "[{group: g, key: k, mount: file, env_var: K}, {group: g, key: l, group_version: '2', mount: file, env_var: L}]";
    let place = Place::new().with("pod.yaml", script(asked, "cat $K; echo; cat $L"));
    place.run(&["pod.yaml", "--secret", "g/k=1"]).code(125).complains(&[
        "hint: give it with --secret g/l=VALUE\nhint: or keep it on this machine with keybearer secret set g/l\n",
    ]);
    place.keybearer_reads("kept", &["secret", "set", "g/k"]).code(0);
    place.keybearer_reads("all", &["secret", "set", "g/l"]).code(0);
    let said = place.run(&["pod.yaml", "--no-mask"]).code(0).complains(&["g/k     local store  sealed  "]);
    assert_eq!(said.stdout, "kept\nall");
    place.keybearer_reads("second", &["secret", "set", "g/l@2"]).code(0);
    let said = place.run(&["pod.yaml", "--no-mask", "--secret", "g/k=given", "--output", "json"]).code(0);
    assert_eq!(said.stdout, "given\nsecond");
    said.complains(&[r#""from":"--secret""#, r#""from":"local store""#]);
    // What is printed is masked as if it had been given.
    assert!(!place.run(&["pod.yaml"]).code(0).stdout.contains("second"));
}

#[test]
fn run_gives_the_pods_own_references_what_is_kept() {
    let spec = "containers: [{name: m, command: [sh, -c, echo $X], env: [{name: X, valueFrom: {secretKeyRef: {name: s, key: k}}}]}]\n";
    let all = "containers: [{name: m, command: [sh, -c, 'echo $a $b'], envFrom: [{secretRef: {name: s}}]}]";
    let place =
        Place::new().with("one.yaml", crate::support::pod("[]", spec)).with("all.yaml", crate::support::pod("[]", all));
    for (name, value) in [("s/k", "v"), ("s/a", "x"), ("s/b", "y"), ("s/b@2", "z"), ("t/b", "z")] {
        place.keybearer_reads(value, &["secret", "set", name]).code(0);
    }
    assert_eq!(place.run(&["one.yaml"]).code(0).stdout, "v\n");
    assert_eq!(place.run(&["all.yaml"]).code(0).stdout, "x y\n");
    assert_eq!(place.run(&["all.yaml", "--no-mask", "--secret", "s/a=given"]).code(0).stdout, "given y\n");
}

#[test]
fn a_broken_store_stops_a_run_only_where_it_is_needed() {
    let place = Place::new().with("pod.yaml", script("[{group: g, key: k, mount: file}]", "echo ran"));
    place.keybearer_reads(CANARY, &["secret", "set", "g/k"]).code(0);
    let store = place.path("data/keybearer/secrets.age");
    let whole = fs::read(&store).unwrap();
    fs::write(&store, &whole[..whole.len() - 1]).unwrap();
    assert_eq!(place.run(&["pod.yaml", "--secret", "g/k=1"]).code(0).stdout, "ran\n");
    let said = place.run(&["pod.yaml"]).code(125);
    assert_eq!(said.stdout, "");
    said.complains(&["error: the local store `", "secrets.age` is damaged", "hint: put a copy from a backup"])
        .never_says("not found");
    for args in [&["set", "g/l", "--from-file", "pod.yaml"][..], &["list"], &["get", "g/k"], &["delete", "g/k"]] {
        place.keybearer(&[&["secret"], args].concat()).code(2).complains(&["is damaged"]);
    }
    assert_eq!(fs::read(&store).unwrap(), &whole[..whole.len() - 1]);
    fs::write(&store, &whole).unwrap();
    fs::set_permissions(place.path("data/keybearer/identity.txt"), Permissions::from_mode(0o644)).unwrap();
    place.keybearer(&["secret", "get", "g/k"]).code(2).never_says(CANARY).complains(&[
        "error: others can read or change the identity `",
        "(mode 0644); it is not used\nhint: chmod 600 '",
    ]);
}

#[test]
fn a_full_disk_loses_nothing() {
    let place = Place::new().with("value", vec![b'v'; 60_000]);
    let commands = "\
mount -t tmpfs -o size=128k tmpfs data || exit 99
echo canary-Zq7Lw0 | $KEYBEARER secret set g/k || exit 98
$KEYBEARER secret set g/large --from-file value || exit 97
cp data/keybearer/secrets.age before
$KEYBEARER secret set g/larger --from-file value; echo status $?
cmp before data/keybearer/secrets.age && ls -A data/keybearer
$KEYBEARER secret get g/k";
    fs::create_dir(place.path("data")).unwrap();
    let place = place.env("KEYBEARER", KEYBEARER);
    let said = place.command("unshare", &["--user", "--map-root-user", "--mount", "sh", "-c", commands]).code(0);
    assert_eq!(said.stdout, "status 2\nidentity.txt\nsecrets.age\nsecrets.age.lock\ncanary-Zq7Lw0\n");
    said.complains(&["so that nothing of the local store has changed: No space left", "hint: make room on that disk"]);
}

#[test]
fn a_folder_that_is_read_only_is_an_error_and_reading_still_works() {
    let place = Place::new().env("KEYBEARER", KEYBEARER);
    place.keybearer_reads(CANARY, &["secret", "set", "g/k"]).code(0);
    let commands = "\
mount --bind data data && mount -o remount,bind,ro data || exit 99
echo other | $KEYBEARER secret set g/l; echo status $?
$KEYBEARER secret get g/k";
    let said = place.command("unshare", &["--user", "--map-root-user", "--mount", "sh", "-c", commands]).code(0);
    assert_eq!(said.stdout, format!("status 2\n{CANARY}"));
    said.complains(&["secrets.age.lock` can't be written", "Read-only", "hint: name a place that you may write to"]);
}

#[test]
fn many_commands_at_once_lose_nothing() {
    let place = Place::new();
    let children: Vec<_> = (0..12)
        .map(|number| {
            let name = format!("g/{number}");
            place.spawn(&["secret", "set", &name, "--from-env", "PATH"])
        })
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(place.keybearer(&["secret", "list", "--output", "json"]).code(0).json().as_array().unwrap().len(), 12);
}

#[test]
fn whoever_waits_too_long_for_the_other_is_told_which_lock_it_is() {
    let place = Place::new();
    place.keybearer_reads("v", &["secret", "set", "g/k"]).code(0);
    let lock = fs::File::open(place.path("data/keybearer/secrets.age.lock")).unwrap();
    lock.lock().unwrap();
    // Reading waits for nobody.
    place.keybearer(&["secret", "get", "g/k"]).code(0);
    place.keybearer_reads("w", &["secret", "set", "g/k"]).code(2).complains(&[
        "error: another process is changing the local store, and does not end: it holds the lock `",
        "secrets.age.lock`\nhint: end it: `fuser`",
    ]);
}

#[test]
fn the_environment_names_other_files() {
    let place = Place::new().env("KEYBEARER_STORE", "here/my.age").env("KEYBEARER_IDENTITY", "key");
    place.keybearer_reads(CANARY, &["secret", "set", "g/k"]).code(0);
    assert!(place.path("here/my.age").is_file());
    assert!(place.path("key").is_file());
    assert!(!place.path("data").exists());
    assert_eq!(place.files_with(CANARY), Vec::<std::path::PathBuf>::new());
    assert_eq!(place.keybearer(&["secret", "get", "g/k"]).code(0).stdout, CANARY);
    let place = Place::new().env("XDG_DATA_HOME", "").env("HOME", "");
    place
        .keybearer(&["secret", "list"])
        .code(2)
        .complains(&["neither HOME nor XDG_DATA_HOME is set", "hint: set HOME"]);
    let place = place.with("pod.yaml", script("[{group: g, key: k, mount: file}]", "echo ran"));
    assert_eq!(place.run(&["pod.yaml", "--secret", "g/k=1"]).code(0).stdout, "ran\n");
    place.run(&["pod.yaml"]).code(125).complains(&["secret `g/k`: not found"]);
}

#[test]
fn an_identity_may_come_through_a_pipe() {
    let place = Place::new();
    place.keybearer_reads(CANARY, &["secret", "set", "g/k"]).code(0);
    fs::rename(place.path("data/keybearer/identity.txt"), place.path("elsewhere")).unwrap();
    let line = |command: &str| place.shell(&format!("KEYBEARER_IDENTITY=<(cat elsewhere) $K secret {command}")).code(0);
    assert_eq!(line("get g/k").stdout, CANARY);
    line("set g/l --from-file elsewhere").complains(&["note: kept `g/l`"]);
    line("delete g/l").complains(&["note: deleted `g/l`"]);
}

/// What the `age` of others makes of it, where there is one.
#[test]
fn age_itself_opens_it() {
    if Command::new("age").arg("--version").output().is_err() {
        return;
    }
    let place = Place::new();
    place.keybearer_reads(CANARY, &["secret", "set", "g/k"]).code(0);
    let said =
        place.command("age", &["--decrypt", "-i", "data/keybearer/identity.txt", "data/keybearer/secrets.age"]).code(0);
    let json = said.json();
    assert_eq!(json["keybearer_store"], 1);
    assert_eq!(json["secrets"][0]["value"], data_encoding::BASE64.encode(CANARY.as_bytes()));
}
