//! The configured managers, for what neither the command line nor the local store has.
//!
//! They are asked only where a configuration is given: without one nothing is configured, and a run on a laptop contacts
//! nobody. Who would answer is read off the cluster's own plan, so that policy and the order of the chain hold here, too.

use super::given::Given;
use crate::kubectl::Kubectl;
use admission::plan::{Plan, Source};
use admission::{Config, Globals, Manager, Values};
use data_encoding::BASE64;
use serde_json::Value;
use std::collections::BTreeMap;
use stores::Managed;

/// Asks for what is not here, and says why what was not found was not.
pub(super) fn ask(plan: &Plan, namespace: &str, config: &Config, globals: &Globals, given: &Given) -> Vec<String> {
    let inline = Values::inline(plan, globals, &config.global);
    let mut cluster = Cluster { namespace, read: BTreeMap::new() };
    let mut managed = Managed::default();
    let mut failures = Vec::new();
    for (index, request) in plan.requests.iter().enumerate() {
        let (secret, manager) = (&request.secret, request.manager);
        if given.here(secret).is_some() {
            continue;
        }
        let found = match &request.source {
            Source::Inline => Ok(inline.get(index).map(<[u8]>::to_vec)),
            Source::Reference { name, key } => cluster.get(name, key),
            Source::Sealed | Source::Pulled(_) | Source::Annotated(_) => {
                Err(format!("what `{manager}` has can't be read from here by this build"))
            }
        };
        let value = found.unwrap_or_else(|why| {
            let why = format!("secret `{secret}`: {why}");
            if !failures.contains(&why) {
                failures.push(why);
            }
            None
        });
        managed.answered(secret, manager, value.clone());
        if let Source::Reference { name, key } = &request.source {
            // A pod that comes from a cluster asks for the Secret by its name.
            let by_name = secret::Secret { group: name.clone(), key: key.clone(), ..secret::Secret::default() };
            managed.answered(&by_name, Manager::K8s, value);
        }
    }
    given.answer(managed);
    failures
}

/// The Secrets of a namespace, each read once.
struct Cluster<'n> {
    namespace: &'n str,
    read: BTreeMap<String, Result<BTreeMap<String, Vec<u8>>, String>>,
}

impl Cluster<'_> {
    fn get(&mut self, name: &str, key: &str) -> Result<Option<Vec<u8>>, String> {
        let read = self.read.entry(name.to_owned()).or_insert_with(|| read(name, self.namespace));
        read.as_ref().map(|data| data.get(key).cloned()).map_err(Clone::clone)
    }
}

fn read(name: &str, namespace: &str) -> Result<BTreeMap<String, Vec<u8>>, String> {
    let kubectl = Kubectl { namespace: Some(namespace.to_owned()), ..Kubectl::default() };
    let text = kubectl.get(&format!("secret/{name}")).map_err(|failure| failure.to_string())?;
    // What the parser says of it could repeat a value.
    let object: Value = serde_json::from_str(&text).map_err(|_| "`kubectl` gave no JSON".to_owned())?;
    let data = object.get("data").and_then(Value::as_object);
    let values = data.into_iter().flatten().filter_map(|(key, value)| {
        let value = BASE64.decode(value.as_str()?.as_bytes()).ok()?;
        Some((key.clone(), value))
    });
    Ok(values.collect())
}
