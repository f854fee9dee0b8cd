//! What a task wants of one secret, after requests for the same secret were laid together.

use crate::collections::are_different;
use crate::config::Config;
use crate::denial::Denial;
use secret::{Mount, Secret};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// What a task wants of one secret.
#[derive(Debug)]
pub(super) struct Wish {
    /// The first request for it.
    pub(super) secret: Secret,
    /// Whether no other version of it is asked for; false where no secret of the pod has a version.
    pub(super) alone: bool,
    /// How it was asked for, each way once.
    pub(super) mounts: Vec<Mount>,
    /// Some request insists on an environment variable.
    pub(super) env: bool,
    /// Some request leaves the form to the platform.
    pub(super) any: bool,
    /// Some request insists on a file.
    pub(super) file: bool,
    /// Chosen names of variables for the value.
    pub(super) value_names: Vec<String>,
    /// Chosen names of variables for the file's path.
    pub(super) path_names: Vec<String>,
}

impl Wish {
    fn new(secret: Secret) -> Self {
        let (mount, env_var) = (secret.mount, secret.env_var.clone());
        let mut wish = Self {
            secret,
            alone: false,
            mounts: Vec::new(),
            env: false,
            any: false,
            file: false,
            value_names: Vec::new(),
            path_names: Vec::new(),
        };
        wish.add(mount, env_var);
        wish
    }

    /// Adds a way in which it is asked for.
    fn add(&mut self, mount: Mount, env_var: String) {
        if !self.mounts.contains(&mount) {
            self.mounts.push(mount);
        }
        let names = match mount {
            Mount::EnvVar => {
                self.env = true;
                &mut self.value_names
            }
            Mount::File => {
                self.file = true;
                &mut self.path_names
            }
            Mount::Any | Mount::Other(_) => {
                self.any = true;
                &mut self.path_names
            }
        };
        if !env_var.is_empty() && !names.contains(&env_var) {
            names.push(env_var);
        }
    }
}

/// What makes two requests be for one secret.
fn name(secret: &Secret) -> [&str; 3] {
    [&secret.group, &secret.group_version, &secret.key]
}

/// Lays requests for the same group, version and key together, in the order of their first request.
pub(super) fn merge(secrets: Vec<Secret>, config: &Config) -> Result<Vec<Wish>, Denial> {
    for secret in &secrets {
        if let Mount::Other(number) = secret.mount {
            return Err(unknown_mount(secret, number, config));
        }
    }
    let mut wishes: Vec<Wish> = if are_different(secrets.iter().map(name)) {
        secrets.into_iter().map(Wish::new).collect()
    } else {
        together(secrets)
    };
    if wishes.iter().any(|wish| !wish.secret.group_version.is_empty()) {
        find_alone(&mut wishes);
    }
    Ok(wishes)
}

fn together(secrets: Vec<Secret>) -> Vec<Wish> {
    let mut wishes: Vec<Wish> = Vec::with_capacity(secrets.len());
    let mut places: BTreeMap<[String; 3], usize> = BTreeMap::new();
    for secret in secrets {
        match places.entry(name(&secret).map(str::to_owned)) {
            Entry::Occupied(place) => wishes[*place.get()].add(secret.mount, secret.env_var),
            Entry::Vacant(place) => {
                place.insert(wishes.len());
                wishes.push(Wish::new(secret));
            }
        }
    }
    wishes
}

fn find_alone(wishes: &mut [Wish]) {
    let mut versions: BTreeMap<[&str; 2], usize> = BTreeMap::new();
    for Wish { secret, .. } in wishes.iter() {
        *versions.entry([&secret.group, &secret.key]).or_default() += 1;
    }
    let is_alone = |Wish { secret, .. }: &Wish| versions.get(&[&*secret.group, &*secret.key]) == Some(&1);
    let alone: Vec<bool> = wishes.iter().map(is_alone).collect();
    for (wish, alone) in wishes.iter_mut().zip(alone) {
        wish.alone = alone;
    }
}

/// The refusal of a mount requirement outside of the enum.
pub(super) fn unknown_mount(secret: &Secret, number: i32, config: &Config) -> Denial {
    Denial::secret(config, secret, format!("unrecognized mount requirement [{number}]"))
        .with_hint("ask for ANY (0), ENV_VAR (1) or FILE (2)")
}
