//! Points in time and durations, as text and as protobuf has them.

use jiff::fmt::friendly::SpanParser;
use jiff::{SignedDuration, SpanRelativeTo, Timestamp, civil};
use prost_types::{Duration, Timestamp as Wire};

/// RFC 3339, or without an offset (and without a time), which then is UTC: so flytekit takes it, too.
pub(crate) fn datetime(text: &str) -> Option<Wire> {
    let text = text.trim();
    let at = text.parse::<Timestamp>().ok().or_else(|| {
        let civil: civil::DateTime = text.parse().ok()?;
        civil.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
    })?;
    // protobuf counts nanoseconds upwards, also before 1970.
    let whole = at.as_nanosecond().div_euclid(1_000_000_000);
    let nanos = at.as_nanosecond().rem_euclid(1_000_000_000);
    Some(Wire { seconds: i64::try_from(whole).ok()?, nanos: i32::try_from(nanos).ok()? })
}

/// In RFC 3339 and UTC.
pub(crate) fn datetime_text(at: &Wire) -> Option<String> {
    Some(Timestamp::new(at.seconds, at.nanos).ok()?.to_string())
}

/// `90s`, `1h 30m`, `2 days`, `01:30:00` or ISO 8601's `PT1H30M`. A day has 24 hours.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    let span = SpanParser::new().parse_span(text).or_else(|_| text.parse::<jiff::Span>()).ok()?;
    let long: SignedDuration = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    Some(Duration { seconds: long.as_secs(), nanos: long.subsec_nanos() })
}

/// In ISO 8601, in hours, minutes and seconds.
pub(crate) fn duration_text(long: &Duration) -> Option<String> {
    let long = SignedDuration::from_secs(long.seconds).checked_add(SignedDuration::from_nanos(long.nanos.into()))?;
    Some(long.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        for (text, same) in [
            ("2024-02-29T12:30:00Z", "2024-02-29T12:30:00Z"),
            ("2024-02-29T12:30:00.5+02:00", "2024-02-29T10:30:00.5Z"),
            ("2024-02-29T12:30:00", "2024-02-29T12:30:00Z"),
            ("2024-02-29 12:30", "2024-02-29T12:30:00Z"),
            ("2024-02-29", "2024-02-29T00:00:00Z"),
            ("1969-12-31T23:59:59.25Z", "1969-12-31T23:59:59.25Z"),
        ] {
            let at = datetime(text).unwrap_or_else(|| panic!("{text}"));
            assert!((0..1_000_000_000).contains(&at.nanos));
            assert_eq!(datetime_text(&at).as_deref(), Some(same), "{text}");
        }
        for text in ["", "yesterday", "2023-02-29", "12:30"] {
            assert_eq!(datetime(text), None, "{text}");
        }
    }

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, same) in [
            ("90s", "PT1M30S"),
            ("1h 30m", "PT1H30M"),
            ("2 days", "PT48H"),
            ("01:30:00", "PT1H30M"),
            ("PT1H30M", "PT1H30M"),
            ("P1DT1S", "PT24H1S"),
            ("1.5s", "PT1.5S"),
            ("-5s", "-PT5S"),
        ] {
            let long = duration(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(duration_text(&long).as_deref(), Some(same), "{text}");
        }
        for text in ["", "5", "soon", "1 month"] {
            assert_eq!(duration(text), None, "{text}");
        }
    }
}
