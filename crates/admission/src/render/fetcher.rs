//! The init container that fetches what is sealed.

use super::INIT_CONTAINERS;
use crate::collections::List;
use crate::patch::{At, Patch};
use crate::plan::{ENV_VOLUME, FETCHER, FILES_VOLUME, Fetcher, Plan, VolumeAddition};
use crate::view::{ContainerView, PodView};
use serde_json::{Map, Value, json};

/// Where the fetcher sees the memory volume of files.
pub(super) const FETCHER_FILES: &str = "/run/keybearer/files";
/// Where the fetcher sees the memory volume of the env file.
pub(super) const FETCHER_ENV: &str = "/run/keybearer/env";

pub(super) fn write(plan: &Plan, pod: &PodView<'_>, patch: &mut Patch) {
    let Some(fetcher) = &plan.fetcher else { return };
    let mounts = mounts(plan);
    let init = pod.spec.as_ref().map(|spec| &spec.init_containers);
    let there = init.and_then(|list| {
        list.items().iter().enumerate().find_map(|(at, container)| {
            container.as_ref().filter(|container| container.name.as_str() == FETCHER).map(|container| (at, container))
        })
    });
    match there {
        Some((at, container)) => {
            set_again(fetcher, &mounts, at, container, patch);
            if let Some(before) = fetcher.before.filter(|before| *before < at) {
                patch.relocate(At(INIT_CONTAINERS, at), At(INIT_CONTAINERS, before));
            }
        }
        None => {
            let container = container(fetcher, mounts);
            match (init.is_some_and(List::is_there), fetcher.before) {
                (true, Some(before)) => patch.add(At(INIT_CONTAINERS, before), &container),
                (is_there, _) => patch.append(INIT_CONTAINERS, is_there, &[container]),
            }
        }
    }
}

fn mounts(plan: &Plan) -> Vec<(&'static str, &'static str)> {
    let volumes = plan.volumes.iter().filter_map(|volume| match volume {
        VolumeAddition::Memory { volume, .. } if *volume == FILES_VOLUME => Some((FILES_VOLUME, FETCHER_FILES)),
        VolumeAddition::Memory { volume, .. } if *volume == ENV_VOLUME => Some((ENV_VOLUME, FETCHER_ENV)),
        VolumeAddition::Memory { .. }
        | VolumeAddition::Pulled { .. }
        | VolumeAddition::Secret { .. }
        | VolumeAddition::Item { .. }
        | VolumeAddition::Projected { .. } => None,
    });
    volumes.collect()
}

fn container(fetcher: &Fetcher, mounts: Vec<(&str, &str)>) -> Value {
    let mounts: Vec<_> = mounts.into_iter().map(|(name, path)| json!({"name": name, "mountPath": path})).collect();
    let mut container = Map::new();
    container.insert("name".to_owned(), json!(FETCHER));
    container.insert("image".to_owned(), json!(fetcher.image));
    container.insert("args".to_owned(), json!(["fetch"]));
    if let Some(resources) = fetcher.resources.as_ref().and_then(|json| serde_json::from_str(json).ok()) {
        container.insert("resources".to_owned(), resources);
    }
    container.insert("securityContext".to_owned(), security(fetcher));
    container.insert("volumeMounts".to_owned(), json!(mounts));
    Value::Object(container)
}

/// What the level `restricted` of the Pod Security Standards asks for; root only where the task itself is root.
fn security(fetcher: &Fetcher) -> Value {
    let mut context = json!({
        "allowPrivilegeEscalation": false,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": true,
        "seccompProfile": {"type": "RuntimeDefault"},
    });
    if let Some(user) = fetcher.run_as_user {
        context["runAsUser"] = json!(user);
    }
    if fetcher.run_as_user != Some(0) {
        context["runAsNonRoot"] = json!(true);
    }
    context
}

fn set_again(fetcher: &Fetcher, mounts: &[(&str, &str)], at: usize, container: &ContainerView<'_>, patch: &mut Patch) {
    let place = At(INIT_CONTAINERS, at);
    let list = At(place, "volumeMounts");
    if container.image.as_str() != fetcher.image {
        patch.add(At(place, "image"), &fetcher.image);
    }
    if !container.args.as_ref().is_some_and(|args| args.are_only("fetch")) {
        patch.add(At(place, "args"), &["fetch"]);
    }
    if container.security_context.is_none() {
        patch.add(At(place, "securityContext"), &security(fetcher));
    }
    let there = container.volume_mounts.items();
    let mut added = Vec::new();
    for (name, path) in mounts {
        let entry = there.iter().enumerate().find_map(|(index, mount)| {
            mount.as_ref().filter(|mount| mount.name.as_str() == *name).map(|mount| (index, mount))
        });
        match entry {
            Some((_, mount)) if mount.mount_path.as_str() == *path => {}
            Some((index, _)) => patch.add(At(list, At(index, "mountPath")), path),
            None => added.push(json!({"name": name, "mountPath": path})),
        }
    }
    patch.append(list, container.volume_mounts.is_there(), &added);
}
