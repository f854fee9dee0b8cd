//! Where each secret is found: never its value.

use super::given::Given;
use super::planned::Planned;
use crate::fault::Fault;
use crate::{asked, terminal};
use admission::Manager;
use admission::plan::Request;
use secret::{DEFAULT_DIR_ENV, EnvName};
use serde::Serialize;
use stores::LeftOut;

/// The table for a person.
pub(super) fn text(planned: &Planned, given: &Given, left_out: &[LeftOut]) -> String {
    if planned.shown().is_empty() {
        return String::new();
    }
    let mut rows = vec![["SECRET", "FROM", "DELIVERY", "FOUND IN"].map(str::to_owned).to_vec()];
    for (index, request) in planned.shown().requests.iter().enumerate() {
        let mut places = places(planned, index, request, left_out).into_iter();
        let first = places.next().unwrap_or_default();
        rows.push(vec![
            request.secret.to_string(),
            given.origin(request).to_owned(),
            request.source.delivery().to_owned(),
            first,
        ]);
        rows.extend(places.map(|place| vec![String::new(), String::new(), String::new(), place]));
    }
    terminal::table(&rows)
}

fn places(planned: &Planned, index: usize, request: &Request, left_out: &[LeftOut]) -> Vec<String> {
    if planned.shown().targets.is_empty() {
        return vec!["no container: `targets.exclude` names all of them".to_owned()];
    }
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

/// The same for programs, as one line.
pub(super) fn json(planned: &Planned, given: &Given, left_out: &[LeftOut]) -> Result<String, Fault> {
    let variable = |name: &EnvName| Variable { name: name.to_string(), in_cluster: in_cluster(planned, name) };
    let secrets = planned.shown().requests.iter().enumerate().map(|(index, request)| {
        let left_out = left_out.iter().find(|left_out| left_out.request == index);
        Found {
            secret: request.into(),
            manager: Manager::Local.name(),
            from: given.origin(request),
            delivery: request.source.delivery(),
            env: request.env.iter().filter(|_| left_out.is_none()).map(variable).collect(),
            no_env_because: left_out.map(|left_out| left_out.reason.to_string()),
            path_env: asked::names(&request.path_env),
            files: &request.files,
        }
    });
    let list = List { secrets: secrets.collect() };
    let mut text = serde_json::to_string(&list).map_err(|error| Fault::new(format!("can't print: {error}")))?;
    text.push('\n');
    Ok(text)
}

#[derive(Serialize)]
struct List<'a> {
    secrets: Vec<Found<'a>>,
}

#[derive(Serialize)]
struct Found<'a> {
    secret: asked::Asked<'a>,
    manager: &'a str,
    /// Who gave the value to it: `--secret`, or `local store`.
    from: &'a str,
    delivery: &'a str,
    env: Vec<Variable>,
    /// Why a value that could have come as a variable, too, comes as file alone.
    no_env_because: Option<String>,
    path_env: Vec<&'a str>,
    /// Below the directory that `FLYTE_SECRETS_DEFAULT_DIR` names.
    files: &'a [String],
}

#[derive(Serialize)]
struct Variable {
    name: String,
    in_cluster: bool,
}
