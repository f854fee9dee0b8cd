//! A pod as the runner takes it: JSON in, an opaque value out.

use std::fmt;

use crate::reference::{Place, SecretReference};
use crate::spec::{Container, Object};

/// Why a text is not a pod.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PodError {
    /// The JSON is broken, or a field has another type than Kubernetes gives it. The message says which, and never shows what stands there: it may be a secret.
    #[error("pod is not readable at `{field}` (line {line}, column {column}): {problem}")]
    Unreadable {
        /// The field's path, `.` for the whole.
        field: String,
        /// Line, from 1.
        line: usize,
        /// Column.
        column: usize,
        /// What is wrong.
        problem: String,
    },
    /// Another kind of object.
    #[error("object is a `{kind}`, not a Pod")]
    Kind {
        /// The kind that it has.
        kind: String,
    },
}

/// A pod, already mutated by whatever webhooks it would meet in a cluster.
pub struct Pod(pub(crate) Object);

impl Pod {
    /// Reads a pod from JSON. Fields that the runner has no use for are skipped.
    pub fn from_json(text: &str) -> Result<Pod, PodError> {
        let mut input = serde_json::Deserializer::from_str(text);
        let object: Object = serde_path_to_error::deserialize(&mut input).map_err(|error| unreadable(&error))?;
        input.end().map_err(|error| PodError::Unreadable {
            field: ".".into(),
            line: error.line(),
            column: error.column(),
            problem: "something follows the object".into(),
        })?;
        if !matches!(object.kind.as_str(), "" | "Pod") {
            return Err(PodError::Kind { kind: object.kind });
        }
        Ok(Pod(object))
    }

    /// The pod's name; empty if it has only a `generateName`, or none.
    pub fn name(&self) -> &str {
        &self.0.metadata.name
    }

    /// Every reference of the pod to a Secret of its namespace, in the pod's order: what [`SecretObjects`](crate::SecretObjects) will be asked for.
    pub fn secret_references(&self) -> Vec<SecretReference> {
        let mut found = Vec::new();
        for container in self.containers() {
            env_references(container, &mut found);
        }
        for volume in &self.0.spec.volumes {
            let place = Place::Volume { volume: volume.name.clone() };
            if let Some(secret) = &volume.secret {
                let keys = secret.items.iter().map(|item| item.key.as_str());
                volume_references(&secret.secret_name, keys, secret.optional, &place, &mut found);
            }
            for source in volume.projected.iter().flat_map(|projected| &projected.sources) {
                if let Some(secret) = &source.secret {
                    let keys = secret.items.iter().map(|item| item.key.as_str());
                    volume_references(&secret.name, keys, secret.optional, &place, &mut found);
                }
            }
        }
        found
    }

    /// Init containers, then containers.
    pub(crate) fn containers(&self) -> impl Iterator<Item = &Container> {
        self.0.spec.init_containers.iter().chain(&self.0.spec.containers)
    }
}

/// Names the pod only: env vars may hold secrets in clear.
impl fmt::Debug for Pod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let containers: Vec<&str> = self.containers().map(|container| container.name.as_str()).collect();
        f.debug_struct("Pod")
            .field("name", &self.0.metadata.name)
            .field("containers", &containers)
            .finish_non_exhaustive()
    }
}

fn env_references(container: &Container, found: &mut Vec<SecretReference>) {
    for from in &container.env_from {
        if let Some(secret) = &from.secret_ref {
            found.push(SecretReference {
                secret: secret.name.clone(),
                key: None,
                optional: secret.optional,
                place: Place::EnvFrom { container: container.name.clone() },
            });
        }
    }
    for var in &container.env {
        // A `value` that is not empty hides `valueFrom`, in the kubelet and here.
        let source = var.value_from.as_ref().filter(|_| var.value.is_empty());
        if let Some(secret) = source.and_then(|source| source.secret_key_ref.as_ref()) {
            found.push(SecretReference {
                secret: secret.name.clone(),
                key: Some(secret.key.clone()),
                optional: secret.optional,
                place: Place::Env { container: container.name.clone(), variable: var.name.clone() },
            });
        }
    }
}

