//! Our chart, by the real `helm`.

use crate::Result;
use crate::cluster::{Cluster, SYSTEM};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The name that the docs give the release.
pub(crate) const RELEASE: &str = "keybearer";
/// For a node that has the image, and for the namespaces of the tests alone.
const VALUES: &str = "e2e/install/helm/values.yaml";

/// The root of the repo.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(PathBuf::new, Path::to_path_buf)
}

/// The chart's folder.
pub(crate) fn folder() -> String {
    root().join("deploy/helm/keybearer").to_string_lossy().into_owned()
}

/// Runs `helm` for what it prints.
pub(crate) fn helm(cluster: &Cluster, words: &[&str]) -> Result<String> {
    let mut command = Command::new("helm");
    command.args(words);
    cluster.kubectl.beside(command)
}

/// Installs the chart, or upgrades to it, and waits until it is ready.
pub(crate) fn deploy(cluster: &Cluster, verb: &str, chart: &str, values: &[&str]) -> Result<String> {
    let file = root().join(VALUES);
    let file = file.to_string_lossy();
    let mut words = vec![verb, RELEASE, chart, "--namespace", SYSTEM, "--values", &file, "--wait", "--timeout", "90s"];
    words.extend(values.iter().flat_map(|value| ["--set", value]));
    helm(cluster, &words)
}

/// Objects by kind and name.
pub(crate) type Objects = BTreeMap<String, Value>;

/// What the chart makes with these values, for the namespace that the base names; without what is there for `helm test`.
pub(crate) fn rendered(cluster: &Cluster, values: &[&str]) -> Result<Objects> {
    let chart = folder();
    let mut words = vec!["template", RELEASE, &chart, "--namespace", "flyte"];
    words.extend(values.iter().flat_map(|value| ["--set", value]));
    let mut objects = read(cluster, &helm(cluster, &words)?)?;
    objects.retain(|_, object| object["metadata"]["annotations"]["helm.sh/hook"] != "test");
    Ok(objects)
}

/// What a folder of `deploy/kustomize` makes.
pub(crate) fn built(cluster: &Cluster, folder: &str) -> Result<Objects> {
    let path = root().join("deploy/kustomize").join(folder);
    read(cluster, &cluster.kubectl.run(["kustomize", &path.to_string_lossy()])?)
}

/// Reads manifests as `kubectl` does, which has a look at the names of their fields, too.
fn read(cluster: &Cluster, manifests: &str) -> Result<Objects> {
    let words = ["create", "--dry-run=client", "--validate=strict", "-f", "-", "-o", "json"];
    let text = cluster.kubectl.with(words, manifests)?;
    let mut objects = Objects::new();
    for value in serde_json::Deserializer::from_str(&text).into_iter::<Value>() {
        let value = value.map_err(|error| format!("kubectl printed something else than JSON: {error}"))?;
        let list = value["items"].as_array().cloned();
        for object in list.unwrap_or_else(|| vec![value]) {
            let name = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            objects.insert(format!("{} {}", name(&object["kind"]), name(&object["metadata"]["name"])), object);
        }
    }
    Ok(objects)
}
