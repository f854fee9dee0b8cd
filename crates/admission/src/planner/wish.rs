//! What a task wants of one secret, after requests for the same secret were laid together.

use crate::config::Config;
use crate::denial::Denial;
use secret::{Mount, Secret};
use std::collections::BTreeMap;

/// What a task wants of one secret.
#[derive(Debug)]
pub(super) struct Wish<'s> {
    /// The first request for it.
    pub(super) secret: &'s Secret,
    /// How it was asked for, each way once.
    pub(super) mounts: Vec<Mount>,
    /// Some request insists on an environment variable.
    pub(super) env: bool,
    /// Some request leaves the form to the platform.
    pub(super) any: bool,
    /// Some request insists on a file.
    pub(super) file: bool,
    /// Chosen names of variables for the value.
    pub(super) value_names: Vec<&'s str>,
    /// Chosen names of variables for the file's path.
    pub(super) path_names: Vec<&'s str>,
}

impl<'s> Wish<'s> {
    fn new(secret: &'s Secret) -> Self {
        Self {
            secret,
            mounts: Vec::new(),
            env: false,
            any: false,
            file: false,
            value_names: Vec::new(),
            path_names: Vec::new(),
        }
    }

    fn add(&mut self, secret: &'s Secret) {
        if !self.mounts.contains(&secret.mount) {
            self.mounts.push(secret.mount);
        }
        let names = match secret.mount {
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
        if !secret.env_var.is_empty() && !names.contains(&secret.env_var.as_str()) {
            names.push(&secret.env_var);
        }
    }
}

/// Lays requests for the same group, version and key together, in the order of their first request.
pub(super) fn merge<'s>(secrets: &'s [Secret], config: &Config) -> Result<Vec<Wish<'s>>, Denial> {
    let mut wishes: Vec<Wish<'s>> = Vec::with_capacity(secrets.len());
    let mut places = BTreeMap::new();
    for secret in secrets {
        if let Mount::Other(number) = secret.mount {
            return Err(unknown_mount(secret, number, config));
        }
        let place = *places.entry((&secret.group, &secret.group_version, &secret.key)).or_insert(wishes.len());
        if place == wishes.len() {
            wishes.push(Wish::new(secret));
        }
        wishes[place].add(secret);
    }
    Ok(wishes)
}

/// The refusal of a mount requirement outside of the enum.
pub(super) fn unknown_mount(secret: &Secret, number: i32, config: &Config) -> Denial {
    Denial::secret(config, secret, format!("unrecognized mount requirement [{number}]"))
        .with_hint("ask for ANY (0), ENV_VAR (1) or FILE (2)")
}
