//! Where things are.

use crate::failure::Failure;
use crate::process;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The workspace as Cargo sees it.
pub(crate) struct Workspace {
    /// The folder of the root manifest.
    pub(crate) root: PathBuf,
    /// Where Cargo builds; our own leavings go there too.
    pub(crate) target: PathBuf,
    /// What `cargo metadata --no-deps` says.
    pub(crate) metadata: Value,
}

impl Workspace {
    /// Asks Cargo.
    pub(crate) fn read() -> Result<Self, Failure> {
        let root = root();
        let mut cargo = process::cargo(&root);
        cargo.args(["metadata", "--format-version", "1", "--no-deps"]);
        let text = process::output(&mut cargo)?;
        let metadata: Value = serde_json::from_str(&text)
            .map_err(|error| Failure::new(format!("`cargo metadata` printed something else than JSON: {error}")))?;
        let folder = |name: &str| {
            let path = metadata[name].as_str().map(PathBuf::from);
            path.ok_or_else(|| Failure::new(format!("`cargo metadata` says no `{name}`")))
        };
        Ok(Self { root: folder("workspace_root")?, target: folder("target_directory")?, metadata })
    }
}

/// The folder of the root manifest: above this crate's own, where Cargo says that is.
pub(crate) fn root() -> PathBuf {
    let own = std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    own.parent().map_or(own.clone(), Path::to_path_buf)
}

/// Reads a text file of the repo.
pub(crate) fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| Failure::io(path, &error))
}

/// Writes a file, making its folder if need be.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), Failure> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| Failure::io(folder, &error))?;
    }
    std::fs::write(path, text).map_err(|error| Failure::io(path, &error))
}
