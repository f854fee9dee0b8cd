//! Secret values in what containers write.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use runner::{Framing, Masked, Stream};
use serde_json::json;

use crate::support::{Record, Secrets, one, pod, read, run_with, sh, told};

const SECRET: &str = "hunter2-canary";

fn mask(values: &[&str]) -> Vec<Masked> {
    values.iter().map(|value| Masked::from(*value)).collect()
}

#[test]
fn values_are_not_shown_in_either_stream() {
    let script =
        "echo \"<$A>\"; echo \"$A\" >&2; printf hun; sleep 0.1; printf 'ter2-can'; sleep 0.1; printf 'ary.hunter'";
    let env = json!([{"name": "A", "value": SECRET}]);
    for framing in [Framing::Lines, Framing::Raw] {
        let ran = told(&one(script, &json!({"env": env})), framing, |options| options.mask = mask(&[SECRET]));
        assert_eq!(ran.text("main"), "<***>\n***.hunter");
        let errors = ran.record.pieces.iter().filter(|(_, stream, _)| *stream == Stream::Stderr);
        assert_eq!(errors.flat_map(|(_, _, bytes)| bytes.clone()).collect::<Vec<u8>>(), b"***\n");
        assert!(ran.record.notes.is_empty());
    }
}

#[test]
fn lines_stay_lines_and_a_value_may_have_several() {
    let ran = told(&one("printf 'key:\\none\\ntwo\\nthen\\n'", &json!({})), Framing::Lines, |options| {
        options.mask = mask(&["one\ntwo\n"]);
    });
    let lines: Vec<&[u8]> = ran.record.pieces.iter().map(|(_, _, bytes)| bytes.as_slice()).collect();
    assert_eq!(lines, [b"key:\n".as_slice(), b"***\n", b"then\n"]);
}

#[test]
fn each_container_and_stream_is_read_by_itself() {
    // The two halves of a value, from two containers, are not the value.
    let half = |name: &str, text: &str| sh(name, &format!("printf {text}"), &json!({}));
    let both = pod(&json!([half("a", "hunter2-"), half("b", "canary")]), &json!({}));
    let ran = run_with(&both, &Secrets::default(), |options| options.mask = mask(&[SECRET]));
    assert_eq!((ran.text("a"), ran.text("b")), ("hunter2-".into(), "canary".into()));
}

#[test]
fn short_values_are_shown_and_that_is_said() {
    let ran = run_with(&one("echo abc", &json!({})), &Secrets::default(), |options| options.mask = mask(&["abc", ""]));
    assert_eq!(ran.text("main"), "abc\n");
    assert_eq!(ran.record.notes(), ["1 secret value of less than 4 bytes is not masked in the output"]);
}

/// Leaves a file when it has seen a prompt.
struct Answer(Vec<u8>, std::path::PathBuf);
impl runner::Output for Answer {
    fn piece(&mut self, _: &str, _: Stream, bytes: &[u8]) -> ControlFlow<()> {
        self.0.extend_from_slice(bytes);
        if self.0.ends_with(b"? ") {
            std::fs::write(&self.1, "").unwrap();
        }
        ControlFlow::Continue(())
    }
    fn note(&mut self, _: &runner::Note) {}
    fn framing(&mut self, _: &str) -> Framing {
        Framing::Raw
    }
}

#[test]
fn a_prompt_is_not_held_back() {
    let dir = tempfile::tempdir().unwrap();
    let seen = dir.path().join("seen");
    let script = format!("printf 'go on? '; until test -e {}; do sleep 0.01; done; echo {SECRET}", seen.display());
    let mut options = crate::support::options(dir.path());
    options.mask = mask(&[SECRET, "gone"]);
    let mut answer = Answer(Vec::new(), seen);
    runner::run(&read(&one(&script, &json!({}))), &Secrets::default(), options, &mut answer).unwrap();
    assert_eq!(answer.0, b"go on? ***\n");
}

#[test]
fn much_output_with_many_values() {
    let values: Vec<String> = (0..50).map(|i| format!("value-{i}-of-many")).collect();
    let script = "i=0; while test $i -lt 5000; do echo \"line value-$((i % 60))-of-many\"; i=$((i+1)); done";
    let ran = run_with(&one(script, &json!({})), &Secrets::default(), |options| {
        options.mask = values.iter().map(|value| Masked::from(value.as_str())).collect();
    });
    let text = ran.text("main");
    let kinds: BTreeSet<&str> = text.lines().collect();
    assert_eq!(text.lines().count(), 5000);
    assert!(kinds.contains("line ***") && kinds.contains("line value-50-of-many") && kinds.len() == 11, "{kinds:?}");
}

#[test]
fn nothing_of_a_value_is_in_a_record_of_a_masked_run() {
    let script = "echo $A; echo $A$A >&2; exit 3";
    let ran =
        run_with(&one(script, &json!({"env": [{"name": "A", "value": SECRET}]})), &Secrets::default(), |options| {
            options.mask = mask(&[SECRET]);
        });
    let Record { pieces, notes, .. } = &ran.record;
    let all: Vec<u8> = pieces.iter().flat_map(|(_, _, bytes)| bytes.clone()).collect();
    assert!(!String::from_utf8_lossy(&all).contains("hunter2") && !format!("{notes:?}").contains("hunter2"));
}
