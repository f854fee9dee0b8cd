//! `keybearer run`: a pod on this machine, with the secrets that it asked for.

mod given;
mod output;
mod refusal;
mod table;

use crate::fault::Fault;
use crate::manifest::{Manifest, PodSource};
use crate::settings::Settings;
use crate::{explain, terminal};
use admission::plan::{self, FETCHER, Plan};
use admission::review::identity;
use admission::{Config, Globals, Identity, PodView, Values, render};
use given::Given;
use std::error::Error;
use std::process::ExitCode;

/// The exit code where nothing was started, as container engines have it.
pub(crate) const NOT_STARTED: u8 = 125;

/// Run a pod's containers on this machine, with the secrets that the pod asks for
///
/// The pod is planned and patched as in a cluster, then its init containers run in order and its containers side by
/// side, as local processes with the env vars and files that they would see there. Images are not pulled: each
/// container's program has to be on this machine. Of this machine's environment only PATH, HOME, LANG, TERM, TMPDIR,
/// VIRTUAL_ENV and PYTHONPATH are passed on.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  keybearer run examples/user-info.yaml --secret user-info/user_secret=open-sesame
  keybearer run pod.yaml --secret-file tls/ca.crt=ca.pem --output json

--secret also answers the pod's own references to Secrets, as NAME/KEY.
Values on a command line can be seen by other users of this machine; --secret-file takes them from a file.")]
pub(crate) struct Args {
    /// A Pod, or an object with a pod template (YAML or JSON), or - for stdin
    #[arg(value_name = "POD.yaml")]
    file: String,

    #[command(flatten)]
    given: given::GivenArgs,

    #[command(flatten)]
    settings: Settings,

    /// The pod's service account, where it names none
    #[arg(long, value_name = "NAME")]
    service_account: Option<String>,

    /// How to say on stderr where each secret is found
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

pub(crate) fn execute(args: Args) -> Result<ExitCode, Fault> {
    let config = args.settings.load()?;
    let manifest = Manifest::read(&args.file)?;
    if *manifest.source() == PodSource::Review {
        return Err(Fault::new(format!("`{}` is an AdmissionReview, not a pod", manifest.origin))
            .hint(format!("`keybearer explain {}` shows what the webhook would answer", args.file)));
    }
    let given = args.given.read()?;
    let pod_json = manifest.pod_json()?;
    let pod = PodView::parse(&pod_json)
        .map_err(|error| Fault::new(format!("`{}`: the pod can't be read: {error}", manifest.origin)))?;
    let namespace = args.settings.namespace.as_deref().or(manifest.namespace()).unwrap_or("default").to_owned();
    let mut who = identity(&pod, &namespace);
    let named = pod.spec.as_ref().is_some_and(|spec| !spec.service_account_name.is_empty());
    if let Some(account) = args.service_account.filter(|_| !named) {
        who.service_account = account;
    }
    for mistake in explain::mistakes(&manifest, &pod, &config) {
        terminal::warning(&mistake.message);
        terminal::err(&format!("  {}\n", mistake.remedy))?;
    }
    let planned = Planned::new(&pod, &who, &config)?;
    start(&pod, &pod_json, &who, &planned, &given, args.output)
}

/// The plan of this machine, and that of the cluster to compare with.
pub(crate) struct Planned {
    pub(crate) here: Plan,
    /// None where the cluster would refuse the pod.
    pub(crate) cluster: Option<Plan>,
}

impl Planned {
    fn new(pod: &PodView<'_>, who: &Identity, config: &Config) -> Result<Self, Fault> {
        let none = Globals::default();
        // Without the label the webhook is not called, here or there.
        let unlabelled = PodView::default();
        let pod = if explain::is_labelled(pod, config) { pod } else { &unlabelled };
        let here = admission::plan(pod, who, &config.on_laptop(), &none)?;
        for warning in &here.warnings {
            terminal::warning(warning);
        }
        let cluster = match admission::plan(pod, who, config, &none) {
            Ok(plan) => Some(plan),
            Err(denial) => {
                terminal::warning(format!("in the cluster this pod would be refused: {denial}"));
                None
            }
        };
        Ok(Self { here, cluster })
    }
}

fn start(
    pod: &PodView<'_>,
    pod_json: &str,
    who: &Identity,
    planned: &Planned,
    given: &Given,
    output: Output,
) -> Result<ExitCode, Fault> {
    let plan = &planned.here;
    let values = stores::fetch(plan, given.stores()).map_err(|error| refusal::of_fetch(&error))?;
    let delivery = stores::prepare(&values, plan)?;
    let patched = apply(pod_json, &render(plan, pod, &Values::none()).to_json())?;
    let runnable = runner::Pod::from_json(&patched).map_err(|error| Fault::new(format!("the pod can't be read: {error}")))?;

    let fill = |dirs: &runner::VolumeDirs| -> Result<(), Box<dyn Error + Send + Sync>> {
        let dir = |name| dirs.get(name).map(ToOwned::to_owned);
        let volumes = stores::Volumes { files: dir(plan::FILES_VOLUME), env: dir(plan::ENV_VOLUME) };
        delivery.write(&volumes).map_err(Into::into)
    };
    let options = runner::Options {
        namespace: who.namespace.clone(),
        service_account: who.service_account.clone(),
        builtin: plan.fetcher.is_some().then(|| runner::Builtin::new(FETCHER, fill)),
        host_env: std::env::vars_os().collect(),
        own_strays: true,
        ..runner::Options::default()
    };
    let prepared = runner::prepare(&runnable, given, options).map_err(|refusal| refusal::of_runner(&refusal))?;
    given.warn_of_unused(plan);
    match output {
        Output::Table => terminal::err(&table::text(planned, &delivery.left_out))?,
        Output::Json => terminal::err(&format!("{}\n", table::json(planned, &delivery.left_out)))?,
    }
    let mut streams = output::Streams::new(pod);
    let outcome = prepared.run(&mut streams).map_err(|error| refusal::of_run(&error))?;
    Ok(ExitCode::from(outcome.exit_code))
}

fn apply(pod_json: &str, patch_json: &str) -> Result<String, Fault> {
    let inner = || -> Result<String, Box<dyn Error>> {
        let mut pod: serde_json::Value = serde_json::from_str(pod_json)?;
        let patch: json_patch::Patch = serde_json::from_str(patch_json)?;
        json_patch::patch(&mut pod, &patch)?;
        Ok(pod.to_string())
    };
    inner().map_err(|error| Fault::new(format!("the pod's patch does not apply: {error}")))
}

