//! `keybearer annotate`: the label and annotations that ask for secrets.

use crate::fault::Fault;
use crate::terminal;
use secret::{Spelling, shorthand};
use serde_json::{Map, Value};
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
    /// What to ask for: GROUP/KEY[@VERSION][:env|:file][=ENV_NAME]
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
    let mut secrets = Vec::new();
    for text in &args.secrets {
        let secret = shorthand::parse(text)
            .map_err(|error| Fault::new(format!("`{text}` asks for no secret: {error}")).maybe_hint(error.hint()))?;
        secrets.push(secret);
    }
    let spelling = if args.readable { Spelling::Readable } else { Spelling::Flyte };
    let annotations = secret::write(&secrets, spelling).map_err(Fault::new)?;
    match args.output {
        Output::Yaml => {
            let (label, value) = secret::LABEL;
            let mut text = format!("labels:\n  {label}: \"{value}\"\nannotations:\n");
            for (name, value) in annotations {
                // JSON's strings are YAML's double-quoted ones.
                text.push_str(&format!("  {name}: {}\n", Value::String(value)));
            }
            terminal::out(&text)?;
        }
        Output::Json => {
            let annotations: Map<String, Value> =
                annotations.into_iter().map(|(name, value)| (name, Value::String(value))).collect();
            let (label, value) = secret::LABEL;
            let metadata = serde_json::json!({"labels": {label: value}, "annotations": annotations});
            terminal::raw(format!("{metadata:#}\n").as_bytes())?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
