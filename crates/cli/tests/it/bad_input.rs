//! Whatever is given: an error that names it, never a panic.

use crate::support::{KEYBEARER, Place, Said, pod, script};
use std::fs;
use std::process::{Command, Stdio};

/// All commands that read a manifest, with the exit code of each for input that can't be used.
const READERS: [(&[&str], i32); 3] = [(&["explain"], 2), (&["run"], 125), (&["decode"], 2)];

fn read_by_all(bytes: impl AsRef<[u8]>, check: impl Fn(Said)) {
    let place = Place::new().with("input", &bytes);
    for (command, code) in READERS {
        for said in [
            place.keybearer(&[command, &["input"]].concat()),
            place.keybearer_reads(bytes.as_ref(), &[command, &["-"]].concat()),
        ] {
            assert!(!said.stderr.contains("panicked"), "{command:?}: {said:#?}");
            check(said.code(code));
        }
    }
}

/// Input that no command takes, and the one line that it is told with.
fn refused(bytes: impl AsRef<[u8]>, message: &str) {
    read_by_all(&bytes, |said| {
        let first = said.stderr.lines().next().unwrap().replace("stdin", "input");
        assert_eq!(first, format!("error: {message}"));
        assert!(said.stdout.is_empty());
    });
}

#[test]
fn nothing_in_it() {
    for empty in ["", "\n", "---\n", "# a comment\n", "null", "~"] {
        refused(empty, "`input` is empty");
    }
}

#[test]
fn cut_off_or_broken() {
    refused("{\"kind\": \"Pod\"", "`input` is not JSON: EOF while parsing an object at line 1 column 14");
    refused("{\"kind\" \"Pod\"}", "`input` is not JSON: expected `:` at line 1 column 9");
    refused("kind: [Pod", "`input` is not YAML: unclosed bracket '[' at line 1, column 7");
    refused("kind: \"Pod", "`input` is not YAML: unclosed quote at line 1, column 7");
    refused("kind: Pod\nkind: Pod\n", "`input` has `kind` twice in one map, at line 2");
    refused("kind: *pod\n", "`input` is not YAML: alias references unknown anchor at line 1, column 7");
}

#[test]
fn a_pod_cut_off_anywhere_is_no_panic() {
    let yaml = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/user-info.yaml")).unwrap();
    let json =
        r#"{"kind":"Pod","metadata":{"labels":{"inject-flyte-secrets":"true"}},"spec":{"containers":[{"name":"a"}]}}"#;
    let place = Place::new();
    for text in [yaml.as_str(), json] {
        for end in (0..text.len()).step_by(29) {
            let said = place.keybearer_reads(&text.as_bytes()[..end], &["explain", "-"]);
            assert!(matches!(said.code, Some(0..=2)) && !said.stderr.contains("panicked"), "at {end}: {said:#?}");
        }
    }
}

#[test]
fn nested_so_deeply_that_a_stack_would_overflow() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("[{\"a\":", "}]")] {
        let inner = format!("{}1{}", open.repeat(200_000), close.repeat(200_000));
        for text in
            [inner.clone(), format!("{{\"kind\": \"Pod\", \"spec\": {inner}}}"), format!("kind: Pod\nspec: {inner}")]
        {
            read_by_all(text, |said| _ = said.complains(&["is nested too deeply, at line "]));
        }
    }
    let blocks: Vec<String> = (0..2_000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
    refused(blocks.concat(), "`input` is nested too deeply, at line 65");
    let lists = format!("{}1", "- ".repeat(100_000));
    read_by_all(lists, |said| _ = said.complains(&["is nested too deeply, at line 1"]));
}

