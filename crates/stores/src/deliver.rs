//! Writes values where the containers look: files, and the env file that the kubelet reads.

use crate::env_file::{self, Unfit};
use admission::Values;
use admission::plan::{ENV_FILE, ENV_VOLUME, FILES_VOLUME, Plan, Source};
use secret::{FilePath, NameError, Secret};
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use thiserror::Error;
use zeroize::Zeroizing;

/// The largest value that is delivered as a file, in bytes: what a Kubernetes Secret may hold.
pub const MAX_FILE: usize = 1024 * 1024;

/// Mode of the folders of secret files.
const FOLDER_MODE: u32 = 0o755;

/// The folders of the two memory volumes. Where a plan needs neither, both may be absent.
#[derive(Clone, Debug, Default)]
pub struct Volumes {
    /// The volume of files.
    pub files: Option<PathBuf>,
    /// The volume with the env file.
    pub env: Option<PathBuf>,
}

/// Values that were checked against every limit and can be written.
#[must_use = "nothing has been written yet"]
pub struct Prepared<'v> {
    files: Vec<(Secret, FilePath, &'v [u8])>,
    /// The env file; none where no variable is sealed.
    env_file: Option<Zeroizing<String>>,
    file_mode: u32,
    /// Values for which a variable was a wish only, and which come as file alone.
    pub left_out: Vec<LeftOut>,
}

/// A value that comes as file alone.
#[derive(Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Its place in the plan.
    pub request: usize,
    /// Why it is no variable.
    pub reason: Unfit,
}

/// Values that can't be delivered.
#[derive(Debug, Error)]
pub enum DeliverError {
    /// A value that was asked for as a variable and can't be one.
    #[error("secret `{secret}` was asked for as ENV_VAR, but its value can't be one: {reason}")]
    Unfit {
        /// The secret.
        secret: Box<Secret>,
        /// Why.
        reason: Unfit,
    },
    /// A value that is too large for a file.
    #[error("secret `{secret}` has {size} bytes; {MAX_FILE} is the limit for a file")]
    TooLarge {
        /// The secret.
        secret: Box<Secret>,
        /// Its size in bytes.
        size: usize,
    },
    /// A secret of the plan without a value.
    #[error("secret `{secret}` has no value")]
    NoValue {
        /// The secret.
        secret: Box<Secret>,
    },
    /// A path that would leave its folder.
    #[error("secret `{secret}`: {error}")]
    Path {
        /// The secret.
        secret: Box<Secret>,
        /// What is wrong with the path.
        error: NameError,
    },
    /// A file that can't be written.
    #[error("secret `{secret}` can't be written to `{path}`: {error}")]
    Write {
        /// The secret.
        secret: Box<Secret>,
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The env file can't be written.
    #[error("the env file `{path}` can't be written: {error}")]
    EnvFile {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// A plan with sealed files or variables, but no folder for them.
    #[error("the pod's volume `{volume}` is not there")]
    NoVolume {
        /// The volume.
        volume: &'static str,
    },
}

impl DeliverError {
    /// What to do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Unfit { .. } => Some("ask for it as FILE"),
            Self::TooLarge { .. } => Some("keep a reference to the data in the secret instead"),
            Self::NoValue { .. }
            | Self::Path { .. }
            | Self::Write { .. }
            | Self::EnvFile { .. }
            | Self::NoVolume { .. } => None,
        }
    }
}

/// Checks the values of everything that a plan delivers sealed. Nothing is written.
///
/// # Errors
/// [`DeliverError`] for a value over a limit or a path that leaves its folder.
pub fn prepare<'v>(values: &'v Values, plan: &Plan) -> Result<Prepared<'v>, DeliverError> {
    let mut prepared = Prepared {
        files: Vec::new(),
        env_file: None,
        file_mode: plan.fetcher.as_ref().map_or(0o400, |fetcher| fetcher.file_mode),
        left_out: Vec::new(),
    };
    for (index, request) in plan.requests.iter().enumerate().filter(|(_, r)| r.source == Source::Sealed) {
        let secret = || Box::new(request.secret.clone());
        let value = values.get(index).ok_or_else(|| DeliverError::NoValue { secret: secret() })?;
        if !request.files.is_empty() && value.len() > MAX_FILE {
            return Err(DeliverError::TooLarge { secret: secret(), size: value.len() });
        }
        for file in &request.files {
            let path =
                FilePath::parse(file.as_str()).map_err(|error| DeliverError::Path { secret: secret(), error })?;
            prepared.files.push((request.secret.clone(), path, value));
        }
        let Some(longest) = request.env.iter().map(|name| name.as_str().len()).max() else { continue };
        let entries = prepared.env_file.get_or_insert_default();
        match env_file::entry(&Plan::env_key(index), value, longest) {
            Ok(entry) => entries.push_str(&entry),
            Err(reason) if request.env_required => return Err(DeliverError::Unfit { secret: secret(), reason }),
            Err(reason) => prepared.left_out.push(LeftOut { request: index, reason }),
        }
    }
    Ok(prepared)
}

/// Writes the values of everything that a plan delivers sealed, after every value was checked.
///
/// # Errors
/// [`DeliverError`] for a value over its limit, or a folder that can't be written.
pub fn deliver(values: &Values, plan: &Plan, volumes: &Volumes) -> Result<(), DeliverError> {
    prepare(values, plan)?.write(volumes)
}

impl Prepared<'_> {
    /// Writes the files and the env file.
    ///
    /// # Errors
    /// [`DeliverError`] for a folder that is not there or can't be written.
    pub fn write(&self, volumes: &Volumes) -> Result<(), DeliverError> {
        if !self.files.is_empty() {
            let root = volumes.files.as_deref().ok_or(DeliverError::NoVolume { volume: FILES_VOLUME })?;
            for (secret, path, value) in &self.files {
                let path = root.join(path.as_str());
                let secret = || Box::new(secret.clone());
                let failed = |error| DeliverError::Write { secret: secret(), path: path.clone(), error };
                write_file(root, &path, value, self.file_mode).map_err(failed)?;
            }
        }
        if let Some(entries) = &self.env_file {
            let root = volumes.env.as_deref().ok_or(DeliverError::NoVolume { volume: ENV_VOLUME })?;
            let path = root.join(ENV_FILE);
            // The kubelet alone reads it, as root.
            let written = write_file(root, &path, entries.as_bytes(), 0o400);
            written.map_err(|error| DeliverError::EnvFile { path, error })?;
        }
        Ok(())
    }
}

/// Writes one file anew: a fetcher may run again over what it wrote before.
fn write_file(root: &Path, path: &Path, value: &[u8], mode: u32) -> io::Result<()> {
    make_folders(root, path.parent().unwrap_or(root))?;
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file: File = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(value)?;
    // After the umask, which `mode` above is subject to.
    file.set_permissions(Permissions::from_mode(mode))
}

/// Makes the folders from `root`, which is there, down to `folder`.
fn make_folders(root: &Path, folder: &Path) -> io::Result<()> {
    if folder == root || folder.is_dir() {
        return Ok(());
    }
    if let Some(parent) = folder.parent() {
        make_folders(root, parent)?;
    }
    fs::create_dir(folder)?;
    // The umask has no say in who may look in.
    fs::set_permissions(folder, Permissions::from_mode(FOLDER_MODE))
}
