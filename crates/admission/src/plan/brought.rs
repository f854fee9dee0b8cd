//! Secrets that somebody else's program brings into the pod, as in Flyte: a vendor's init container for each secret, or
//! another injector that annotations speak to.

use super::MountAddition;
use std::sync::Arc;

/// What a vendor's init container fetches, and how it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pull {
    /// What is fetched, in the store's own words: an ARN, a resource with its version, a URI.
    pub what: String,
    /// The file's path below the secrets' root.
    pub file: String,
    /// The flytekit call that finds the file, where group and key don't.
    pub read_with: Option<String>,
    /// Whether `env_var` is set to the file's path.
    pub has_path_env: bool,
    /// The start of the container's name; its number among the init containers follows.
    pub stem: &'static str,
    /// The container's image.
    pub image: String,
    /// The container's command as it is written, the kubelet's expansion thought of; the image's own where empty. What the task's author chose is in it only where no shell
    /// can take it for anything but a word.
    pub command: Vec<String>,
    /// The container's own variables.
    pub env: Vec<(&'static str, String)>,
    /// The container's resources, as JSON.
    pub resources: String,
    /// The memory volume of the files.
    pub volume: &'static str,
    /// Where the container sees that volume.
    pub folder: &'static str,
}

/// What another injector is told by annotations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Annotated {
    /// What is fetched, in the store's own words.
    pub what: String,
    /// The file's path below the secrets' root.
    pub file: String,
    /// The annotations for this secret, by name.
    pub annotations: Vec<(String, String)>,
}

/// A vendor's init container of the pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullContainer {
    /// Its name.
    pub name: String,
    /// What it does.
    pub pull: Arc<Pull>,
    /// Its place in the pod's init containers, where an admission before this one has put it there.
    pub there: Option<usize>,
    /// The first of the plan's variables that it gets: Flyte hands each secret's variables to the containers that are
    /// there at that time.
    pub env_from: usize,
    /// The mounts that it gets besides its own, for the same reason.
    pub mounts: Vec<MountAddition>,
}
