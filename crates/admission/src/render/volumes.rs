//! Volumes of the pod.

use crate::patch::{At, Patch};
use crate::plan::{Plan, REFERENCE_VOLUME, VolumeAddition};
use crate::view::{PodView, VolumeView};
use serde::Serialize;
use serde_json::{Value, json};

/// Mode of the files of the projected volume.
const DEFAULT_MODE: u32 = 0o444;

/// A volume as it is written. Here and below, members stand in the order of their names.
#[derive(Default, Serialize)]
struct Volume<'a> {
    #[serde(rename = "emptyDir", skip_serializing_if = "Option::is_none")]
    empty_dir: Option<Value>,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    projected: Option<Projected<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<SecretVolume<'a>>,
}

#[derive(Serialize)]
struct SecretVolume<'a> {
    items: Vec<Item<'a>>,
    optional: bool,
    #[serde(rename = "secretName")]
    secret_name: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Projected<'a> {
    default_mode: u32,
    sources: Vec<Source<'a>>,
}

#[derive(Serialize)]
struct Source<'a> {
    secret: Projection<'a>,
}

#[derive(Serialize)]
struct Projection<'a> {
    items: Vec<Item<'a>>,
    name: &'a str,
    optional: bool,
}

#[derive(Serialize)]
struct Item<'a> {
    key: &'a str,
    path: &'a str,
}

pub(super) fn write(plan: &Plan, pod: &PodView<'_>, patch: &mut Patch) {
    let mut added = Vec::new();
    let mut made_lists: Vec<usize> = Vec::new();
    for volume in &plan.volumes {
        match volume {
            VolumeAddition::Secret { volume, secret, items } => {
                let secret = SecretVolume { items: each(items), optional: true, secret_name: secret };
                added.push(Volume { name: volume, secret: Some(secret), ..Volume::default() });
            }
            VolumeAddition::Item { index, key, path } => {
                let list = At("/spec/volumes", At(*index, "secret/items"));
                let there = made_lists.contains(index)
                    || pod.volumes().any(|(i, view)| {
                        i == *index && view.secret.as_ref().is_some_and(|secret| secret.items.is_there())
                    });
                made_lists.push(*index);
                patch.append(list, there, &[Item { key, path }]);
            }
            VolumeAddition::Projected { sources } => {
                let sources = sources
                    .iter()
                    .map(|(name, items)| Source { secret: Projection { items: each(items), name, optional: true } });
                let projected = Projected { default_mode: DEFAULT_MODE, sources: sources.collect() };
                match find(pod, REFERENCE_VOLUME) {
                    None => {
                        let projected = Some(projected);
                        added.push(Volume { name: REFERENCE_VOLUME, projected, ..Volume::default() });
                    }
                    Some((index, view)) => set_projected(index, view, projected, patch),
                }
            }
            VolumeAddition::Pulled { volume } => {
                let empty_dir = Some(json!({"medium": "Memory"}));
                added.push(Volume { name: volume, empty_dir, ..Volume::default() });
            }
            VolumeAddition::Memory { volume, mebibytes } => {
                let empty_dir = json!({"medium": "Memory", "sizeLimit": format!("{mebibytes}Mi")});
                match find(pod, volume) {
                    None => added.push(Volume { name: volume, empty_dir: Some(empty_dir), ..Volume::default() }),
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

fn each(items: &[(String, String)]) -> Vec<Item<'_>> {
    items.iter().map(|(key, path)| Item { key, path }).collect()
}

fn set_projected(index: usize, view: &VolumeView<'_>, ours: Projected<'_>, patch: &mut Patch) {
    let there = view.projected.and_then(|raw| serde_json::from_str::<Value>(raw.get()).ok());
    match there {
        Some(Value::Object(there)) => {
            let place = At("/spec/volumes", At(index, "projected"));
            if there.get("sources") != Some(&json!(ours.sources)) {
                patch.add(At(place, "sources"), &ours.sources);
            }
            if there.get("defaultMode") != Some(&json!(DEFAULT_MODE)) {
                patch.add(At(place, "defaultMode"), &DEFAULT_MODE);
            }
        }
        Some(_) | None => {
            let ours = Volume { name: REFERENCE_VOLUME, projected: Some(ours), ..Volume::default() };
            patch.replace(At("/spec/volumes", index), &ours);
        }
    }
}

fn set_memory(index: usize, view: &VolumeView<'_>, name: &str, empty_dir: &Value, patch: &mut Patch) {
    let there = view.empty_dir.and_then(|raw| serde_json::from_str::<Value>(raw.get()).ok());
    match there {
        // A limit that another plugin has set is kept.
        Some(Value::Object(there)) => {
            if there.get("medium") != Some(&json!("Memory")) {
                patch.add(At("/spec/volumes", At(index, "emptyDir/medium")), "Memory");
            }
        }
        Some(_) | None => {
            patch.replace(At("/spec/volumes", index), &json!({"name": name, "emptyDir": empty_dir}));
        }
    }
}
