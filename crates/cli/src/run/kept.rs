//! How a run keeps its secrets from everyone else: where their files are, and what of them is shown.

use super::given::Given;
use admission::{Plan, Value, Values};
use clap::ValueEnum;
use runner::Masked;
use secrecy::ExposeSecret;

#[derive(clap::Args)]
pub(crate) struct KeptArgs {
    /// How the run's files are kept from everyone else
    #[arg(long, value_enum, default_value = "auto")]
    pub(crate) isolation: Isolation,

    /// Show secret values that the containers print, instead of `***`
    #[arg(long)]
    pub(crate) no_mask: bool,
}

/// The runner's [`runner::Isolation`], in words of the command line.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Isolation {
    /// `namespace` where the system allows it, else `none`, which is said
    Auto,
    /// In memory and at the pod's own paths, seen by the containers alone; refused where the system does not allow it
    Namespace,
    /// In a directory that only this user can look into, to which `FLYTE_SECRETS_DEFAULT_DIR` leads
    None,
}

impl From<Isolation> for runner::Isolation {
    fn from(isolation: Isolation) -> Self {
        match isolation {
            Isolation::Auto => Self::Auto,
            Isolation::Namespace => Self::Namespace,
            Isolation::None => Self::Directory,
        }
    }
}

/// A secret that a run reads: how messages name it, and its value.
pub(crate) type Known = (String, Value);

/// The secrets that a run reads: those of its plan, and those that the pod's own references got.
pub(super) fn known(plan: &Plan, values: &Values, given: &Given) -> Vec<Known> {
    let planned =
        plan.requests.iter().enumerate().filter_map(|(index, request)| {
            Some((request.secret.to_string(), Value::from(values.get(index)?.to_vec())))
        });
    planned.chain(given.answered()).collect()
}

impl KeptArgs {
    /// What the containers' output is not to show.
    pub(super) fn masks(&self, known: &[Known]) -> Vec<Masked> {
        let masked = if self.no_mask { &[] } else { known };
        let values = masked.iter().map(|(_, value)| value.expose_secret());
        values.clone().chain(values.flat_map(long_lines)).map(Masked::from).collect()
    }
}

/// The lines of a value of many, for where something stands before each of them; short ones would occur elsewhere.
fn long_lines(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    const LONG: usize = 16;
    value.split(|byte| *byte == b'\n').filter(|line| line.len() < value.len() && line.trim_ascii().len() >= LONG)
}
