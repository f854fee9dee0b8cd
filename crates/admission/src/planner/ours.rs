//! Our own pod: requests for one secret laid together, one projected volume, one init container.

use super::chain;
use super::conflicts::{self, danger, is_under_root};
use super::digest;
use super::seal::seal;
use super::wish::{self, Wish};
use crate::collections::are_different;
use crate::config::Config;
use crate::denial::Denial;
use crate::plan::{
    EnvAddition, EnvValue, FILES_VOLUME, MountAddition, Plan, REFERENCE_VOLUME, Request, Source, VolumeAddition,
};
use crate::policy::Identity;
use crate::values::Globals;
use crate::variable::{Clash, clash};
use crate::view::PodView;
use secret::{EnvName, FILE_ROOT, FilePath, Naming, Places, Secret, VersionPart, places};
use std::collections::BTreeMap;

/// How many variables tell the runtime where to look.
const MARKERS: usize = 3;

pub(super) fn shape(
    plan: &mut Plan,
    secrets: Vec<Secret>,
    pod: &PodView<'_>,
    who: &Identity<'_>,
    config: &Config,
    globals: &Globals,
) -> Result<(), Denial> {
    let wishes = wish::merge(secrets, config)?;
    plan.env.reserve(MARKERS + wishes.len());
    plan.env.extend(conflicts::marker(secret::DEFAULT_DIR_ENV, FILE_ROOT));
    plan.env.extend(conflicts::marker(secret::FILE_PREFIX_ENV, ""));
    plan.env.extend(conflicts::marker(secret::ENV_PREFIX_ENV, config.env_prefix.clone()));
    for (index, wish) in wishes.into_iter().enumerate() {
        let request = request(wish, who, config, globals)?;
        hand_over(plan, index, &request);
        plan.requests.push(request);
    }
    check_names(plan, config)?;
    check_files(plan, config)?;
    check_pod(plan, pod, config)?;
    refer(plan);
    if plan.requests.iter().any(|request| request.source == Source::Sealed) {
        seal(plan, pod, config);
    }
    plan.digest = Some(digest(plan));
    if plan.targets.is_empty() {
        plan.warnings.push("no container gets the pod's secrets: `targets.exclude` names all of them".to_owned());
    }
    Ok(())
}

/// One secret with its manager and its places.
fn request(wish: Wish, who: &Identity<'_>, config: &Config, globals: &Globals) -> Result<Request, Denial> {
    let secret = &wish.secret;
    let taken = chain::walk(secret, who, config, globals)?;
    let with_version = found(&taken.named, VersionPart::Included, config);
    // A pinned secret is also found without its version, as long as that is not ambiguous.
    let pinned = !secret.group_version.is_empty() && wish.alone;
    let without = pinned.then(|| found(&taken.named, VersionPart::LeftOut, config));
    // ANY is a variable too where the value is known to fit when it is delivered.
    let wants_env = wish.env || (wish.any && taken.source == Source::Sealed);
    let (mut env, mut files) = (Vec::new(), Vec::new());
    for places in [Some(with_version), without].into_iter().flatten() {
        let variable = || places.env().map_err(|error| error.to_string()).and_then(harmless);
        if wants_env {
            match variable() {
                Ok(name) => env.push(name),
                Err(why) if wish.env => {
                    return Err(
                        Denial::secret(config, secret, why).with_hint(other_way(places.files().is_ok(), "FILE"))
                    );
                }
                Err(_) => {}
            }
        }
        if wish.any || wish.file {
            let paths = places.files().map_err(|error| {
                Denial::secret(config, secret, error).with_hint(other_way(variable().is_ok(), "ENV_VAR"))
            })?;
            files.extend(paths.into_iter().map(FilePath::into_string));
        }
    }
    for name in &wish.value_names {
        env.push(chosen_name(name, secret, config)?);
    }
    let path_env: Result<Vec<_>, _> = wish.path_names.iter().map(|name| chosen_name(name, secret, config)).collect();
    let path_env = path_env?;
    if let Some(name) = path_env.iter().find(|name| env.contains(name)) {
        let why = format!("`{name}` was asked for both as its value and as its path");
        return Err(Denial::secret(config, secret, why).with_hint("choose two different `env_var` names"));
    }
    dedup(&mut env);
    dedup(&mut files);
    Ok(Request {
        chain: taken.steps,
        manager: taken.manager,
        source: taken.source,
        env,
        env_required: wish.env,
        path_env,
        files,
        mounts: wish.mounts,
        secret: wish.secret,
    })
}

fn found<'a>(named: &'a Secret, version: VersionPart, config: &'a Config) -> Places<'a> {
    places(named, &Naming { env_prefix: &config.env_prefix, file_prefix: "", version, spelled: true })
}

/// A variable's name, unless it means something to programs or to the platform: a prefix can be empty.
fn harmless(name: EnvName) -> Result<EnvName, String> {
    match danger(name.as_str()) {
        Some(why) => Err(format!("its variable would be `{name}`: {why}")),
        None => Ok(name),
    }
}

/// What to do about a secret that can't come in the form that was asked for.
fn other_way(fits: bool, form: &str) -> String {
    if fits { format!("ask for it as {form}, or use other names") } else { "use other names".to_owned() }
}

fn chosen_name(name: &str, secret: &Secret, config: &Config) -> Result<EnvName, Denial> {
    let hint = "choose another `env_var`";
    if let Some(why) = danger(name) {
        let why = format!("`env_var: {name}` is not allowed: {why}");
        return Err(Denial::secret(config, secret, why).with_hint(hint));
    }
    EnvName::parse(name.to_owned()).map_err(|error| Denial::secret(config, secret, error).with_hint(hint))
}

