//! What only a run in namespaces of its own has: files where the pod wants them, for each container by itself.

use std::path::Path;
use std::time::Duration;

use runner::{Builtin, Isolation, Problem, RunError};
use serde_json::{Value, json};

use crate::support::{Ran, Secrets, no_namespace, one, options, pod, read, run_with, sh};

pub(crate) const ROOT: &str = "/etc/flyte/secrets";

pub(crate) fn run(pod: &Value, secrets: &Secrets) -> Ran {
    run_with(pod, secrets, |options| options.isolation = Isolation::Namespace)
}

fn secrets() -> Secrets {
    Secrets::default().with("s", "k", "hunter2-canary").with("t", "l", "other")
}

fn mounted(name: &str, script: &str, mounts: &Value) -> Value {
    sh(name, script, &json!({"volumeMounts": mounts}))
}

/// Whether the machine has anything at these places.
fn is_touched(places: &[&str]) -> bool {
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
    places.iter().any(|place| Path::new(place).exists() || mounts.contains(&format!(" {place}")))
}

#[test]
fn each_container_sees_its_own_mounts_and_the_machine_none() {
    if no_namespace() {
        return;
    }
    let places = ["/meet-here", "/deep", "/etc/other", "/etc/flyte"];
    assert!(!is_touched(&places));
    let env = json!([{"name": "DIR", "value": ROOT}]);
    let mut a = mounted(
        "a",
        "echo $DIR; cat $DIR/k /etc/flyte/secrets/k; touch /meet-here/a; until test -e /meet-here/b; do sleep 0.01; done; ls /etc/flyte/secrets /deep/er",
        &json!([{"name": "v", "mountPath": ROOT}, {"name": "m", "mountPath": "/meet-here"}, {"name": "w", "mountPath": "/deep/er"}]),
    );
    a["env"] = env;
    let b = mounted(
        "b",
        "ls /etc/flyte/secrets /deep 2>/dev/null; touch /etc/other/b; until test -e /etc/other/a; do sleep 0.01; done; cat /etc/passwd > /dev/null && ls /etc/flyte",
        &json!([{"name": "w", "mountPath": format!("{ROOT}/below")}, {"name": "m", "mountPath": "/etc/other"}]),
    );
    let volumes = json!([{"name": "v", "secret": {"secretName": "s"}}, {"name": "w", "secret": {"secretName": "t"}}, {"name": "m"}]);
    let ran = run(&pod(&json!([a, b]), &json!({"volumes": volumes})), &secrets());
    assert_eq!(
        ran.text("a"),
        "/etc/flyte/secrets\nhunter2-canaryhunter2-canary/deep/er:\nl\n\n/etc/flyte/secrets:\nk\n"
    );
    assert_eq!(ran.text("b"), "/etc/flyte/secrets:\nbelow\nsecrets\n");
    assert_eq!(ran.outcome.exit_code, 0, "{:?}", ran.record.pieces);
    assert!(ran.record.notes().is_empty(), "{:?}", ran.record.notes());
    assert!(!is_touched(&places));
}

#[test]
fn files_and_parts_can_be_mounted_and_what_is_read_only_is() {
    if no_namespace() {
        return;
    }
    let script = "cat /etc/app/conf.d/key /cache/l; touch /etc/app/x /data/no /cache/no 2>/dev/null; echo >> /etc/app/conf.d/key; \
        touch /data-too/yes && ls /data/ /data-too; stat -f -c %T /cache /data";
    let mounts = json!([
        {"name": "v", "mountPath": "/etc/app/conf.d/key", "subPath": "k"}, {"name": "w", "mountPath": "/cache"},
        {"name": "m", "mountPath": "/data", "readOnly": true}, {"name": "m", "mountPath": "/data-too"}]);
    let volumes = json!([{"name": "v", "secret": {"secretName": "s", "items": [{"key": "k", "path": "k", "mode": 0o644}]}},
        {"name": "w", "projected": {"sources": [{"secret": {"name": "t"}}]}}, {"name": "m", "emptyDir": {}}]);
    let ran = run(&pod(&json!([mounted("main", script, &mounts)]), &json!({"volumes": volumes})), &secrets());
    let text = ran.text("main");
    assert!(
        text.starts_with("hunter2-canaryother/data-too:\nyes\n\n/data/:\nyes\n")
            || text.starts_with("hunter2-canaryother/data/:\nyes\n\n/data-too:\nyes\n"),
        "{text}"
    );
    // Memory, all of it.
    let kinds: Vec<&str> = text.lines().rev().take(2).collect();
    assert!(kinds.iter().all(|kind| ["tmpfs", "ramfs"].contains(kind)), "{text}");
    let errors = ran.record.pieces.iter().filter(|(_, stream, _)| *stream == runner::Stream::Stderr);
    let errors = String::from_utf8(errors.flat_map(|(_, _, bytes)| bytes.clone()).collect()).unwrap();
    // Root is stopped by the mount, another user by the file's mode before that.
    assert!(errors.contains("Read-only file system") || errors.contains("Permission denied"), "{errors}");
}

