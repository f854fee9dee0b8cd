//! The file that `run`, `explain` and `decode` are given: one Kubernetes object, YAML or JSON.

use crate::fault::Fault;
use serde_json::Value;
use std::fs;
use std::io::{self, Read};

/// The largest file that is read; the API server takes 3 MiB.
const MAX_SIZE: u64 = 16 * 1024 * 1024;

/// An object and where it came from.
pub(crate) struct Manifest {
    pub(crate) origin: String,
    /// The object as JSON: the bytes of the file where that is JSON already.
    pub(crate) json: String,
    object: Value,
    source: PodSource,
}

/// How the object has a pod.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum PodSource {
    /// It is one.
    Pod,
    /// It makes pods of a template.
    Template {
        /// Its kind.
        kind: String,
        /// Where the template is.
        path: &'static [&'static str],
    },
    /// It is an `AdmissionReview` about one.
    Review,
}

/// Where each kind has its pod template.
const TEMPLATES: [(&str, &[&str]); 8] = [
    ("Deployment", &["spec", "template"]),
    ("StatefulSet", &["spec", "template"]),
    ("DaemonSet", &["spec", "template"]),
    ("ReplicaSet", &["spec", "template"]),
    ("ReplicationController", &["spec", "template"]),
    ("Job", &["spec", "template"]),
    ("CronJob", &["spec", "jobTemplate", "spec", "template"]),
    ("PodTemplate", &["template"]),
];

impl Manifest {
    /// Reads a file, or stdin for `-`.
    pub(crate) fn read(path: &str) -> Result<Self, Fault> {
        let (origin, text) = read_text(path)?;
        let fault = |message: String| Fault::new(format!("`{origin}` {message}"));
        let (json, object) = match serde_json::from_str::<Value>(&text) {
            Ok(object) => (text, object),
            Err(error) if text.trim_start().starts_with('{') => {
                return Err(fault(format!("is not JSON: {error}")));
            }
            Err(_) => {
                let object = read_yaml(&text, &origin)?;
                (object.to_string(), object)
            }
        };
        let Value::Object(_) = &object else {
            return Err(fault("is no Kubernetes object: it is not a map".to_owned())
                .hint("give it a pod's manifest, with `apiVersion`, `kind`, `metadata` and `spec`"));
        };
        let kind = object.get("kind").and_then(Value::as_str).unwrap_or_default().to_owned();
        let source = match kind.as_str() {
            "Pod" => PodSource::Pod,
            "AdmissionReview" => PodSource::Review,
            "" => return Err(fault("has no `kind`".to_owned()).hint("a pod's manifest has `kind: Pod`")),
            _ => match TEMPLATES.into_iter().find(|(name, _)| *name == kind) {
                Some((_, path)) => PodSource::Template { kind, path },
                None => {
                    let kinds = TEMPLATES.map(|(name, _)| name).join(", ");
                    return Err(fault(format!("is a `{}`, which has no pod that is known here", kind.escape_debug()))
                        .hint(format!("known are Pod, {kinds} and AdmissionReview")));
                }
            },
        };
        Ok(Self { origin, json, object, source })
    }

    pub(crate) fn source(&self) -> &PodSource {
        &self.source
    }

    /// The object's own namespace.
    pub(crate) fn namespace(&self) -> Option<&str> {
        let namespace = self.object.pointer("/metadata/namespace").and_then(Value::as_str)?;
        (!namespace.is_empty()).then_some(namespace)
    }

    /// The object's metadata, where the label and annotations of a template don't belong.
    pub(crate) fn metadata(&self) -> Option<&Value> {
        self.object.get("metadata")
    }

    /// The object's name.
    pub(crate) fn name(&self) -> &str {
        self.object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default()
    }

    /// The pod, or the pod that the object makes of its template.
    pub(crate) fn pod_json(&self) -> Result<String, Fault> {
        let PodSource::Template { kind, path } = &self.source else { return Ok(self.json.clone()) };
        let pointer = format!("/{}", path.join("/"));
        let template = self.object.pointer(&pointer).and_then(Value::as_object).ok_or_else(|| {
            Fault::new(format!("`{}`: the {kind} has no pod template at `{}`", self.origin, path.join(".")))
        })?;
        let mut pod = template.clone();
        pod.insert("apiVersion".to_owned(), "v1".into());
        pod.insert("kind".to_owned(), "Pod".into());
        // What the controllers do; a template's own name has no meaning.
        let metadata = pod.entry("metadata").or_insert_with(|| Value::Object(serde_json::Map::new()));
        if let Value::Object(metadata) = metadata {
            metadata.remove("name");
            metadata.insert("generateName".to_owned(), format!("{}-", self.name()).into());
        }
        Ok(Value::Object(pod).to_string())
    }

    /// The pod that a review is about.
    pub(crate) fn reviewed_pod(&self) -> Result<String, Fault> {
        match self.object.pointer("/request/object") {
            Some(pod) => Ok(pod.to_string()),
            None => Err(Fault::new(format!("`{}`: the review has no `request.object`", self.origin))),
        }
    }
}

fn read_text(path: &str) -> Result<(String, String), Fault> {
    let origin = if path == "-" { "stdin".to_owned() } else { path.to_owned() };
    let failed = |error: io::Error| Fault::new(format!("can't read `{origin}`: {error}"));
    let mut bytes = Vec::new();
    if path == "-" {
        io::stdin().lock().take(MAX_SIZE + 1).read_to_end(&mut bytes).map_err(failed)?;
    } else {
        fs::File::open(path).and_then(|file| file.take(MAX_SIZE + 1).read_to_end(&mut bytes)).map_err(failed)?;
    }
    if bytes.len() as u64 > MAX_SIZE {
        return Err(Fault::new(format!("`{origin}` is larger than {} MiB", MAX_SIZE >> 20)));
    }
    let text = String::from_utf8(bytes).map_err(|error| Fault::new(format!("`{origin}` is not UTF-8: {error}")))?;
    Ok((origin, text))
}

fn read_yaml(text: &str, origin: &str) -> Result<Value, Fault> {
    let mut options = serde_saphyr::Options::default();
    options.strict_booleans = true;
    let documents: Vec<Value> = serde_saphyr::from_multiple_with_options(text, options)
        .map_err(|error| Fault::new(format!("`{origin}` is not YAML: {error}")))?;
    let mut documents: Vec<Value> = documents.into_iter().filter(|document| !document.is_null()).collect();
    match (documents.len(), documents.pop()) {
        (1, Some(document)) => Ok(document),
        (0, _) | (_, None) => Err(Fault::new(format!("`{origin}` is empty"))),
        (count, Some(_)) => Err(Fault::new(format!("`{origin}` holds {count} documents, and one pod is wanted"))
            .hint("put each document into a file of its own")),
    }
}