fn dedup<T: PartialEq>(items: &mut Vec<T>) {
    for index in (1..items.len()).rev() {
        if items[..index].contains(&items[index]) {
            items.remove(index);
        }
    }
}

/// The request's variables, in the order in which they stand in the containers.
fn hand_over(plan: &mut Plan, index: usize, request: &Request) {
    let value = match &request.source {
        Source::Reference { name, key } => {
            EnvValue::SecretKey { name: name.clone(), key: key.clone(), optional: false }
        }
        Source::Sealed => EnvValue::FileKey { key: Plan::env_key(index), optional: !request.env_required },
        Source::Inline => EnvValue::Inline { request: index },
        // No configuration of this dialect has a manager that brings secrets so.
        Source::Pulled(_) | Source::Annotated(_) => return,
    };
    if let Some((last, others)) = request.env.split_last() {
        let hand = |name: &EnvName, value| EnvAddition { name: name.clone(), value, request: Some(index) };
        plan.env.extend(others.iter().map(|name| hand(name, value.clone())));
        plan.env.push(hand(last, value));
    }
    for (name, file) in request.path_env.iter().filter_map(|name| Some((name, request.files.first()?))) {
        let value = EnvValue::Literal(format!("{FILE_ROOT}/{file}").into());
        plan.env.push(EnvAddition { name: name.clone(), value, request: Some(index) });
    }
}

/// Two different secrets can't share a variable.
fn check_names(plan: &Plan, config: &Config) -> Result<(), Denial> {
    if are_different(plan.env.iter().map(|addition| addition.name.as_str())) {
        return Ok(());
    }
    let mut owners: BTreeMap<&str, Option<usize>> = BTreeMap::new();
    for addition in &plan.env {
        let owner = *owners.entry(addition.name.as_str()).or_insert(addition.request);
        if owner != addition.request
            && let Some(index) = addition.request
        {
            let other = owner.map_or_else(
                || "a variable that is always set".to_owned(),
                |other| format!("secret `{}`", plan.requests[other].secret),
            );
            let why = format!("variable `{}` would also be that of {other}", addition.name);
            return Err(Denial::secret(config, &plan.requests[index].secret, why)
                .with_hint("rename one of them, or ask for one as FILE"));
        }
    }
    Ok(())
}

/// Two different secrets can't share a file, and no file can be another's folder.
fn check_files(plan: &Plan, config: &Config) -> Result<(), Denial> {
    if plan.requests.iter().map(|request| request.files.len()).sum::<usize>() < 2 {
        return Ok(());
    }
    let mut files: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, request) in plan.requests.iter().enumerate() {
        for file in &request.files {
            let other = *files.entry(file).or_insert(index);
            if other != index {
                let why =
                    format!("file `{FILE_ROOT}/{file}` would also be that of secret `{}`", plan.requests[other].secret);
                return Err(Denial::secret(config, &request.secret, why).with_hint("rename one of them"));
            }
        }
    }
    for (file, index) in &files {
        let mut folder = *file;
        while let Some((parent, _)) = folder.rsplit_once('/') {
            if let Some(other) = files.get(parent) {
                let (one, two) = (&plan.requests[*index].secret, &plan.requests[*other].secret);
                let why = format!("`{FILE_ROOT}/{parent}` would be its folder and the file of secret `{two}`");
                return Err(Denial::secret(config, one, why).with_hint("rename one of them"));
            }
            folder = parent;
        }
    }
    Ok(())
}

/// What the pod has in our way.
fn check_pod(plan: &Plan, pod: &PodView<'_>, config: &Config) -> Result<(), Denial> {
    for (list, index, container) in pod.all_containers() {
        if !plan.gets(list, index) {
            continue;
        }
        for addition in &plan.env {
            let there = container.env.items().iter().flatten().find(|env| env.name.as_str() == addition.name.as_str());
            if there.is_some_and(|there| clash(there, &addition.value) == Clash::Different) {
                let message = format!(
                    "container `{}` sets `{}` itself, which the pod's secrets need{}",
                    container.name,
                    addition.name,
                    addition.request.map_or_else(String::new, |i| format!(" for `{}`", plan.requests[i].secret)),
                );
                return Err(Denial::pod(config, message).with_hint(
                    "remove that variable from the container; where another webhook put it there, `keybearer doctor` names that",
                ));
            }
        }
        let foreign = container.volume_mounts.items().iter().flatten().find(|mount| {
            is_under_root(&mount.mount_path) && !matches!(mount.name.as_str(), REFERENCE_VOLUME | FILES_VOLUME)
        });
        if let Some(mount) = foreign {
            let message = format!(
                "container `{}` mounts volume `{}` at `{}`, but `{FILE_ROOT}` is for the pod's secrets",
                container.name, mount.name, mount.mount_path
            );
            return Err(Denial::pod(config, message).with_hint(
                "mount that volume elsewhere; where another webhook put it there, `keybearer doctor` names that",
            ));
        }
    }
    Ok(())
}

/// The projected volume of everything that the kubelet reads itself.
fn refer(plan: &mut Plan) {
    let mut sources: Vec<(String, Vec<(String, String)>)> = Vec::new();
    for request in &plan.requests {
        let Source::Reference { name, key } = &request.source else { continue };
        for file in &request.files {
            let item = (key.clone(), file.clone());
            match sources.iter_mut().find(|(source, _)| source == name) {
                Some((_, items)) => items.push(item),
                None => sources.push((name.clone(), vec![item])),
            }
        }
    }
    if !sources.is_empty() {
        plan.volumes.push(VolumeAddition::Projected { sources });
        plan.mounts.push(MountAddition { volume: REFERENCE_VOLUME.to_owned(), path: FILE_ROOT.to_owned() });
    }
}
