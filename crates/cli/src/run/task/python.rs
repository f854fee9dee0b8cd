//! The active environment's Python, and the flytekit in it.

use crate::fault::Fault;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Says where flytekit's entrypoint is, without importing flytekit, which takes a second. Modules of the current folder are
/// left out: they could be in the way of those that are needed here.
const PROBE: &str = "\
import sys
sys.path[:] = [folder for folder in sys.path if folder]
from importlib import metadata
try:
    found = metadata.distribution('flytekit')
except metadata.PackageNotFoundError:
    sys.exit('it has no flytekit')
scripts = [found.locate_file(file).resolve() for file in found.files or [] if file.name == 'pyflyte-execute']
if not scripts:
    sys.exit('its flytekit has no pyflyte-execute')
print(found.version, scripts[0].parent, sys.executable, sep='\\n')
";

/// An interpreter that has flytekit.
#[derive(Debug)]
pub(super) struct Python {
    /// Where it is.
    pub(super) path: String,
    /// Which flytekit it has.
    pub(super) flytekit: String,
    /// The folder of its programs.
    programs: String,
}

impl Python {
    /// That of the environment which is active: by `VIRTUAL_ENV`, else the first on `PATH` that has flytekit.
    pub(super) fn active() -> Result<Self, Fault> {
        let own = std::env::var_os("VIRTUAL_ENV").filter(|folder| !folder.is_empty());
        let candidates = match &own {
            Some(folder) => vec![Path::new(folder).join("bin/python")],
            None => ["python", "python3"].map(PathBuf::from).to_vec(),
        };
        let mut fault = Fault::new("no flytekit in the active Python environment; nothing was started");
        for candidate in &candidates {
            match ask(candidate) {
                Ok(python) => return Ok(python),
                Err(reason) => fault = fault.detail(format!("{}: {reason}", candidate.display())),
            }
        }
        let install = match &own {
            Some(folder) => format!("`{}/bin/python -m pip install flytekit` installs it there", folder.display()),
            None => "`pip install flytekit` installs it".to_owned(),
        };
        Err(fault.hint(format!("activate the environment that your task runs in, or {install}")))
    }

    /// This machine's environment, in which its programs come first.
    pub(super) fn environment(&self) -> Vec<(OsString, OsString)> {
        super::with_path(&self.programs)
    }
}

fn ask(python: &Path) -> Result<Python, String> {
    let mut command = Command::new(python);
    command.args(["-c", PROBE]).stdin(Stdio::null());
    let output = command.output().map_err(|error| crate::document::reason(&error))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if !output.status.success() {
        let said = text(&output.stderr);
        return Err(said.lines().last().unwrap_or("it failed without a word").to_owned());
    }
    let said = text(&output.stdout);
    let mut lines = said.lines().map(str::to_owned);
    match (lines.next(), lines.next(), lines.next()) {
        (Some(flytekit), Some(programs), Some(path)) => Ok(Python { path, flytekit, programs }),
        _ => Err("it did not say where its flytekit is".to_owned()),
    }
}
