//! `keybearer annotate`: the label and annotations that ask for secrets.

use crate::fault::Fault;
use crate::terminal;
use admission::review::identity;
use admission::{Config, Globals, PodView};
use secret::{Secret, Spelling, shorthand};
use serde::{Serialize, Serializer};
use std::process::ExitCode;

/// Print the label and annotations that ask for secrets
///
/// The output is the `metadata` of a pod, or of a pod template: paste it there.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  keybearer annotate user-info/user_secret
  keybearer annotate db/password@3:env=DB_PASSWORD db/ca.crt:file
  keybearer annotate --readable user-info/user_secret:file")]
pub(crate) struct Args {
    /// What to ask for: `GROUP/KEY[@VERSION][:env|:file|:any][=ENV_NAME]`
    #[arg(required = true, value_name = "SECRET")]
    secrets: Vec<String>,

    /// Write the readable annotation instead of Flyte's
    #[arg(long)]
    readable: bool,

    /// How to print it
    #[arg(long, value_enum, default_value = "yaml")]
    output: Output,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Output {
    /// For a manifest
    Yaml,
    /// For programs
    Json,
}

pub(crate) fn execute(args: &Args) -> Result<ExitCode, Fault> {
    let secrets = read(&args.secrets)?;
    let spelling = if args.readable { Spelling::Readable } else { Spelling::Flyte };
    let annotations = secret::write(&secrets, spelling).map_err(Fault::new)?;
    note_of_refusal(&annotations);
    match args.output {
        Output::Yaml => {
            let (label, value) = secret::LABEL;
            let lines: Vec<String> =
                annotations.iter().map(|(name, value)| format!("  {name}: {}\n", quoted(value))).collect();
            let text = format!("labels:\n  {label}: \"{value}\"\nannotations:\n{}", lines.concat());
            terminal::out(&text)?;
        }
        Output::Json => {
            let (label, value) = secret::LABEL;
            let labels = [(label.to_owned(), value.to_owned())];
            let metadata = Metadata { labels: Pairs(&labels), annotations: Pairs(&annotations) };
            terminal::json(&metadata)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The secrets, or all that is wrong with them.
fn read(texts: &[String]) -> Result<Vec<Secret>, Fault> {
    let mut secrets = Vec::new();
    let mut wrong = Vec::new();
    for text in texts {
        match shorthand::parse(text) {
            Ok(secret) => secrets.push(secret),
            Err(error) => {
                // What follows `=` may be a value that was given by mistake.
                let shown = text.split('=').next().unwrap_or_default().escape_debug();
                wrong.push((format!("`{shown}` asks for no secret: {error}"), error.hint()));
            }
        }
    }
    let mut wrong = wrong.into_iter();
    let Some((message, hint)) = wrong.next() else { return Ok(secrets) };
    let fault = Fault::new(message).maybe_hint(hint);
    Err(wrong.fold(fault, |fault, (message, hint)| fault.detail(message).maybe_hint(hint)))
}

/// Says what the webhook would not admit. It knows managers of its own; but most often a name is misspelt.
fn note_of_refusal(annotations: &[(String, String)]) {
    let pod = serde_json::json!({"metadata": {"annotations": Pairs(annotations)}}).to_string();
    let Ok(pod) = PodView::parse(&pod) else { return };
    let who = identity(&pod, "default");
    if let Err(denial) = admission::plan(&pod, &who, &Config::default(), &Globals::default()) {
        terminal::note(format!("with the webhook's default configuration this would be refused: {}", denial.message));
        denial.hint.iter().for_each(terminal::hint);
    }
}

#[derive(Serialize)]
struct Metadata<'a> {
    labels: Pairs<'a>,
    annotations: Pairs<'a>,
}

/// A map in the order in which it was made.
struct Pairs<'a>(&'a [(String, String)]);

impl Serialize for Pairs<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

/// A scalar of YAML that is read back as `text`: in those quotes in which it needs the fewest escapes.
fn quoted(text: &str) -> String {
    if text.contains(['"', '\\']) && text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return format!("'{}'", text.replace('\'', "''"));
    }
    let escaped: Vec<String> = text
        .chars()
        .map(|c| match c {
            '"' | '\\' => format!("\\{c}"),
            ' '..='~' => c.to_string(),
            _ => format!("\\U{:08x}", u32::from(c)),
        })
        .collect();
    format!("\"{}\"", escaped.concat())
}
