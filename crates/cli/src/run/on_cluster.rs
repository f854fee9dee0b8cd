//! `keybearer run --on cluster`: the pod in a cluster, followed to its end as if it ran here.

mod children;
mod known;
mod logs;
mod made;
mod refused;
mod session;
mod state;
mod stuck;
mod submit;
mod watch;

use super::Args;
use crate::fault::Fault;
use crate::kubectl::{Failure, Kubectl};
use crate::manifest::{Manifest, PodSource};
use crate::{explain, package, terminal};
use clap::ValueEnum;
use session::Session;
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use std::process::ExitCode;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

/// The label of pods that a run made, with the name of the run, which is that of the pod: what was left behind is found by it.
const OWNER: &str = "keybearer.dev/run";

#[derive(clap::Args)]
pub(crate) struct OnArgs {
    /// Where the pod runs
    #[arg(long, value_enum, default_value = "here", help_heading = "In a cluster")]
    pub(super) on: Place,

    /// The context of the kubeconfig; without it the current one
    #[arg(long, value_name = "NAME", help_heading = "In a cluster")]
    context: Option<String>,

    /// Leave the pod in the cluster: after its end, and after an interruption
    #[arg(long, help_heading = "In a cluster")]
    keep: bool,

    /// How long the pod may wait for a node, its images and its volumes (300 s, if nothing is said)
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..), help_heading = "In a cluster")]
    start_timeout: Option<u64>,
}

/// How long a pod has to start, if nothing else is said.
const START: Duration = Duration::from_secs(300);

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Place {
    /// On this machine
    Here,
    /// In the cluster of kubectl's context
    Cluster,
}

impl OnArgs {
    /// Says so where an option is for a cluster and the pod runs here.
    pub(super) fn check(&self) -> Result<(), Fault> {
        let given = [
            ("--context", self.context.is_some()),
            ("--keep", self.keep),
            ("--start-timeout", self.start_timeout.is_some()),
        ];
        match given.into_iter().find(|(_, is_given)| *is_given && self.on == Place::Here) {
            Some((option, _)) => {
                Err(Fault::new(format!("`{option}` is for pods in a cluster, and this one runs here"))
                    .hint("add --on cluster, or leave it out"))
            }
            None => Ok(()),
        }
    }
}

/// Something that a run hears of.
enum Event {
    Pod(Box<state::Seen>),
    /// The pod is not there any more.
    Gone,
    /// The pod can't be seen, for good.
    Blind(Failure),
    /// For now.
    Unreachable(Failure),
    Happened(watch::Happening),
    Line {
        container: String,
        bytes: Vec<u8>,
    },
    LogEnded {
        container: String,
        /// Why its end is missing.
        lost: Option<Failure>,
    },
    Signal(i32),
}

pub(super) fn execute(args: &Args) -> Result<ExitCode, Fault> {
    refuse_what_is_for_here(args)?;
    if package::is_one(&args.file, args.task.task.as_deref()) {
        return Err(Fault::new(
            "a packaged task has its inputs, outputs and code in files of this machine, where no pod of a cluster finds them",
        )
        .hint("register the package with Flyte to run it there; without --on cluster it runs here")
        .hint(format!("`keybearer explain {} --task NAME` shows what a cluster does with its pod", args.file)));
    }
    let config = args.settings.load()?;
    let manifest = Manifest::read(&args.file)?;
    if *manifest.source() == PodSource::Review {
        return Err(Fault::new(format!("`{}` is an AdmissionReview, not a pod", manifest.origin)));
    }
    let pod_json = manifest.pod_json()?;
    let view = manifest.view(&pod_json)?;
    terminal::mistakes(&explain::mistakes(&manifest, &view, &config));
    let context = Kubectl { context: args.on.context.clone(), namespace: None };
    let namespace = match args.settings.namespace.as_deref().or(manifest.namespace()) {
        Some(namespace) => namespace.to_owned(),
        None => context.own_namespace()?,
    };
    let account = args.service_account.as_deref();
    let made = made::made(&manifest, &view, &pod_json, &config, &namespace, account)?;
    let kubectl = Kubectl { namespace: Some(namespace), ..context };
    // From here on an interruption has something to clean up.
    let (sender, events) = channel();
    listen(&sender).map_err(|error| Fault::new(format!("signals can't be listened to: {error}")))?;
    let pod_json = submit::submit(&made, &kubectl, args, &config.label)?;
    let session = Session {
        made: &made,
        kubectl: &kubectl,
        keep: args.on.keep,
        start: args.on.start_timeout.map_or(START, Duration::from_secs),
        sender,
    };
    session.follow(&pod_json, &events)
}

/// Options that have no meaning in a cluster: whoever gives one expects something that will not be.
fn refuse_what_is_for_here(args: &Args) -> Result<(), Fault> {
    let in_cluster = "in a cluster, its managers give the values: keep one there with `keybearer secret set --cluster`";
    let given = [
        ("--secret", args.given.has_secrets(), in_cluster),
        ("--secret-file", args.given.has_files(), in_cluster),
        ("--isolation", args.kept.isolation != super::kept::Isolation::Auto, "in a cluster, a container has its own"),
        ("--no-mask", args.kept.no_mask, "values are not known here, so that none is masked"),
        ("--output json", args.output == super::Output::Json, "`keybearer explain --output json` has the plan"),
    ];
    match given.into_iter().find(|(_, is_given, _)| *is_given) {
        Some((option, _, hint)) => Err(Fault::new(format!("`{option}` has no meaning with `--on cluster`")).hint(hint)),
        None => Ok(()),
    }
}

/// Hears of the signals that end a program.
fn listen(sender: &Sender<Event>) -> std::io::Result<()> {
    let mut signals = vec![SIGINT, SIGTERM, SIGQUIT];
    // Under nohup a hang-up is not meant to end anything.
    if !runner::is_ignored(SIGHUP) {
        signals.push(SIGHUP);
    }
    let mut signals = signal_hook::iterator::Signals::new(signals)?;
    let sender = sender.clone();
    std::thread::spawn(move || signals.forever().all(|signal| sender.send(Event::Signal(signal)).is_ok()));
    Ok(())
}
