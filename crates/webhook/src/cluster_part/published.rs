//! When a certificate of the Secret may be served: once the API server has been told to trust it for long enough.
//!
//! Renewing needs no waiting, since the CA is the same. Where the CA is another one, whoever serves it too early is refused by
//! API servers that have not heard of it yet.

use std::time::{Duration, Instant};

/// How many different bundles are remembered; a CA is replaced once in years.
const MOST: usize = 8;

/// The bundles that the API server was seen to be told to trust, one after another, each since when.
#[derive(Debug, Default)]
pub(super) struct Published {
    seen: Vec<(String, Instant)>,
}

impl Published {
    /// Takes note of what is published now.
    pub(super) fn see(&mut self, bundle: &str, now: Instant) {
        if self.seen.last().is_none_or(|(last, _)| last != bundle) {
            self.seen.push((bundle.to_owned(), now));
            self.seen.drain(..self.seen.len().saturating_sub(MOST));
        }
    }

    /// Whether all that was published for this long is trusted to do.
    pub(super) fn has_been_for(&self, long: Duration, now: Instant, trusts: impl Fn(&str) -> bool) -> bool {
        let since = self.seen.iter().rev().take_while(|(bundle, _)| trusts(bundle)).last();
        since.is_some_and(|(_, since)| now.duration_since(*since) >= long)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn a_ca_counts_from_when_it_was_first_published_whatever_comes_and_goes_beside_it() {
        let (mut published, start) = (Published::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        let may =
            |published: &Published, ca: &str, now| published.has_been_for(LONG, now, |bundle| bundle.contains(ca));
        assert!(!may(&published, "a", at(0)));
        published.see("a", at(0));
        published.see("a b", at(100));
        assert!(may(&published, "a", at(100)) && !may(&published, "b", at(159)));
        published.see("a b", at(150));
        published.see("b a", at(155));
        assert!(may(&published, "b", at(160)));
        // Away in between, it counts anew.
        published.see("a", at(200));
        published.see("a b", at(210));
        assert!(!may(&published, "b", at(269)) && may(&published, "b", at(270)) && may(&published, "a", at(210)));
    }

    #[test]
    fn only_the_last_ones_are_remembered() {
        let (mut published, now) = (Published::default(), Instant::now());
        (0..100).for_each(|number| published.see(&number.to_string(), now));
        assert_eq!(published.seen.len(), MOST);
    }
}
