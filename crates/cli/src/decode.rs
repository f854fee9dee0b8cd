//! `keybearer decode`: what an annotation, or a whole manifest, asks for.

use crate::document::Document;
use crate::fault::Fault;
use crate::manifest::Manifest;
use crate::output::Output;
use crate::{explain, terminal, unreadable};
use admission::{Config, PodView};
use secret::Secret;
use serde::Serialize;
use serde_json::Value;
use std::path::Path;
use std::process::ExitCode;

/// Show which secrets an annotation or a manifest asks for
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  keybearer decode m4zg54lqhiqce4ltmvzc11lomzxsectlmv3tuibcovzwk3s6onswg3tfoqrau
  kubectl get pod task -o yaml | keybearer decode -
  keybearer annotate db/password | keybearer decode -")]
pub(crate) struct Args {
    /// The value of a `flyte.secrets/s…` or `keybearer.dev/secrets` annotation, a file with one or with a manifest, or - for
    /// stdin
    #[arg(value_name = "VALUE|FILE")]
    what: String,

    /// How to print it
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

pub(crate) fn execute(args: &Args) -> Result<ExitCode, Fault> {
    let secrets = if args.what == "-" || Path::new(&args.what).exists() {
        from_document(Document::read(&args.what)?)?
    } else {
        from_value(&args.what).map_err(|fault| {
            if fault.message.starts_with(NO_ANNOTATION) {
                // Only the command line's own word is shown, never what a file holds.
                let shown: String = args.what.chars().take(60).collect();
                return Fault {
                    message: format!("`{}` is no file, and {}", shown.escape_debug(), fault.message),
                    ..fault
                };
            }
            fault
        })?
    };
    match args.output {
        Output::Text => terminal::out(&text(&secrets))?,
        Output::Json => {
            let list: Vec<_> = secrets.iter().map(AskedFor::from).collect();
            terminal::json(&list)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// How the message begins of what is no annotation's value.
const NO_ANNOTATION: &str = "no annotation";

fn from_value(value: &str) -> Result<Vec<Secret>, Fault> {
    if value.is_empty() {
        return Err(Fault::new("the value is empty").hint("give it an annotation's value, a file, or - for stdin"));
    }
    // The readable spelling is a list; no base32 looks like one.
    if value.trim_start().starts_with(['[', '-', '{']) {
        return read([(secret::READABLE_ANNOTATION, value)]);
    }
    match secret::decode(value) {
        Ok(secret) => Ok(vec![secret]),
        Err(error) => Err(Fault::new(format!("{NO_ANNOTATION}: {error}")).maybe_hint(error.hint())),
    }
}

/// A manifest, metadata as `annotate` prints them, or an annotation's value alone.
fn from_document(document: Document) -> Result<Vec<Secret>, Fault> {
    match &document.value {
        Value::Object(object) if object.contains_key("kind") || !object.contains_key("annotations") => {
            let manifest = Manifest::try_from(document)?;
            let pod_json = manifest.pod_json()?;
            let pod = manifest.view(&pod_json)?;
            terminal::mistakes(&explain::misplaced(&manifest, &pod, &Config::default()));
            of_pod(&pod)
        }
        Value::Object(_) => {
            let pod_json = serde_json::json!({"metadata": document.value}).to_string();
            let pod =
                PodView::parse(&pod_json).map_err(|_| unreadable::by_admission(&pod_json).within(&document.origin))?;
            of_pod(&pod)
        }
        _ => from_value(document.text.trim()).map_err(|fault| fault.within(&document.origin)),
    }
}

fn of_pod(pod: &PodView<'_>) -> Result<Vec<Secret>, Fault> {
    read(pod.metadata.annotations.iter())
}

fn read<'a>(annotations: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Vec<Secret>, Fault> {
    secret::read(annotations).map_err(|error| Fault::new(&error).maybe_hint(error.hint()))
}

fn text(secrets: &[Secret]) -> String {
    if secrets.is_empty() {
        return "asks for no secrets\n".to_owned();
    }
    let mut rows = vec![["SECRET", "MOUNT", "ENV_VAR"].map(str::to_owned).to_vec()];
    rows.extend(
        secrets.iter().map(|secret| {
            vec![secret.to_string(), secret.mount.to_string(), secret.env_var.escape_debug().to_string()]
        }),
    );
    terminal::table(&rows)
}

/// A secret in the words of Flyte's message.
#[derive(Serialize)]
struct AskedFor<'s> {
    group: &'s str,
    group_version: &'s str,
    key: &'s str,
    mount_requirement: String,
    env_var: &'s str,
}

impl<'s> From<&'s Secret> for AskedFor<'s> {
    fn from(secret: &'s Secret) -> Self {
        let Secret { group, group_version, key, mount, env_var } = secret;
        Self { group, group_version, key, mount_requirement: mount.to_string(), env_var }
    }
}
