//! `run PACKAGE`: tasks that real `pyflyte` packaged, run by flytekit's own entrypoint.

use crate::flytekit::{self, package, package_with_code, place, sources};
use crate::support::{CANARY, Place, Said, until};
use serde_json::json;
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;

const ISOLATIONS: [&str; 2] = ["namespace", "none"];

/// A place with the package of `tasks.py`.
fn with_package() -> Place {
    place(&sources()).with("p.tgz", package())
}

/// Runs a task of it.
fn run(task: &str, args: &[&str], code: i32) -> Said {
    run_in("namespace", task, args, code)
}

fn run_in(isolation: &str, task: &str, args: &[&str], code: i32) -> Said {
    let place = with_package();
    let said = place.run(&[&["p.tgz", "--task", task, "--isolation", isolation], args].concat()).code(code);
    assert_eq!(place.files_with(CANARY), Vec::<PathBuf>::new());
    said
}

const SECRET: &str = "group/key=canary-Zq7Lw0";

#[test]
fn the_example_of_the_docs_task_by_task() {
    for isolation in ISOLATIONS {
        let place = place(&flytekit::example()).with("p.tgz", flytekit::example_package());
        let run = |task: &str, secrets: &[&str]| {
            let secrets = secrets.iter().flat_map(|secret| ["--secret", secret]);
            let args =
                ["p.tgz", "--isolation", isolation, "--output", "json", "--task", task].into_iter().chain(secrets);
            place.run(&args.collect::<Vec<_>>()).code(0)
        };
        let said = run("secrets_example.one_secret", &["user-info/user_secret=open-sesame"]);
        assert_eq!(said.json(), json!({"o0": "open-sesame"}));
        let said = run("secrets_example.two_keys_of_a_group", &["user-info/username=ali", "user-info/password=forty"]);
        assert_eq!(said.json(), json!({"o0": "ali", "o1": "forty"}));
        let said = run("secrets_example.as_a_variable", &["user-info/user_database=postgres://cave"]);
        let (path, value) = (said.json()["o0"].clone(), said.json()["o1"].clone());
        assert_eq!(value, "postgres://cave");
        assert!(path.as_str().unwrap().ends_with("/user-info/user_database"), "{path}");
        if isolation == "namespace" {
            assert_eq!(path, "/etc/flyte/secrets/user-info/user_database");
        }
    }
}

#[test]
fn the_examples_main_runs_under_plain_python() {
    let output = flytekit::run("python", &["secrets_example.py"], &flytekit::example());
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && said.contains("all five are right"), "{output:?}");
}

#[test]
fn without_a_task_they_are_listed_with_what_each_asks_for_and_what_of_it_is_here() {
    let place = place(&flytekit::example()).with("p.tgz", flytekit::example_package());
    let said = place.run(&["p.tgz", "--secret", "user-info/username=ali"]).code(0);
    assert_eq!(
        said.stdout,
        "\
TASK                                 INPUTS  SECRETS                            HERE
secrets_example.one_secret                   user-info/user_secret (ANY)        no
secrets_example.two_keys_of_a_group          user-info/username (ANY)           --secret
                                             user-info/password (ANY)           no
secrets_example.as_a_variable                user-info/user_database (ENV_VAR)  no
"
    );
    said.complains(&[
        "note: its workflow can't be run here, only tasks: secrets_example.all_secrets\n",
        "hint: `--task secrets_example.one_secret` names the one that is meant",
    ]);
    let said = place.run(&["p.tgz", "--output", "json", "--secret", "user-info/username=ali"]).code(0);
    let tasks = &said.json()["tasks"];
    assert_eq!(tasks[1]["name"], "secrets_example.two_keys_of_a_group");
    assert_eq!((&tasks[1]["secrets"][0]["here"], &tasks[1]["secrets"][1]["here"]), (&json!("--secret"), &json!(null)));
    // So it is from stdin.
    let said = place.keybearer_reads(flytekit::example_package(), &["run", "-"]).code(0);
    said.says(&["secrets_example.as_a_variable"]);
}

