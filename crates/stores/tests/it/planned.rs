//! Plans of pods that ask, as a laptop makes them, and folders for their two volumes.

use admission::{Config, Globals, Identity, Plan, PodView, Values};
use secret::{Mount, Secret};
use serde_json::json;
use std::fs;
use std::path::PathBuf;
use stores::Volumes;
use tempfile::TempDir;

/// A secret `GROUP/KEY`.
pub(crate) fn secret(group: &str, key: &str, mount: Mount) -> Secret {
    Secret { group: group.to_owned(), key: key.to_owned(), mount, ..Secret::default() }
}

/// The plan of a pod that asks for these.
pub(crate) fn plan(secrets: &[Secret]) -> Plan {
    plan_as(secrets, &Config::default())
}

pub(crate) fn plan_as(secrets: &[Secret], config: &Config) -> Plan {
    let annotations = secret::write(secrets, secret::Spelling::Flyte).unwrap();
    let annotations: serde_json::Map<_, _> = annotations.into_iter().map(|(k, v)| (k, v.into())).collect();
    let pod = json!({"metadata": {"annotations": annotations}, "spec": {"containers": [{"name": "main"}]}}).to_string();
    let who = Identity { namespace: "default", service_account: "default" };
    admission::plan(&PodView::parse(&pod).unwrap(), &who, &config.on_laptop(), &Globals::default()).unwrap()
}

/// Values for a plan's requests, in order.
pub(crate) fn values<V: AsRef<[u8]>>(list: impl IntoIterator<Item = V>) -> Values {
    let mut values = Values::none();
    for (index, value) in list.into_iter().enumerate() {
        values.insert(index, value.as_ref().to_vec().into());
    }
    values
}

/// A folder for each volume; both go away with it.
pub(crate) struct Folders {
    dir: TempDir,
    pub(crate) volumes: Volumes,
}

impl Folders {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let folder = |name| {
            let path = dir.path().join(name);
            fs::create_dir(&path).unwrap();
            Some(path)
        };
        let volumes = Volumes { files: folder("files"), env: folder("env") };
        Self { dir, volumes }
    }

    pub(crate) fn file(&self, path: &str) -> PathBuf {
        self.dir.path().join("files").join(path)
    }

    pub(crate) fn env_file(&self) -> PathBuf {
        self.dir.path().join("env/env")
    }

    /// Every file and folder in both, by its path.
    pub(crate) fn all(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut folders = vec![self.dir.path().join("files"), self.dir.path().join("env")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                found.push(path.strip_prefix(self.dir.path()).unwrap().to_str().unwrap().to_owned());
                if path.is_dir() {
                    folders.push(path);
                }
            }
        }
        found.sort();
        found
    }
}
