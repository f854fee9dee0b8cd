//! `keybearer explain`: what a cluster would do with a pod, and why.

mod diff;
mod mistakes;
mod report;
mod seen;
mod text;

use crate::document::Document;
use crate::fault::Fault;
use crate::live;
use crate::manifest::{Manifest, PodSource};
use crate::package::{self, Packaged};
use crate::settings::Settings;
use crate::terminal;
use admission::plan::Source;
use admission::review::{Answer, answer, answer_for};
use admission::{Config, Globals, PodView, Values, render};
pub(crate) use mistakes::{Mistake, asks_for_secrets, find as mistakes, is_labelled, misplaced};
use std::process::ExitCode;

/// Show what a cluster would do with a pod: secrets, managers, what each container will see, and the patch
///
/// With a file nothing is contacted. Values are not shown, but for those that `--output patch` and `review` have to hold.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  keybearer explain pod.yaml
  keybearer explain job.yaml --config webhook.yaml --output json
  keybearer explain flyte-package.tgz --task app.train
  kubectl get pod task -o yaml | keybearer explain -
  keybearer explain deployment/web -n team     (asks kubectl for it)

Exit codes:
  0  the pod would be admitted
  1  the pod would be refused
  2  the command line, the file or the configuration can't be used")]
pub(crate) struct Args {
    /// A Pod, an object with a pod template (a Deployment, a Job, …) or an `AdmissionReview`, as YAML or JSON; what
    /// `pyflyte package` wrote; - for stdin; or KIND/NAME of a cluster
    #[arg(value_name = "FILE")]
    file: String,

    /// A task of a package; without it all tasks are explained in short
    #[arg(long, value_name = "NAME")]
    task: Option<String>,

    #[command(flatten)]
    settings: Settings,

    /// What to print
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Output {
    /// All of it, for a person
    Text,
    /// All of it, for programs
    Json,
    /// The JSON patch (RFC 6902) alone
    Patch,
    /// The `AdmissionReview` that the webhook would answer, byte for byte
    Review,
}

/// The pod, what the webhook answers, and what has to be said besides.
pub(crate) struct Explained<'a> {
    pub(crate) pod: &'a PodView<'a>,
    pub(crate) pod_json: &'a str,
    pub(crate) config: &'a Config,
    pub(crate) answer: Answer,
    pub(crate) notes: Vec<String>,
    pub(crate) mistakes: Vec<Mistake>,
}

pub(crate) fn execute(args: &Args) -> Result<ExitCode, Fault> {
    let config = args.settings.load()?;
    let globals =
        if config.asks_global { stores::load_globals(&config.global).map_err(Fault::new)? } else { Globals::default() };
    let manifest = if args.task.is_none() && live::is_name(&args.file) {
        let object = live::get(&args.file, args.settings.namespace.as_deref())?;
        Document::of(args.file.clone(), object)?.try_into()?
    } else if package::is_one(&args.file, args.task.as_deref()) {
        let packaged = Packaged::read(&args.file)?;
        let Some(name) = &args.task else { return overview(&packaged, &config, &globals, args) };
        let made = packaged.outline(packaged.find(name)?)?;
        for note in &made.notes {
            terminal::note(note);
        }
        packaged.manifest(&made.pod)?
    } else {
        Manifest::read(&args.file)?
    };
    let is_review = *manifest.source() == PodSource::Review;
    if is_review && args.output == Output::Review {
        // Whatever it is, this is what the webhook says to it.
        return print_review(&answer(manifest.json.as_bytes(), &config, &globals));
    }
    let pod_json = manifest.pod_json()?;
    let pod = manifest.view(&pod_json)?;
    let answer = if is_review {
        answer(manifest.json.as_bytes(), &config, &globals)
    } else {
        let namespace = args.settings.namespace.as_deref().or(manifest.namespace()).unwrap_or("default");
        answer_for(&pod, namespace, &config, &globals)
    };
    let mut notes = Vec::new();
    if config.asks_global && mistakes::asks_for_secrets(&pod) {
        notes.push(format!(
            "Global was looked up in this command's own environment (`{}…`) and in `{}`; the webhook has its own",
            config.global.env_prefix, config.global.secrets_prefix
        ));
    }
    if is_review && args.settings.namespace.is_some() {
        notes.push("`--namespace` has no effect on a review, which names the namespace itself".to_owned());
    }
    let mistakes = mistakes::find(&manifest, &pod, &config);
    let explained = Explained { pod: &pod, pod_json: &pod_json, config: &config, answer, notes, mistakes };
    print(&explained, &globals, args.output)
}

/// All tasks of a package. A patch and a review are of one pod.
fn overview(packaged: &Packaged, config: &Config, globals: &Globals, args: &Args) -> Result<ExitCode, Fault> {
    if matches!(args.output, Output::Patch | Output::Review) {
        return Err(Fault::new("a patch and a review are of one pod, and a package has many tasks")
            .hint("name one with --task; without --output they are listed"));
    }
    let namespace = args.settings.namespace.as_deref().unwrap_or("default");
    package::overview(packaged, config, globals, namespace, args.output == Output::Json)
}

fn print(explained: &Explained<'_>, globals: &Globals, output: Output) -> Result<ExitCode, Fault> {
    match output {
        Output::Text => {
            terminal::out(&text::write(explained)?)?;
            if let Ok(plan) = &explained.answer.outcome {
                plan.warnings.iter().for_each(terminal::warning);
            }
            for note in &explained.notes {
                terminal::note(note);
            }
            terminal::mistakes(&explained.mistakes);
            if let Err(denial) = &explained.answer.outcome {
                terminal::fault(&denial.clone().into());
            }
        }
        Output::Json => terminal::json(&report::Report::new(explained)?)?,
        Output::Patch => match &explained.answer.outcome {
            Ok(plan) => {
                plan.warnings.iter().for_each(terminal::warning);
                terminal::mistakes(&explained.mistakes);
                warn_of_inline(&explained.answer);
                let values = Values::inline(plan, globals, &explained.config.global);
                terminal::raw(format!("{}\n", render(plan, explained.pod, &values).to_json()).as_bytes())?;
            }
            Err(denial) => terminal::fault(&denial.clone().into()),
        },
        Output::Review => return print_review(&explained.answer),
    }
    Ok(code(&explained.answer))
}

fn print_review(answer: &Answer) -> Result<ExitCode, Fault> {
    warn_of_inline(answer);
    terminal::raw(&answer.body)?;
    Ok(code(answer))
}

fn warn_of_inline(answer: &Answer) {
    let inline = answer.outcome.as_ref().is_ok_and(|plan| plan.requests.iter().any(|r| r.source == Source::Inline));
    if inline {
        terminal::warning("the output holds secret values, as the pod's spec would");
    }
}

fn code(answer: &Answer) -> ExitCode {
    ExitCode::from(u8::from(answer.outcome.is_err()))
}
