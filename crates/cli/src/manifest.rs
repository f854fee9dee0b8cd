//! The Kubernetes object that `run` and `explain` are given, and the pod in it.

use crate::document::Document;
use crate::fault::Fault;
use crate::unreadable;
use admission::PodView;
use serde_json::{Map, Value};

/// An object that has a pod.
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
        Document::read(path)?.try_into()
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
    fn name(&self) -> &str {
        self.object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default()
    }

    /// The pod as JSON: the object itself, what it makes of its template, or what the review is about.
    pub(crate) fn pod_json(&self) -> Result<String, Fault> {
        match &self.source {
            PodSource::Pod => Ok(self.json.clone()),
            PodSource::Review => match self.object.pointer("/request/object") {
                Some(pod) => Ok(pod.to_string()),
                None => Err(Fault::new(format!("`{}`: the review has no `request.object`", self.origin))),
            },
            PodSource::Template { kind, path } => self.templated(kind, path),
        }
    }

    fn templated(&self, kind: &str, path: &[&str]) -> Result<String, Fault> {
        let pointer = format!("/{}", path.join("/"));
        let template = self.object.pointer(&pointer).and_then(Value::as_object).ok_or_else(|| {
            Fault::new(format!("`{}`: the {kind} has no pod template at `{}`", self.origin, path.join(".")))
        })?;
        let mut pod = template.clone();
        pod.insert("apiVersion".to_owned(), "v1".into());
        pod.insert("kind".to_owned(), "Pod".into());
        // What the controllers do; a template's own name has no meaning.
        let metadata = pod.entry("metadata").or_insert(Value::Null);
        if metadata.is_null() {
            *metadata = Value::Object(Map::new());
        }
        if let Value::Object(metadata) = metadata {
            metadata.remove("name");
            metadata.insert("generateName".to_owned(), format!("{}-", self.name()).into());
        }
        Ok(Value::Object(pod).to_string())
    }

    /// Reads the pod of [`Manifest::pod_json`].
    pub(crate) fn view<'j>(&self, pod_json: &'j str) -> Result<PodView<'j>, Fault> {
        PodView::parse(pod_json).map_err(|_| unreadable::by_admission(pod_json).within(&self.origin))
    }
}

impl TryFrom<Document> for Manifest {
    type Error = Fault;

    fn try_from(document: Document) -> Result<Self, Fault> {
        let Document { origin, json, value: object, text: _ } = document;
        let fault = |message: &str| Fault::new(format!("`{origin}` {message}"));
        if !object.is_object() {
            return Err(fault("is no Kubernetes object: it is not a map")
                .hint("give it a pod's manifest, with `apiVersion`, `kind`, `metadata` and `spec`"));
        }
        let source = match object.get("kind").and_then(Value::as_str).unwrap_or_default() {
            "Pod" => PodSource::Pod,
            "AdmissionReview" => PodSource::Review,
            "" => return Err(fault("has no `kind`").hint("a pod's manifest has `kind: Pod`")),
            "List" => {
                return Err(fault("is a `List` of objects, and one object is wanted")
                    .hint("give it one of them: `kubectl get pod NAME -o yaml` writes no list"));
            }
            kind => match TEMPLATES.into_iter().find(|(name, _)| *name == kind) {
                Some((name, path)) => PodSource::Template { kind: name.to_owned(), path },
                None => {
                    let kinds = TEMPLATES.map(|(name, _)| name).join(", ");
                    let message = format!("is a `{}`, in which no pod is looked for", kind.escape_debug());
                    return Err(fault(&message).hint(format!("known are Pod, {kinds} and AdmissionReview")));
                }
            },
        };
        Ok(Self { origin, json, object, source })
    }
}
