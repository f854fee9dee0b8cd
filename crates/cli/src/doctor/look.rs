//! Looking, and saying what was found.

use super::Args;
use crate::fault::Fault;
use crate::output::Output;
use crate::{document, terminal};
use admission::config::{Reading, Source};
use admission::{Config, Dialect};
use owo_colors::OwoColorize;
use serde::Serialize;
use std::fmt::Write;
use std::process::ExitCode;
use webhook::cluster::{self, Client, ClusterError};
use webhook::doctor::{Finding, State, Subject, config_map, examine};

const CONFIGURATION: &str = "configuration";

pub(crate) fn execute(args: &Args) -> Result<ExitCode, Fault> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Fault::new(format!("can't start: {error}")))?;
    let findings = runtime.block_on(look(args))?;
    let failed = findings.iter().filter(|finding| finding.state == State::Failed).count();
    match args.output {
        Output::Text => terminal::out(&text(&findings, failed))?,
        Output::Json => terminal::json(&Report { healthy: failed == 0, findings: &findings })?,
    }
    Ok(ExitCode::from(u8::from(failed > 0)))
}

async fn look(args: &Args) -> Result<Vec<Finding>, Fault> {
    let client = cluster::connect().await.map_err(|error| Fault::new(&error).maybe_hint(error.hint()))?;
    let (finding, config) = configuration(&client, args).await?;
    let subject = Subject {
        config,
        namespace: args.namespace.clone(),
        account: args.service_account.clone(),
        owner: args.owner.clone(),
        probe_namespace: args.probe_namespace.clone(),
    };
    let mut findings = vec![finding];
    findings.extend(examine(&client, &subject).await);
    Ok(findings)
}

/// The install's configuration. Where it can't be used, or be had, the defaults tell what else to look at.
async fn configuration(client: &Client, args: &Args) -> Result<(Finding, Config), Fault> {
    let compat = args.compat.as_deref().and_then(Dialect::from_name);
    let reading = Reading { compat, ..Reading::default() };
    let defaults = || Config::read(&[], &Reading { on_laptop: true, ..reading }).unwrap_or_default();
    if let Some(path) = &args.config {
        let (origin, text) = document::read_text(path)?;
        return Ok(read(&[(origin, text)], path, &reading, defaults));
    }
    let (name, namespace) = (&args.config_map, &args.namespace);
    let place = format!("ConfigMap `{name}` in namespace `{namespace}`");
    let files = match config_map(client, namespace, name).await {
        Ok(Some(files)) => files,
        Ok(None) => {
            let finding = Finding::warning(CONFIGURATION, format!("there is no {place}: the defaults are taken"))
                .hint("name the install's with --namespace and --config-map, or give a file with --config");
            return Ok((finding, defaults()));
        }
        Err(error @ ClusterError::Forbidden { .. }) => {
            let finding = Finding::unknown(CONFIGURATION, format!("the defaults are taken: {error}"))
                .hint("give the webhook's configuration with --config");
            return Ok((finding, defaults()));
        }
        Err(error) => return Err(Fault::new(&error).maybe_hint(error.hint())),
    };
    Ok(read(&files, &place, &reading, defaults))
}

fn read(
    files: &[(String, String)],
    place: &str,
    reading: &Reading,
    defaults: impl Fn() -> Config,
) -> (Finding, Config) {
    let sources: Vec<Source<'_>> = files.iter().map(|(origin, text)| Source { text, origin }).collect();
    match Config::read(&sources, reading) {
        Ok(config) => {
            let managers: Vec<&str> = config.chain().map(admission::Manager::name).collect();
            let dialect = config.dialect.name;
            let said = format!("{place}: dialect {dialect}, managers {}", managers.join(", "));
            (Finding::ok(CONFIGURATION, said), config)
        }
        Err(error) => {
            let mut finding = Finding::failed(CONFIGURATION, format!("{place} can't be used: {error}"));
            finding.hint = error.hint().map(str::to_owned);
            (finding, defaults())
        }
    }
}

#[derive(Serialize)]
struct Report<'a> {
    /// Whether nothing has failed.
    healthy: bool,
    findings: &'a [Finding],
}

fn text(findings: &[Finding], failed: usize) -> String {
    let width = findings.iter().map(|finding| finding.check.len()).max().unwrap_or(0);
    let mut text = String::new();
    for Finding { check, state, message, hint } in findings {
        let state = match state {
            State::Ok => format!("{:8}", "ok").green().to_string(),
            State::Warning => format!("{:8}", "warning").yellow().to_string(),
            State::Failed => format!("{:8}", "FAILED").red().bold().to_string(),
            State::Unknown => format!("{:8}", "unknown").dimmed().to_string(),
        };
        // Writing to a string can't fail.
        let _ = writeln!(text, "{state} {check:width$}  {}", message.escape_debug());
        if let Some(hint) = hint {
            let _ = writeln!(text, "{:8} {:width$}  {} {hint}", "", "", "hint:".cyan().bold());
        }
    }
    let warnings = findings.iter().filter(|finding| finding.state == State::Warning).count();
    let count = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let _ = match (failed, warnings) {
        (0, 0) => writeln!(text, "\nnothing is wrong"),
        (0, warnings) => writeln!(text, "\nnothing has failed; {}", count(warnings, "warning")),
        (failed, warnings) => writeln!(text, "\n{}, {}", count(failed, "failure"), count(warnings, "warning")),
    };
    text
}
