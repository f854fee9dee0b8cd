//! The classic mistakes: a pod that asks, but in a way that the webhook never hears.

use crate::manifest::{Manifest, PodSource};
use admission::{Config, PodView};
use secret::{ANNOTATION_PREFIX, READABLE_ANNOTATION};
use serde::Serialize;
use serde_json::Value;

/// A mistake and its remedy.
#[derive(Serialize)]
pub(crate) struct Mistake {
    pub(crate) message: String,
    pub(crate) remedy: String,
}

fn asks(annotation: &str) -> bool {
    annotation == READABLE_ANNOTATION || annotation.starts_with(ANNOTATION_PREFIX)
}

/// Whether a pod has annotations that ask for secrets.
pub(crate) fn asks_for_secrets(pod: &PodView<'_>) -> bool {
    pod.metadata.annotations.iter().any(|(name, _)| asks(name))
}

/// Whether the API server calls the webhook for a pod.
pub(crate) fn is_labelled(pod: &PodView<'_>, config: &Config) -> bool {
    pod.metadata.labels.get(&config.label) == Some("true")
}

/// What is on an object and should be on its pods.
pub(crate) fn misplaced(manifest: &Manifest, pod: &PodView<'_>, config: &Config) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    let label = &config.label;
    if let PodSource::Template { kind, path } = manifest.source() {
        let template = path.join(".");
        let member =
            |name: &str| manifest.metadata().and_then(|metadata| metadata.get(name)).and_then(Value::as_object);
        if member("labels").is_some_and(|labels| labels.contains_key(label)) && !is_labelled(pod, config) {
            mistakes.push(Mistake {
                message: format!("label `{label}` is on the {kind}, where it has no effect"),
                remedy: format!("move it to its pods: `{template}.metadata.labels`"),
            });
        }
        let misplaced = member("annotations").into_iter().flatten().map(|(name, _)| name).find(|name| asks(name));
        if let Some(name) = misplaced {
            mistakes.push(Mistake {
                message: format!("annotation `{name}` is on the {kind}, where it has no effect"),
                remedy: format!("move it to its pods: `{template}.metadata.annotations`"),
            });
        }
    }
    mistakes
}

pub(crate) fn find(manifest: &Manifest, pod: &PodView<'_>, config: &Config) -> Vec<Mistake> {
    let mut mistakes = misplaced(manifest, pod, config);
    let label = &config.label;
    let asks_for_secrets = asks_for_secrets(pod);
    let misplaced = mistakes.iter().any(|mistake| mistake.message.starts_with("label"));
    if asks_for_secrets && !is_labelled(pod, config) && !misplaced {
        mistakes.push(Mistake {
            message: match pod.metadata.labels.get(label) {
                None => format!(
                    "the pod has no label `{label}: \"true\"`: the webhook is not called, and it gets no secrets"
                ),
                Some(value) => format!(
                    "label `{label}` is `{}`, not `true`: the webhook is not called, and the pod gets no secrets",
                    value.escape_debug()
                ),
            },
            remedy: format!("add it to the pod's labels: `{label}: \"true\"`"),
        });
    }
    if !asks_for_secrets && is_labelled(pod, config) {
        mistakes.push(Mistake {
            message: format!("the pod has label `{label}`, but no annotation that asks for a secret"),
            remedy: "`keybearer annotate GROUP/KEY` prints one".to_owned(),
        });
    }
    mistakes
}