#[test]
fn where_people_keep_files_what_is_there_stays_theirs() {
    if no_namespace() {
        return;
    }
    // A directory of this user's in which a mount point is missing.
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    std::fs::create_dir(at("kept")).unwrap();
    std::fs::write(at("file"), "before").unwrap();
    std::os::unix::fs::symlink("file", at("link")).unwrap();
    let script =
        format!("cd {}; cat link; echo after > file; echo new > kept/new; ls; touch mine/x", dir.path().display());
    let mounts = json!([{"name": "m", "mountPath": at("mine")}]);
    let ran = run(
        &pod(&json!([mounted("main", &script, &mounts)]), &json!({"volumes": [{"name": "m"}]})),
        &Secrets::default(),
    );
    assert_eq!(ran.text("main"), "beforefile\nkept\nlink\nmine\n");
    assert_eq!(std::fs::read_to_string(at("file")).unwrap(), "after\n");
    assert_eq!(std::fs::read_to_string(at("kept/new")).unwrap(), "new\n");
    assert!(!at("mine").exists());
    let said = format!(
        "container `main`: what it adds to `{}` itself is gone after the run, for a mount point had to be made there",
        dir.path().display()
    );
    let wanted: &[String] = if rustix::process::geteuid().is_root() { &[] } else { &[said] };
    assert_eq!(ran.record.notes(), wanted);
}

#[test]
fn links_on_the_way_are_followed() {
    if no_namespace() || !Path::new("/var/run").is_symlink() {
        return;
    }
    let mounts = json!([{"name": "v", "mountPath": "/var/run/secrets/mine"}]);
    let main = mounted("main", "cat /run/secrets/mine/k /var/run/secrets/mine/k", &mounts);
    let ran =
        run(&pod(&json!([main]), &json!({"volumes": [{"name": "v", "secret": {"secretName": "s"}}]})), &secrets());
    assert_eq!(ran.text("main"), "hunter2-canaryhunter2-canary");
}

#[test]
fn the_working_directory_and_the_program_may_lie_in_a_volume() {
    if no_namespace() {
        return;
    }
    let mounts = json!([{"name": "m", "mountPath": "/work-here"}]);
    let init =
        mounted("init", "printf '#!/bin/sh\\npwd; echo \"$1\"\\n' > /work-here/run; chmod +x /work-here/run", &mounts);
    let main = json!({"name": "main", "command": ["/work-here/run"], "args": ["/work-here/x"], "workingDir": "/work-here", "volumeMounts": mounts});
    let ran =
        run(&pod(&json!([main]), &json!({"initContainers": [init], "volumes": [{"name": "m"}]})), &Secrets::default());
    assert_eq!((ran.text("main").as_str(), ran.record.notes().len()), ("/work-here\n/work-here/x\n", 0));
}

#[test]
fn what_the_caller_writes_is_there() {
    if no_namespace() {
        return;
    }
    let init = json!({"name": "fetch", "image": "x", "volumeMounts": [{"name": "m", "mountPath": "/out"}]});
    let env = json!([{"name": "A", "valueFrom": {"fileKeyRef": {"volumeName": "m", "path": "env", "key": "A"}}}]);
    let main = sh(
        "main",
        "echo $A; cat $0/env",
        &json!({"env": env, "args": ["echo $A; cat /etc/flyte/secrets/env"], "volumeMounts": [{"name": "m", "mountPath": ROOT}]}),
    );
    let ran = run_with(
        &pod(&json!([main]), &json!({"initContainers": [init], "volumes": [{"name": "m"}]})),
        &secrets(),
        |options| {
            options.isolation = Isolation::Namespace;
            options.builtin =
                Some(Builtin::new("fetch", |dirs| Ok(std::fs::write(dirs.get("m").unwrap().join("env"), "A='b'\n")?)));
        },
    );
    assert_eq!(ran.text("main"), "b\nA='b'\n");
}

#[test]
fn where_nothing_can_be_mounted() {
    if no_namespace() {
        return;
    }
    let mounts = json!([{"name": "m", "mountPath": "/"}, {"name": "m", "mountPath": "/etc/passwd/x"}]);
    let options = runner::Options { isolation: Isolation::Namespace, ..options(Path::new("/nowhere")) };
    let pod = pod(&json!([mounted("main", "true", &mounts)]), &json!({"volumes": [{"name": "m"}]}));
    let refusal = runner::prepare(&read(&pod), &Secrets::default(), options).err().unwrap();
    let texts: Vec<String> = refusal.problems.iter().map(Problem::to_string).collect();
    assert_eq!(
        texts,
        [
            "container `main` mounts volume `m` at `/`, which is the root of all files",
            "container `main` mounts volume `m` at `/etc/passwd/x`, which can't be reached"
        ]
    );
    // A directory on a file is only seen when it is tried.
    let on_file = self::pod(
        &json!([mounted("main", "true", &json!([{"name": "m", "mountPath": "/etc/passwd"}]))]),
        &json!({"volumes": [{"name": "m"}]}),
    );
    let ran = run(&on_file, &Secrets::default());
    assert_eq!(
        ran.record.notes(),
        ["container `main` failed: volume `m` can't be mounted: Not a directory (os error 20)"]
    );
    assert_eq!(ran.outcome.exit_code, 128);
}

