//! Finds out, before anything starts, whether a pod can be run here, and what each container will get.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::rc::Rc;
use std::time::Duration;

use crate::field::Fields;
use crate::ignored::ignored;
use crate::mask::Masked;
use crate::mount::{Mounts, Reach, seen};
use crate::namespace::{self, Sandbox};
use crate::options::{Builtin, Isolation, Options, SecretObjects};
use crate::outcome::{Outcome, Role};
use crate::output::{Note, Output};
use crate::pod::Pod;
use crate::problem::{Problem, Refusal, RunError};
use crate::program::{Program, passed_on};
use crate::sources::Context;
use crate::spec::Container;
use crate::volume;

/// The annotation by which Flyte names the container whose end is the task's.
const PRIMARY: &str = "primary_container_name";

/// A pod that can be run: every Secret it needs has been read, and nothing of it has been started or written.
pub struct Prepared<'a> {
    pub(crate) containers: Vec<Planned>,
    pub(crate) volumes: Vec<volume::Plan>,
    /// Volumes into which the caller will write secrets.
    pub(crate) to_fill: BTreeSet<String>,
    /// The namespaces that it will run in, if they are to be had.
    pub(crate) sandbox: Option<Rc<Sandbox>>,
    pub(crate) builtin: Option<Builtin<'a>>,
    pub(crate) primary: Option<String>,
    pub(crate) root: String,
    pub(crate) host_env: Vec<(OsString, OsString)>,
    pub(crate) grace: Duration,
    pub(crate) options: Options<'a>,
    pub(crate) notes: Vec<Note>,
}

/// One container as it will be started.
pub(crate) struct Planned {
    pub(crate) name: String,
    pub(crate) role: Role,
    /// None for the caller's built-in one.
    pub(crate) program: Option<Program>,
}

impl Prepared<'_> {
    /// What the pod asks for that it will not get. [`run`](Prepared::run) gives these to its output first.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// Masks these values, too, in what the containers write ([`Options::mask`]): which Secrets the pod's references got is known only now.
    pub fn mask(&mut self, more: impl IntoIterator<Item = Masked>) {
        self.options.mask.extend(more);
    }

    /// Runs the pod to its end, or until a signal ends it: see [`Options::grace`]. The error is never of a container's making.
    pub fn run(self, output: &mut dyn Output) -> Result<Outcome, RunError> {
        for note in &self.notes {
            output.note(note);
        }
        crate::run::run(self, output)
    }
}

