//! Flyte's pod: the annotations one by one, each with its variables, volume and mount.
//!
//! Both Flyte versions hand variables over in the same order; only how they get into a container's list differs
//! (the dialect's env rule).

use super::annotated;
use super::chain::{self, Taken};
use super::conflicts;
use super::flyte_volumes::Volumes;
use super::pulled::{Pulls, hand_mount};
use super::seal::seal;
use super::warnings;
use crate::config::Config;
use crate::denial::Denial;
use crate::managers::{is_config_key, join};
use crate::plan::{EnvAddition, EnvValue, MountAddition, Plan, Request, Source};
use crate::policy::Identity;
use crate::values::Globals;
use crate::view::{ContainerList, PodView};
use secret::{EnvName, FILE_ROOT, Mount, Naming, Secret, VersionPart, places, to_lower, to_upper};
use std::borrow::Cow;
use std::sync::Arc;

/// Bytes of a file's name, in Linux.
const MAX_NAME: usize = 255;
/// Bytes of a path, in Linux, less what stands before it.
const MAX_PATH: usize = 3072;

pub(super) fn shape(
    plan: &mut Plan,
    secrets: &[Secret],
    pod: &PodView<'_>,
    who: &Identity<'_>,
    config: &Config,
    globals: &Globals,
) -> Result<(), Denial> {
    let prefix = to_upper(&config.env_prefix);
    let mut volumes = Volumes::new(pod);
    let mut pulls = Pulls::new(pod);
    let mut sealed = false;
    for (index, secret) in secrets.iter().enumerate() {
        let taken = chain::walk(secret, who, config, globals)?;
        let mut shaping = Shaping { config, index, taken, secret, prefix: &prefix, env: Vec::new() };
        sealed |= shaping.taken.source == Source::Sealed;
        let request = match (shaping.secret.mount, &shaping.taken.source) {
            (Mount::EnvVar, Source::Reference { .. } | Source::Sealed) => shaping.variable()?,
            (_, Source::Inline) => shaping.inline()?,
            (_, Source::Reference { name, .. }) => {
                let name = name.clone();
                let mount = volumes.file(&shaping.taken.named, &name, config)?;
                hand_mount(plan, mount);
                shaping.file()?
            }
            (_, Source::Sealed) => shaping.file()?,
            (_, Source::Pulled(pull)) => {
                let pull = Arc::clone(pull);
                volumes.memory(pull.volume, config)?;
                pulls.add(plan, &pull);
                shaping.brought(&pull.what, &pull.file, pull.has_path_env)?
            }
            (_, Source::Annotated(annotated)) => {
                let annotated = Arc::clone(annotated);
                shaping.brought(&annotated.what, &annotated.file, false)?
            }
        };
        plan.env.append(&mut shaping.env);
        plan.requests.push(request);
    }
    plan.volumes = volumes.into_additions();
    let Plan { targets, pulls, .. } = plan;
    // What an earlier admission has added gets what it is handed, and nothing else.
    targets.retain(|(list, at)| *list != ContainerList::Init || pulls.iter().all(|pull| pull.there != Some(*at)));
    annotated::annotate(plan, pod, config)?;
    if sealed {
        seal(plan, pod, config);
    }
    conflicts::two_secrets_in_one_file(plan, config)?;
    conflicts::mount_paths(plan, pod, config)?;
    warnings::warn(plan, pod);
    Ok(())
}

struct Shaping<'c> {
    config: &'c Config,
    index: usize,
    taken: Taken<'c>,
    secret: &'c Secret,
    prefix: &'c str,
    env: Vec<EnvAddition>,
}

