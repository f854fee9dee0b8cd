//! `secret set` and `secret get` on a terminal: a real one, which `script` makes.

use crate::support::{CANARY, GUARD, KEYBEARER, Place};
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// A shell on a terminal, and all that the terminal showed.
struct Terminal {
    child: Child,
    shown: Arc<Mutex<Vec<u8>>>,
}

impl Terminal {
    fn new(place: &Place, commands: &str) -> Self {
        // `script` gives its own exit code back with -e, and -f shows everything at once.
        let mut child = Command::new("script")
            .args(["-q", "-e", "-f", "-c", commands, "/dev/null"])
            .current_dir(place.path(""))
            .env("XDG_DATA_HOME", place.path("data"))
            .env("KEYBEARER", KEYBEARER)
            .env("SHELL", "/bin/sh")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let shown = Arc::new(Mutex::new(Vec::new()));
        let (into, mut from) = (Arc::clone(&shown), child.stdout.take().unwrap());
        thread::spawn(move || {
            let mut buffer = [0; 1024];
            while let Ok(count @ 1..) = from.read(&mut buffer) {
                into.lock().unwrap().extend(&buffer[..count]);
            }
        });
        Self { child, shown }
    }

    fn shown(&self) -> String {
        String::from_utf8_lossy(&self.shown.lock().unwrap()).into_owned()
    }

    /// Types something once the terminal shows this.
    fn types(&mut self, after: &str, text: &str) -> &mut Self {
        let start = Instant::now();
        while !self.shown().contains(after) {
            assert!(start.elapsed() < GUARD, "`{after}` is not in\n{}", self.shown());
            thread::sleep(Duration::from_millis(10));
        }
        self.child.stdin.as_mut().unwrap().write_all(text.as_bytes()).unwrap();
        self
    }

    /// Waits for the end, and gives what was shown.
    fn ends(&mut self) -> String {
        let start = Instant::now();
        let stdin = self.child.stdin.take();
        while self.child.try_wait().unwrap().is_none() {
            assert!(start.elapsed() < GUARD, "it does not end:\n{}", self.shown());
            thread::sleep(Duration::from_millis(10));
        }
        drop(stdin);
        self.shown()
    }
}

const SET: &str = "trap : INT; $KEYBEARER secret set g/k; echo status $?; stty -a";

#[test]
fn a_value_is_asked_for_twice_and_never_shown() {
    let place = Place::new();
    let mut terminal = Terminal::new(&place, SET);
    terminal
        .types("value of `g/k` (not shown): ", &format!("{CANARY} é\n"))
        .types("the same again: ", &format!("{CANARY} é\n"));
    let shown = terminal.types("echoe", "").ends();
    assert!(!shown.contains(CANARY), "{shown}");
    assert!(shown.contains("status 0"), "{shown}");
    assert!(shown.contains(" echo "), "{shown}");
    assert_eq!(place.keybearer(&["secret", "get", "g/k"]).code(0).stdout, format!("{CANARY} é"));
}

#[test]
fn two_values_that_differ_or_none_keep_nothing() {
    let place = Place::new();
    let mut terminal = Terminal::new(&place, SET);
    terminal.types("value of `g/k`", &format!("{CANARY}\n")).types("the same again: ", "other\n");
    let shown = terminal.types("echoe", "").ends();
    assert!(shown.contains("the two are not the same, so that nothing was kept"), "{shown}");
    assert!(shown.contains("status 2"), "{shown}");
    for nothing in ["\n", "\u{4}"] {
        let mut terminal = Terminal::new(&place, SET);
        let shown = terminal.types("value of `g/k`", nothing).types("echoe", "").ends();
        assert!(shown.contains("nothing was typed, so that nothing was kept"), "{shown}");
        assert!(shown.contains(" echo "), "{shown}");
    }
    let mut terminal = Terminal::new(&place, SET);
    let shown = terminal.types("value of `g/k`", &("x".repeat(5000) + "\n")).types("echoe", "").ends();
    assert!(shown.contains("a terminal passes on no line of 4095 bytes or more"), "{shown}");
    assert!(!place.path("data").exists());
}

#[test]
fn whoever_gives_up_has_a_terminal_that_shows_what_is_typed() {
    let place = Place::new();
    let mut terminal = Terminal::new(&place, SET);
    let shown = terminal.types("value of `g/k`", "abc\u{3}").types("echoe", "").ends();
    assert!(shown.contains("status 130"), "{shown}");
    assert!(shown.contains(" echo "), "{shown}");
    assert!(!shown.contains("abc"), "{shown}");
    assert!(!place.path("data").exists());
}

#[test]
fn on_a_terminal_get_says_what_can_not_be_seen() {
    let place = Place::new();
    place.keybearer_reads("value", &["secret", "set", "g/k"]).code(0);
    place.keybearer_reads("value\n", &["secret", "set", "g/l"]).code(0);
    let shown = Terminal::new(&place, "$KEYBEARER secret get g/k; $KEYBEARER secret get g/l").ends();
    let plain = shown.replace("\u{1b}[1m", "").replace("\u{1b}[0m", "");
    assert_eq!(
        plain,
        "value\r\nnote: 5 bytes, no newline at the end\r\nvalue\r\nnote: 6 bytes, the last of them a newline\r\n"
    );
}
