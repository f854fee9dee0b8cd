//! The explanation as data, for programs.

use super::Explained;
use crate::decode;
use admission::plan::{EnvValue, Outcome, Plan, Request, Source, Step};
use admission::{Values, render};
use secret::FILE_ROOT;
use serde_json::{Value, json};

pub(super) fn write(explained: &Explained<'_>) -> Value {
    let answer = &explained.answer;
    let mistakes: Vec<_> =
        explained.mistakes.iter().map(|m| json!({"message": m.message, "remedy": m.remedy})).collect();
    let mut report = json!({
        "pod": answer.pod,
        "namespace": answer.namespace,
        "dialect": explained.config.dialect.name,
        "allowed": answer.outcome.is_ok(),
        "notes": explained.notes,
        "mistakes": mistakes,
    });
    match &answer.outcome {
        Ok(plan) => {
            let requests: Vec<_> = plan.requests.iter().map(|request| self::request(request)).collect();
            let patch = render(plan, explained.pod, &Values::redacted(plan));
            report["secrets"] = json!(requests);
            report["containers"] = json!(containers(explained, plan));
            report["warnings"] = json!(plan.warnings);
            report["patch"] = serde_json::from_str(&patch.to_json()).unwrap_or(Value::Null);
        }
        Err(denial) => {
            report["refusal"] = json!({
                "code": denial.code,
                "reason": denial.reason(),
                "message": denial.message,
                "hint": denial.hint,
            });
        }
    }
    report
}

fn request(request: &Request) -> Value {
    let chain: Vec<_> = request.chain.iter().map(step).collect();
    let names = |names: &[secret::EnvName]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
    let files: Vec<_> = request.files.iter().map(|file| format!("{FILE_ROOT}/{file}")).collect();
    let mut value = json!({
        "secret": decode::request_json(request),
        "manager": request.manager.name(),
        "delivery": request.source.delivery(),
        "chain": chain,
        "env": names(&request.env),
        "path_env": names(&request.path_env),
        "files": files,
    });
    if let Source::Reference { name, key } = &request.source {
        value["reference"] = json!({"name": name, "key": key});
    }
    value
}

fn step(step: &Step) -> Value {
    let manager = step.manager.name();
    match &step.outcome {
        Outcome::Skipped { rule } => json!({"manager": manager, "outcome": "skipped", "rule": rule}),
        Outcome::Passed { reason } => json!({"manager": manager, "outcome": "passed", "reason": reason}),
        Outcome::Chosen { rule } => json!({"manager": manager, "outcome": "chosen", "rule": rule}),
        Outcome::Shadowed => json!({"manager": manager, "outcome": "shadowed"}),
    }
}

fn containers(explained: &Explained<'_>, plan: &Plan) -> Vec<Value> {
    let all = explained.pod.all_containers();
    let one = |(list, index, container): (admission::view::ContainerList, usize, &admission::view::ContainerView<'_>)| {
        let is_target = plan.targets.contains(&(list, index));
        let env: Vec<_> = plan.env.iter().filter(|_| is_target).map(|addition| {
            let source = match &addition.value {
                EnvValue::Literal(text) => json!({"value": text}),
                EnvValue::SecretKey { name, key, optional } => {
                    json!({"secretKeyRef": {"name": name, "key": key, "optional": optional}})
                }
                EnvValue::FileKey { key, optional } => json!({"fileKeyRef": {"key": key, "optional": optional}}),
                EnvValue::Inline { .. } => json!({"value": "<redacted>"}),
            };
            json!({"name": addition.name.as_str(), "from": source})
        }).collect();
        let files: Vec<_> = plan.requests.iter().filter(|_| is_target).flat_map(|request| &request.files)
            .map(|file| format!("{FILE_ROOT}/{file}")).collect();
        json!({"name": container.name.as_str(), "list": list.member(), "gets_secrets": is_target, "env": env, "files": files})
    };
    all.map(one).collect()
}