#[test]
fn a_container_has_no_more_rights_than_its_user_and_sees_nothing_of_the_callers() {
    if no_namespace() {
        return;
    }
    let script = "id -u; id -g; grep CapEff /proc/self/status; tr '\\0' '\\n' < /proc/1/environ 2>/dev/null | cut -d= -f1; ls -l /proc/self/fd | grep -c socket";
    let ran = run(&one(script, &json!({})), &Secrets::default());
    let text = ran.text("main");
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some(rustix::process::geteuid().as_raw().to_string().as_str()));
    assert_eq!(lines.next(), Some(rustix::process::getegid().as_raw().to_string().as_str()));
    let rights = lines.next().unwrap();
    assert!(rustix::process::geteuid().is_root() || rights.ends_with("\t0000000000000000"), "{text}");
    let rest: Vec<&str> = lines.filter(|name| *name != "LD_LIBRARY_PATH").collect();
    assert!(rest == ["KEYBEARER_RUNNER_STAGE", "0"] || rest == ["0"], "{text}");
}

#[test]
fn the_other_way_if_it_is_asked_for() {
    let mounts = json!([{"name": "v", "mountPath": ROOT}]);
    let main =
        sh("main", "cat $DIR/k; echo $DIR", &json!({"env": [{"name": "DIR", "value": ROOT}], "volumeMounts": mounts}));
    let pod = self::pod(&json!([main]), &json!({"volumes": [{"name": "v", "secret": {"secretName": "s"}}]}));
    let ran = run_with(&pod, &secrets(), |options| options.isolation = Isolation::Directory);
    assert!(
        ran.text("main").starts_with("hunter2-canary/") && !ran.text("main").contains("flyte"),
        "{}",
        ran.text("main")
    );

    // Where it can't be had it is not had, which is said, or refused.
    let nowhere = || Some(vec!["true".into()]);
    let ran = run_with(&pod, &secrets(), |options| {
        (options.isolation, options.init_command) = (Isolation::Auto, nowhere());
    });
    assert!(!ran.text("main").contains("flyte"), "{}", ran.text("main"));
    assert_eq!(
        ran.record.notes(),
        ["files are in a private directory of this machine, for there is no mount namespace: init ended at once"]
    );
    let ran = run_with(&one("true", &json!({})), &secrets(), |options| {
        (options.isolation, options.init_command) = (Isolation::Auto, nowhere());
    });
    assert!(ran.record.notes().is_empty());
    let forced =
        runner::Options { isolation: Isolation::Namespace, init_command: nowhere(), ..options(Path::new("/nowhere")) };
    let refused = runner::run(&read(&pod), &secrets(), forced, &mut crate::support::Record::default());
    let Err(RunError::Refused(refusal)) = refused else { panic!() };
    assert_eq!(refusal.to_string(), "pod can't be run here: a mount namespace can't be had: init ended at once");
    // What can't be had without it is refused together with the reason.
    let elsewhere = self::pod(
        &json!([mounted("main", "true", &json!([{"name": "m", "mountPath": "/data"}]))]),
        &json!({"volumes": [{"name": "m"}]}),
    );
    let auto =
        runner::Options { isolation: Isolation::Auto, init_command: nowhere(), ..options(Path::new("/nowhere")) };
    let refusal = runner::prepare(&read(&elsewhere), &secrets(), auto).err().unwrap();
    let texts: Vec<String> = refusal.problems.iter().map(Problem::to_string).collect();
    assert_eq!(
        texts,
        [
            "container `main` mounts volume `m` at `/data`: only mounts at or under `/etc/flyte/secrets` can be had without a mount namespace",
            "a mount namespace can't be had: init ended at once"
        ]
    );
    // A program that does not call `init_if_asked` has it without a word.
    let ran = run_with(&pod, &secrets(), |options| (options.isolation, options.init_command) = (Isolation::Auto, None));
    assert!(ran.text("main").contains("hunter2") && ran.record.notes().is_empty());
}

#[test]
fn many_runs_at_once_are_each_their_own() {
    if no_namespace() {
        return;
    }
    let runs: Vec<_> = (0..8)
        .map(|number| {
            std::thread::spawn(move || {
                let value = format!("value-{number}");
                let main =
                    mounted("main", &format!("sleep 0.05; cat {ROOT}/k"), &json!([{"name": "v", "mountPath": ROOT}]));
                let pod = pod(&json!([main]), &json!({"volumes": [{"name": "v", "secret": {"secretName": "s"}}]}));
                assert_eq!(run(&pod, &Secrets::default().with("s", "k", value.clone())).text("main"), value);
            })
        })
        .collect();
    for run in runs {
        run.join().unwrap();
    }
}

#[test]
fn it_starts_quickly_enough_to_be_the_default() {
    if no_namespace() {
        return;
    }
    let start = std::time::Instant::now();
    for _ in 0..5 {
        run(&one("true", &json!({})), &Secrets::default());
    }
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
}
