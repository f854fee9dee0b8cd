//! Everything that is printed. Colour only on a terminal, and never with `NO_COLOR`.

use crate::explain::Mistake;
use crate::fault::Fault;
use owo_colors::OwoColorize;
use serde::Serialize;
use std::fmt::Display;
use std::io::{self, Write};

/// Prints an error with its remedies.
pub(crate) fn fault(fault: &Fault) {
    let mut err = anstream::stderr().lock();
    // Where stderr is gone there is nobody to tell.
    let _ = writeln!(err, "{} {}", "error:".red().bold(), fault.message);
    for detail in &fault.details {
        let _ = writeln!(err, "  {detail}");
    }
    for hint in &fault.hints {
        let _ = writeln!(err, "{} {hint}", "hint:".cyan().bold());
    }
}

/// Prints a warning.
pub(crate) fn warning(message: impl Display) {
    let _ = writeln!(anstream::stderr(), "{} {message}", "warning:".yellow().bold());
}

/// Prints what to do about a warning.
pub(crate) fn hint(message: impl Display) {
    let _ = writeln!(anstream::stderr(), "{} {message}", "hint:".cyan().bold());
}

/// Prints mistakes, each with its remedy.
pub(crate) fn mistakes(mistakes: &[Mistake]) {
    for mistake in mistakes {
        warning(&mistake.message);
        hint(&mistake.remedy);
    }
}

/// Prints something worth knowing.
pub(crate) fn note(message: impl Display) {
    let _ = writeln!(anstream::stderr(), "{} {message}", "note:".bold());
}

/// Prints text that may hold colours to stdout. A closed pipe is the reader's choice, not an error.
pub(crate) fn out(text: &str) -> Result<(), Fault> {
    finish(anstream::stdout().write_all(text.as_bytes()))
}

/// Prints text that may hold colours to stderr.
pub(crate) fn err(text: &str) -> Result<(), Fault> {
    finish(anstream::stderr().write_all(text.as_bytes()))
}

/// Prints bytes to stdout as they are.
pub(crate) fn raw(bytes: &[u8]) -> Result<(), Fault> {
    let mut out = io::stdout().lock();
    finish(out.write_all(bytes).and_then(|()| out.flush()))
}

/// Prints data for programs to stdout.
pub(crate) fn json(data: &impl Serialize) -> Result<(), Fault> {
    let mut text = serde_json::to_vec_pretty(data).map_err(|error| Fault::new(format!("can't print: {error}")))?;
    text.push(b'\n');
    raw(&text)
}

fn finish(written: io::Result<()>) -> Result<(), Fault> {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Fault::new(format!("can't print: {error}"))),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Lines of cells in aligned columns; cells may hold no colours.
pub(crate) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        format!("{}\n", cells.join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}