#[test]
fn aliases_that_would_fill_the_memory() {
    let first = "a: &a [x, x, x, x, x, x, x, x, x]\n".to_owned();
    let others = "bcdefghij".chars().zip("abcdefghi".chars()).map(|(name, of)| {
        let list = vec![format!("*{of}"); 9].join(", ");
        format!("{name}: &{name} [{list}]\n")
    });
    let text = std::iter::once(first).chain(others).collect::<Vec<_>>().concat();
    read_by_all(text, |said| _ = said.complains(&["`", "` holds too much for one object", "hint: an alias"]));
}

#[test]
fn more_than_one_document_or_object() {
    refused("kind: Pod\n---\nkind: Pod\n", "`input` holds 2 documents, and one is wanted");
    // A separator alone makes no second document.
    let place = Place::new().with("pod.yaml", format!("---\n{}---\n", script("[]", "true")));
    place.run(&["pod.yaml"]).code(0);
    refused("kind: List\nitems: []\n", "`input` is a `List` of objects, and one object is wanted");
    refused("{kind: List, items: []}", "`input` is a `List` of objects, and one object is wanted");
}

#[test]
fn no_kind_or_an_unknown_one() {
    refused("apiVersion: v1\nmetadata: {}\n", "`input` has no `kind`");
    refused("kind: 3\n", "`input` has no `kind`");
    refused("kind: Secret\ndata: {}\n", "`input` is a `Secret`, in which no pod is looked for");
    refused("kind: \"P\\e[31mod\"\n", "`input` is a `P\\u{1b}[31mod`, in which no pod is looked for");
    let place = Place::new().with("input", "kind: Pood\n");
    place
        .keybearer(&["explain", "input"])
        .code(2)
        .complains(&["hint: known are Pod, Deployment, StatefulSet", "CronJob"]);
    for text in ["3", "\"Pod\"", "true", "- kind: Pod\n"] {
        let place = Place::new().with("input", text);
        place.keybearer(&["run", "input"]).code(125).complains(&["`input` is no Kubernetes object: it is not a map"]);
    }
}

#[test]
fn a_template_that_is_not_there() {
    for (kind, path) in
        [("Deployment", "spec.template"), ("CronJob", "spec.jobTemplate.spec.template"), ("PodTemplate", "template")]
    {
        let message = format!("`input`: the {kind} has no pod template at `{path}`");
        refused(format!("kind: {kind}\nspec: {{}}\n"), &message);
        refused(format!("kind: {kind}\nspec: {{template: 3, jobTemplate: []}}\ntemplate: x\n"), &message);
    }
}

#[test]
fn a_pod_of_the_wrong_shape() {
    let wrong = |text: &str, words: &[&str]| {
        let place = Place::new().with("input", text);
        for (command, code) in &READERS[..2] {
            let said = place.keybearer(&[command, &["input"][..]].concat()).code(*code);
            said.complains(&["error: `input`: "]).complains(words).never_says("panicked");
        }
    };
    wrong("kind: Pod\nspec: 3\n", &["`spec` of the pod has to be a map, not a number"]);
    wrong("kind: Pod\nmetadata: [a]\n", &["`metadata` of the pod has to be a map, not a list"]);
    wrong("kind: Pod\nspec: {containers: [3]}\n", &["`spec.containers[0]` of the pod has to be a map, not a number"]);
    wrong("kind: Pod\nspec: {containers: {a: b}}\n", &["`spec.containers` of the pod has to be a list, not a map"]);
    wrong("{\"kind\": \"Pod\", \"spec\": {}, \"spec\": {}}", &["duplicate field `spec`"]);
    // YAML's most common trap, on the one label that matters here.
    let label = "metadata: {labels: {example.com/a.b: x, inject-flyte-secrets: true}}";
    wrong(
        &format!("kind: Pod\n{label}\nspec: {{containers: []}}\n"),
        &[
            "`metadata.labels.inject-flyte-secrets` of the pod has to be text, not `true` or `false`",
            "hint: quote it: \"true\"",
        ],
    );
    let number = "`metadata.annotations.example.com/a.b` of the pod has to be text, not a number";
    wrong("kind: Pod\nmetadata: {annotations: {example.com/a.b: 1}}\n", &[number, "hint: quote it\n"]);
    let list = "`metadata.annotations.keybearer.dev/secrets` of the pod has to be text, not a list";
    wrong("kind: Pod\nmetadata: {annotations: {keybearer.dev/secrets: [{group: a}]}}\n", &[list]);
    wrong(
        "kind: Pod\nspec: {containers: [{name: a, env: [{name: A, value: 42}]}]}\n",
        &["`spec.containers[0].env[0].value` of the pod has to be text, not a number", "hint: quote it\n"],
    );
}

