//! Measures the webhook's server beside an echo; started by `cargo xtask bench`, which builds both.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for developers: printing is its work")]

mod case;
mod docs;
mod echo;
mod figures;
mod load;
mod machine;
mod measure;
mod plot;
mod pods;
mod server;
mod table;

use case::Case;
use clap::Parser;
use figures::Figures;
use measure::Amount;
use server::Program;
use std::path::PathBuf;
use std::process::ExitCode;

/// Measure the webhook's server, or be what it is measured beside
#[derive(Parser)]
enum Command {
    Measure(Args),
    Echo(echo::Args),
}

/// Measure the webhook's server
#[derive(clap::Args)]
struct Args {
    /// The program that is measured
    #[arg(long, value_name = "FILE")]
    program: PathBuf,
    /// Another build of the program, to be measured in the same run
    #[arg(long, value_name = "FILE")]
    before: Option<PathBuf>,
    /// Only as long as it takes to see that everything works
    #[arg(long)]
    quick: bool,
    /// Only this case, by its name in the JSON; may be given again
    #[arg(long = "case", value_name = "NAME", value_parser = case::named, conflicts_with = "docs")]
    cases: Vec<&'static Case>,
    /// Where `performance.json` and `performance.svg` go
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The folder of a `performance.md` that is to have the figures, and JSON and picture beside it
    #[arg(long, value_name = "DIR")]
    docs: Option<PathBuf>,
}

fn main() -> ExitCode {
    let done = match Command::parse() {
        Command::Measure(args) => run(&args),
        Command::Echo(args) => echo::run(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> anyhow::Result<()> {
    let figures = measured(args)?;
    docs::write(&figures, &args.out)?;
    println!("\n{}", table::markdown(&figures));
    println!("{} has the figures as JSON and as a picture", args.out.display());
    if let Some(folder) = &args.docs {
        docs::write(&figures, folder)?;
        docs::fill(&figures, folder)?;
        println!("{} has them, too", folder.join("performance.md").display());
    }
    Ok(())
}

fn measured(args: &Args) -> anyhow::Result<Figures> {
    let mut programs = vec![Program::Keybearer("keybearer", args.program.clone()), Program::Echo, Program::Fixed];
    programs.extend(args.before.clone().map(|before| Program::Keybearer("before", before)));
    let all: Vec<&Case> = case::ALL.iter().collect();
    let cases = if args.cases.is_empty() { &all } else { &args.cases };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(measure::run(cases, &programs, Amount::new(args.quick), |what| println!("bench: {what}")))
}
