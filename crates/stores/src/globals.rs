//! Global's values, read from the environment and the folder of the process itself.

use admission::Globals;
use admission::config::GlobalLookup;
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// How deep below `secrets-prefix` a file may lie: groups may hold `/`.
const MAX_DEPTH: usize = 8;
/// How many files are read.
const MAX_FILES: usize = 10_000;
/// How large a file may be, in bytes: what a Kubernetes Secret may hold.
const MAX_FILE: u64 = 1024 * 1024;

/// Why the folder can't be read.
#[derive(Debug, Error)]
pub enum GlobalsError {
    /// A folder or file that can't be read.
    #[error("`secrets-prefix`: can't read `{path}`: {error}")]
    Read {
        /// The folder or file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// A folder that is no folder of secrets.
    #[error("`secrets-prefix` `{path}` holds more than {MAX_FILES} files")]
    TooMany {
        /// The folder.
        path: PathBuf,
    },
}

/// Reads the environment of this process and the files below `secrets-prefix`. A folder that is not there has none.
///
/// Files that are larger than a Secret can be are left out. Links are followed, since a Secret volume is made of them,
/// but for the kubelet's own (`..data`).
///
/// # Errors
/// [`GlobalsError`] for what is there and can't be read.
pub fn load_globals(lookup: &GlobalLookup) -> Result<Globals, GlobalsError> {
    let env = std::env::vars_os().filter_map(|(name, value)| {
        let name = name.into_string().ok()?;
        name.starts_with(&lookup.env_prefix).then(|| (name, value.into_vec()))
    });
    let root = Path::new(&lookup.secrets_prefix);
    let mut files = Vec::new();
    walk(root, root, 0, &mut files)?;
    Ok(Globals::new(env, files))
}

fn walk(root: &Path, folder: &Path, depth: usize, files: &mut Vec<(String, Vec<u8>)>) -> Result<(), GlobalsError> {
    let read = |path: &Path, error| GlobalsError::Read { path: path.to_owned(), error };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if depth == 0 && error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(read(folder, error)),
    };
    for entry in entries {
        let entry = entry.map_err(|error| read(folder, error))?;
        if entry.file_name().as_bytes().starts_with(b"..") {
            continue;
        }
        let path = entry.path();
        let metadata = match fs::metadata(&path) {
            Ok(metadata) => metadata,
            // A link to nowhere, or a file that has just gone.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(read(&path, error)),
        };
        if metadata.is_dir() && depth < MAX_DEPTH {
            walk(root, &path, depth + 1, files)?;
        } else if metadata.is_file() && metadata.len() <= MAX_FILE {
            if files.len() == MAX_FILES {
                return Err(GlobalsError::TooMany { path: root.to_owned() });
            }
            let below = path.strip_prefix(root).ok().and_then(Path::to_str);
            if let Some(below) = below {
                files.push((below.to_owned(), fs::read(&path).map_err(|error| read(&path, error))?));
            }
        }
    }
    Ok(())
}
