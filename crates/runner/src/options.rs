//! What the caller decides: where the pod would live, what of this machine it may see, and which init container is done without a program.

use std::collections::BTreeMap;
use std::error::Error;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::mask::Masked;

/// The names that are passed on from the host's environment; everything else stays behind, so that a stray variable can't stand in for a secret that is not there.
pub const HOST_ENV: [&str; 7] = ["PATH", "HOME", "LANG", "TERM", "TMPDIR", "VIRTUAL_ENV", "PYTHONPATH"];

/// The Secrets of the pod's namespace, wherever the caller has them from.
pub trait SecretObjects {
    /// The value of a Secret's key; `None` if there is no such Secret or key.
    fn get(&self, name: &str, key: &str) -> Option<Vec<u8>>;
    /// All keys of a Secret, for a pod that takes it whole; `None` if there is no such Secret.
    fn keys(&self, name: &str) -> Option<Vec<String>>;
}

/// How to run a pod. Start from [`Options::default`].
pub struct Options<'a> {
    /// The namespace of a pod that names none.
    pub namespace: String,
    /// The service account of a pod that names none.
    pub service_account: String,
    /// The directory that its secrets are in. An absolute path, and not `/`. Without a mount namespace a container may have volumes at or under it only.
    pub secrets_root: String,
    /// An init container that this process does itself.
    pub builtin: Option<Builtin<'a>>,
    /// What the caller puts into volumes before the first container, and takes out of them after the last.
    pub exchange: Option<Box<dyn Exchange + 'a>>,
    /// The caller's environment. Only the names in [`HOST_ENV`] are passed on.
    pub host_env: Vec<(OsString, OsString)>,
    /// How the run's files are kept from everyone else.
    pub isolation: Isolation,
    /// A program and words for it that make it call [`init_if_asked`](crate::init_if_asked) first thing, where this program does not: its `main` may not be its own,
    /// as in a test or in Python. It must be linked with this very version of the runner.
    pub init_command: Option<Vec<OsString>>,
    /// Where the run's private directory is made, if it has one; by default `/dev/shm` where that is memory, else the directory for temporary files.
    pub private_parent: Option<PathBuf>,
    /// How long containers may take to end after a SIGTERM. A pod's own `terminationGracePeriodSeconds` shortens it, never lengthens it.
    pub grace: Duration,
    /// How long a sidecar that ended stays down; doubled with each time, up to a minute.
    pub restart_delay: Duration,
    /// Whether processes that left their container's process group are ended with the pod as well (Linux only). It makes this process the parent of every
    /// orphan below it, so set it only in a program that starts no children of its own meanwhile. In a namespace they always are, and this is not needed.
    pub own_strays: bool,
    /// Values that stand as `***` in what the containers write, in both streams and however it is cut, without the white space around them. Those shorter than
    /// [`SHORTEST_MASKED`](crate::SHORTEST_MASKED) do not, which a note says; nor does what is derived from a value, such as its base64
    /// or one of its lines: if those are to be masked, give them too. What may be the start of a value is held back until it is known.
    pub mask: Vec<Masked>,
}

impl Default for Options<'_> {
    fn default() -> Self {
        Options {
            namespace: "default".into(),
            service_account: "default".into(),
            secrets_root: "/etc/flyte/secrets".into(),
            builtin: None,
            exchange: None,
            isolation: Isolation::default(),
            init_command: None,
            host_env: Vec::new(),
            private_parent: None,
            grace: Duration::from_secs(10),
            restart_delay: Duration::from_secs(1),
            own_strays: false,
            mask: Vec::new(),
        }
    }
}

/// How a run's files are kept from everyone else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Isolation {
    /// [`Namespace`](Isolation::Namespace) if the program calls [`init_if_asked`](crate::init_if_asked), and the system allows it; a note says so if it does not.
    #[default]
    Auto,
    /// Each container sees its volumes where the pod has them mounted, in namespaces of the run's own (Linux only). They are in memory that nothing but the run
    /// has, and all of it ends with this process, also when that is killed. A pod is refused if the system has no namespaces for this user.
    Namespace,
    /// A directory that only this user can look into stands for the secrets' directory, and the paths that a container is told are changed to it. Volumes can be
    /// mounted nowhere else. If this process is killed, the directory stays until the next run.
    Directory,
}

/// An init container without a program: a function of the caller's that fills volumes, where the cluster would start an image.
pub struct Builtin<'a> {
    pub(crate) container: String,
    pub(crate) fill: Box<Fill<'a>>,
}

type Fill<'a> = dyn FnOnce(&VolumeDirs) -> Result<(), Box<dyn Error + Send + Sync>> + 'a;

impl<'a> Builtin<'a> {
    /// In place of the init container named `container`, when its turn comes, `fill` is called with the directories of the pod's volumes. Its error is that
    /// container's failure. It runs on the caller's thread and signals wait for it, so it should do its slow work before.
    pub fn new(
        container: impl Into<String>,
        fill: impl FnOnce(&VolumeDirs) -> Result<(), Box<dyn Error + Send + Sync>> + 'a,
    ) -> Self {
        Builtin { container: container.into(), fill: Box::new(fill) }
    }
}

impl fmt::Debug for Builtin<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builtin").field("container", &self.container).finish_non_exhaustive()
    }
}

/// Files that go into a pod's volumes and come out of them. Called on the caller's thread; signals wait for it.
pub trait Exchange {
    /// Called when the volumes are there and nothing has started. An error ends the run.
    fn before(&mut self, volumes: &VolumeDirs) -> std::io::Result<()>;
    /// Called when all containers have ended, however they did, while the volumes are still there.
    fn after(&mut self, volumes: &VolumeDirs);
}

impl<T: Exchange + ?Sized> Exchange for &mut T {
    fn before(&mut self, volumes: &VolumeDirs) -> std::io::Result<()> {
        (**self).before(volumes)
    }

    fn after(&mut self, volumes: &VolumeDirs) {
        (**self).after(volumes);
    }
}

/// The directories on this machine that stand for the pod's volumes.
#[derive(Debug, Default)]
pub struct VolumeDirs(pub(crate) BTreeMap<String, PathBuf>);

impl VolumeDirs {
    /// The directory of a volume.
    pub fn get(&self, volume: &str) -> Option<&Path> {
        self.0.get(volume).map(PathBuf::as_path)
    }

    /// All of them, by the volume's name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Path)> {
        self.0.iter().map(|(name, dir)| (name.as_str(), dir.as_path()))
    }
}
