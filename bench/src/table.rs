//! The figures as tables of Markdown.

use crate::figures::{CaseFigures, Figures, Row, Spread};
use std::fmt::Write as _;

/// Everything, for a terminal and for `docs/performance.md`.
pub(crate) fn markdown(figures: &Figures) -> String {
    let mut text = String::new();
    let quick = if figures.quick { " **A quick run: the figures tell only that it works.**" } else { "" };
    let cores = if figures.cores { "server and load on a core each" } else { "server and load on ONE core" };
    let _ = writeln!(
        text,
        "Commit {}, {}; {cores}; other processes took {:.0} % of the machine meanwhile.{quick}\n",
        figures.commit, figures.machine, figures.others_percent
    );
    bars(&mut text, figures);
    cpu(&mut text, figures);
    waiting(&mut text, figures);
    starts(&mut text, figures);
    text
}

/// Numbers with one digit behind the point where they are small.
fn short(value: f64) -> String {
    if value.abs() < 100.0 { format!("{value:.1}") } else { format!("{value:.0}") }
}

fn times(spread: Spread) -> String {
    format!("{:.2} × ({:.2} to {:.2})", spread.median, spread.low, spread.high)
}

/// What each part must reach, and what it did.
fn bars(text: &mut String, figures: &Figures) {
    text.push_str("| what | must be | is | |\n| --- | --- | --- | --- |\n");
    let mut line = |what: &str, most: f64, unit: &str, is: Option<f64>| {
        let Some(is) = is else { return };
        let verdict = if is <= most { "reached" } else { "**missed**" };
        let _ = writeln!(text, "| {what} | at most {most}{unit} | {is:.2}{unit} | {verdict} |");
    };
    let row = |name: &str| figures.case(name).and_then(|case| case.row("keybearer"));
    for (name, way) in [("http1", "HTTP/1.1"), ("http2", "HTTP/2")] {
        let what = format!("CPU of a review over kept {way}, beside the echo");
        line(&what, 1.5, " ×", row(name).map(|row| row.times_echo.median));
    }
    line("CPU of a review of a huge pod", 2.0, " ms", row("huge").map(|row| row.cpu_micros.median / 1e3));
    line(
        "waiting at 1,000 reviews a second on one core, p99",
        2.0,
        " ms",
        row("steady").map(|row| row.micros(0.99) / 1e3),
    );
    line("anonymous memory at 64 connections", 8.0, " MiB", row("connections64").map(mebibytes));
    let start = figures.starts.iter().find(|start| start.program == "keybearer");
    line("start to first answer, certificates on disk", 100.0, " ms", start.map(|start| start.millis.median));
    text.push('\n');
}

#[expect(clippy::cast_precision_loss, reason = "KiB of one machine")]
fn mebibytes(row: &Row) -> f64 {
    row.anonymous_kib as f64 / 1024.0
}

/// What a case is about, in words.
fn title(case: &CaseFigures) -> String {
    let secrets = if case.secrets == 1 { "1 secret".to_owned() } else { format!("{} secrets", case.secrets) };
    let bytes = |bytes: usize| format!("{}.{} KB", bytes / 1000, bytes % 1000 / 100);
    format!("{}; {secrets}, {} in, {} out", case.title, bytes(case.review_bytes), bytes(case.answer_bytes))
}

fn cpu(text: &mut String, figures: &Figures) {
    text.push_str("Server CPU for one review, in µs: the median of the rounds. Beside the echo of the same round (and between\nwhich two figures half of the rounds were).\n\n");
    let Some(first) = figures.cases.first() else { return };
    let names: Vec<&str> = first.programs.iter().map(|row| row.program.as_str()).collect();
    let deciding: Vec<&str> = names.iter().copied().filter(|name| !matches!(*name, "echo" | "fixed")).collect();
    let _ = write!(text, "| case |");
    for name in &names {
        let _ = write!(text, " {name} |");
    }
    for name in &deciding {
        let _ = write!(text, " {name} beside the echo | at most, a core |");
    }
    let _ = writeln!(text, "\n| --- |{}", " ---: |".repeat(names.len() + 2 * deciding.len()));
    for case in &figures.cases {
        let _ = write!(text, "| {} |", title(case));
        for row in &case.programs {
            let _ = write!(text, " {} |", short(row.cpu_micros.median));
        }
        for row in deciding.iter().filter_map(|name| case.row(name)) {
            let _ = write!(text, " {} |", times(row.times_echo));
            // A server that waits between reviews is woken for each, which one at its limit is not.
            let _ = match case.rate {
                None => write!(text, " {:.0}/s |", 1e6 / row.cpu_micros.median),
                Some(_) => write!(text, " |"),
            };
        }
        text.push('\n');
    }
    text.push('\n');
}

fn waiting(text: &mut String, figures: &Figures) {
    text.push_str("What callers saw: reviews a second with as many as there could be (the server's core is the limit, for new connections the load's),\nhow long they waited, in µs (mostly in line, then: waiting by itself is that at 1,000 reviews a second), and the server's own\nmemory, looked at after each round.\n\n");
    text.push_str("| case | program | reviews/s | p50 | p99 | p99.9 | anonymous memory |\n| --- | --- | ---: | ---: | ---: | ---: | ---: |\n");
    for case in &figures.cases {
        for row in &case.programs {
            let wait = [0.5, 0.99, 0.999].map(|quantile| short(row.micros(quantile)));
            let _ = writeln!(
                text,
                "| {} | {} | {:.0} | {} | {:.1} MiB |",
                case.title,
                row.program,
                row.per_second,
                wait.join(" | "),
                mebibytes(row)
            );
        }
    }
    text.push('\n');
}

fn starts(text: &mut String, figures: &Figures) {
    text.push_str("From start to the first answer, in ms, over a new connection and with certificates on disk:\n\n");
    text.push_str("| program | median | a quarter below | a quarter above |\n| --- | ---: | ---: | ---: |\n");
    for start in &figures.starts {
        let Spread { median, low, high } = start.millis;
        let _ = writeln!(text, "| {} | {median:.1} | {low:.1} | {high:.1} |", start.program);
    }
}
