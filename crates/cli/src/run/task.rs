//! `keybearer run PACKAGE`: a task of a package, by flytekit's own entrypoint, with the values of its inputs and outputs.

mod data;
mod python;
mod results;

use super::{Args, Given, Job, Output, Special};
use crate::fault::Fault;
use crate::package::{self, Packaged};
use crate::terminal;
use admission::Config;
use data::Data;
use python::Python;
use serde_json::{Value, json};
use std::ffi::OsString;
use std::process::ExitCode;
use tasks::Task;

#[derive(clap::Args)]
pub(crate) struct TaskArgs {
    /// A task of the package; without it the tasks are listed, and the secrets that each asks for
    #[arg(long, value_name = "NAME", help_heading = "Packages")]
    pub(super) task: Option<String>,

    /// An input of the task; may be given many times. Lists, maps and dataclasses are written as JSON
    #[arg(long = "input", value_name = "NAME=VALUE", requires = "task", help_heading = "Packages")]
    pub(super) inputs: Vec<String>,

    /// Leave inputs that are not given to the defaults of the task's function, which a package doesn't have
    #[arg(long, requires = "task", help_heading = "Packages")]
    pub(super) defaults: bool,

    /// Where files and folders that are outputs are put; without it they are gone with the run
    #[arg(long, value_name = "DIR", requires = "task", help_heading = "Packages")]
    pub(super) files_to: Option<String>,
}

pub(super) fn execute(args: &Args, config: &Config, given: &Given) -> Result<ExitCode, Fault> {
    let packaged = Packaged::read(&args.file)?;
    let Some(name) = &args.task.task else {
        let here = |secret: &_| given.here(secret);
        // What looks missing may be in a store that can't be read.
        packaged.package.tasks.iter().flat_map(Task::secrets).for_each(|secret| _ = here(&secret));
        given.check_store()?;
        package::list(&packaged, &here, args.output == Output::Json)?;
        return Ok(ExitCode::SUCCESS);
    };
    let task = packaged.find(name)?;
    let inputs = package::inputs(task, &args.task.inputs, args.task.defaults)?;
    let mut data = Data::new(&packaged, task, &inputs, args)?;
    let mut made = packaged.pod(task, &inputs, data.locations(), args.settings.namespace.as_deref())?;
    for note in &made.notes {
        terminal::note(note);
    }
    let python = match program(&made.pod, &made.primary) {
        Some(program) if program.starts_with("pyflyte") => Some(Python::active()?),
        _ => None,
    };
    data.reach(&mut made.pod, &made.primary);
    let manifest = packaged.manifest(&made.pod)?;
    let job = Job { manifest: &manifest, config, given, args };
    let special = Special {
        host_env: python.as_ref().map_or_else(|| std::env::vars_os().collect(), Python::environment),
        isolation: data.isolation(),
        aside: true,
        start: Some(line(task, python.as_ref())),
    };
    let done = job.run(&special, Some(&mut data))?;
    results::tell(task, &data, &done, args)
}

/// What is about to happen: flytekit takes its time before it says anything.
fn line(task: &Task, python: Option<&Python>) -> String {
    let name = task.name().escape_debug();
    let by = python.map_or_else(String::new, |python| format!(" with flytekit {} of {}", python.flytekit, python.path));
    let image = task.image().map_or_else(
        || "no image is pulled".to_owned(),
        |image| format!("its image `{}` is not pulled", image.escape_debug()),
    );
    format!("task `{name}` runs{by}; {image}")
}

/// What the task's container starts.
fn program<'p>(pod: &'p Value, primary: &str) -> Option<&'p str> {
    let container = containers(pod).iter().find(|one| one["name"] == primary)?;
    let mut words = ["command", "args"].into_iter().filter_map(|list| container[list].as_array()).flatten();
    words.find_map(Value::as_str)
}

fn containers(pod: &Value) -> &[Value] {
    pod["spec"]["containers"].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// Adds to a list of an object, which need not be there yet.
fn push(object: &mut Value, list: &str, item: Value) {
    match &mut object[list] {
        Value::Array(items) => items.push(item),
        other => *other = json!([item]),
    }
}

/// The host's environment with a folder before all others in `PATH`.
fn with_path(folder: &str) -> Vec<(OsString, OsString)> {
    let mut env: Vec<_> = std::env::vars_os().collect();
    let old = env.iter().find(|(name, _)| name == "PATH").map(|(_, value)| value.clone());
    let mut path = OsString::from(folder);
    if let Some(old) = old.filter(|old| !old.is_empty()) {
        path.push(":");
        path.push(old);
    }
    env.retain(|(name, _)| name != "PATH");
    env.push(("PATH".into(), path));
    env
}
