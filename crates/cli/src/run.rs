//! `keybearer run`: a pod on this machine, with the secrets that it asked for.

mod done;
mod given;
mod kept;
mod managers;
mod on_cluster;
mod output;
mod planned;
mod refusal;
mod table;
mod task;

use crate::fault::Fault;
use crate::manifest::{Manifest, PodSource};
use crate::settings::Settings;
use crate::{explain, package, patched, terminal, unreadable};
use admission::plan::{self, FETCHER, Plan};
use admission::review::identity;
use admission::{Config, Globals, Identity, PodView, Values, render};
use done::Done;
use given::Given;
use planned::Planned;
use runner::Exchange;
use std::error::Error;
use std::ffi::OsString;
use std::process::ExitCode;
use stores::DeliverError;

/// The exit code where nothing was started, as container engines have it.
pub(crate) const NOT_STARTED: u8 = 125;

/// Run a pod's containers or a packaged task on this machine, or a pod in a cluster, with the secrets that it asks for
///
/// The pod is planned and patched as in a cluster, then its init containers run in order and its containers side by
/// side, as local processes with the env vars and files that they would see there. Images are not pulled: each
/// container's program has to be on this machine. Of this machine's environment only `PATH`, `HOME`, `LANG`, `TERM`,
/// `TMPDIR`, `VIRTUAL_ENV` and `PYTHONPATH` are passed on.
///
/// A packaged task is run as its pod, by flytekit's own entrypoint in the active Python environment and in the current
/// folder. Its outputs are printed by name on stdout; what it prints itself goes to stderr.
///
/// With `--on cluster` the pod is made in the cluster of kubectl's context, under its name and five letters more, and
/// followed to its end: what it waits for, what its containers print, how it ends. Then it is deleted, also after Ctrl-C,
/// unless `--keep` is given.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  keybearer run examples/user-info.yaml --secret user-info/user_secret=open-sesame
  keybearer run pod.yaml --secret-file tls/ca.crt=ca.pem --output json
  keybearer run flyte-package.tgz                             (its tasks, and what each asks for)
  keybearer run flyte-package.tgz --task app.train --input epochs=3 --secret db/password=s3cret
  keybearer run pod.yaml --on cluster -n team

What neither --secret nor --secret-file gives is looked for in the local store, which
`keybearer secret set` fills. All of them also answer the pod's own references to Secrets, as
NAME/KEY. Values on a command line can be seen by other users of this machine.

Exit codes:
  125  nothing was started; the reason is on stderr
  2    the command line can't be read
  1    a task failed, or left no outputs; in a cluster: how the pod ended is not known
  Otherwise that of the container named by the pod's annotation `primary_container_name`, else
  the first that is not 0; 128 + N where signal N ended it, or this command.")]
pub(crate) struct Args {
    /// A Pod, an object with a pod template (YAML or JSON), or what `pyflyte package` wrote, or - for stdin
    #[arg(value_name = "FILE")]
    file: String,

    #[command(flatten)]
    given: given::GivenArgs,

    #[command(flatten)]
    task: task::TaskArgs,

    #[command(flatten)]
    kept: kept::KeptArgs,

    #[command(flatten)]
    on: on_cluster::OnArgs,

    #[command(flatten)]
    settings: Settings,

    /// The pod's service account, where it names none
    #[arg(long, value_name = "NAME")]
    service_account: Option<String>,

    /// How to say on stderr where each secret is found, and on stdout what a task gives
    #[arg(long, value_enum, default_value = "table")]
    output: Output,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Output {
    /// For a person
    Table,
    /// One line of JSON, for programs
    Json,
}

pub(crate) fn execute(args: &Args) -> Result<ExitCode, Fault> {
    args.on.check()?;
    if args.on.on == on_cluster::Place::Cluster {
        return on_cluster::execute(args);
    }
    let config = args.settings.load_for_laptop()?;
    if package::is_one(&args.file, args.task.task.as_deref()) {
        return task::execute(args, &config, &args.given.read()?);
    }
    let manifest = Manifest::read(&args.file)?;
    if *manifest.source() == PodSource::Review {
        return Err(Fault::new(format!("`{}` is an AdmissionReview, not a pod", manifest.origin))
            .hint(format!("`keybearer explain {}` shows what the webhook would answer", args.file)));
    }
    let given = args.given.read()?;
    let special = Special {
        host_env: std::env::vars_os().collect(),
        isolation: args.kept.isolation.into(),
        aside: false,
        start: None,
    };
    let done = Job { manifest: &manifest, config: &config, given: &given, args }.run(&special, None)?;
    Ok(ExitCode::from(done.outcome.exit_code))
}

/// A pod to be run, with what.
struct Job<'a> {
    manifest: &'a Manifest,
    config: &'a Config,
    given: &'a Given,
    args: &'a Args,
}

/// What depends on where the pod comes from.
struct Special {
    /// What it may see of this machine's environment, and what is not passed on.
    host_env: Vec<(OsString, OsString)>,
    isolation: runner::Isolation,
    /// Whether the containers' output goes to stderr, all of it.
    aside: bool,
    /// What is said when all is there and it starts.
    start: Option<String>,
}

