//! How a run keeps its secrets from everyone else: where their files are, and what of them is shown.

use super::given::Given;
use admission::{Plan, Values};
use clap::ValueEnum;
use runner::Masked;

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

impl KeptArgs {
    /// The values that the containers' output is not to show: those of the plan, and those that the pod's own references got.
    pub(crate) fn masked(&self, plan: &Plan, values: &Values, given: &Given) -> Vec<Masked> {
        if self.no_mask {
            return Vec::new();
        }
        let planned = (0..plan.requests.len()).filter_map(|index| values.get(index)).map(Masked::from);
        planned.chain(given.answered()).collect()
    }
}
