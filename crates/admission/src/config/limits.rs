//! Bounds on what callers can make the server hold: section `limits:`.

use super::duration;
use super::error::ConfigError;
use super::section::Section;
use crate::planner::MAX_SECRETS;
use std::time::Duration;

/// Bytes of a request's head below which hyper has no buffer.
const LEAST_HEAD: usize = 8 << 10;
/// How long an API server keeps an idle connection.
const API_SERVER_IDLE: Duration = Duration::from_secs(90);

/// Bounds on what callers can make the server hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one review. The API server's objects reach some 3 MiB; Flyte's webhook takes 7 MiB.
    pub body: usize,
    /// Bytes of reviews that are being read or answered, and of answers that nobody has taken yet, at once.
    pub in_flight: usize,
    /// Bytes of a request's head.
    pub head_bytes: usize,
    /// Secrets of one pod.
    pub secrets: usize,
    /// Connections at once. Many systems let a process have 1,024 files open, and probes, the API server and files need
    /// some of them.
    pub connections: usize,
    /// Streams of one HTTP/2 connection at once.
    pub streams: u32,
    /// Time for a TLS handshake.
    pub handshake: Duration,
    /// Time for the head of a request, and so also between two requests: longer than the 90 s that an API server
    /// keeps an idle connection.
    pub head: Duration,
    /// Time for the body of a request, and for its answer to be taken.
    pub body_time: Duration,
    /// Age at which a connection is ended, so that new replicas get their share; each gets 20 % more or less.
    pub age: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 7 << 20,
            in_flight: 64 << 20,
            head_bytes: 32 << 10,
            secrets: MAX_SECRETS,
            connections: 512,
            streams: 250,
            handshake: Duration::from_secs(10),
            head: Duration::from_secs(120),
            body_time: Duration::from_secs(10),
            age: Duration::from_secs(300),
        }
    }
}

pub(super) fn read(section: Option<Section>, notes: &mut Vec<String>) -> Result<Limits, ConfigError> {
    let mut limits = Limits::default();
    let Some(mut section) = section else { return Ok(limits) };
    let at = section.at().clone();
    let count = |least: usize, most: usize| {
        move |text: &str| text.parse::<usize>().ok().filter(|number| (least..=most).contains(number))
    };
    let bytes = "a number of bytes such as `512Ki` or `7Mi`";
    let (time, up_to_a_day) = ("a duration such as `90s` or `2m`, at most `24h`", |text: &str| {
        duration(text).filter(|time| *time <= Duration::from_secs(24 * 3600))
    });
    let secrets = format!("a number, 1 to {MAX_SECRETS}");
    let least_head = format!("at least {LEAST_HEAD} bytes, such as `32Ki`");
    set(&mut limits.body, section.parsed("body", bytes, size)?);
    set(&mut limits.in_flight, section.parsed("bytesInFlight", bytes, size)?);
    let head = |text: &str| size(text).filter(|bytes| *bytes >= LEAST_HEAD && u32::try_from(*bytes).is_ok());
    set(&mut limits.head_bytes, section.parsed("head", &least_head, head)?);
    set(&mut limits.secrets, section.parsed("secrets", &secrets, count(1, MAX_SECRETS))?);
    set(&mut limits.connections, section.parsed("connections", "a number, 1 to 1000000", count(1, 1_000_000))?);
    let streams = |text: &str| text.parse::<u32>().ok().filter(|number| (1..=10_000).contains(number));
    set(&mut limits.streams, section.parsed("streams", "a number, 1 to 10000", streams)?);
    set(&mut limits.handshake, section.parsed("handshakeTime", time, up_to_a_day)?);
    set(&mut limits.head, section.parsed("headTime", time, up_to_a_day)?);
    set(&mut limits.body_time, section.parsed("bodyTime", time, up_to_a_day)?);
    set(&mut limits.age, section.parsed("connectionAge", time, up_to_a_day)?);
    section.finish()?;
    // While a body grows, it is there a second time.
    if limits.in_flight / 2 < limits.body {
        let message =
            "`limits.bytesInFlight` is less than twice `limits.body`: a review of that size might never be taken";
        return Err(ConfigError::at(&at, message).with_hint("raise `bytesInFlight`, or lower `body`"));
    }
    if limits.head <= API_SERVER_IDLE {
        notes.push(format!(
            "`limits.headTime` is not more than the {} s for which API servers keep an idle connection: a request may \
             fall on one that is just being ended",
            API_SERVER_IDLE.as_secs()
        ));
    }
    Ok(limits)
}

fn set<T>(limit: &mut T, written: Option<T>) {
    if let Some(written) = written {
        *limit = written;
    }
}

/// Bytes as Kubernetes writes them: `7340032`, `7168Ki`, `7Mi`, `1Gi`.
fn size(text: &str) -> Option<usize> {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit = match &text[digits.len()..] {
        "" => 1,
        "Ki" => 1 << 10,
        "Mi" => 1 << 20,
        "Gi" => 1 << 30,
        _ => return None,
    };
    digits.parse::<usize>().ok()?.checked_mul(unit).filter(|bytes| *bytes > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;

    fn read(text: &str) -> Result<Config, ConfigError> {
        Config::parse(text, "test.yaml")
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        assert_eq!(Config::default().limits, Limits::default());
        let config = read("limits: {body: 1Mi, connections: 7, headTime: 100s, secrets: \"3\"}").unwrap();
        let head = Duration::from_secs(100);
        let expected = Limits { body: 1 << 20, connections: 7, head, secrets: 3, ..Limits::default() };
        assert_eq!(config.limits, expected);
        assert!(config.notes.is_empty(), "{:?}", config.notes);
    }

    #[test]
    fn bytes_are_written_as_kubernetes_has_them() {
        for (text, bytes) in [("1", 1), ("512Ki", 512 << 10), ("7Mi", 7 << 20), ("1Gi", 1 << 30)] {
            assert_eq!(size(text), Some(bytes), "{text}");
        }
        for text in
            ["", "Mi", "0", "-1", "1.5Mi", "7MB", "7 Mi", "99999999999999999999", "18446744073709551615Ki", "7mi"]
        {
            assert_eq!(size(text), None, "{text}");
        }
    }

    #[test]
    fn what_would_not_work_is_refused_with_its_place() {
        for (text, part) in [
            ("limits: {body: 0}", "`body`"),
            ("limits: {bytesInFlight: 1Mi}", "less than twice `limits.body`"),
            ("limits: {head: 4Ki}", "`head`"),
            ("limits: {secrets: 1025}", "1 to 1024"),
            ("limits: {connections: 0}", "`connections`"),
            ("limits: {streams: many}", "`streams`"),
            ("limits: {bodyTime: 0s}", "`bodyTime`"),
            ("limits: {connectionAge: 25h}", "at most `24h`"),
            ("limits: {conections: 3}", "unknown name `conections`"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.starts_with("test.yaml:1:") && error.contains(part), "{error}");
        }
    }

    #[test]
    fn a_time_that_an_api_servers_idle_connections_reach_is_noted() {
        assert!(read("limits: {headTime: 90s}").unwrap().notes[0].contains("headTime"));
    }
}