impl Job<'_> {
    fn run(&self, special: &Special, exchange: Option<&mut dyn Exchange>) -> Result<Done, Fault> {
        let Self { manifest, config, args, .. } = *self;
        let pod_json = manifest.pod_json()?;
        let pod = manifest.view(&pod_json)?;
        let namespace = args.settings.namespace.as_deref().or(manifest.namespace()).unwrap_or("default").to_owned();
        let mut who = identity(&pod, &namespace);
        let named = pod.spec.as_ref().is_some_and(|spec| !spec.service_account_name.is_empty());
        if let Some(account) = args.service_account.as_deref().filter(|_| !named) {
            who.service_account = account;
        }
        terminal::mistakes(&explain::mistakes(manifest, &pod, config));
        let globals = match &args.settings.config {
            Some(_) if config.asks_global => stores::load_globals(&config.global).map_err(Fault::new)?,
            Some(_) | None => Globals::default(),
        };
        let mut planned = Planned::new(&pod, &who, config, &globals)?;
        planned.unanswered = match &planned.cluster {
            // Without a configuration no manager is configured, and nobody is asked.
            Some(plan) if args.settings.config.is_some() => {
                managers::ask(plan, &namespace, config, &globals, self.given)
            }
            Some(_) | None => Vec::new(),
        };
        self.start(&pod, &pod_json, &who, &planned, special, exchange)
    }

    fn start(
        &self,
        pod: &PodView<'_>,
        pod_json: &str,
        who: &Identity<'_>,
        planned: &Planned,
        special: &Special,
        exchange: Option<&mut dyn Exchange>,
    ) -> Result<Done, Fault> {
        let Self { manifest, given, args, config, .. } = *self;
        let plan = &planned.here;
        let patched = patched::apply(pod_json, &render(plan, pod, &Values::none()).sendable(config)?)?.to_string();
        let runnable = runner::Pod::from_json(&patched)
            .map_err(|error| unreadable::by_runner(&patched, &error).within(&manifest.origin))?;
        let options = || runner::Options {
            namespace: who.namespace.to_owned(),
            service_account: who.service_account.to_owned(),
            host_env: special.host_env.clone(),
            isolation: special.isolation,
            own_strays: true,
            ..runner::Options::default()
        };

        let values = match planned.missing(given) {
            Ok(()) => stores::fetch(plan, given.stores()),
            Err(misses) => Err(misses),
        };
        let values = match values {
            Ok(values) => values,
            Err(misses) => {
                // What else is missing is said at once, and what was given in vain: it may be a misspelt name.
                let options = runner::Options { builtin: fetcher(plan, |_| Ok(())), ..options() };
                let refusal = runner::prepare(&runnable, given, options).err();
                given.check_store()?;
                given.warn_of_unused(planned.shown());
                return Err(refusal::of(Some(&misses), refusal.as_ref(), &planned.unanswered));
            }
        };
        let delivery = stores::prepare(&values, plan).map_err(|error| {
            let by_reference = matches!(error, DeliverError::Unfit { .. }) && planned.refers();
            Fault::from(error).maybe_hint(by_reference.then_some(
                "in the cluster it comes by reference from a Secret, which could carry it; here, and from all other stores, it can't",
            ))
        })?;
        let fill = |dirs: &runner::VolumeDirs| {
            let dir = |name| dirs.get(name).map(ToOwned::to_owned);
            let volumes = stores::Volumes { files: dir(plan::FILES_VOLUME), env: dir(plan::ENV_VOLUME) };
            delivery.write(&volumes).map_err(Into::into)
        };
        let exchange = exchange.map(|exchange| Box::new(exchange) as Box<dyn Exchange>);
        let options = runner::Options { builtin: fetcher(plan, fill), exchange, ..options() };
        let prepared = runner::prepare(&runnable, given, options);
        given.check_store()?;
        given.warn_of_unused(planned.shown());
        let mut prepared = prepared.map_err(|refusal| refusal::of(None, Some(&refusal), &planned.unanswered))?;
        let known = kept::known(plan, &values, given);
        prepared.mask(args.kept.masks(&known));
        match args.output {
            Output::Table => terminal::err(&table::text(planned, given, &delivery.left_out))?,
            Output::Json => terminal::err(&table::json(planned, given, &delivery.left_out)?)?,
        }
        special.start.iter().for_each(terminal::note);
        let mut streams = output::Streams::new(pod, special.aside);
        let mut outcome = prepared.run(&mut streams).map_err(|error| refusal::of_run(&error))?;
        if let Some(error) = streams.lost {
            terminal::fault(&Fault::new(format!("output of the containers was lost: it can't be written: {error}")));
            outcome.exit_code = outcome.exit_code.max(1);
        }
        Ok(Done { outcome, known })
    }
}

/// The pod's fetching init container, if it has one: `fill` does its work.
fn fetcher<'f>(
    plan: &Plan,
    fill: impl FnOnce(&runner::VolumeDirs) -> Result<(), Box<dyn Error + Send + Sync>> + 'f,
) -> Option<runner::Builtin<'f>> {
    plan.fetcher.is_some().then(|| runner::Builtin::new(FETCHER, fill))
}
