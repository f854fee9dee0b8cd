//! The explanation for a person.

use super::seen::{self, Seen};
use super::{Explained, diff, is_labelled};
use crate::fault::Fault;
use crate::patched;
use admission::plan::{Outcome, Request, Source, Step};
use admission::view::ContainerList;
use admission::{Values, render};
use owo_colors::OwoColorize;
use secret::FILE_ROOT;
use std::fmt::Write;

pub(super) fn write(explained: &Explained<'_>) -> Result<String, Fault> {
    let answer = &explained.answer;
    let mut text = String::new();
    let identity = admission::review::identity(explained.pod, &answer.namespace);
    line(
        &mut text,
        format_args!(
            "pod {} in namespace {}, service account {}, dialect {}",
            answer.pod.bold(),
            answer.namespace.bold(),
            identity.service_account.bold(),
            explained.config.dialect.name.bold()
        ),
    );
    let Ok(plan) = &answer.outcome else { return Ok(text) };
    if plan.is_empty() {
        line(&mut text, format_args!("\nasks for no secrets: it is admitted as it is"));
        return Ok(text);
    }
    if !is_labelled(explained.pod, explained.config) {
        line(&mut text, format_args!("\nthe webhook is not called for it; with the label, this is what it would do:"));
    }
    for request in &plan.requests {
        secret(&mut text, request);
    }
    let patch = render(plan, explained.pod, &Values::redacted(plan));
    let patched = patched::apply(explained.pod_json, &patch)?;
    text.push('\n');
    containers(&mut text, &seen::all(explained, plan, &patched));
    match diff::write(explained.pod_json, &patched) {
        Some(diff) => line(&mut text, format_args!("\npatch\n{}", diff.trim_end_matches('\n'))),
        None => line(&mut text, format_args!("\nthe pod has all of this already: nothing is changed")),
    }
    if !(plan.warnings.is_empty() && explained.notes.is_empty() && explained.mistakes.is_empty()) {
        // What is said on stderr stands apart.
        text.push('\n');
    }
    Ok(text)
}

fn line(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a string can't fail.
    let _ = text.write_fmt(arguments);
    text.push('\n');
}

fn secret(text: &mut String, request: &Request) {
    let mounts: Vec<String> = request.mounts.iter().map(ToString::to_string).collect();
    line(text, format_args!("\nsecret {} ({})", request.secret.bold(), mounts.join(", ")));
    for step in &request.chain {
        chain_step(text, step, request);
    }
    for name in &request.env {
        line(text, format_args!("  in variable {}", name.cyan()));
        if !name.is_portable() {
            line(
                text,
                format_args!(
                    "    {} dash and busybox sh hide this name from the programs they start; ask for a plain one with `env_var`",
                    "note:".bold()
                ),
            );
        }
    }
    for file in &request.files {
        line(text, format_args!("  in file     {}", format!("{FILE_ROOT}/{file}").cyan()));
    }
    if let Source::Pulled(pull) = &request.source
        && let Some(call) = &pull.read_with
    {
        line(text, format_args!("  flytekit finds it with {}", call.cyan()));
    }
    for name in &request.path_env {
        line(text, format_args!("  its path in {}", name.cyan()));
    }
}

fn chain_step(text: &mut String, step: &Step, request: &Request) {
    let name = format!("{:9}", step.manager.name());
    match &step.outcome {
        Outcome::Skipped { rule } => line(text, format_args!("  {name} {} by rule `{rule}`", "skipped".yellow())),
        Outcome::Passed { reason } => line(text, format_args!("  {name} {}: {reason}", "passed".yellow())),
        Outcome::Shadowed => {
            line(text, format_args!("  {name} {}", "never reached: a manager before it always answers".dimmed()));
        }
        Outcome::Chosen { rule } => {
            let how = match &request.source {
                Source::Reference { name, key } => format!("by reference to key `{key}` of Secret `{name}`"),
                Source::Sealed => "sealed, fetched by the init container".to_owned(),
                Source::Inline => "inline: the value stands in the pod's spec".to_owned(),
                Source::Pulled(pull) => {
                    format!("by an init container of {}, which fetches `{}`", pull.image, pull.what.escape_debug())
                }
                Source::Annotated(annotated) => {
                    format!("by Vault's own injector, told to fetch `{}`", annotated.what.escape_debug())
                }
            };
            line(text, format_args!("  {name} {} {how} {}", "gives it".green(), format!("(rule `{rule}`)").dimmed()));
        }
    }
}

/// What each container sees; those that see the same stand together.
fn containers(text: &mut String, all: &[Seen]) {
    let mut groups: Vec<Vec<&Seen>> = Vec::new();
    for seen in all {
        let same = |group: &&mut Vec<&Seen>| {
            group[0].env == seen.env && group[0].files == seen.files && group[0].fetches == seen.fetches
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.push(seen),
            None => groups.push(vec![seen]),
        }
    }
    for group in groups {
        let names: Vec<String> = group.iter().map(|seen| title(seen)).collect();
        let (names, first) = (names.join(", "), group[0]);
        if !first.gets_secrets {
            let reason = if first.fetches { "there to fetch a secret" } else { "excluded by `targets.exclude`" };
            let verb = if group.len() == 1 { "gets" } else { "get" };
            line(text, format_args!("{names} {verb} nothing: {}", reason.dimmed()));
            continue;
        }
        line(text, format_args!("{names} see{}", if group.len() == 1 { "s" } else { "" }));
        let variables = first.env.iter().map(|variable| {
            let name = variable.get("name").and_then(serde_json::Value::as_str).unwrap_or_default();
            (name.to_owned(), seen::content(variable))
        });
        let files = first.files.iter().map(|file| (file.path.clone(), file.secret.clone()));
        let rows: Vec<(String, String)> = variables.chain(files).collect();
        let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        for (name, content) in rows {
            line(text, format_args!("  {}  {content}", format!("{name:width$}").cyan()));
        }
    }
}

fn title(seen: &Seen) -> String {
    let kind = if seen.list == ContainerList::Init.member() { "init container" } else { "container" };
    format!("{kind} {}", seen.name.bold())
}
