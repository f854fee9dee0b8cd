//! The observed cases: what Flyte's handlers answered to generated pods (`testdata/README.md`).

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value};

/// One pod, and every outcome that Flyte was seen to have.
#[derive(Deserialize)]
pub(crate) struct Case {
    pub(crate) id: String,
    pub(crate) version: String,
    pub(crate) category: String,
    #[serde(default)]
    pub(crate) config: Sections,
    #[serde(default)]
    pub(crate) env: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) files: BTreeMap<String, String>,
    /// The decoded requests, for people.
    #[serde(default)]
    pub(crate) secrets: Vec<Value>,
    #[serde(default)]
    pub(crate) pod: Value,
    #[serde(default)]
    pub(crate) outcomes: Vec<Observed>,
    #[serde(default)]
    pub(crate) roundtrip: Roundtrip,
    pub(crate) http: Option<HttpRequest>,
    pub(crate) http_response: Option<HttpResponse>,
}

/// Flyte's sections of the configuration, laid over its defaults.
#[derive(Default, Deserialize)]
pub(crate) struct Sections {
    #[serde(default)]
    pub(crate) webhook: Map<String, Value>,
    #[serde(default)]
    pub(crate) secrets: Map<String, Value>,
}

/// One distinct outcome.
#[derive(Deserialize)]
pub(crate) struct Observed {
    pub(crate) allowed: bool,
    #[serde(default)]
    pub(crate) code: i64,
    #[serde(default)]
    pub(crate) patched: bool,
    pub(crate) pod: Option<Value>,
    #[serde(default)]
    pub(crate) index_order: bool,
}

/// What Flyte's decoding and encoding alone does to the pod.
#[derive(Default, Deserialize)]
pub(crate) struct Roundtrip {
    #[serde(default)]
    pub(crate) dropped: Vec<String>,
    #[serde(default)]
    pub(crate) changed: Vec<Changed>,
}

/// A value that Flyte's encoding rewrites: `0.5` to `500m`.
#[derive(Deserialize)]
pub(crate) struct Changed {
    pub(crate) path: String,
    pub(crate) from: Value,
    pub(crate) to: Value,
}

/// The request of a transport case.
#[derive(Deserialize)]
pub(crate) struct HttpRequest {
    pub(crate) body: String,
}

/// The answer of a transport case.
#[derive(Deserialize)]
pub(crate) struct HttpResponse {
    pub(crate) body: String,
}

impl Case {
    /// The managers that Flyte asks, in lower case: the list if there is one, else the single one, else the default.
    pub(crate) fn managers(&self) -> Vec<String> {
        let named = |value: &Value| value.as_str().map(str::to_lowercase);
        if let Some(list) = self.config.webhook.get("secretManagerTypes").and_then(Value::as_array)
            && !list.is_empty()
            && self.version == "v2"
        {
            return list.iter().filter_map(named).collect();
        }
        let default = if self.version == "v1" { "k8s" } else { "embedded" };
        vec![self.config.webhook.get("secretManagerType").and_then(named).unwrap_or_else(|| default.into())]
    }

    /// Whether it asks only managers that exist so far: all but Embedded.
    pub(crate) fn in_scope(&self) -> bool {
        self.managers().iter().all(|manager| manager != "embedded")
    }

    /// Our configuration for it.
    pub(crate) fn config(&self) -> admission::Config {
        let text = serde_json::json!({
            "compat": format!("flyte-{}", self.version),
            "webhook": self.config.webhook,
            "secrets": self.config.secrets,
        });
        let origin = format!("{}.json", self.id);
        admission::Config::parse(&text.to_string(), &origin).unwrap_or_else(|error| panic!("{}: {error}", self.id))
    }

    /// What the Global manager can see.
    pub(crate) fn globals(&self) -> admission::Globals {
        let bytes = |(name, value): (&String, &String)| (name.clone(), value.clone().into_bytes());
        admission::Globals::new(self.env.iter().map(bytes), self.files.iter().map(bytes))
    }

    /// The outcome that comes from taking the annotations in index order, which is how we take them.
    pub(crate) fn natural(&self) -> &Observed {
        self.outcomes.iter().find(|outcome| outcome.index_order).unwrap_or(&self.outcomes[0])
    }

    /// Whether it has an annotation that Flyte reads as a secret.
    pub(crate) fn asks(&self) -> bool {
        let annotations = self.pod.pointer("/metadata/annotations").and_then(Value::as_object);
        annotations.is_some_and(|all| all.keys().any(|name| name.starts_with("flyte.secrets/s")))
    }
}

/// A file of `testdata/`.
pub(crate) fn testdata(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata").join(name)
}

/// Every observed case, of every manager.
pub(crate) fn observed() -> Vec<Case> {
    let packed = std::fs::read(testdata("observed.jsonl.gz")).unwrap();
    let mut text = String::new();
    flate2::read::GzDecoder::new(packed.as_slice()).read_to_string(&mut text).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The hand-made vectors.
pub(crate) fn vectors() -> Value {
    serde_json::from_slice(&std::fs::read(testdata("vectors.json")).unwrap()).unwrap()
}
