//! `keybearer man`: manual pages, one for each command, from the same text as `--help`.

use crate::fault::Fault;
use crate::{args, document, terminal};
use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Write the manual pages, one for each command
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  keybearer man --dir ~/.local/share/man/man1
  man keybearer-run")]
pub(crate) struct Args {
    /// Where to; the directory is made if it is not there
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
}

pub(crate) fn execute(args: &Args) -> Result<ExitCode, Fault> {
    let failed = |path: &Path, error: &io::Error| {
        let (path, reason) = (path.display().to_string(), document::reason(error));
        Fault::new(format!("can't write `{}`: {reason}", path.escape_debug())).hint("name another directory with --dir")
    };
    fs::create_dir_all(&args.dir).map_err(|error| failed(&args.dir, &error))?;
    let mut command = args::command().disable_help_subcommand(true);
    command.build();
    let mut pages = Vec::new();
    collect(&command, &mut pages).map_err(|error| failed(&args.dir, &error))?;
    for (name, text) in &pages {
        let path = args.dir.join(name);
        fs::write(&path, text).map_err(|error| failed(&path, &error))?;
    }
    terminal::note(format!("{} pages in `{}`", pages.len(), args.dir.display()));
    Ok(ExitCode::SUCCESS)
}

/// The pages of a command and of all below it, by their files' names.
fn collect(command: &Command, pages: &mut Vec<(String, Vec<u8>)>) -> io::Result<()> {
    let page = Man::new(command.clone());
    let name = command.get_display_name().unwrap_or(command.get_name());
    // clap_mangen's own heading leaves out the date, which it has none of, and with it shifts all that follows.
    let version = env!("CARGO_PKG_VERSION");
    let mut text = format!(".TH \"{name}\" \"1\" \"\" \"keybearer {version}\" \"Keybearer\"\n").into_bytes();
    page.render_name_section(&mut text)?;
    page.render_synopsis_section(&mut text)?;
    page.render_description_section(&mut text)?;
    if command.get_opts().chain(command.get_positionals()).next().is_some() {
        page.render_options_section(&mut text)?;
    }
    if command.has_subcommands() {
        page.render_subcommands_section(&mut text)?;
    }
    if let Some(more) = command.get_after_help() {
        sections(&more.to_string()).to_writer(&mut text)?;
    }
    pages.push((page.get_filename(), text));
    command.get_subcommands().filter(|below| !below.is_hide_set()).try_for_each(|below| collect(below, pages))
}

/// What stands at the end of a help text: paragraphs, of which those that begin with a line such as `Examples:` are sections
/// of their own, whose lines stay lines.
fn sections(text: &str) -> Roff {
    let mut roff = Roff::new();
    let mut is_in_notes = false;
    for paragraph in text.split("\n\n") {
        let mut lines: Vec<&str> = paragraph.lines().collect();
        if let Some(heading) = lines.first().and_then(|line| line.strip_suffix(':')) {
            roff.control("SH", [heading.to_uppercase().as_str()]);
            lines.remove(0);
            is_in_notes = false;
        } else if is_in_notes {
            roff.control("PP", []);
        } else {
            roff.control("SH", ["NOTES"]);
            is_in_notes = true;
        }
        if is_in_notes {
            roff.text([roman(lines.join(" "))]);
            continue;
        }
        roff.control("nf", []);
        for line in lines {
            roff.text([roman(line)]);
        }
        roff.control("fi", []);
    }
    roff
}