/// Checks a pod and reads the Secrets that it names. Starts and writes nothing of it, but makes sure of the namespaces that it will run in.
pub fn prepare<'a>(pod: &Pod, secrets: &dyn SecretObjects, mut options: Options<'a>) -> Result<Prepared<'a>, Refusal> {
    let spec = &pod.0.spec;
    let builtin = options.builtin.take();
    let is_builtin =
        |container: &Container| builtin.as_ref().is_some_and(|builtin| builtin.container == container.name);
    let mut context = Context {
        secrets,
        fields: Fields::of(&pod.0, &options.namespace, &options.service_account),
        containers: pod.containers().collect(),
        empty_dirs: spec
            .volumes
            .iter()
            .filter(|volume| volume::is_empty_dir(volume))
            .map(|v| v.name.as_str())
            .collect(),
        problems: Vec::new(),
        notes: Vec::new(),
    };
    context.notes.extend(ignored(pod, is_builtin));
    check_names(pod, builtin.as_ref(), &mut context.problems);

    let needed: BTreeSet<&str> = pod.containers().filter(|container| !is_builtin(container)).flat_map(seen).collect();
    let volumes = volume::plan(&spec.volumes, &needed, &mut context);
    let names: BTreeMap<&str, bool> =
        spec.volumes.iter().map(|volume| (volume.name.as_str(), volume::is_empty_dir(volume))).collect();
    let to_fill = pod.containers().filter(|container| is_builtin(container)).flat_map(seen);
    let to_fill = to_fill.map(str::to_owned).collect();
    let sandbox = sandbox(&options, !needed.is_empty(), &mut context);
    let reach = if sandbox.is_some() { Reach::Anywhere } else { Reach::Root };

    let root = options.secrets_root.trim_end_matches('/').to_owned();
    let host_env = passed_on(std::mem::take(&mut options.host_env));
    let mut plan = |container: &Container, role| {
        let is_builtin = role == Role::Init && is_builtin(container);
        let program = (!is_builtin).then(|| {
            let mounts = Mounts::plan(container, &names, &root, reach, &mut context.problems, &mut context.notes);
            Program::plan(container, mounts, &root, &host_env, &mut context)
        });
        Planned { name: container.name.clone(), role, program }
    };
    let init = spec
        .init_containers
        .iter()
        .map(|container| (container, if container.restart_policy == "Always" { Role::Sidecar } else { Role::Init }));
    let regular = spec.containers.iter().map(|container| (container, Role::Regular));
    let containers = init.chain(regular).map(|(container, role)| plan(container, role)).collect();

    let primary = pod.0.metadata.annotations.get(PRIMARY).filter(|name| !name.is_empty()).cloned();
    let is_there = |name: &String| spec.containers.iter().any(|container| container.name == *name);
    if let Some(name) = primary.clone().filter(|name| !is_there(name)) {
        context.notes.push(Note::NoSuchPrimary { name });
    }
    let grace =
        spec.termination_grace_period_seconds.map_or(options.grace, |own| Duration::from_secs(own).min(options.grace));

    let Context { mut problems, notes, .. } = context;
    if problems.iter().any(|problem| matches!(problem, Problem::MountElsewhere { .. })) {
        let why = notes.iter().find_map(|note| match note {
            Note::NoNamespace { reason } => Some(Problem::NoNamespace { reason: reason.clone() }),
            _ => None,
        });
        problems.extend(why);
    }
    if !problems.is_empty() {
        return Err(Refusal { problems });
    }
    let primary = primary.filter(is_there);
    Ok(Prepared { containers, volumes, to_fill, sandbox, builtin, primary, root, host_env, grace, options, notes })
}

/// The namespaces, if they are asked for and can be had; `matters` if a container has a mount.
fn sandbox(options: &Options<'_>, matters: bool, context: &mut Context<'_>) -> Option<Rc<Sandbox>> {
    if options.isolation == Isolation::Directory {
        return None;
    }
    let is_forced = options.isolation == Isolation::Namespace;
    let made = match &options.init_command {
        Some(words) => Sandbox::start(words),
        None if namespace::was_called() => Sandbox::start(&[]),
        None if is_forced => Err("this program or system is not made for it".into()),
        None => return None,
    };
    match made {
        Ok(sandbox) => return Some(Rc::new(sandbox)),
        Err(reason) if is_forced => context.problems.push(Problem::NoNamespace { reason }),
        Err(reason) if matters => context.notes.push(Note::NoNamespace { reason }),
        Err(_) => {}
    }
    None
}

/// [`prepare`] and [`Prepared::run`] in one.
pub fn run(
    pod: &Pod,
    secrets: &dyn SecretObjects,
    options: Options<'_>,
    output: &mut dyn Output,
) -> Result<Outcome, RunError> {
    prepare(pod, secrets, options)?.run(output)
}

/// Names become file names, and results are told apart by them.
fn check_names(pod: &Pod, builtin: Option<&Builtin<'_>>, problems: &mut Vec<Problem>) {
    let spec = &pod.0.spec;
    if spec.containers.is_empty() {
        problems.push(Problem::NoContainers);
    }
    let containers = pod.containers().map(|container| ("container", container.name.as_str()));
    let volumes = spec.volumes.iter().map(|volume| ("volume", volume.name.as_str()));
    let mut taken = BTreeSet::new();
    for (kind, name) in containers.chain(volumes) {
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let reason = if name.is_empty() || name.len() > 253 || name.starts_with('.') || !name.chars().all(is_name) {
            "is no name that Kubernetes would take"
        } else if !taken.insert((kind, name)) {
            "is given twice"
        } else {
            continue;
        };
        problems.push(Problem::Name { kind, name: name.into(), reason });
    }
    if let Some(builtin) = builtin {
        let is_it =
            |container: &&Container| container.name == builtin.container && container.restart_policy != "Always";
        if spec.init_containers.iter().find(is_it).is_none() {
            problems.push(Problem::NoBuiltin { container: builtin.container.clone() });
        }
    }
}
