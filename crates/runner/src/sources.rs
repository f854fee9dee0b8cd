//! Reads a container's `envFrom` and `env` into [`Entry`]s, and says what can't be had.

use std::collections::BTreeSet;

use crate::env::{Entry, FileRef, Source};
use crate::field::Fields;
use crate::hidden::Hidden;
use crate::options::SecretObjects;
use crate::output::Note;
use crate::problem::{Problem, Unfit};
use crate::quantity::{self, Amount};
use crate::reference::{Place, SecretReference};
use crate::spec::{Container, EnvFrom, EnvSource, FileKeyRef, ResourceFieldRef};

/// All that the sources of a pod's values need.
pub(crate) struct Context<'a> {
    pub(crate) secrets: &'a dyn SecretObjects,
    pub(crate) fields: Fields<'a>,
    /// All containers, for a `resourceFieldRef` to another one.
    pub(crate) containers: Vec<&'a Container>,
    /// The volumes that a `fileKeyRef` may read.
    pub(crate) empty_dirs: BTreeSet<&'a str>,
    pub(crate) problems: Vec<Problem>,
    pub(crate) notes: Vec<Note>,
}

impl Context<'_> {
    /// The env vars of `container`, in the kubelet's order.
    pub(crate) fn env(&mut self, container: &Container) -> Vec<Entry> {
        let mut entries = Vec::new();
        for from in &container.env_from {
            self.env_from(container, from, &mut entries);
        }
        for var in &container.env {
            let place = Place::Env { container: container.name.clone(), variable: var.name.clone() };
            let source = match &var.value_from {
                Some(from) if var.value.is_empty() => self.source(container, from, place),
                _ => Some(Source::Text(var.value.as_str().into())),
            };
            entries.extend(source.map(|source| Entry { name: var.name.clone(), source }));
        }
        entries
    }

    pub(crate) fn unfit(&mut self, container: &Container, what: String, unfit: Unfit) {
        self.problems.push(Problem::Unfit { container: container.name.clone(), what, unfit });
    }

    fn env_from(&mut self, container: &Container, from: &EnvFrom, entries: &mut Vec<Entry>) {
        let place = Place::EnvFrom { container: container.name.clone() };
        if let Some(map) = &from.config_map_ref {
            self.config_map(&map.name, map.optional, place);
        } else if let Some(secret) = &from.secret_ref {
            let keys = self.secrets.keys(&secret.name);
            let reference = |key| SecretReference {
                secret: secret.name.clone(),
                key,
                optional: secret.optional,
                place: place.clone(),
            };
            let Some(keys) = keys else {
                self.missing(reference(None));
                return;
            };
            for key in keys {
                match self.secrets.get(&secret.name, &key) {
                    Some(value) => entries
                        .push(Entry { name: format!("{}{key}", from.prefix), source: Source::Value(value.into()) }),
                    None => self.missing(reference(Some(key))),
                }
            }
        } else {
            self.problems.push(Problem::Source { place });
        }
    }

    fn source(&mut self, container: &Container, from: &EnvSource, place: Place) -> Option<Source> {
        if let Some(field) = &from.field_ref {
            match self.fields.for_env(&field.field_path) {
                Ok(value) => return Some(Source::Value(value.as_str().into())),
                Err(reason) => self.problems.push(Problem::Field { place, field: field.field_path.clone(), reason }),
            }
        } else if let Some(resource) = &from.resource_field_ref {
            return self.resource(Some(container), resource, place).map(|value| Source::Value(value.as_str().into()));
        } else if let Some(map) = &from.config_map_key_ref {
            self.config_map(&map.name, map.optional, place);
        } else if let Some(secret) = &from.secret_key_ref {
            return self.secret(&secret.name, &secret.key, secret.optional, place).map(Source::Value);
        } else if let Some(file) = &from.file_key_ref {
            return self.file(container, file).map(Source::File);
        } else {
            self.problems.push(Problem::Source { place });
        }
        None
    }

    /// The value of a Secret's key; says so where it is not there.
    pub(crate) fn secret(&mut self, name: &str, key: &str, optional: bool, place: Place) -> Option<Hidden> {
        let value = self.secrets.get(name, key).map(Hidden::from);
        if value.is_none() {
            self.missing(SecretReference { secret: name.into(), key: Some(key.into()), optional, place });
        }
        value
    }

    pub(crate) fn missing(&mut self, reference: SecretReference) {
        if reference.optional {
            self.notes.push(Note::NoSecret(reference));
        } else {
            self.problems.push(Problem::MissingSecret(reference));
        }
    }

    pub(crate) fn config_map(&mut self, name: &str, optional: bool, place: Place) {
        let name = name.to_owned();
        if optional {
            self.notes.push(Note::NoConfigMap { place, name });
        } else {
            self.problems.push(Problem::ConfigMap { place, name });
        }
    }

    /// The value of a `resourceFieldRef`; `own` is the container whose env var it is, if it is one.
    pub(crate) fn resource(
        &mut self,
        own: Option<&Container>,
        reference: &ResourceFieldRef,
        place: Place,
    ) -> Option<String> {
        let ResourceFieldRef { container_name, resource, divisor } = reference;
        let container = match own {
            Some(own) if container_name.is_empty() => Some(own),
            _ => self.containers.iter().copied().find(|container| container.name == *container_name),
        };
        let amount = match container {
            Some(container) => quantity::value(&container.resources, resource, divisor.as_ref()),
            None => Err("of a container that the pod does not have"),
        };
        match amount {
            Ok(Amount::Stated(value)) => Some(value),
            Ok(Amount::Guessed(value)) => {
                self.notes.push(Note::ResourceGuessed { place, resource: resource.clone(), value: value.clone() });
                Some(value)
            }
            Err(reason) => {
                self.problems.push(Problem::Field { place, field: resource.clone(), reason });
                None
            }
        }
    }

    fn file(&mut self, container: &Container, file: &FileKeyRef) -> Option<FileRef> {
        let reason = if !self.empty_dirs.contains(file.volume_name.as_str()) {
            "which is no emptyDir: `fileKeyRef` reads from nothing else"
        } else if file.path.is_empty() || file.path.split('/').any(|part| part == "..") {
            "with a `fileKeyRef` path that is no path in it"
        } else if file.key.is_empty() {
            "with a `fileKeyRef` that has no key"
        } else {
            return Some(FileRef {
                volume: file.volume_name.clone(),
                path: file.path.clone(),
                key: file.key.clone(),
                optional: file.optional,
            });
        };
        let (container, volume) = (container.name.clone(), file.volume_name.clone());
        self.problems.push(Problem::VolumeName { container, volume, reason });
        None
    }
}
