//! `keybearer explain PACKAGE`: what a cluster would do with each of its tasks, in short.

use super::{Packaged, listing};
use crate::fault::Fault;
use crate::terminal;
use admission::review::answer_for;
use admission::{Config, Globals};
use serde::Serialize;
use std::process::ExitCode;
use tasks::Task;

/// What becomes of one task.
#[derive(Serialize)]
struct Answered {
    task: String,
    /// Whether its pod would be admitted; not said of a task of which Flyte makes no pod.
    allowed: Option<bool>,
    secrets: Vec<Given>,
    /// Why it is refused, or why there is no pod.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

#[derive(Serialize)]
struct Given {
    secret: String,
    mounts: Vec<String>,
    manager: &'static str,
    delivery: &'static str,
}

/// Prints them. Exits with 1 if any is refused.
pub(crate) fn execute(
    packaged: &Packaged,
    config: &Config,
    globals: &Globals,
    namespace: &str,
    json: bool,
) -> Result<ExitCode, Fault> {
    let answers: Result<Vec<_>, _> =
        packaged.package.tasks.iter().map(|task| answer(packaged, task, config, globals, namespace)).collect();
    let answers = answers?;
    if json {
        terminal::json(&answers)?;
    } else {
        let mut rows = vec![["TASK", "ASKS FOR", "MANAGER", "DELIVERY"].map(str::to_owned).to_vec()];
        rows.extend(answers.iter().flat_map(rows_of));
        terminal::out(&terminal::table(&rows))?;
        listing::say_others(packaged);
        let name = packaged.package.tasks.first().map_or("NAME", Task::name);
        terminal::hint(format!("`--task {name}` explains all of one"));
    }
    Ok(ExitCode::from(u8::from(answers.iter().any(|answer| answer.allowed == Some(false)))))
}

fn answer(
    packaged: &Packaged,
    task: &Task,
    config: &Config,
    globals: &Globals,
    namespace: &str,
) -> Result<Answered, Fault> {
    let name = task.name().to_owned();
    let made = match packaged.outline(task) {
        Ok(made) => made,
        Err(fault) => {
            return Ok(Answered { task: name, allowed: None, secrets: Vec::new(), reason: Some(fault.message) });
        }
    };
    let manifest = packaged.manifest(&made.pod)?;
    let pod_json = manifest.pod_json()?;
    let pod = manifest.view(&pod_json)?;
    Ok(match answer_for(&pod, namespace, config, globals).outcome {
        Ok(plan) => {
            let given = plan.requests.iter().map(|request| Given {
                secret: request.secret.to_string(),
                mounts: request.mounts.iter().map(ToString::to_string).collect(),
                manager: request.manager.name(),
                delivery: request.source.delivery(),
            });
            Answered { task: name, allowed: Some(true), secrets: given.collect(), reason: None }
        }
        Err(denial) => Answered { task: name, allowed: Some(false), secrets: Vec::new(), reason: Some(denial.message) },
    })
}

fn rows_of(answer: &Answered) -> Vec<Vec<String>> {
    let row = |name: &str, cells: [String; 3]| [vec![name.to_owned()], cells.to_vec()].concat();
    if let Some(reason) = &answer.reason {
        let what = if answer.allowed == Some(false) { "refused: " } else { "" };
        return vec![row(&answer.task, [format!("{what}{reason}"), String::new(), String::new()])];
    }
    if answer.secrets.is_empty() {
        return vec![row(&answer.task, ["nothing".to_owned(), String::new(), String::new()])];
    }
    let lines = answer.secrets.iter().enumerate().map(|(index, given)| {
        let name = if index == 0 { answer.task.as_str() } else { "" };
        let asked = format!("{} ({})", given.secret, given.mounts.join(", "));
        row(name, [asked, given.manager.to_owned(), given.delivery.to_owned()])
    });
    lines.collect()
}
