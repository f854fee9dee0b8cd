//! Everything that is printed. Colour only on a terminal, and never with `NO_COLOR`.

use crate::fault::Fault;
use owo_colors::OwoColorize;
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
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(&format!("{cell:width$}  "));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
