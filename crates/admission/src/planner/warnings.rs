//! What Flyte's pod does that our own dialect would refuse, and what a task will stumble over: warnings, with the remedy.

use super::annotated;
use super::conflicts::{danger, is_under_root};
use crate::dialect::EnvRule;
use crate::managers::{oddities, secret_trouble};
use crate::plan::{Plan, Request, Source};
use crate::variable::same_variable;
use crate::view::{ContainerView, PodView};
use std::collections::HashMap;

/// How many warnings one answer carries; the API server shortens longer lists.
const MAX_WARNINGS: usize = 16;

/// Characters of a name of the pod's own in a message; Kubernetes takes no longer one, but is asked after us.
const NAME: usize = 100;

fn short(name: &str) -> &str {
    name.char_indices().nth(NAME).map_or(name, |(end, _)| &name[..end])
}

/// Puts the warnings into the plan.
pub(super) fn warn(plan: &mut Plan, pod: &PodView<'_>) {
    let mut warnings = Vec::new();
    for (index, request) in plan.requests.iter().enumerate() {
        if warnings.len() >= MAX_WARNINGS {
            break;
        }
        let secret = &request.secret;
        if plan.requests[..index].iter().any(|other| other.secret == *secret) {
            warnings.push(format!("secret `{secret}` is asked for twice"));
        }
        if let Source::Reference { name, key } = &request.source
            && let Some((reason, _)) = secret_trouble(name, key)
        {
            warnings.push(format!("secret `{secret}` will never be found: {reason}"));
        }
        if !secret.group_version.is_empty() && !request.reads_version() {
            warnings.push(format!("secret `{secret}`: its `group_version` has no effect"));
        }
        if request.source.is_brought() {
            warnings.extend(oddities(request));
            warnings.extend(ignored_name(request));
        }
    }
    for addition in &plan.env {
        if warnings.len() >= MAX_WARNINGS {
            break;
        }
        if let (Some(index), Some(why)) = (addition.request, danger(addition.name.as_str())) {
            let warning = format!("secret `{}` sets `{}`: {why}", plan.requests[index].secret, addition.name);
            if !warnings.contains(&warning) {
                warnings.push(warning);
            }
        }
    }
    warnings.extend(names_of_two_secrets(plan));
    warnings.extend(annotated::warnings(plan, pod));
    for (list, index, container) in pod.all_containers() {
        // A message may be as long as a name, and a name as long as the pod.
        let room = MAX_WARNINGS.saturating_sub(warnings.len());
        if room == 0 {
            break;
        }
        if plan.gets(list, index) {
            warnings.extend(variables_in_the_way(plan, container, room));
            let under_root = container.volume_mounts.items().iter().flatten().filter(|mount| {
                is_under_root(&mount.mount_path)
                    && !plan
                        .mounts
                        .iter()
                        .any(|ours| (ours.volume.as_str(), ours.path.as_str()) == (&*mount.name, &*mount.mount_path))
            });
            warnings.extend(under_root.take(room).map(|mount| {
                format!(
                    "container `{}` mounts volume `{}` at `{}`, among the secrets",
                    short(&container.name),
                    short(&mount.name),
                    short(&mount.mount_path)
                )
            }));
        }
    }
    warnings.truncate(MAX_WARNINGS);
    plan.warnings = warnings;
}

fn names_of_two_secrets(plan: &Plan) -> Vec<String> {
    let mut owners: HashMap<&str, usize> = HashMap::new();
    let mut warnings = Vec::new();
    for addition in &plan.env {
        if warnings.len() == MAX_WARNINGS {
            break;
        }
        let Some(index) = addition.request else { continue };
        let other = *owners.entry(addition.name.as_str()).or_insert(index);
        let (one, two) = (&plan.requests[other].secret, &plan.requests[index].secret);
        if (&one.group, &one.key) != (&two.group, &two.key) {
            let winner = match plan.dialect.env_rule {
                EnvRule::AppendIfAbsent => "the first",
                EnvRule::ReplaceInFront | EnvRule::OursFirst => "the second",
            };
            warnings.push(format!("secrets `{one}` and `{two}` share variable `{}`: {winner} is seen", addition.name));
        }
    }
    warnings
}

fn variables_in_the_way(plan: &Plan, container: &ContainerView<'_>, room: usize) -> Vec<String> {
    let mut warnings: Vec<String> = Vec::new();
    for addition in &plan.env {
        if warnings.len() == room {
            break;
        }
        let there = container.env.items().iter().flatten().find(|env| env.name.as_str() == addition.name.as_str());
        if there.is_some_and(|there| !same_variable(there, &addition.value)) {
            let what_happens = match plan.dialect.env_rule {
                EnvRule::AppendIfAbsent => "which stays: the task does not see the secrets' own",
                EnvRule::ReplaceInFront | EnvRule::OursFirst => "which the secrets' own replaces",
            };
            let warning =
                format!("container `{}` sets `{}` itself, {what_happens}", short(&container.name), addition.name);
            if !warnings.contains(&warning) {
                warnings.push(warning);
            }
        }
    }
    warnings
}

/// A chosen name that no container gets.
fn ignored_name(request: &Request) -> Option<String> {
    let (secret, name) = (&request.secret, request.secret.env_var.as_str());
    let is_ignored = !name.is_empty() && request.path_env.is_empty();
    is_ignored.then(|| {
        format!(
            "secret `{secret}`: its `env_var` has no effect with {}; the task finds the file by its path",
            request.manager
        )
    })
}
