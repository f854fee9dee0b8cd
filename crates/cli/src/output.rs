//! Who reads what a command prints.

/// The forms of most commands.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Output {
    /// For a person
    Text,
    /// For programs
    Json,
}