#[test]
fn what_stands_in_the_wrong_place_is_not_repeated() {
    for field in
        ["env: hunter2", "volumeMounts: [hunter2]", "command: hunter2", "resources: hunter2", "envFrom: hunter2"]
    {
        let place = Place::new().with("input", format!("kind: Pod\nspec: {{containers: [{{name: a, {field}}}]}}\n"));
        let said = place.run(&["input"]).code(125).never_says("hunter2");
        said.complains(&["error: `input`: `spec.containers[0].", " of the pod has to be a ", ", not text\n"]);
    }
}

#[test]
fn annotations_that_ask_for_nothing_that_can_be_read() {
    let with = |name: &str, value: &str| {
        let value = serde_json::to_string(value).unwrap();
        format!(
            "kind: Pod\nmetadata: {{labels: {{inject-flyte-secrets: \"true\"}}, annotations: {{{name}: {value}}}}}\n\
             spec: {{containers: [{{name: main, command: [\"true\"]}}]}}\n"
        )
    };
    for (name, value, words) in [
        ("flyte.secrets/s0", "not base32!", &["[flyte.secrets/s0]", "base32"][..]),
        ("flyte.secrets/s0", "mfqq", &["[flyte.secrets/s0]"]),
        ("flyte.secrets/s0", "m4", &["[flyte.secrets/s0]"]),
        ("keybearer.dev/secrets", "group: a", &["annotation `keybearer.dev/secrets` is not a list of secrets"]),
        ("keybearer.dev/secrets", "[{gruop: a}]", &["unknown field `gruop`"]),
        ("keybearer.dev/secrets", "[{group: a, key: b, mount: disk}]", &["annotation `keybearer.dev/secrets`", "disk"]),
        ("keybearer.dev/secrets", "[{group: a", &["unclosed bracket"]),
    ] {
        let place = Place::new().with("input", with(name, value));
        place.keybearer(&["explain", "input"]).code(1).complains(words).complains(&["error: "]);
        place.run(&["input"]).code(125).complains(words);
        place.keybearer(&["decode", "input"]).code(2).complains(words);
    }
    let nested = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let place = Place::new().with("input", with("keybearer.dev/secrets", &nested));
    place.keybearer(&["explain", "input"]).code(1).complains(&["annotation `keybearer.dev/secrets`"]);
}

#[test]
fn no_file_no_text_or_too_much_of_it() {
    let place = Place::new().with("binary", b"kind: \xff\xfe").with("large", vec![b' '; (16 << 20) + 1]);
    for (command, code) in READERS {
        let read = |path| place.keybearer(&[command, &[path]].concat()).code(code);
        read("tmp").complains(&["error: `tmp` is a directory", "hint: "]);
        read("binary").complains(&["error: `binary` is not UTF-8, from its byte 6 on"]);
        read("large").complains(&["error: `large` is larger than 16 MiB"]);
        read("/dev/zero").complains(&["`/dev/zero` is larger than 16 MiB"]);
        if command != ["decode"] {
            read("nowhere.yaml").complains(&["error: can't read `nowhere.yaml`: there is no such file"]);
        }
    }
    place
        .keybearer(&["decode", "nowhere.yaml"])
        .code(2)
        .complains(&["`nowhere.yaml` is no file, and no annotation", "hint: "]);
    place.keybearer(&["decode", ""]).code(2).complains(&["the value is empty"]);
}

