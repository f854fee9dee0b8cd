//! The words after a command: flags, and options whose value stands behind them or behind `=`.

/// The words that were not read yet.
pub(crate) struct Words<I>(I);

/// One of them.
pub(crate) struct Word(String);

impl<I: Iterator<Item = String>> Words<I> {
    pub(crate) fn new(words: I) -> Self {
        Self(words)
    }

    /// Takes the next one, if there is one.
    pub(crate) fn take(&mut self) -> Option<Word> {
        self.0.next().map(Word)
    }

    /// The value of an option: what stands behind `=`, else the next word. `what` is what the error says that it needs.
    pub(crate) fn value(&mut self, option: &Word, what: &str) -> Result<String, String> {
        let value = option.0.split_once('=').map(|(_, value)| value.to_owned()).or_else(|| self.0.next());
        let value = value.filter(|value| !value.is_empty());
        value.ok_or_else(|| format!("`{}` needs {what}", option.name()))
    }
}

impl Word {
    /// All of it.
    pub(crate) fn text(&self) -> &str {
        &self.0
    }

    /// What stands before `=`.
    pub(crate) fn name(&self) -> &str {
        self.0.split('=').next().unwrap_or_default()
    }

    /// Whether it is a name alone.
    pub(crate) fn is_flag(&self) -> bool {
        !self.0.contains('=')
    }
}
