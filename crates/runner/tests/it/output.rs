//! What the containers write, byte for byte.

use std::ops::ControlFlow;

use runner::{Framing, LONGEST_PIECE, Stream};
use serde_json::json;

use crate::support::{Record, Secrets, one, options, pod, read, run, sh};

#[test]
fn both_streams_line_by_line() {
    let ran = run(&one("printf 'a\\nb\\n\\nc'; printf 'x\\ny' >&2", &json!({})), &Secrets::default());
    let of = |wanted| {
        let mine = ran.record.pieces.iter().filter(move |(_, stream, _)| *stream == wanted);
        mine.map(|(_, _, bytes)| String::from_utf8(bytes.clone()).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(of(Stream::Stdout), ["a\n", "b\n", "\n", "c"]);
    assert_eq!(of(Stream::Stderr), ["x\n", "y"]);
}

#[test]
fn any_bytes_and_any_length() {
    let script = r"
import sys
out = sys.stdout.buffer
out.write(bytes(range(256)))
out.write(b'x' * 300000 + b'\n')
out.write(b'end')
";
    let main = json!({"name": "main", "command": ["python3", "-c", script]});
    let ran = run(&pod(&json!([main]), &json!({})), &Secrets::default());
    assert_eq!(ran.outcome.exit_code, 0, "{:?}", ran.record.pieces);
    let wanted = [(0..=255).collect::<Vec<u8>>(), b"x".repeat(300_000), b"\nend".to_vec()].concat();
    assert_eq!(ran.record.bytes("main"), wanted);
    assert!(ran.record.pieces.iter().all(|(_, _, bytes)| bytes.len() <= LONGEST_PIECE));
}

#[test]
fn nothing_is_lost_of_much_from_many() {
    let script = "i=0; while test $i -lt 2000; do echo line $i; i=$((i+1)); done";
    let containers = ["a", "b", "c"].map(|name| sh(name, script, &json!({})));
    let ran = run(&pod(&json!(containers), &json!({})), &Secrets::default());
    let wanted = (0..2000).map(|i| format!("line {i}\n")).collect::<Vec<_>>().concat();
    for name in ["a", "b", "c"] {
        assert_eq!(ran.text(name), wanted);
    }
}

/// Leaves a file when it has seen anything.
struct Answer(Record, std::path::PathBuf);
impl runner::Output for Answer {
    fn piece(&mut self, container: &str, stream: Stream, bytes: &[u8]) -> ControlFlow<()> {
        std::fs::write(&self.1, "").unwrap();
        self.0.piece(container, stream, bytes)
    }
    fn note(&mut self, _: &runner::Note) {}
    fn framing(&mut self, container: &str) -> Framing {
        self.0.framing(container)
    }
}

#[test]
fn raw_output_comes_before_its_line_is_complete() {
    // The container goes on only when what it wrote without a line feed has been seen.
    let dir = tempfile::tempdir().unwrap();
    let seen = dir.path().join("seen");
    let script = format!("printf '50%%\\r'; until test -e {}; do sleep 0.01; done; printf '100%%\\n'", seen.display());
    let mut answer = Answer(Record { framing: Framing::Raw, ..Record::default() }, seen);
    let parent = tempfile::tempdir().unwrap();
    let outcome =
        runner::run(&read(&one(&script, &json!({}))), &Secrets::default(), options(parent.path()), &mut answer)
            .unwrap();
    assert_eq!((outcome.exit_code, answer.0.text("main").as_str()), (0, "50%\r100%\n"));
}

/// Takes one piece and no more.
struct Once(Record);
impl runner::Output for Once {
    fn piece(&mut self, container: &str, stream: Stream, bytes: &[u8]) -> ControlFlow<()> {
        _ = self.0.piece(container, stream, bytes);
        ControlFlow::Break(())
    }
    fn note(&mut self, _: &runner::Note) {}
    fn framing(&mut self, container: &str) -> Framing {
        self.0.framing(container)
    }
}

#[test]
fn a_container_whose_output_nobody_reads_is_told() {
    // Without a reader `yes` would write for ever; the other stream is still read.
    let script = "(sleep 0.3; echo late >&2) & yes; echo ended with $? >&2";
    for framing in [Framing::Lines, Framing::Raw] {
        let mut once = Once(Record { framing, ..Record::default() });
        let parent = tempfile::tempdir().unwrap();
        let outcome =
            runner::run(&read(&one("yes", &json!({}))), &Secrets::default(), options(parent.path()), &mut once)
                .unwrap();
        assert_eq!((outcome.exit_code, once.0.pieces.len()), (128 + 13, 1), "{framing:?}");
        let mut once = Once(Record { framing, ..Record::default() });
        runner::run(&read(&one(script, &json!({}))), &Secrets::default(), options(parent.path()), &mut once).unwrap();
        let streams: Vec<_> = once.0.pieces.iter().map(|(_, stream, _)| *stream).collect();
        assert_eq!(streams, [Stream::Stdout, Stream::Stderr]);
    }
}

#[test]
fn a_container_that_fails_is_named() {
    let ran = run(
        &pod(&json!([sh("a", "exit 3", &json!({})), sh("b", "kill -9 $$$$", &json!({}))]), &json!({})),
        &Secrets::default(),
    );
    let mut notes = ran.record.notes();
    notes.sort();
    assert_eq!(notes, ["container `a` ended with exit code 3", "container `b` was ended by SIGKILL"]);
    let init = json!({"initContainers": [sh("first", "exit 4", &json!({}))]});
    let ran = run(&pod(&json!([sh("main", "true", &json!({}))]), &init), &Secrets::default());
    assert_eq!(
        ran.record.notes(),
        ["init container `first` ended with exit code 4; what comes after it does not start"]
    );
    assert_eq!(ran.outcome.exit_code, 4);
}