#[test]
fn octal_modes_are_what_kubectl_reads() {
    let spec = "\
volumes: [{name: v, secret: {secretName: s, defaultMode: 0400}}]
containers:
- name: main
  command: [sh, -c, 'stat -L -c %a \"$0/k\"', /etc/flyte/secrets/s]
  volumeMounts: [{name: v, mountPath: /etc/flyte/secrets/s}]
";
    let place = Place::new().with("pod.yaml", pod("[]", spec));
    assert_eq!(place.run(&["pod.yaml", "--secret", "s/k=v"]).code(0).stdout, "400\n");
}

#[test]
fn options_of_run_that_can_not_be_used() {
    let place = Place::new().with("pod.yaml", script("[{group: a, key: b, mount: file}]", "true"));
    let run = |args: &[&str]| place.run(&[&["pod.yaml"], args].concat());
    run(&["--secret"]).code(2).complains(&["a value is required for '--secret <GROUP/KEY=VALUE>'"]);
    run(&["--secret", "a/b"]).code(125).complains(&[
        "error: `--secret` number 1: there is no `=` between key and value",
        "hint: write --secret GROUP/KEY=VALUE",
    ]);
    run(&["--secret", "a/b=v", "--secret", "b=v"]).code(125).complains(&["`--secret` number 2: there is no `/`"]);
    run(&["--secret", "/=v"]).code(125).complains(&["group and key are both empty"]);
    run(&["--secret", "a/b=v", "--secret", "a/b=w"])
        .code(125)
        .complains(&["error: `--secret` gives secret `a/b` a second time", "hint: give it once"]);
    run(&["--secret", "a/b=v", "--secret-file", "a/b=pod.yaml"])
        .code(125)
        .complains(&["`--secret-file` gives secret `a/b` a second"]);
    run(&["--secret-file", "a/b=nowhere"])
        .code(125)
        .complains(&["`--secret-file` for `a/b`: the file that it names can't be read: there is no such file"]);
    run(&["--secret-file", "a/b=tmp"]).code(125).complains(&["`a/b`", "directory"]);
    run(&["--secret", "a/b=v", "--secret", "a/c=v"]).code(0).complains(&["warning: nothing asked for secret `a/c`"]);
    run(&["--secret", "a/B=v"]).code(125).complains(&["warning: nothing asked for secret `a/B`", "--secret a/b=VALUE"]);
    run(&["--output", "yaml"]).code(2).complains(&["[possible values: table, json]"]);
}

#[test]
fn a_reader_that_has_seen_enough() {
    let place = Place::new().with("pod.yaml", script("[{group: a, key: b}]", "seq 100000; exit 3"));
    let dir = place.path("");
    let pipe = |command: &str| {
        let script = format!("{KEYBEARER} {command} | head -n 1; echo ${{PIPESTATUS[0]}}");
        let output =
            Command::new("bash").args(["-c", &script]).current_dir(&dir).stdin(Stdio::null()).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(!stderr.contains("panicked") && !stderr.contains("error"), "{command}: {stderr}");
        String::from_utf8(output.stdout).unwrap().lines().last().unwrap().to_owned()
    };
    for command in ["--help", "run --help", "explain pod.yaml", "explain pod.yaml --output json", "annotate a/b c/d"] {
        assert_eq!(pipe(command), "0", "{command}");
    }
    // The container's own code, although nobody read all that it wrote.
    assert_eq!(pipe("run pod.yaml --secret a/b=v"), "3");
    let script = format!("{KEYBEARER} explain pod.yaml >&-");
    let output = Command::new("sh").args(["-c", &script]).current_dir(&dir).output().unwrap();
    assert!(!String::from_utf8(output.stderr).unwrap().contains("panicked"));
}
