//! How a load went.

use super::answer::{Answer, Verdict};
use crate::Result;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

/// What became of the pods of a load.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Admitted with their secret.
    pub(crate) served: usize,
    /// Admitted without.
    pub(crate) unserved: usize,
    /// Not admitted, but whoever made them tries again.
    pub(crate) failed: usize,
    /// Refused: nobody tries again.
    pub(crate) refused: usize,
    /// Not answered by the API server.
    pub(crate) away: usize,
    /// The longest time from one pod that was served to the next.
    pub(crate) gap: Duration,
    /// The first and the last failure's or refusal's time.
    trouble: Option<(Duration, Duration)>,
    /// What was said, and how often.
    messages: BTreeMap<String, usize>,
    /// What was made of the pods.
    pub(crate) plans: BTreeSet<String>,
}

impl Seen {
    /// Counts answers.
    pub(super) fn of(answers: &[Answer]) -> Self {
        let mut answers: Vec<_> = answers.iter().collect();
        answers.sort_by_key(|answer| answer.at);
        let mut seen = Self::default();
        let mut last_served = None;
        for answer in answers {
            match &answer.verdict {
                Verdict::Served => {
                    seen.served += 1;
                    seen.gap = seen.gap.max(answer.at.saturating_sub(last_served.unwrap_or(answer.at)));
                    last_served = Some(answer.at);
                    seen.plans.insert(answer.plan.clone());
                }
                Verdict::Unserved => seen.unserved += 1,
                Verdict::Away(message) => {
                    seen.away += 1;
                    *seen.messages.entry(message.clone()).or_default() += 1;
                }
                Verdict::Failed(message) => {
                    seen.failed += 1;
                    seen.troubled(answer.at, message);
                }
                Verdict::Refused(message) => {
                    seen.refused += 1;
                    seen.troubled(answer.at, message);
                }
            }
        }
        seen
    }

    fn troubled(&mut self, at: Duration, message: &str) {
        let first = self.trouble.map_or(at, |(first, _)| first);
        self.trouble = Some((first, at));
        *self.messages.entry(message.to_owned()).or_default() += 1;
    }

    /// From the first failure to the last.
    pub(crate) fn trouble(&self) -> Duration {
        self.trouble.map_or(Duration::ZERO, |(first, last)| last.saturating_sub(first))
    }

    /// Every pod was served.
    pub(crate) fn none_failed(&self) -> Result {
        let failed = self.failed + self.refused + self.away;
        if failed == 0 { Ok(()) } else { Err(format!("{failed} pods failed: {self}")) }
    }

    /// Whoever failed may try again, and all was over after so long.
    pub(crate) fn over_within(&self, limit: Duration) -> Result {
        if self.refused > 0 {
            return Err(format!("pods were refused for good: {self}"));
        }
        let took = self.trouble().max(self.gap);
        if took <= limit { Ok(()) } else { Err(format!("it took longer than {} s: {self}", limit.as_secs())) }
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { served, unserved, failed, refused, away, gap, .. } = self;
        write!(f, "{served} served, {unserved} admitted without, {failed} failed, {refused} refused, ")?;
        write!(f, "{away} not answered by the API server; ")?;
        let (trouble, gap) = (self.trouble().as_secs_f64(), gap.as_secs_f64());
        write!(f, "failures within {trouble:.1} s, longest gap {gap:.1} s")?;
        self.messages.iter().take(5).try_for_each(|(message, count)| write!(f, "\n          {count} × {message}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(all: &[(u64, Verdict)]) -> Vec<Answer> {
        let answer = |(at, verdict): &(u64, Verdict)| Answer {
            at: Duration::from_secs(*at),
            verdict: verdict.clone(),
            plan: String::new(),
        };
        all.iter().map(answer).collect()
    }

    #[test]
    fn gaps_and_failures_are_measured_in_the_order_of_time() {
        let failed = || Verdict::Failed("x".into());
        let seen = Seen::of(&answers(&[
            (9, Verdict::Served),
            (1, Verdict::Served),
            (2, failed()),
            (4, failed()),
            (3, Verdict::Away("x".into())),
        ]));
        assert_eq!((seen.served, seen.failed, seen.away), (2, 2, 1));
        assert_eq!((seen.gap.as_secs(), seen.trouble().as_secs()), (8, 2));
        assert!(seen.over_within(Duration::from_secs(8)).is_ok() && seen.over_within(Duration::from_secs(7)).is_err());
        assert!(seen.none_failed().unwrap_err().contains("3 × x"));
    }

    #[test]
    fn a_refusal_is_never_over() {
        let seen =
            Seen::of(&answers(&[(1, Verdict::Served), (2, Verdict::Refused("no".into())), (3, Verdict::Served)]));
        assert!(seen.over_within(Duration::from_secs(60)).unwrap_err().contains("refused for good"));
        assert!(Seen::of(&answers(&[(1, Verdict::Served)])).none_failed().is_ok());
    }
}
