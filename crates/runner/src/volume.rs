//! A pod's volumes: which can be had, what is in them, and how they come to lie in the private directory.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::hidden::Hidden;
use crate::problem::Problem;
use crate::reference::{Place, SecretReference};
use crate::scoped::descending;
use crate::sources::Context;
use crate::spec::{DownwardApi, Item, Projected, Volume, named};

/// What Kubernetes gives a file if the pod does not say.
const DEFAULT_MODE: u32 = 0o644;

/// One volume.
pub(crate) struct Plan {
    pub(crate) name: String,
    files: BTreeMap<PathBuf, File>,
}

struct File {
    mode: u32,
    bytes: Hidden,
}

/// What is in each volume. `needed` are those that a container sees; of the others a part that only a cluster has is no problem, for nobody will miss it.
pub(crate) fn plan(volumes: &[Volume], needed: &BTreeSet<&str>, context: &mut Context<'_>) -> Vec<Plan> {
    volumes
        .iter()
        .map(|volume| {
            let mut filling = Filling { volume: &volume.name, files: BTreeMap::new(), context };
            filling.fill(volume, needed.contains(volume.name.as_str()));
            filling.check_folders();
            Plan { name: volume.name.clone(), files: filling.files }
        })
        .collect()
}

/// Whether a volume starts empty and can be written: no kind at all is an emptyDir to the API server.
pub(crate) fn is_empty_dir(volume: &Volume) -> bool {
    let other = volume.secret.is_some() || volume.projected.is_some() || volume.downward_api.is_some();
    let other = other || volume.config_map.is_some() || named(&volume.others).next().is_some();
    volume.empty_dir.is_some() || !other
}

struct Filling<'a, 'c, 'p> {
    volume: &'a str,
    files: BTreeMap<PathBuf, File>,
    context: &'c mut Context<'p>,
}

impl Filling<'_, '_, '_> {
    fn fill(&mut self, volume: &Volume, needed: bool) {
        if let Some(kind) = named(&volume.others).next() {
            self.context.problems.push(Problem::VolumeKind { volume: self.volume.into(), kind: kind.into() });
        } else if let Some(secret) = &volume.secret {
            let mode = secret.default_mode.unwrap_or(DEFAULT_MODE);
            self.secret(&secret.secret_name, &secret.items, secret.optional, mode);
        } else if let Some(projected) = &volume.projected {
            self.projected(projected, needed);
        } else if let Some(api) = &volume.downward_api {
            self.downward(api, api.default_mode.unwrap_or(DEFAULT_MODE));
        } else if let Some(map) = &volume.config_map {
            self.context.config_map(&map.name, map.optional, Place::Volume { volume: self.volume.into() });
        }
    }

    fn projected(&mut self, projected: &Projected, needed: bool) {
        let mode = projected.default_mode.unwrap_or(DEFAULT_MODE);
        for source in &projected.sources {
            if let Some(secret) = &source.secret {
                self.secret(&secret.name, &secret.items, secret.optional, mode);
            } else if let Some(api) = &source.downward_api {
                self.downward(api, mode);
            } else if !needed {
                // The token of the service account and what goes with it, where no container sees it.
            } else if let Some(map) = &source.config_map {
                self.context.config_map(&map.name, map.optional, Place::Volume { volume: self.volume.into() });
            } else if let Some(kind) = named(&source.others).next() {
                self.context.problems.push(Problem::VolumeSource { volume: self.volume.into(), kind: kind.into() });
            }
        }
    }

    fn secret(&mut self, name: &str, items: &[Item], optional: bool, default_mode: u32) {
        let place = Place::Volume { volume: self.volume.into() };
        if !items.is_empty() {
            for item in items {
                if let Some(bytes) = self.context.secret(name, &item.key, optional, place.clone()) {
                    self.file(&item.path, bytes, item.mode.unwrap_or(default_mode));
                }
            }
        } else if let Some(keys) = self.context.secrets.keys(name) {
            for key in keys {
                if let Some(bytes) = self.context.secret(name, &key, optional, place.clone()) {
                    self.file(&key, bytes, default_mode);
                }
            }
        } else {
            self.context.missing(SecretReference { secret: name.into(), key: None, optional, place });
        }
    }

    fn downward(&mut self, api: &DownwardApi, default_mode: u32) {
        for item in &api.items {
            let place = Place::Volume { volume: self.volume.into() };
            let value = if let Some(field) = &item.field_ref {
                self.context
                    .fields
                    .for_file(&field.field_path)
                    .map_err(|reason| {
                        let field = field.field_path.clone();
                        self.context.problems.push(Problem::Field { place, field, reason });
                    })
                    .ok()
            } else if let Some(resource) = &item.resource_field_ref {
                self.context.resource(None, resource, place)
            } else {
                self.context.problems.push(Problem::Source { place });
                None
            };
            if let Some(value) = value {
                self.file(&item.path, value.as_str().into(), item.mode.unwrap_or(default_mode));
            }
        }
    }

    /// Adds a file; of two at one path the later one stays, as in a cluster.
    fn file(&mut self, path: &str, bytes: Hidden, mode: u32) {
        match descending(path) {
            // Nobody writes to it, but its owner must be able to read it: here all of the pod is one user.
            Some(clean) => _ = self.files.insert(clean, File { mode: (mode & 0o555) | 0o400, bytes }),
            None => self.bad_path(path),
        }
    }

    fn check_folders(&mut self) {
        let both: Vec<PathBuf> = self
            .files
            .keys()
            .filter(|path| path.ancestors().skip(1).any(|dir| self.files.contains_key(dir)))
            .cloned()
            .collect();
        for path in both {
            self.bad_path(&path.to_string_lossy());
        }
    }

    fn bad_path(&mut self, path: &str) {
        self.context.problems.push(Problem::VolumePath { volume: self.volume.into(), path: path.into() });
    }
}

impl Plan {
    /// Whether it starts with something in it.
    pub(crate) fn is_filled(&self) -> bool {
        !self.files.is_empty()
    }

    /// Makes the volume's directory, which must not be there yet, with all that is in it.
    pub(crate) fn make(&self, dir: &Path) -> io::Result<()> {
        let mut folders = std::fs::DirBuilder::new();
        folders.mode(0o755);
        folders.create(dir)?;
        folders.recursive(true);
        for (path, file) in &self.files {
            let path = dir.join(path);
            folders.create(path.parent().unwrap_or(dir))?;
            let mut made = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
            made.write_all(&file.bytes)?;
            // Not left to the mode at creation, from which the umask takes away.
            made.set_permissions(std::fs::Permissions::from_mode(file.mode))?;
        }
        Ok(())
    }
}