fn volume_references<'a>(
    secret: &str,
    keys: impl Iterator<Item = &'a str>,
    optional: bool,
    place: &Place,
    found: &mut Vec<SecretReference>,
) {
    let reference = |key| SecretReference { secret: secret.into(), key, optional, place: place.clone() };
    let before = found.len();
    found.extend(keys.map(|key| reference(Some(key.to_owned()))));
    if found.len() == before {
        found.push(reference(None));
    }
}

fn unreadable(error: &serde_path_to_error::Error<serde_json::Error>) -> PodError {
    let inner = error.inner();
    let problem = match inner.classify() {
        serde_json::error::Category::Data => without_value(&inner.to_string()),
        serde_json::error::Category::Eof => "the text ends too early".into(),
        serde_json::error::Category::Syntax | serde_json::error::Category::Io => "not JSON".into(),
    };
    PodError::Unreadable { field: error.path().to_string(), line: inner.line(), column: inner.column(), problem }
}

/// A serde message shows the value it stumbled over, between the first `:` and the last `, expected `. That value may be a secret.
fn without_value(message: &str) -> String {
    match message.rsplit_once(", expected ") {
        Some((_, expected)) => {
            let expected = expected.rsplit_once(" at line ").map_or(expected, |(expected, _)| expected);
            format!("expected {expected}")
        }
        None => "not what Kubernetes has there".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_the_field_and_hide_the_value() {
        let text = r#"{"spec":{"containers":[{"name":"a","env":[{"name":"X","value":"ok"},{"name":"Y","value":["hunter2, expected "]}]}]}}"#;
        let error = Pod::from_json(text).unwrap_err().to_string();
        assert!(error.contains("spec.containers[0].env[1].value") && error.contains("expected a string"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");

        let error = Pod::from_json(r#"{"spec":{"restartPolicy": 31337}}"#).unwrap_err().to_string();
        assert!(!error.contains("31337"), "{error}");
        let error = Pod::from_json(r#"{"spec": hunter2}"#).unwrap_err().to_string();
        assert!(error.contains("not JSON") && !error.contains("hunter2"), "{error}");
        assert!(Pod::from_json("{}x").unwrap_err().to_string().contains("follows"));
        assert!(Pod::from_json("{").unwrap_err().to_string().contains("too early"));
        assert!(matches!(Pod::from_json(r#"{"kind":"Job"}"#), Err(PodError::Kind { kind }) if kind == "Job"));
    }

    #[test]
    fn null_is_the_default() {
        let pod = Pod::from_json(
            r#"{"metadata":{"name":null,"labels":null},"spec":{"initContainers":null,"containers":[{"name":"a","env":null,"resources":{"limits":null}}],
                "volumes":[{"name":"v","emptyDir":{},"hostPath":null}]}}"#,
        )
        .unwrap();
        assert_eq!(pod.containers().count(), 1);
        assert_eq!(crate::spec::named(&pod.0.spec.volumes[0].others).count(), 0);
    }

    #[test]
    fn debug_shows_no_value() {
        let pod =
            Pod::from_json(r#"{"spec":{"containers":[{"name":"a","env":[{"name":"X","value":"hunter2"}]}]}}"#).unwrap();
        assert!(!format!("{pod:?}").contains("hunter2"));
    }

    #[test]
    fn secret_references_in_order() {
        let pod = Pod::from_json(
            r#"{"spec":{"initContainers":[{"name":"i","envFrom":[{"secretRef":{"name":"all","optional":true}}]}],
                "containers":[{"name":"a","env":[{"name":"X","valueFrom":{"secretKeyRef":{"name":"s","key":"k"}}}]}],
                "volumes":[{"name":"v","secret":{"secretName":"t"}},
                    {"name":"w","projected":{"sources":[{"secret":{"name":"u","items":[{"key":"k","path":"p"},{"key":"l","path":"q"}],"optional":true}}]}}]}}"#,
        )
        .unwrap();
        let shown: Vec<String> = pod.secret_references().iter().map(|r| format!("{r} {}", r.optional)).collect();
        assert_eq!(
            shown,
            [
                "Secret `all` for `envFrom` of container `i` true",
                "key `k` of Secret `s` for env var `X` of container `a` false",
                "Secret `t` for volume `v` false",
                "key `k` of Secret `u` for volume `w` true",
                "key `l` of Secret `u` for volume `w` true",
            ]
        );
    }
}
