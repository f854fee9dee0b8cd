//! Where each secret is found: never its value.

use super::Planned;
use crate::{decode, terminal};
use admission::plan::Request;
use secret::{DEFAULT_DIR_ENV, EnvName};
use serde_json::{Value, json};
use stores::LeftOut;

/// The table for a person.
pub(super) fn text(planned: &Planned, left_out: &[LeftOut]) -> String {
    if planned.here.is_empty() {
        return String::new();
    }
    let mut rows = vec![["SECRET", "MANAGER", "DELIVERY", "FOUND IN"].map(str::to_owned).to_vec()];
    for (index, request) in planned.here.requests.iter().enumerate() {
        let mut places = places(planned, index, request, left_out).into_iter();
        let first = places.next().unwrap_or_default();
        rows.push(vec![
            request.secret.to_string(),
            request.manager.name().to_owned(),
            request.source.delivery().to_owned(),
            first,
        ]);
        rows.extend(places.map(|place| vec![String::new(), String::new(), String::new(), place]));
    }
    terminal::table(&rows)
}

fn places(planned: &Planned, index: usize, request: &Request, left_out: &[LeftOut]) -> Vec<String> {
    let mut places = Vec::new();
    match left_out.iter().find(|left_out| left_out.request == index) {
        Some(left_out) => places.push(format!("no variable: {}", left_out.reason)),
        None => places.extend(request.env.iter().map(|name| {
            let mark = if in_cluster(planned, name) { "" } else { " (not in the cluster)" };
            format!("variable {name}{mark}")
        })),
    }
    places.extend(request.files.iter().map(|file| format!("file ${DEFAULT_DIR_ENV}/{file}")));
    places.extend(request.path_env.iter().map(|name| format!("its path in {name}")));
    places
}

/// Whether the cluster gives a variable, too. Where it refuses the pod, that was said already.
fn in_cluster(planned: &Planned, name: &EnvName) -> bool {
    planned.cluster.as_ref().is_none_or(|plan| plan.env.iter().any(|addition| addition.name == *name))
}

/// The same for programs.
pub(super) fn json(planned: &Planned, left_out: &[LeftOut]) -> Value {
    let secrets: Vec<Value> = planned
        .here
        .requests
        .iter()
        .enumerate()
        .map(|(index, request)| {
            let reason = left_out.iter().find(|left_out| left_out.request == index).map(|l| l.reason.to_string());
            let env: Vec<Value> = request
                .env
                .iter()
                .filter(|_| reason.is_none())
                .map(|name| json!({"name": name.as_str(), "in_cluster": in_cluster(planned, name)}))
                .collect();
            let path_env: Vec<&str> = request.path_env.iter().map(EnvName::as_str).collect();
            json!({
                "secret": decode::request_json(request),
                "manager": request.manager.name(),
                "delivery": request.source.delivery(),
                "env": env,
                "no_env_because": reason,
                "path_env": path_env,
                "files": request.files,
            })
        })
        .collect();
    json!({"secrets": secrets})
}
