//! Where a task's data is: a folder that nothing remains of, with its inputs, its outputs, its code and its temporary files.
//!
//! In namespaces it is a volume of the pod, in memory that only the run sees; else a private directory of this machine.

use super::{containers, push};
use crate::fault::Fault;
use crate::package::Packaged;
use crate::run::Args;
use crate::run::kept::Isolation;
use crate::terminal;
use runner::{Exchange, PrivateDir, VolumeDirs};
use serde_json::{Value, json};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use tasks::{Code, Inputs, Locations, Task};

/// The volume, and where containers see it.
const VOLUME: &str = "keybearer-task";
const MOUNTED: &str = "/run/keybearer-task";
/// The largest `outputs.pb` or `error.pb` that is read.
const MOST: u64 = 256 << 20;

pub(super) struct Data {
    /// The folder as containers see it.
    root: String,
    /// The same on this machine, where that is not a volume.
    private: Option<PrivateDir>,
    locations: Locations,
    inputs: Vec<u8>,
    template: Vec<u8>,
    code: Option<Vec<u8>>,
    /// What the task has left.
    pub(super) outputs: Option<Vec<u8>>,
    pub(super) error: Option<Vec<u8>>,
}

impl Data {
    pub(super) fn new(packaged: &Packaged, task: &Task, inputs: &Inputs, args: &Args) -> Result<Self, Fault> {
        let reason = match args.kept.isolation {
            Isolation::Namespace => None,
            Isolation::None => Some(None),
            Isolation::Auto => runner::namespaces().err().map(Some),
        };
        let private = match reason {
            None => None,
            Some(reason) => {
                if let Some(reason) = reason {
                    terminal::note(runner::Note::NoNamespace { reason });
                }
                let made = PrivateDir::new();
                Some(made.map_err(|error| Fault::new(format!("a private directory can't be made: {error}")))?)
            }
        };
        let root = private.as_ref().map_or(MOUNTED.into(), |made| made.path().to_string_lossy().into_owned());
        let mut locations = Locations::below(&root);
        if let Some(folder) = &args.task.files_to {
            locations.raw_output_prefix = folder_for_files(folder)?;
        }
        let code = if task.needs_code() { Some(code(packaged, task)?) } else { None };
        locations.code = code.map(|(name, _)| Code {
            archive: format!("{root}/{}", name.rsplit('/').next().unwrap_or(name)),
            folder: format!("{root}/code"),
        });
        Ok(Self {
            root,
            private,
            locations,
            inputs: inputs.to_bytes(),
            template: task.template(),
            code: code.map(|(_, bytes)| bytes.to_vec()),
            outputs: None,
            error: None,
        })
    }

    pub(super) fn locations(&self) -> &Locations {
        &self.locations
    }

    /// How the run is to be isolated: it was found out already what can be had.
    pub(super) fn isolation(&self) -> runner::Isolation {
        if self.private.is_some() { runner::Isolation::Directory } else { runner::Isolation::Namespace }
    }

    /// Lets the task's container see the folder and have its temporary files there.
    pub(super) fn reach(&self, pod: &mut Value, primary: &str) {
        let Some(index) = containers(pod).iter().position(|one| one["name"] == primary) else { return };
        let container = &mut pod["spec"]["containers"][index];
        let own = container["env"].as_array().cloned().unwrap_or_default();
        for (name, value) in [
            ("TMPDIR", format!("{}/tmp", self.root)),
            // What a task prints is seen at once.
            ("PYTHONUNBUFFERED", "1".to_owned()),
            // Lines for people, in which a secret is not encoded: so it is masked.
            ("FLYTE_SDK_LOGGING_FORMAT", "text".to_owned()),
        ] {
            if !own.iter().any(|variable| variable["name"] == name) {
                push(container, "env", json!({"name": name, "value": value}));
            }
        }
        if self.private.is_none() {
            push(container, "volumeMounts", json!({"name": VOLUME, "mountPath": MOUNTED}));
            push(&mut pod["spec"], "volumes", json!({"name": VOLUME, "emptyDir": {"medium": "Memory"}}));
        }
    }

    /// Whether a path is in the folder, and so is gone with the run.
    pub(super) fn is_gone(&self, path: &str) -> bool {
        Path::new(path).starts_with(&self.root)
    }

    /// The folder on this machine.
    fn folder(&self, volumes: &VolumeDirs) -> io::Result<PathBuf> {
        let volume = || volumes.get(VOLUME).ok_or(io::ErrorKind::NotFound);
        Ok(self.private.as_ref().map_or_else(|| volume().map(ToOwned::to_owned), |made| Ok(made.path().to_owned()))?)
    }
}

impl Exchange for Data {
    fn before(&mut self, volumes: &VolumeDirs) -> io::Result<()> {
        let folder = self.folder(volumes)?;
        for part in ["inputs", "outputs", "raw", "tmp", "code"] {
            fs::create_dir(folder.join(part))?;
        }
        fs::write(folder.join("inputs/inputs.pb"), &self.inputs)?;
        fs::write(folder.join("task.pb"), &self.template)?;
        if let (Some(bytes), Some(code)) = (&self.code, &self.locations.code) {
            let name = Path::new(&code.archive).file_name().unwrap_or_default();
            fs::write(folder.join(name), bytes)?;
        }
        Ok(())
    }

    fn after(&mut self, volumes: &VolumeDirs) {
        let Ok(folder) = self.folder(volumes) else { return };
        self.outputs = read(&folder.join("outputs/outputs.pb"));
        self.error = read(&folder.join("outputs/error.pb"));
    }
}

/// A file that the task may have left there: nothing else than a file is opened.
fn read(path: &Path) -> Option<Vec<u8>> {
    let data = fs::symlink_metadata(path).ok()?;
    if !data.is_file() || data.len() > MOST {
        return None;
    }
    fs::read(path).ok()
}

fn code<'p>(packaged: &'p Packaged, task: &Task) -> Result<(&'p str, &'p [u8]), Fault> {
    match &packaged.package.code {
        Some((name, bytes)) => Ok((name, bytes)),
        None => Err(Fault::new(format!(
            "task `{}` was packaged to bring its code along, but there is no code in `{}`",
            task.name().escape_debug(),
            packaged.origin
        ))
        .hint("make the package with `pyflyte --pkgs MODULE package --image IMAGE --copy all`, and give that")),
    }
}

fn folder_for_files(folder: &str) -> Result<String, Fault> {
    let made = fs::create_dir_all(folder).and_then(|()| fs::canonicalize(folder));
    let path = made.map_err(|error| Fault::new(format!("can't make the folder `{folder}`: {error}")))?;
    path.into_os_string().into_string().map_err(|_| Fault::new(format!("the folder `{folder}` has no UTF-8 name")))
}