impl Shaping<'_> {
    fn variable(&mut self) -> Result<Request, Denial> {
        let mut names = vec![self.default_name()?];
        names.extend(self.own_name()?);
        let value = match &self.taken.source {
            Source::Reference { key, .. } if !is_config_key(key) => {
                return Err(self
                    .deny("the API server refuses a key that is not letters, digits, `-`, `_` and `.`")
                    .with_hint("store it under another key, or ask for it as FILE"));
            }
            Source::Reference { name, key } => {
                EnvValue::SecretKey { name: name.clone(), key: key.clone(), optional: true }
            }
            Source::Sealed | Source::Inline | Source::Pulled(_) | Source::Annotated(_) => {
                EnvValue::FileKey { key: Plan::env_key(self.index), optional: false }
            }
        };
        for name in &names {
            self.hand(name.clone(), value.clone());
        }
        self.hand_marker(secret::ENV_PREFIX_ENV, self.config.env_prefix.clone());
        Ok(self.request(names, Vec::new(), Vec::new()))
    }

    fn inline(&mut self) -> Result<Request, Denial> {
        let name = self.default_name()?;
        self.hand_marker(secret::ENV_PREFIX_ENV, self.config.env_prefix.clone());
        self.hand(name.clone(), EnvValue::Inline { request: self.index });
        Ok(self.request(vec![name], Vec::new(), Vec::new()))
    }

    fn file(&mut self) -> Result<Request, Denial> {
        let (group, key) = (to_lower(&self.taken.named.group), to_lower(&self.taken.named.key));
        check_folder(&group).and_then(|()| check_item(&key)).map_err(|why| {
            self.deny(why).with_hint("a file of a secret has to stay below the secrets' folder: use other names")
        })?;
        self.hand_marker(secret::DEFAULT_DIR_ENV, FILE_ROOT);
        self.hand_marker(secret::FILE_PREFIX_ENV, "");
        self.at_path(join(&[&group, &key]), true)
    }

    /// A file that another program brings.
    fn brought(&mut self, what: &str, file: &str, has_path_env: bool) -> Result<Request, Denial> {
        check_brought(what, file).map_err(|why| {
            self.deny(why).with_hint("a file of a secret has to stay below the secrets' folder: use other names")
        })?;
        self.hand_marker(secret::DEFAULT_DIR_ENV, FILE_ROOT);
        self.hand_marker(secret::FILE_PREFIX_ENV, "");
        self.at_path(file.to_owned(), has_path_env)
    }

    fn at_path(&mut self, file: String, has_path_env: bool) -> Result<Request, Denial> {
        let path_env: Vec<EnvName> = if has_path_env { self.own_name()?.into_iter().collect() } else { Vec::new() };
        for name in &path_env {
            self.hand(name.clone(), EnvValue::Literal(format!("{FILE_ROOT}/{file}").into()));
        }
        Ok(self.request(Vec::new(), path_env, vec![file]))
    }

    fn default_name(&self) -> Result<EnvName, Denial> {
        let naming = Naming { env_prefix: self.prefix, file_prefix: "", version: VersionPart::LeftOut, spelled: false };
        places(&self.taken.named, &naming).env().map_err(|error| {
            self.deny(format!("{error}, and the API server refuses it"))
                .with_hint("ask for it as FILE, or use other names")
        })
    }

    fn own_name(&self) -> Result<Option<EnvName>, Denial> {
        if self.secret.env_var.is_empty() {
            return Ok(None);
        }
        let name = EnvName::parse(self.secret.env_var.clone()).map_err(|error| {
            self.deny(format!("{error}, and the API server refuses it")).with_hint("choose another `env_var`")
        })?;
        Ok(Some(name))
    }

    fn hand(&mut self, name: EnvName, value: EnvValue) {
        self.env.push(EnvAddition { name, value, request: Some(self.index) });
    }

    fn hand_marker(&mut self, name: &'static str, value: impl Into<Cow<'static, str>>) {
        self.env.extend(conflicts::marker(name, value));
    }

    fn request(&mut self, env: Vec<EnvName>, path_env: Vec<EnvName>, files: Vec<String>) -> Request {
        Request {
            secret: self.secret.clone(),
            mounts: vec![self.secret.mount],
            chain: std::mem::take(&mut self.taken.steps),
            manager: self.taken.manager,
            source: self.taken.source.clone(),
            env_required: !env.is_empty(),
            env,
            path_env,
            files,
        }
    }

    fn deny(&self, why: impl std::fmt::Display) -> Denial {
        Denial::secret(self.config, self.secret, why)
    }
}

/// The folder of a group's mount has to stay below the secrets' root.
fn check_folder(folder: &str) -> Result<(), String> {
    if folder.contains('\0') {
        return Err("its group holds a NUL".to_owned());
    }
    if folder.split('/').any(|part| part == "..") {
        return Err(format!("its group `{}` leaves the secrets' folder", folder.escape_debug()));
    }
    Ok(())
}

/// The file's path in its volume: what the API server checks (`validateLocalNonReservedPath`), and no NUL.
fn check_item(path: &str) -> Result<(), String> {
    if path.contains('\0') {
        return Err("its key holds a NUL".to_owned());
    }
    if path.starts_with('/') {
        return Err(format!("its key `{}` is an absolute path", path.escape_debug()));
    }
    if path.starts_with("..") || path.split('/').any(|part| part == "..") {
        return Err(format!("its key `{}` leaves the secret's folder", path.escape_debug()));
    }
    Ok(())
}

/// What another program is told, and the file that it writes.
fn check_brought(what: &str, file: &str) -> Result<(), String> {
    if what.contains('\0') || file.contains('\0') {
        return Err("one of its names holds a NUL".to_owned());
    }
    if file.split('/').any(|part| part == "..") {
        return Err(format!("its file `{}` leaves the secrets' folder", file.escape_debug()));
    }
    if file.is_empty() || file.len() > MAX_PATH || file.split('/').any(|part| part.len() > MAX_NAME) {
        return Err("its names make no path of a file: a part has 1 to 255 bytes, the whole up to 3072".to_owned());
    }
    Ok(())
}

/// A mount for a group's volume.
pub(super) fn group_mount(volume: &str, group: &str) -> MountAddition {
    MountAddition { volume: volume.to_owned(), path: format!("{FILE_ROOT}/{}", join(&[&to_lower(group)])) }
}
