//! The explanation for a person.

use super::{Explained, diff};
use admission::plan::{Outcome, Plan, Request, Source, Step};
use admission::view::ContainerList;
use admission::{Values, render};
use owo_colors::OwoColorize;
use secret::FILE_ROOT;
use std::fmt::Write;

pub(super) fn write(explained: &Explained<'_>) -> String {
    let answer = &explained.answer;
    let mut text = String::new();
    let identity = admission::review::identity(explained.pod, &answer.namespace);
    line(&mut text, format_args!(
        "pod {} in namespace {}, service account {}, dialect {}",
        answer.pod.bold(),
        answer.namespace.bold(),
        identity.service_account.bold(),
        explained.config.dialect.name.bold()
    ));
    if let Ok(plan) = &answer.outcome {
        if plan.is_empty() {
            line(&mut text, format_args!("\nasks for no secrets: it is admitted as it is"));
        } else {
            for request in &plan.requests {
                secret(&mut text, request);
            }
            containers(&mut text, explained, plan);
            patch(&mut text, explained, plan);
        }
        for warning in &plan.warnings {
            line(&mut text, format_args!("\n{} {warning}", "warning:".yellow().bold()));
        }
    }
    for note in &explained.notes {
        line(&mut text, format_args!("\n{} {note}", "note:".bold()));
    }
    text
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
            line(text, format_args!(
                "    {} dash and busybox sh hide this name from the programs they start; ask for a plain one with `env_var`",
                "note:".bold()
            ));
        }
    }
    for file in &request.files {
        line(text, format_args!("  in file     {}", format!("{FILE_ROOT}/{file}").cyan()));
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
        Outcome::Shadowed => line(text, format_args!("  {name} {}", "never reached: a manager before it always answers".dimmed())),
        Outcome::Chosen { rule } => {
            let how = match &request.source {
                Source::Reference { name, key } => format!("by reference to key `{key}` of Secret `{name}`"),
                Source::Sealed => "sealed, fetched by the init container".to_owned(),
                Source::Inline => "inline: the value stands in the pod's spec".to_owned(),
            };
            line(text, format_args!("  {name} {} {how} {}", "gives it".green(), format!("(rule `{rule}`)").dimmed()));
        }
    }
}

fn containers(text: &mut String, explained: &Explained<'_>, plan: &Plan) {
    let files: usize = plan.requests.iter().map(|request| request.files.len()).sum();
    line(text, format_args!(""));
    for (list, index, container) in explained.pod.all_containers() {
        let kind = match list {
            ContainerList::Init => "init container",
            ContainerList::Main => "container",
        };
        if plan.targets.contains(&(list, index)) {
            let variables: Vec<&str> = plan.env.iter().map(|addition| addition.name.as_str()).collect();
            line(text, format_args!("{kind} {} sees {}", container.name.bold(), variables.join(", ")));
            if files > 0 {
                line(text, format_args!("  and {files} file{} below {FILE_ROOT}", if files == 1 { "" } else { "s" }));
            }
        } else {
            line(text, format_args!("{kind} {} gets nothing", container.name.bold()));
        }
    }
}

fn patch(text: &mut String, explained: &Explained<'_>, plan: &Plan) {
    let patch = render(plan, explained.pod, &Values::redacted(plan)).to_json();
    match diff::write(explained.pod_json, &patch) {
        Some(diff) => line(text, format_args!("\npatch\n{diff}")),
        None => line(text, format_args!("\nthe pod has all of this already: nothing is changed")),
    }
}
