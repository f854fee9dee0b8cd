//! What was measured, as it is kept in JSON.

use crate::load::Seen;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The shares of requests whose time is told.
pub(crate) const QUANTILES: [f64; 8] = [0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 0.9999];

/// One run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Figures {
    /// Whether it was too short to tell anything but that it works.
    pub(crate) quick: bool,
    /// The commit, as `git describe` has it.
    pub(crate) commit: String,
    /// Processor and kernel.
    pub(crate) machine: String,
    /// Whether server and load had a core each.
    pub(crate) cores: bool,
    /// The share of the machine's CPU time that other processes took meanwhile, in percent.
    pub(crate) others_percent: f64,
    /// The cases.
    pub(crate) cases: Vec<CaseFigures>,
    /// How long starting took.
    pub(crate) starts: Vec<StartFigures>,
}

/// One kind of load.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct CaseFigures {
    pub(crate) name: String,
    pub(crate) title: String,
    /// Connections, or streams of one.
    pub(crate) lanes: usize,
    /// Reviews a second, where they were not as many as there could be.
    pub(crate) rate: Option<u32>,
    pub(crate) secrets: usize,
    pub(crate) review_bytes: usize,
    pub(crate) answer_bytes: usize,
    pub(crate) programs: Vec<Row>,
}

/// One program under one kind of load.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) program: String,
    pub(crate) requests: u64,
    /// CPU time of the server for one request, in microseconds.
    pub(crate) cpu_micros: Spread,
    /// That, as a multiple of the echo's in the same round.
    pub(crate) times_echo: Spread,
    pub(crate) per_second: f64,
    /// How long the caller waited, in microseconds, by [`QUANTILES`].
    pub(crate) micros: Vec<f64>,
    /// The most memory of its own that the server had, in KiB.
    pub(crate) anonymous_kib: u64,
}

/// From start to the first answer, in milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct StartFigures {
    pub(crate) program: String,
    pub(crate) millis: Spread,
}

/// The middle of several rounds, and the half of them that is nearest to it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    /// A quarter of the rounds is at or below it.
    pub(crate) low: f64,
    /// A quarter of the rounds is at or above it.
    pub(crate) high: f64,
}

impl Spread {
    /// Of at least one value.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let at = |index: usize| rounded(values.get(index).copied().unwrap_or(f64::NAN));
        let middle = values.len() / 2;
        let median = if values.len().is_multiple_of(2) {
            rounded(f64::midpoint(at(middle.saturating_sub(1)), at(middle)))
        } else {
            at(middle)
        };
        let quarter = values.len().saturating_sub(1) / 4;
        Self { median, low: at(quarter), high: at(values.len().saturating_sub(1 + quarter)) }
    }
}

/// Three digits behind the point: the files stay readable, and no figure is better than that.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "small figures")]
pub(crate) fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() as i64 as f64 / 1000.0
}

/// One program in one round.
#[derive(Default)]
pub(crate) struct Round {
    pub(crate) seen: Seen,
    pub(crate) cpu: Duration,
}

impl Round {
    #[expect(clippy::cast_precision_loss, reason = "fewer than 2^52 requests")]
    pub(crate) fn requests(&self) -> f64 {
        self.seen.took.len() as f64
    }

    /// Microseconds of CPU time a request.
    pub(crate) fn cpu_micros(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.requests()
    }
}

impl Row {
    /// Lays a program's rounds together; `echo` are the echo's.
    pub(crate) fn of(program: &str, rounds: &[Round], echo: &[Round], anonymous_kib: u64) -> Self {
        let elapsed: f64 = rounds.iter().map(|round| round.seen.elapsed.as_secs_f64()).sum();
        let requests: f64 = rounds.iter().map(Round::requests).sum();
        Self {
            program: program.to_owned(),
            requests: rounds.iter().map(|round| round.seen.took.len() as u64).sum(),
            cpu_micros: Spread::of(rounds.iter().map(Round::cpu_micros)),
            times_echo: Spread::of(rounds.iter().zip(echo).map(|(ours, echo)| ours.cpu_micros() / echo.cpu_micros())),
            per_second: (requests / elapsed).round(),
            micros: quantiles(rounds.iter().flat_map(|round| round.seen.took.iter().copied()).collect()),
            anonymous_kib,
        }
    }

    /// How long the caller waited at most in this share of cases, in microseconds.
    pub(crate) fn micros(&self, quantile: f64) -> f64 {
        let index = QUANTILES.iter().position(|q| (q - quantile).abs() < 1e-9);
        index.and_then(|index| self.micros.get(index)).copied().unwrap_or(f64::NAN)
    }
}

impl Figures {
    /// A case by its name.
    pub(crate) fn case(&self, name: &str) -> Option<&CaseFigures> {
        self.cases.iter().find(|case| case.name == name)
    }
}

impl CaseFigures {
    /// A program's row.
    pub(crate) fn row(&self, program: &str) -> Option<&Row> {
        self.programs.iter().find(|row| row.program == program)
    }
}

/// The times below which these shares of all lie.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index")]
fn quantiles(mut took: Vec<Duration>) -> Vec<f64> {
    took.sort_unstable();
    let at = |quantile: f64| {
        let index = (took.len() as f64 * quantile).ceil() as usize;
        took.get(index.clamp(1, took.len().max(1)) - 1).map_or(f64::NAN, |took| rounded(took.as_secs_f64() * 1e6))
    };
    QUANTILES.into_iter().map(at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(requests: u64, cpu_micros: u64) -> Round {
        let took = (1..=requests).map(Duration::from_micros).collect();
        let seen = Seen { took, elapsed: Duration::from_millis(500) };
        Round { seen, cpu: Duration::from_micros(cpu_micros) }
    }

    #[test]
    fn rounds_are_compared_with_the_echo_of_the_same_round() {
        // Twice as slow in the second round, both: that is the machine and not the program.
        let ours = [round(1000, 30_000), round(1000, 60_000)];
        let echo = [round(1000, 20_000), round(1000, 40_000)];
        let row = Row::of("keybearer", &ours, &echo, 4_000);
        assert_eq!(row.times_echo, Spread { median: 1.5, low: 1.5, high: 1.5 });
        assert_eq!(row.cpu_micros, Spread { median: 45.0, low: 30.0, high: 60.0 });
        assert!((row.per_second - 2000.0).abs() < 1e-9 && row.requests == 2000);
        assert!((row.micros(0.5) - 500.0).abs() < 1e-9 && (row.micros(0.999) - 999.0).abs() < 1e-9, "{row:?}");
    }

    #[test]
    fn the_median_is_the_middle_one_and_half_of_all_are_near_it() {
        assert_eq!(Spread::of([3.0, 1.0, 20.0]), Spread { median: 3.0, low: 1.0, high: 20.0 });
        let hundred = (0..=100).rev().map(f64::from);
        assert_eq!(Spread::of(hundred), Spread { median: 50.0, low: 25.0, high: 75.0 });
    }
}
