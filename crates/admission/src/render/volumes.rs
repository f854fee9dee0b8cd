//! Volumes of the pod.

use crate::patch::Patch;
use crate::plan::{Plan, REFERENCE_VOLUME, VolumeAddition};
use crate::view::{PodView, VolumeView};
use serde_json::{Value, json};

/// Mode of the files of the projected volume.
const DEFAULT_MODE: u32 = 0o444;

pub(super) fn write(plan: &Plan, pod: &PodView<'_>, patch: &mut Patch) {
    let mut added = Vec::new();
    let mut made_lists: Vec<usize> = Vec::new();
    for volume in &plan.volumes {
        match volume {
            VolumeAddition::Secret { volume, secret, items } => {
                let items: Vec<_> = items.iter().map(|(key, path)| item(key, path)).collect();
                let source = json!({"secretName": secret, "items": items, "optional": true});
                added.push(json!({"name": volume, "secret": source}));
            }
            VolumeAddition::Item { index, key, path } => {
                let list = format!("/spec/volumes/{index}/secret/items");
                let there = made_lists.contains(index)
                    || pod.volumes().any(|(i, view)| {
                        i == *index && view.secret.as_ref().is_some_and(|secret| secret.items.is_there())
                    });
                made_lists.push(*index);
                patch.append(&list, there, &[item(key, path)]);
            }
            VolumeAddition::Projected { sources } => {
                let sources: Vec<_> = sources.iter().map(|(name, items)| source(name, items)).collect();
                match find(pod, REFERENCE_VOLUME) {
                    None => {
                        let projected = json!({"defaultMode": DEFAULT_MODE, "sources": sources});
                        added.push(json!({"name": REFERENCE_VOLUME, "projected": projected}));
                    }
                    Some((index, view)) => set_projected(index, view, &sources, patch),
                }
            }
            VolumeAddition::Pulled { volume } => {
                added.push(json!({"name": volume, "emptyDir": {"medium": "Memory"}}));
            }
            VolumeAddition::Memory { volume, mebibytes } => {
                let empty_dir = json!({"medium": "Memory", "sizeLimit": format!("{mebibytes}Mi")});
                match find(pod, volume) {
                    None => added.push(json!({"name": volume, "emptyDir": empty_dir})),
                    Some((index, view)) => set_memory(index, view, volume, &empty_dir, patch),
                }
            }
        }
    }
    match &pod.spec {
        Some(spec) => patch.append("/spec/volumes", spec.volumes.is_there(), &added),
        None if !added.is_empty() => patch.add("/spec", &json!({"volumes": added})),
        None => {}
    }
}

fn find<'p, 'a>(pod: &'p PodView<'a>, name: &str) -> Option<(usize, &'p VolumeView<'a>)> {
    pod.volumes().find(|(_, view)| view.name.as_str() == name)
}

fn item(key: &str, path: &str) -> Value {
    json!({"key": key, "path": path})
}

fn source(name: &str, items: &[(String, String)]) -> Value {
    let items: Vec<_> = items.iter().map(|(key, path)| item(key, path)).collect();
    json!({"secret": {"name": name, "items": items, "optional": true}})
}

fn set_projected(index: usize, view: &VolumeView<'_>, sources: &[Value], patch: &mut Patch) {
    let there = view.projected.and_then(|raw| serde_json::from_str::<Value>(raw.get()).ok());
    match there {
        Some(Value::Object(there)) => {
            let base = format!("/spec/volumes/{index}/projected");
            if there.get("sources").and_then(Value::as_array).map(Vec::as_slice) != Some(sources) {
                patch.add(format!("{base}/sources"), sources);
            }
            if there.get("defaultMode") != Some(&json!(DEFAULT_MODE)) {
                patch.add(format!("{base}/defaultMode"), &DEFAULT_MODE);
            }
        }
        Some(_) | None => {
            let projected = json!({"defaultMode": DEFAULT_MODE, "sources": sources});
            patch.replace(format!("/spec/volumes/{index}"), &json!({"name": REFERENCE_VOLUME, "projected": projected}));
        }
    }
}

fn set_memory(index: usize, view: &VolumeView<'_>, name: &str, empty_dir: &Value, patch: &mut Patch) {
    let there = view.empty_dir.and_then(|raw| serde_json::from_str::<Value>(raw.get()).ok());
    match there {
        // A limit that another plugin has set is kept.
        Some(Value::Object(there)) => {
            if there.get("medium") != Some(&json!("Memory")) {
                patch.add(format!("/spec/volumes/{index}/emptyDir/medium"), "Memory");
            }
        }
        Some(_) | None => {
            patch.replace(format!("/spec/volumes/{index}"), &json!({"name": name, "emptyDir": empty_dir}));
        }
    }
}
