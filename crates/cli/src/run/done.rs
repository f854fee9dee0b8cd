//! A run that has ended, and the secrets that it read.

use super::kept::Known;
use runner::{MARK, Outcome, SHORTEST_MASKED};
use secrecy::ExposeSecret;
use zeroize::Zeroizing;

pub(super) struct Done {
    pub(super) outcome: Outcome,
    pub(super) known: Vec<Known>,
}

impl Done {
    /// The secrets whose values are in any of these texts; short ones are there by chance.
    pub(super) fn secrets_in(&self, texts: &[&str]) -> Vec<&str> {
        let is_in = |text: &str| texts.iter().any(|other| other.contains(text));
        self.texts().filter(|(_, value)| is_in(value)).map(|(name, _)| name).collect()
    }

    /// The text without the values, as the runner masks what is printed.
    pub(super) fn masked(&self, text: &str) -> String {
        let mut values: Vec<_> = self.texts().map(|(_, value)| value).collect();
        // One may be a part of another.
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        let mark = String::from_utf8_lossy(MARK);
        values.iter().fold(text.to_owned(), |text, value| text.replace(value.as_str(), &mark))
    }

    fn texts(&self) -> impl Iterator<Item = (&str, Zeroizing<String>)> {
        self.known.iter().filter_map(|(name, value)| {
            let core = value.expose_secret().trim_ascii();
            let text = Zeroizing::new(std::str::from_utf8(core).ok()?.to_owned());
            (core.len() >= SHORTEST_MASKED).then_some((name.as_str(), text))
        })
    }
}
