//! Where a run has its files: in a private directory, or in a sandbox that nobody else sees.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::namespace::{KEPT, SCRATCH, Sandbox};
use crate::options::VolumeDirs;
use crate::problem::RunError;
use crate::volume;

/// The parts of the private directory.
const VOLUMES: &str = "volumes";
const CONTAINERS: &str = "containers";

pub(crate) enum Place<'a> {
    Directory(&'a Path),
    Sandbox(Rc<Sandbox>),
}

impl Place<'_> {
    /// Makes the volumes with what is in them. The caller will write secrets to those in `to_fill`.
    pub(crate) fn make(&self, plans: &[volume::Plan], to_fill: &BTreeSet<String>) -> Result<VolumeDirs, RunError> {
        let mut made = VolumeDirs::default();
        if let Place::Directory(private) = self {
            for part in [VOLUMES, CONTAINERS] {
                let dir = private.join(part);
                std::fs::create_dir(&dir).map_err(|source| RunError::PrivateDir { dir, source })?;
            }
        }
        for plan in plans {
            let dir = self.of_volume(plan, to_fill);
            plan.make(&dir).map_err(|source| RunError::PrivateDir { dir: dir.clone(), source })?;
            made.0.insert(plan.name.clone(), dir);
        }
        Ok(made)
    }

    fn of_volume(&self, plan: &volume::Plan, to_fill: &BTreeSet<String>) -> PathBuf {
        let (root, part) = match self {
            Place::Directory(private) => (*private, VOLUMES),
            Place::Sandbox(sandbox) if plan.is_filled() || to_fill.contains(&plan.name) => (sandbox.path(), KEPT),
            Place::Sandbox(sandbox) => (sandbox.path(), SCRATCH),
        };
        root.join(part).join(&plan.name)
    }

    /// Where a directory of a container's own can be made, if it needs one.
    pub(crate) fn of_container(&self, name: &str) -> PathBuf {
        match self {
            Place::Directory(private) => private.join(CONTAINERS).join(name),
            Place::Sandbox(_) => PathBuf::new(),
        }
    }

    pub(crate) fn sandbox(&self) -> Option<&Rc<Sandbox>> {
        match self {
            Place::Directory(_) => None,
            Place::Sandbox(sandbox) => Some(sandbox),
        }
    }
}
