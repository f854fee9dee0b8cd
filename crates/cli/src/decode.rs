//! `keybearer decode`: what an annotation, or a whole manifest, asks for.

use crate::fault::Fault;
use crate::manifest::{Manifest, PodSource};
use crate::terminal;
use admission::PodView;
use secret::Secret;
use std::path::Path;
use std::process::ExitCode;

/// Show which secrets an annotation or a manifest asks for
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  keybearer decode m4zg54lqhiqce4ltmvzc11lomzxsectlmv3tuibcovzwk3s6onswg3tfoqrau
  kubectl get pod task -o yaml | keybearer decode -")]
pub(crate) struct Args {
    /// The value of a `flyte.secrets/s…` or `keybearer.dev/secrets` annotation, a manifest's file, or - for stdin
    #[arg(value_name = "VALUE|FILE")]
    what: String,

    /// How to print it
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Output {
    /// For a person
    Text,
    /// For programs
    Json,
}

pub(crate) fn execute(args: &Args) -> Result<ExitCode, Fault> {
    let secrets = if args.what == "-" || Path::new(&args.what).is_file() {
        from_manifest(&args.what)?
    } else {
        from_value(&args.what)?
    };
    match args.output {
        Output::Text => terminal::out(&text(&secrets))?,
        Output::Json => {
            let list: Vec<_> = secrets.iter().map(to_json).collect();
            terminal::raw(format!("{:#}\n", serde_json::Value::Array(list)).as_bytes())?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn from_value(value: &str) -> Result<Vec<Secret>, Fault> {
    // The readable spelling is a list; no base32 looks like one.
    if value.trim_start().starts_with(['[', '-', '{']) {
        return secret::read([(secret::READABLE_ANNOTATION, value)])
            .map_err(|error| Fault::new(&error).maybe_hint(error.hint()));
    }
    match secret::decode(value) {
        Ok(secret) => Ok(vec![secret]),
        Err(error) => {
            let shown: String = value.chars().take(60).collect();
            let fault = Fault::new(format!("`{}` is no file, and no annotation: {error}", shown.escape_debug()));
            Err(fault.maybe_hint(error.hint()))
        }
    }
}

fn from_manifest(path: &str) -> Result<Vec<Secret>, Fault> {
    let manifest = Manifest::read(path)?;
    let pod = match manifest.source() {
        PodSource::Review => manifest.reviewed_pod()?,
        PodSource::Pod | PodSource::Template { .. } => manifest.pod_json()?,
    };
    let view = PodView::parse(&pod).map_err(|error| Fault::new(format!("`{path}`: the pod can't be read: {error}")))?;
    secret::read(view.metadata.annotations.iter()).map_err(|error| Fault::new(&error).maybe_hint(error.hint()))
}

fn text(secrets: &[Secret]) -> String {
    if secrets.is_empty() {
        return "asks for no secrets\n".to_owned();
    }
    let mut rows = vec![["SECRET", "MOUNT", "ENV_VAR"].map(str::to_owned).to_vec()];
    rows.extend(secrets.iter().map(|secret| {
        vec![secret.to_string(), secret.mount.to_string(), secret.env_var.escape_debug().to_string()]
    }));
    terminal::table(&rows)
}

fn to_json(secret: &Secret) -> serde_json::Value {
    serde_json::json!({
        "group": secret.group,
        "group_version": secret.group_version,
        "key": secret.key,
        "mount_requirement": secret.mount.to_string(),
        "env_var": secret.env_var,
    })
}

/// A secret of a plan, with every way in which it was asked for.
pub(crate) fn request_json(request: &admission::plan::Request) -> serde_json::Value {
    let mounts: Vec<String> = request.mounts.iter().map(ToString::to_string).collect();
    let secret = &request.secret;
    serde_json::json!({
        "group": secret.group,
        "group_version": secret.group_version,
        "key": secret.key,
        "mounts": mounts,
    })
}
