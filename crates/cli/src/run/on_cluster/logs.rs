//! What a container writes, each line once, whatever happens to the connection.
//!
//! The API server tells the time of each line, but lets itself be asked for lines since a whole second only. So the lines of the
//! last second are counted, and as many are passed over when the connection is made again.

use super::Event;
use super::children::Children;
use crate::kubectl::{Failure, Kubectl};
use jiff::Timestamp;
use std::io::{BufRead, BufReader};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::time::Duration;

/// Between two connections.
const PAUSE: Duration = Duration::from_millis(300);
/// How often the log of a container that has ended is asked for in vain.
const TRIES: usize = 10;

/// How far the log was read.
#[derive(Default)]
struct Read {
    /// The second of the latest line.
    second: i64,
    /// The time of the latest line.
    latest: Timestamp,
    /// How many lines of that second were read.
    in_second: usize,
}

impl Read {
    fn take(&mut self, time: Timestamp) {
        let second = time.as_second();
        if second > self.second {
            (self.second, self.in_second) = (second, 0);
        }
        if second == self.second {
            self.in_second += 1;
        }
        self.latest = self.latest.max(time);
    }

    fn since(&self) -> Option<String> {
        (self.in_second > 0).then(|| Timestamp::new(self.second, 0).map(|time| time.to_string()).ok()).flatten()
    }
}

/// A line and its time. The first of a stream is no line of a log where something else is answered.
fn timed(line: &[u8]) -> Option<(Timestamp, &[u8])> {
    let at = line.iter().position(|byte| *byte == b' ')?;
    let time = std::str::from_utf8(&line[..at]).ok()?.parse().ok()?;
    Some((time, &line[at + 1..]))
}

/// Tells of each line until the container has ended, which `has_ended` says, and all of its log is read.
pub(super) fn follow(
    kubectl: &Kubectl,
    pod: &str,
    container: &str,
    children: &Children,
    has_ended: &AtomicBool,
    events: &Sender<Event>,
) {
    let mut read = Read::default();
    let mut tries = 0;
    let lost = loop {
        // Asked before: what is read after the container's end is all there is.
        let had_ended = has_ended.load(Ordering::SeqCst);
        let failure = match pass(kubectl, pod, container, children, &mut read, had_ended, events) {
            Ok(()) if had_ended => break None,
            Ok(()) => None,
            Err(failure) => Some(failure),
        };
        if children.is_stopped() {
            return;
        }
        if let Some(failure) = failure {
            tries += usize::from(had_ended);
            let is_final = failure.says(&["(NotFound)"]) || failure.says(&["(Forbidden)"]);
            if is_final || tries >= TRIES {
                break Some(failure);
            }
        }
        std::thread::sleep(PAUSE);
    };
    let _ = events.send(Event::LogEnded { container: container.to_owned(), lost });
}

/// One connection.
fn pass(
    kubectl: &Kubectl,
    pod: &str,
    container: &str,
    children: &Children,
    read: &mut Read,
    is_last: bool,
    events: &Sender<Event>,
) -> Result<(), Failure> {
    let mut command = kubectl.command(["logs", pod, "--container", container, "--follow", "--timestamps"]);
    let mut to_skip = 0;
    if let Some(since) = read.since() {
        command.arg(format!("--since-time={since}"));
        to_skip = read.in_second;
    }
    let (living, stdout) = children.start(&mut command)?;
    let mut lines = BufReader::new(stdout);
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
        // A line that was cut off comes whole over the next connection, if there is one.
        if !line.ends_with(b"\n") && !is_last {
            break;
        }
        let bytes = match timed(&line) {
            Some((time, _)) if to_skip > 0 && time <= read.latest => {
                to_skip -= 1;
                line.clear();
                continue;
            }
            Some((time, bytes)) => {
                to_skip = 0;
                read.take(time);
                bytes
            }
            None => &line,
        };
        let event = Event::Line { container: container.to_owned(), bytes: bytes.to_vec() };
        if events.send(event).is_err() {
            children.kill(&living);
            break;
        }
        line.clear();
    }
    children.end(living)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_last_second_are_counted() {
        let mut read = Read::default();
        assert_eq!(read.since(), None);
        for time in ["2026-11-24T12:00:00.5Z", "2026-11-24T12:00:01.1Z", "2026-11-24T12:00:01.9Z"] {
            read.take(time.parse().unwrap());
        }
        assert_eq!((read.since().as_deref(), read.in_second), (Some("2026-11-24T12:00:01Z"), 2));
    }

    #[test]
    fn a_line_has_its_time_before_it() {
        let (time, rest) = timed(b"2026-11-24T13:00:00.123456789+01:00 a line\n").unwrap();
        assert_eq!((time.to_string().as_str(), rest), ("2026-11-24T12:00:00.123456789Z", &b"a line\n"[..]));
        assert!(timed(b"unable to retrieve container logs").is_none());
    }
}
