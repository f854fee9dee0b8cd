//! `keybearer completions`: what a shell needs to complete the command line.

use crate::fault::Fault;
use crate::{args, terminal};
use std::process::ExitCode;

/// Print a script with which a shell completes commands and options
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  bash:  keybearer completions bash > ~/.local/share/bash-completion/completions/keybearer
  zsh:   keybearer completions zsh > ~/.zfunc/_keybearer
         with `fpath+=~/.zfunc` before `compinit` in ~/.zshrc
  fish:  keybearer completions fish > ~/.config/fish/completions/keybearer.fish

The folder may have to be made first; a shell that is started then completes.")]
pub(crate) struct Args {
    /// Whose script
    #[arg(value_enum)]
    shell: Shell,
}

/// The shells whose scripts are tested.
#[derive(Clone, Copy, clap::ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
}

pub(crate) fn execute(args: &Args) -> Result<ExitCode, Fault> {
    let shell = match args.shell {
        Shell::Bash => clap_complete::Shell::Bash,
        Shell::Zsh => clap_complete::Shell::Zsh,
        Shell::Fish => clap_complete::Shell::Fish,
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut args::command(), "keybearer", &mut script);
    terminal::raw(&script)?;
    Ok(ExitCode::SUCCESS)
}
