//! The explanation as data, for programs.

use super::seen::{self, Seen};
use super::{Explained, Mistake, is_labelled};
use crate::fault::Fault;
use crate::{asked, patched};
use admission::plan::{Outcome, Plan, Request, Source, Step};
use admission::{Denial, Patch, Values, render};
use secret::FILE_ROOT;
use serde::Serialize;

/// What `--output json` prints, in this order.
#[derive(Serialize)]
pub(super) struct Report<'a> {
    pod: &'a str,
    namespace: &'a str,
    service_account: &'a str,
    dialect: &'a str,
    /// Whether the pod has the label for which the API server calls the webhook.
    labelled: bool,
    /// Whether the webhook would admit it.
    allowed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<Refusal<'a>>,
    secrets: Vec<Explanation<'a>>,
    containers: Vec<Seen>,
    warnings: &'a [String],
    mistakes: &'a [Mistake],
    notes: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    patch: Option<Patch>,
}

#[derive(Serialize)]
struct Refusal<'a> {
    code: u16,
    reason: &'a str,
    message: &'a str,
    hint: Option<&'a str>,
}

#[derive(Serialize)]
struct Explanation<'a> {
    secret: asked::Asked<'a>,
    manager: &'a str,
    delivery: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<Reference<'a>>,
    /// What another program fetches, in the store's own words.
    #[serde(skip_serializing_if = "Option::is_none")]
    fetches: Option<&'a str>,
    /// The flytekit call that finds it, where group and key don't.
    #[serde(skip_serializing_if = "Option::is_none")]
    read_with: Option<&'a str>,
    chain: Vec<ChainStep<'a>>,
    env: Vec<&'a str>,
    path_env: Vec<&'a str>,
    files: Vec<String>,
}

/// The key of a Kubernetes Secret.
#[derive(Serialize)]
struct Reference<'a> {
    name: &'a str,
    key: &'a str,
}

#[derive(Serialize)]
struct ChainStep<'a> {
    manager: &'a str,
    #[serde(flatten)]
    outcome: StepOutcome<'a>,
}

#[derive(Serialize)]
#[serde(tag = "outcome", rename_all = "lowercase")]
enum StepOutcome<'a> {
    Chosen { rule: &'a str },
    Passed { reason: String },
    Skipped { rule: &'a str },
    Shadowed,
}

impl<'a> Report<'a> {
    pub(super) fn new(explained: &'a Explained<'a>) -> Result<Self, Fault> {
        let answer = &explained.answer;
        let mut report = Self {
            pod: &answer.pod,
            namespace: &answer.namespace,
            service_account: admission::review::identity(explained.pod, &answer.namespace).service_account,
            dialect: explained.config.dialect.name,
            labelled: is_labelled(explained.pod, explained.config),
            allowed: answer.outcome.is_ok(),
            refusal: None,
            secrets: Vec::new(),
            containers: Vec::new(),
            warnings: &[],
            mistakes: &explained.mistakes,
            notes: &explained.notes,
            patch: None,
        };
        match &answer.outcome {
            Ok(plan) => report.allow(explained, plan)?,
            Err(denial) => report.refusal = Some(denial.into()),
        }
        Ok(report)
    }

    fn allow(&mut self, explained: &'a Explained<'a>, plan: &'a Plan) -> Result<(), Fault> {
        let patch = render(plan, explained.pod, &Values::redacted(plan));
        self.secrets = plan.requests.iter().map(Explanation::from).collect();
        self.containers = seen::all(explained, plan, &patched::apply(explained.pod_json, &patch)?);
        self.warnings = &plan.warnings;
        self.patch = Some(patch);
        Ok(())
    }
}

impl<'a> From<&'a Denial> for Refusal<'a> {
    fn from(denial: &'a Denial) -> Self {
        Self { code: denial.code, reason: denial.reason(), message: &denial.message, hint: denial.hint.as_deref() }
    }
}

impl<'a> From<&'a Request> for Explanation<'a> {
    fn from(request: &'a Request) -> Self {
        let reference = match &request.source {
            Source::Reference { name, key } => Some(Reference { name, key }),
            Source::Sealed | Source::Inline | Source::Pulled(_) | Source::Annotated(_) => None,
        };
        let (fetches, read_with) = match &request.source {
            Source::Pulled(pull) => (Some(pull.what.as_str()), pull.read_with.as_deref()),
            Source::Annotated(annotated) => (Some(annotated.what.as_str()), None),
            Source::Reference { .. } | Source::Sealed | Source::Inline => (None, None),
        };
        Self {
            secret: request.into(),
            manager: request.manager.name(),
            delivery: request.source.delivery(),
            reference,
            fetches,
            read_with,
            chain: request.chain.iter().map(ChainStep::from).collect(),
            env: asked::names(&request.env),
            path_env: asked::names(&request.path_env),
            files: request.files.iter().map(|file| format!("{FILE_ROOT}/{file}")).collect(),
        }
    }
}

impl<'a> From<&'a Step> for ChainStep<'a> {
    fn from(step: &'a Step) -> Self {
        let outcome = match &step.outcome {
            Outcome::Chosen { rule } => StepOutcome::Chosen { rule },
            Outcome::Passed { reason } => StepOutcome::Passed { reason: reason.to_string() },
            Outcome::Skipped { rule } => StepOutcome::Skipped { rule },
            Outcome::Shadowed => StepOutcome::Shadowed,
        };
        Self { manager: step.manager.name(), outcome }
    }
}
