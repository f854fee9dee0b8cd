//! The vendors' init containers, after all others.

use super::{INIT_CONTAINERS, env, mounts};
use crate::collections::List;
use crate::patch::{At, MAX_PATCH, Patch};
use crate::plan::{Plan, PullContainer};
use crate::values::Values;
use crate::variable::Variable;
use crate::view::PodView;
use serde_json::value::to_raw_value;
use serde_json::{Map, Value, json};

pub(super) fn write(plan: &Plan, pod: &PodView<'_>, values: &Values, patch: &mut Patch) {
    let init = pod.spec.as_ref().map(|spec| &spec.init_containers);
    let mut added = Vec::new();
    // Each has the variables of those after it, too: they are not all made, to be found too many then.
    let mut size = 0;
    for container in &plan.pulls {
        let additions = &plan.env[container.env_from..];
        let there = container.there.and_then(|at| Some((at, init?.items().get(at)?.as_ref()?)));
        match there {
            Some((at, view)) => {
                let place = At(INIT_CONTAINERS, at);
                env::put(plan.dialect.env_rule, &env::Variables::new(additions, values), view, place, patch);
                mounts::put(&container.mounts, view, place, patch);
            }
            None => {
                let variables = additions.iter().map(|addition| Variable::new(addition, values)).collect();
                let json = match to_raw_value(&new(plan, container, variables)) {
                    Ok(json) => json,
                    Err(error) => unreachable!("it is JSON already: {error}"),
                };
                size += json.get().len();
                added.push(json);
                if size > MAX_PATCH {
                    break;
                }
            }
        }
    }
    patch.append(INIT_CONTAINERS, init.is_some_and(List::is_there), &added);
}

fn new(plan: &Plan, container: &PullContainer, variables: Vec<Variable<'_>>) -> Value {
    let pull = &container.pull;
    let own = pull.env.iter().map(|(name, text)| Variable::literal(name, text)).collect();
    let mut object = Map::new();
    object.insert("name".to_owned(), json!(container.name));
    object.insert("image".to_owned(), json!(pull.image));
    if !pull.command.is_empty() {
        object.insert("command".to_owned(), json!(pull.command));
    }
    object.insert("env".to_owned(), json!(env::merged(plan.dialect.env_rule, own, variables)));
    if let Ok(resources) = serde_json::from_str(&pull.resources) {
        object.insert("resources".to_owned(), resources);
    }
    let mut mounts = vec![json!({"name": pull.volume, "mountPath": pull.folder})];
    let handed = container.mounts.iter();
    mounts.extend(handed.map(|mount| json!({"name": mount.volume, "mountPath": mount.path, "readOnly": true})));
    object.insert("volumeMounts".to_owned(), Value::Array(mounts));
    Value::Object(object)
}