#[test]
fn outputs_are_on_stdout_and_what_a_task_prints_is_not() {
    let said = run("tasks.plus", &["--input", "a=38", "--input", "b=4"], 0);
    assert_eq!(said.stdout, "o0: 42\n");
    said.complains(&[
        "printed to stdout\n",
        "printed to stderr\n",
        "note: task `tasks.plus` runs with flytekit 1.",
        "its image `registry.example/tasks:v1` is not pulled",
    ]);
    let said = run("tasks.nothing", &[], 0);
    assert_eq!(said.stdout, "");
}

#[test]
fn it_runs_in_the_current_folder_with_temporary_files_of_its_own() {
    let place = with_package();
    let folder = place.path("").canonicalize().unwrap();
    let args = ["p.tgz", "--task", "tasks.several", "--input", r#"names=["a", "é"]"#, "--input", "real=1"];
    let said = place.run(&[&args[..], &["--output", "json"]].concat()).code(0);
    let given = &said.json()["o0"];
    assert_eq!((&given["names"], &given["real"]), (&json!(["a", "é"]), &json!(1.0)));
    assert_eq!(given["folder"], folder.to_str().unwrap());
    assert_eq!(given["temporary"], "/run/keybearer-task/tmp");
    assert!(fs::read_dir(place.path("tmp")).unwrap().next().is_none(), "nothing is left in the host's TMPDIR");
}

#[test]
fn defaults_are_not_in_a_package_and_hold_where_that_is_wanted() {
    let said = run("tasks.plus", &["--input", "a=1", "--defaults"], 0);
    assert_eq!(said.stdout, "o0: 5\n");
    let said = run("tasks.plus", &["--input", "b=1", "--defaults"], 1);
    assert_eq!(said.stdout, "");
    said.complains(&["error: task `tasks.plus` failed: TypeError: plus() missing 1 required positional argument: 'a'"]);
}

#[test]
fn all_that_is_wrong_with_inputs_is_said_at_once_and_nothing_starts() {
    let given = ["--input", "a=one", "--input", "c=1", "--input", "x"];
    let said = run("tasks.plus", &given, 125);
    assert_eq!(
        said.stderr,
        "\
error: the inputs of task `tasks.plus` don't fit; nothing was started
  input `a` is not int: write a whole number
  task `tasks.plus` has no input `c`
  an input is not NAME=VALUE: there is no `=` in it
  input `b` (int) is not given
hint: did you mean `a`?
hint: write it as NAME=VALUE
hint: give what is missing with --input b=VALUE
hint: a package doesn't have the defaults of its functions: with --defaults they hold for what isn't given
"
    );
}

#[test]
fn files_that_are_inputs_are_looked_at_before_anything_starts() {
    let place = with_package().with("one.txt", "one").with("two.txt", "two");
    fs::create_dir(place.path("folder")).unwrap();
    fs::write(place.path("folder/inside"), "").unwrap();
    let reads = |files: &str, folder: &str, code: i32| {
        let (files, folder) = (format!("files={files}"), format!("folder={folder}"));
        place.run(&["p.tgz", "--task", "tasks.reads", "--input", &files, "--input", &folder]).code(code)
    };
    assert_eq!(reads(r#"["one.txt", "two.txt"]"#, "folder", 0).stdout, "o0: one, two, inside\n");
    let said = reads(r#"["one.txt", "nowhere.txt", "folder"]"#, "one.txt", 125);
    let said = said.complains(&[
        "input `files` names a file that is not there\n  input `files` names a folder, and the task wants a file\n",
        "input `folder` names a file, and the task wants a folder\nhint: a path is looked for from the current folder",
    ]);
    // A value by mistake is not repeated.
    said.never_says("nowhere.txt").never_says("flytekit 1.");
}

#[test]
fn outputs_come_in_the_order_in_which_they_are_counted() {
    let said = run("tasks.ten", &[], 0);
    let expected: String = (0..=10).fold(String::new(), |text, number| format!("{text}o{number}: {number}\n"));
    assert_eq!(said.stdout, expected);
}

#[test]
fn a_name_that_is_no_task_is_explained() {
    run("tasks.plsu", &[], 125).complains(&["no task is named `tasks.plsu`\nhint: did you mean `tasks.plus`?"]);
    let place = place(&flytekit::example()).with("p.tgz", flytekit::example_package());
    let said = place.run(&["p.tgz", "--task", "secrets_example.all_secrets"]).code(125);
    said.complains(&["`secrets_example.all_secrets` is a workflow, not a task\nhint: its tasks run one by one"]);
}

#[test]
fn secrets_that_are_not_there_are_named_and_nothing_starts() {
    let said = run("tasks.tells", &["--input", "how=length"], 125);
    assert_eq!(said.stdout, "");
    said.complains(&["secret `group/key`: not found (asked: Local)", "--secret group/key=VALUE"]);
}

#[test]
fn a_task_that_forgot_to_ask_fails_with_flytekits_own_error() {
    let said = run("tasks.forgetful", &["--secret", SECRET], 1);
    assert_eq!(said.stdout, "");
    said.complains(&[
        "warning: nothing asked for secret `group/key`",
        "error: task `tasks.forgetful` failed: ValueError: Please make sure to add secret_requests=[Secret(group=group, key=key)]",
    ]);
}

#[test]
fn a_secret_is_masked_in_prints_tracebacks_and_the_reason() {
    let said = run("tasks.tells", &["--input", "how=print", "--secret", SECRET], 0);
    let said = said.never_says(CANARY).complains(&["it is ***\n"]);
    assert_eq!(said.stdout, format!("o0: {}\n", CANARY.len()));
    let said = run("tasks.tells", &["--input", "how=raise", "--secret", SECRET], 1).never_says(CANARY);
    said.complains(&["ValueError: it is ***\n", "error: task `tasks.tells` failed: ValueError: it is ***\n"]);
    let said = run("tasks.tells", &["--input", "how=raise", "--secret", SECRET, "--no-mask"], 1);
    said.complains(&[&format!("error: task `tasks.tells` failed: ValueError: it is {CANARY}\n")]);
}

#[test]
fn a_secret_that_a_task_returns_is_its_output_and_its_author_is_told() {
    let said = run("tasks.tells", &["--input", "how=return", "--secret", SECRET], 0);
    assert_eq!(said.stdout, format!("o0: {CANARY}\n"));
    said.complains(&["warning: output `o0` holds the value of secret `group/key`; Flyte keeps outputs in plain text"]);
}

#[test]
fn the_exit_code_is_the_tasks() {
    run("tasks.exits", &["--input", "code=7"], 7)
        .complains(&["error: task `tasks.exits` ended with exit code 7 and did not say why"]);
    run("tasks.exits", &["--input", "code=0"], 1)
        .complains(&["error: task `tasks.exits` ended well, but has left no outputs"]);
}

#[test]
fn a_pod_task_runs_in_its_primary_container() {
    for isolation in ISOLATIONS {
        let said = run_in(isolation, "tasks.in_a_pod", &["--secret", SECRET], 0);
        assert_eq!(said.stdout, format!("o0: its own {CANARY}\n"));
    }
}

#[test]
fn files_that_are_outputs_are_kept_where_that_is_wanted() {
    let said = run("tasks.writes", &["--input", "text=hi"], 0);
    said.complains(&[
        "warning: output `o0` is a file or folder that is gone with the run\nhint: --files-to DIR keeps it",
    ]);
    let place = with_package();
    let said = place.run(&["p.tgz", "--task", "tasks.writes", "--input", "text=hi", "--files-to", "out"]).code(0);
    let path = said.stdout.trim().strip_prefix("o0: ").unwrap();
    assert!(path.starts_with(place.path("out").canonicalize().unwrap().to_str().unwrap()), "{path}");
    assert_eq!(fs::read_to_string(path).unwrap(), "hi");
    assert!(!said.stderr.contains("gone"), "{}", said.stderr);
}

#[test]
fn code_that_was_packaged_comes_along() {
    for isolation in ISOLATIONS {
        // Nothing else could be imported from.
        let place = Place::new().env("PATH", &flytekit::path()).with("p.tgz", package_with_code());
        let args = ["p.tgz", "--task", "tasks.plus", "--input", "a=1", "--input", "b=2", "--isolation", isolation];
        assert_eq!(place.run(&args).code(0).stdout, "o0: 3\n");
    }
    let place = Place::new().env("PATH", &flytekit::path()).with("p.tgz", package());
    let said = place.run(&["p.tgz", "--task", "tasks.plus", "--input", "a=1", "--input", "b=2"]).code(1);
    said.complains(&[
        "failed: ModuleNotFoundError: No module named 'tasks'\nhint: run it in the folder that the module is in",
    ]);
}

/// The entries of a package, by name.
fn entries(package: &[u8]) -> Vec<(String, Vec<u8>)> {
    let dir = tempfile::tempdir().unwrap();
    let mut tar = std::process::Command::new("tar")
        .args(["-xz", "-C", dir.path().to_str().unwrap()])
        .stdin(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    tar.stdin.take().unwrap().write_all(package).unwrap();
    assert!(tar.wait().unwrap().success());
    let files = fs::read_dir(dir.path()).unwrap().map(|file| file.unwrap());
    files.map(|file| (file.file_name().into_string().unwrap(), fs::read(file.path()).unwrap())).collect()
}

#[test]
fn one_serialized_task_is_a_package_too() {
    let all = entries(package_with_code());
    let (_, bytes) = all.iter().find(|(name, _)| name.contains("tasks.plus_")).unwrap();
    let said = place(&sources()).with("task.pb", bytes).run(&["task.pb"]).code(0);
    said.says(&["tasks.plus  a: int"]);
    // It was told that its code would come along.
    let args = ["task.pb", "--task", "tasks.plus", "--input", "a=1", "--input", "b=2"];
    let said = place(&sources()).with("task.pb", bytes).run(&args).code(125);
    said.complains(&["bring its code along, but there is no code in `task.pb`", "hint: make the package with"]);
    let all = entries(package());
    let (_, bytes) = all.iter().find(|(name, _)| name.contains("tasks.plus_")).unwrap();
    let said = place(&sources()).with("task.pb", bytes).run(&args).code(0);
    assert_eq!(said.stdout, "o0: 3\n");
}

#[test]
fn what_is_no_package_is_said_to_be_none() {
    let cut = &package()[..package().len() / 2];
    let place = Place::new().with("cut.tgz", cut).with("zip.tgz", b"PK\x03\x04rest").with("text.tgz", "hello\n");
    let place = place.with("program", b"\x7fELF\x02\x01\x01\0rest").with("empty.pb", "");
    for (file, what) in [
        ("cut.tgz", "`cut.tgz`: it is damaged or cut off"),
        ("zip.tgz", "it is a zip file"),
        ("text.tgz", "it is text"),
        ("program", "it is a program"),
        ("empty.pb", "it is empty"),
        ("none.tgz", "can't read `none.tgz`: there is no such file"),
        ("tmp", "`tmp` is a directory"),
    ] {
        let args = if file == "tmp" { vec!["run", file, "--task", "x"] } else { vec!["run", file] };
        let said = place.keybearer(&args).code(125).complains(&["error: ", what]);
        assert_eq!(said.stdout, "");
        let args = if file == "tmp" { vec!["explain", file, "--task", "x"] } else { vec!["explain", file] };
        place.keybearer(&args).code(2).complains(&[what]);
    }
    // One that says it is enormous, without being it.
    let huge = fs::File::create(place.path("huge.tgz")).unwrap();
    (&huge).write_all(&[0x1f, 0x8b, 8, 0]).unwrap();
    huge.set_len(300 << 20).unwrap();
    place.keybearer(&["run", "huge.tgz"]).code(125).complains(&["more than the 268435456 that a package may have"]);
}

#[test]
fn a_python_without_flytekit_is_named_with_the_remedy() {
    let place = with_package().env("PATH", "/usr/bin:/bin");
    let args = ["p.tgz", "--task", "tasks.plus", "--input", "a=1", "--input", "b=2"];
    let said = place.run(&args).code(125);
    assert_eq!(said.stdout, "");
    said.complains(&[
        "error: no flytekit in the active Python environment; nothing was started\n  python: ",
        "\n  python3: ",
        "hint: activate the environment that your task runs in, or `pip install flytekit` installs it",
    ]);
    // An environment that is active decides, whatever else is there.
    let place = with_package().env("VIRTUAL_ENV", "/nowhere");
    place.run(&args).code(125).complains(&["/nowhere/bin/python: there is no such file"]);
    let active = PathBuf::from(flytekit::path().split(':').next().unwrap()).parent().unwrap().to_owned();
    let place = with_package().env("PATH", "/usr/bin:/bin").env("VIRTUAL_ENV", active.to_str().unwrap());
    assert_eq!(place.run(&args).code(0).stdout, "o0: 3\n");
}

#[test]
fn a_task_that_hangs_is_ended_with_its_children_and_leaves_nothing() {
    for (isolation, signal, code) in
        [("namespace", "INT", Some(130)), ("none", "INT", Some(130)), ("namespace", "KILL", None)]
    {
        let place = with_package();
        let mark = format!("MARK={}", sources().display());
        // The children of this run alone: other tests hang, too.
        let before = crate::signals::with_environment(&mark);
        let run = place.start(&["p.tgz", "--task", "tasks.hangs", "--secret", SECRET, "--isolation", isolation]);
        until(|| run.stderr().contains("hanging\n"));
        let (id, all) = (run.id(), crate::signals::below(run.id()));
        assert!(all.len() >= 2, "{all:?}");
        run.signal(signal);
        if signal == "INT" {
            // Python ends at once for it; the time that it would have is not waited for.
            until(|| run.stderr().contains("note: SIGINT"));
            run.signal("INT");
        }
        let said = run.end_as_it_may();
        assert_eq!((said.code, said.stdout.as_str()), (code, ""), "{}", said.stderr);
        for process in all {
            until(|| !crate::signals::is_there(process));
        }
        until(|| crate::signals::with_environment(&mark).iter().all(|process| before.contains(process)));
        assert_eq!(crate::support::private_dirs(id), Vec::<PathBuf>::new());
        assert_eq!(place.files_with(CANARY), Vec::<PathBuf>::new());
    }
}

#[test]
fn explain_says_what_a_cluster_would_do_with_each_task() {
    let place = Place::new().with("p.tgz", flytekit::example_package());
    let said = place.keybearer(&["explain", "p.tgz"]).code(0);
    assert_eq!(
        said.stdout,
        "\
TASK                                 ASKS FOR                           MANAGER  DELIVERY
secrets_example.one_secret           user-info/user_secret (ANY)        K8s      reference
secrets_example.two_keys_of_a_group  user-info/username (ANY)           K8s      reference
                                     user-info/password (ANY)           K8s      reference
secrets_example.as_a_variable        user-info/user_database (ENV_VAR)  K8s      reference
"
    );
    let said = place.keybearer(&["explain", "p.tgz", "--task", "secrets_example.as_a_variable"]).code(0);
    said.says(&[
        "secret user-info/user_database (ENV_VAR)\n  K8s       gives it by reference to key `user_database` of Secret `user-info`",
        "_FSEC_USER-INFO_USER_DATABASE",
    ]);
    let place = place.with("c.yaml", "policy: [{name: not-here, deny: {manager: K8s, key: password}}]");
    let said = place.keybearer(&["explain", "p.tgz", "--config", "c.yaml"]).code(1);
    said.says(&["two_keys_of_a_group  refused: secret `user-info/password`: no manager gives it"]);
    let said = place.keybearer(&["explain", "p.tgz", "--config", "c.yaml", "--output", "json"]).code(1);
    assert_eq!((&said.json()[0]["allowed"], &said.json()[1]["allowed"]), (&json!(true), &json!(false)));
    place.keybearer(&["explain", "p.tgz", "--output", "patch"]).code(2).complains(&["name one with --task"]);
}
