//! `run`: how files and printed values are kept from everyone else.

use crate::support::{Place, pod, script};

/// With a umask that takes everything from everyone else.
fn run_with_a_umask(place: &Place, isolation: &str) -> String {
    let command =
        format!("umask 077; {} run pod.yaml --isolation {isolation} --secret g/k=v", crate::support::KEYBEARER);
    let output = std::process::Command::new("sh").args(["-c", &command]).current_dir(place.path("")).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn files_are_private_and_their_modes_are_not_the_umasks() {
    let task = "cd $FLYTE_SECRETS_DEFAULT_DIR; stat -c %a ../.. g g/k";
    let place = Place::new().with("pod.yaml", script("[{group: g, key: k, mount: file}]", task));
    assert_eq!(run_with_a_umask(&place, "none"), "700\n755\n444\n");
}

#[test]
fn in_a_namespace_files_are_in_memory_at_the_clusters_paths_and_nobody_else_sees_them() {
    let task = "cd /etc/flyte/secrets; pwd; echo $F $FLYTE_SECRETS_DEFAULT_DIR; stat -c %a g g/k; stat -fc %T g/k; touch g/x || :";
    let place = Place::new().with("pod.yaml", script("[{group: g, key: k, mount: file, env_var: F}]", task));
    let said = run_with_a_umask(&place, "namespace");
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines[..4], ["/etc/flyte/secrets", "/etc/flyte/secrets/g/k /etc/flyte/secrets", "755", "444"], "{said}");
    assert!(["tmpfs", "ramfs"].contains(&lines[4]) && lines.len() == 5, "{said}");
    assert!(!std::path::Path::new("/etc/flyte/secrets").exists());
}

#[test]
fn where_there_is_no_namespace_a_directory_is_taken_and_that_is_said() {
    let task = "[ $(cat $F) = value ] && echo $F";
    let place = Place::new().with("pod.yaml", script("[{group: g, key: k, mount: file, env_var: F}]", task));
    let said = without_namespaces(&place, &["pod.yaml", "--secret", "g/k=value"]).code(0);
    assert!(said.stdout.ends_with("/g/k\n") && !said.stdout.starts_with("/etc"), "{said:#?}");
    said.complains(&["note: files are in a private directory of this machine, for there is no mount namespace: "]);
    // Who wants that is told nothing of it, and who wants the namespace is told why there is none.
    let said = without_namespaces(&place, &["pod.yaml", "--secret", "g/k=value", "--isolation", "none"]).code(0);
    assert!(said.stdout.ends_with("/g/k\n") && !said.stderr.contains("note: files"), "{said:#?}");
    let said = without_namespaces(&place, &["pod.yaml", "--secret", "g/k=value", "--isolation", "namespace"]);
    let said = said.code(125).complains(&["error: the pod can't be run here; nothing was started", "namespaces"]);
    assert_eq!(said.stdout, "");
}

/// Runs the program as on a system that allows no more namespaces.
fn without_namespaces(place: &Place, args: &[&str]) -> crate::support::Said {
    let deny = "echo 0 > /proc/sys/user/max_mnt_namespaces && exec \"$0\" run \"$@\"";
    let mut unshare = std::process::Command::new("unshare");
    unshare.args(["--user", "--map-root-user", "sh", "-c", deny, crate::support::KEYBEARER]).args(args);
    let output = unshare.current_dir(place.path("")).env("TMPDIR", place.path("tmp")).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    crate::support::Said { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
}

#[test]
fn values_that_are_printed_are_masked_unless_that_is_not_wanted() {
    let secrets = "[{group: g, key: k, mount: any, env_var: F}, {group: g, key: e, mount: env, env_var: E}]";
    let task = "cat $F; echo; printf 'ca'; sleep 0.1; printf 'nary-1\\n'; echo $E $X >&2";
    let own = "env: [{name: X, valueFrom: {secretKeyRef: {name: s, key: k}}}]";
    let spec = format!("containers:\n- {{name: main, command: [sh, -c, {task:?}], {own}}}");
    let place = Place::new().with("pod.yaml", pod(secrets, &spec));
    let args = ["pod.yaml", "--secret", "g/k=canary-1", "--secret", "g/e=canary-2", "--secret", "s/k=canary-3"];
    for isolation in ["none", "namespace"] {
        let with = |more: &[&str]| place.run(&[&args[..], &["--isolation", isolation], more].concat()).code(0);
        let said = with(&[]).never_says("canary");
        assert_eq!(said.stdout, "***\n***\n");
        said.complains(&["*** ***\n"]);
        let said = with(&["--no-mask"]);
        assert_eq!(said.stdout, "canary-1\ncanary-1\n");
        said.complains(&["canary-2 canary-3\n"]);
    }
}

#[test]
fn values_too_short_to_be_masked_are_counted() {
    let place = Place::new().with("pod.yaml", script("[{group: g, key: k, mount: env, env_var: X}]", "echo $X"));
    let said = place.run(&["pod.yaml", "--secret", "g/k=abc"]).code(0);
    assert_eq!(said.stdout, "abc\n");
    said.complains(&["note: 1 secret value of less than 4 bytes is not masked in the output"]);
    place.run(&["pod.yaml", "--secret", "g/k=abc", "--no-mask"]).code(0).never_says("masked");
}
