//! The tasks of a package: what each takes, and which secrets it asks for.

use super::Packaged;
use crate::fault::Fault;
use crate::terminal;
use secret::Secret;
use serde::Serialize;
use tasks::{Parameter, Task};

/// Who would give a secret on this machine, if anyone.
pub(crate) type Here<'h> = dyn Fn(&Secret) -> Option<&'static str> + 'h;

/// Prints the list to stdout.
pub(crate) fn list(packaged: &Packaged, here: &Here<'_>, json: bool) -> Result<(), Fault> {
    let tasks = &packaged.package.tasks;
    if json {
        let tasks = tasks.iter().map(|task| Listed::new(task, here)).collect();
        let (workflows, launch_plans) = (&packaged.package.workflows, &packaged.package.launch_plans);
        return terminal::json(&List { tasks, workflows, launch_plans });
    }
    let mut rows = vec![["TASK", "INPUTS", "SECRETS", "HERE"].map(str::to_owned).to_vec()];
    rows.extend(tasks.iter().flat_map(|task| rows_of(task, here)));
    terminal::out(&terminal::table(&rows))?;
    say_others(packaged);
    terminal::hint(format!("`--task {}` names the one that is meant", tasks.first().map_or("NAME", Task::name)));
    Ok(())
}

/// Workflows and launch plans are named, so that nobody looks for them in vain.
pub(super) fn say_others(packaged: &Packaged) {
    let package = &packaged.package;
    for (what, names) in [("workflow", &package.workflows), ("launch plan", &package.launch_plans)] {
        let plural = if names.len() == 1 { "" } else { "s" };
        match names.as_slice() {
            [] => {}
            // Each workflow has a launch plan of its own name.
            names if what == "launch plan" && *names == package.workflows[..] => {}
            names => terminal::note(format!("its {what}{plural} can't be run here, only tasks: {}", names.join(", "))),
        }
    }
}

fn rows_of(task: &Task, here: &Here<'_>) -> Vec<Vec<String>> {
    let parameters = task.parameters();
    let secrets = task.secrets();
    (0..parameters.len().max(secrets.len()).max(1))
        .map(|index| {
            let name = if index == 0 { task.name().escape_debug().to_string() } else { String::new() };
            let input = parameters.get(index).map(|one| format!("{}: {}", one.name, one.ty)).unwrap_or_default();
            let secret = secrets.get(index);
            let asked = secret.map(|secret| format!("{secret} ({})", secret.mount)).unwrap_or_default();
            let here = secret.map(|secret| here(secret).unwrap_or("no")).unwrap_or_default().to_owned();
            vec![name, input, asked, here]
        })
        .collect()
}

#[derive(Serialize)]
struct List<'a> {
    tasks: Vec<Listed>,
    workflows: &'a [String],
    launch_plans: &'a [String],
}

#[derive(Serialize)]
struct Listed {
    name: String,
    kind: String,
    image: Option<String>,
    inputs: Vec<Named>,
    outputs: Vec<Named>,
    secrets: Vec<Asked>,
}

#[derive(Serialize)]
pub(super) struct Named {
    name: String,
    r#type: String,
}

#[derive(Serialize)]
struct Asked {
    group: String,
    group_version: String,
    key: String,
    mount: String,
    env_var: String,
    /// Who would give it here; none if nobody.
    here: Option<&'static str>,
}

impl Listed {
    fn new(task: &Task, here: &Here<'_>) -> Self {
        let named = |of: Vec<Parameter>| of.into_iter().map(Named::from).collect();
        let asked = |secret: Secret| Asked {
            here: here(&secret),
            mount: secret.mount.to_string(),
            group: secret.group,
            group_version: secret.group_version,
            key: secret.key,
            env_var: secret.env_var,
        };
        Self {
            name: task.name().to_owned(),
            kind: task.kind().to_owned(),
            image: task.image().map(str::to_owned),
            inputs: named(task.parameters()),
            outputs: named(task.results()),
            secrets: task.secrets().into_iter().map(asked).collect(),
        }
    }
}

impl From<Parameter> for Named {
    fn from(parameter: Parameter) -> Self {
        Self { name: parameter.name, r#type: parameter.ty.to_string() }
    }
}
