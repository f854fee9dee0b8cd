//! The pod side of sealed delivery: memory volumes and the init container that fills them.

use crate::config::Config;
use crate::plan::{ENV_VOLUME, FILES_VOLUME, Fetcher, MountAddition, Plan, Source, VolumeAddition};
use crate::view::{ContainerList, PodView};
use secret::FILE_ROOT;

/// The memory volumes and the init container of everything that is sealed.
pub(super) fn seal(plan: &mut Plan, pod: &PodView<'_>, config: &Config) {
    let sealed = || plan.requests.iter().filter(|request| request.source == Source::Sealed);
    let files: usize = sealed().map(|request| request.files.len()).sum();
    let variables = sealed().filter(|request| !request.env.is_empty()).count();
    // A file holds up to 1 MiB and a variable up to 128 KiB; one more for the folders.
    let (file_mebibytes, env_mebibytes) = (files as u64 + 1, variables.div_ceil(8) as u64 + 1);
    if files > 0 {
        plan.volumes.push(VolumeAddition::Memory { volume: FILES_VOLUME, mebibytes: file_mebibytes });
        plan.mounts.push(MountAddition { volume: FILES_VOLUME.to_owned(), path: FILE_ROOT.to_owned() });
    }
    if variables > 0 {
        plan.volumes.push(VolumeAddition::Memory { volume: ENV_VOLUME, mebibytes: env_mebibytes });
    }
    let users = users_of_targets(plan, pod);
    let one_user = match users.as_slice() {
        [Some(user)] => Some(*user),
        _ => None,
    };
    let has_fs_group = pod.spec.as_ref().and_then(|spec| spec.security_context).is_some_and(|s| s.fs_group.is_some());
    plan.fetcher = Some(Fetcher {
        image: config.fetch.image.clone(),
        run_as_user: one_user,
        file_mode: match one_user {
            _ if has_fs_group => 0o440,
            Some(_) => 0o400,
            None => 0o444,
        },
        resources: resources(plan, pod),
        before: plan.targets.iter().find(|(list, _)| *list == ContainerList::Init).map(|(_, index)| *index),
    });
}

/// The users that the targets run as, each once; `None` is "as the image says".
fn users_of_targets(plan: &Plan, pod: &PodView<'_>) -> Vec<Option<i64>> {
    let of_pod = pod.spec.as_ref().and_then(|spec| spec.security_context).and_then(|s| s.run_as_user);
    let mut users = Vec::new();
    for (list, index, container) in pod.all_containers() {
        let user = container.security_context.and_then(|s| s.run_as_user).or(of_pod);
        if plan.gets(list, index) && !users.contains(&user) {
            users.push(user);
        }
    }
    users
}

/// Cpu and memory of the first app container that has any, so that the pod keeps its class of service.
fn resources(plan: &Plan, pod: &PodView<'_>) -> Option<String> {
    let mut containers = pod.all_containers().filter(|(list, index, _)| plan.gets(*list, *index));
    containers.find_map(|(list, _, container)| {
        let raw = container.resources.filter(|_| list == ContainerList::Main)?;
        let mut resources: serde_json::Map<String, serde_json::Value> = serde_json::from_str(raw.get()).ok()?;
        resources.retain(|name, _| name == "requests" || name == "limits");
        for amounts in resources.values_mut().filter_map(serde_json::Value::as_object_mut) {
            amounts.retain(|name, _| name == "cpu" || name == "memory");
        }
        resources.retain(|_, amounts| amounts.as_object().is_some_and(|amounts| !amounts.is_empty()));
        (!resources.is_empty()).then(|| serde_json::Value::Object(resources).to_string())
    })
}
