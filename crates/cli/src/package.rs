//! What flytekit packaged, as `run` and `explain` are given it.

mod listing;
mod overview;

use crate::document::{Document, reason};
use crate::fault::Fault;
use crate::manifest::Manifest;
use crate::terminal;
pub(crate) use listing::list;
pub(crate) use overview::execute as overview;
use std::fs::File;
use std::io::{self, BufRead, Read};
use std::path::Path;
use tasks::{Execution, InputError, Inputs, Locations, MAX_PACKAGE, Made, NamedFile, Package, PodError, Task};

/// A package that takes more than a moment to be read.
const LARGE: u64 = 16 << 20;

/// A package and its name in messages.
pub(crate) struct Packaged {
    pub(crate) origin: String,
    pub(crate) package: Package,
}

/// Whether a file, or stdin for `-`, is a package rather than a manifest: whoever names a task means one.
pub(crate) fn is_one(path: &str, task: Option<&str>) -> bool {
    task.is_some() || named_as_one(path) || looks_like_one(path)
}

impl Packaged {
    /// Reads a package, or one serialized task.
    pub(crate) fn read(path: &str) -> Result<Self, Fault> {
        let origin = if path == "-" { "stdin" } else { path }.to_owned();
        let bytes = bytes(path).map_err(|error| match error.kind() {
            io::ErrorKind::IsADirectory => {
                Fault::new(format!("`{origin}` is a directory")).hint("name the file that `pyflyte package` wrote")
            }
            _ => Fault::new(format!("can't read `{origin}`: {}", reason(&error))),
        })?;
        match Package::read(&bytes) {
            Ok(package) => Ok(Self { origin, package }),
            Err(error) => Err(Fault::new(&error).within(&origin).hint(error.hint())),
        }
    }

    /// The task of a name.
    pub(crate) fn find(&self, name: &str) -> Result<&Task, Fault> {
        self.package.find(name).map_err(|error| Fault::new(&error).within(&self.origin).hint(error.hint()))
    }

    /// The pod that Flyte makes of a task, in a namespace if one is given.
    pub(crate) fn pod(
        &self,
        task: &Task,
        inputs: &Inputs,
        at: &Locations,
        namespace: Option<&str>,
    ) -> Result<Made, Fault> {
        let mut execution = Execution::default();
        if let Some(namespace) = namespace {
            namespace.clone_into(&mut execution.namespace);
        }
        task.pod(&execution, at, inputs).map_err(|error| self.no_pod(&error))
    }

    /// The same without inputs, its commands as the package has them.
    pub(crate) fn outline(&self, task: &Task) -> Result<Made, Fault> {
        task.outline(&Execution::default()).map_err(|error| self.no_pod(&error))
    }

    fn no_pod(&self, error: &PodError) -> Fault {
        Fault::new(error).within(&self.origin).maybe_hint(error.hint())
    }

    /// A pod as a manifest that this package is the origin of.
    pub(crate) fn manifest(&self, pod: &serde_json::Value) -> Result<Manifest, Fault> {
        Document::of(self.origin.clone(), pod.to_string())?.try_into()
    }
}

fn do_not_fit(task: &Task) -> Fault {
    Fault::new(format!("the inputs of task `{}` don't fit; nothing was started", task.name()))
}

/// What is wrong with a file of this machine that an input names. The path is not shown: it may be a value that is secret.
fn wrong_with_file(file: NamedFile<'_>) -> Option<String> {
    let NamedFile { input, uri, is_folder } = file;
    let path = uri.strip_prefix("file://").unwrap_or(uri);
    // What is elsewhere is flytekit's to get.
    if path.contains("://") {
        return None;
    }
    let wanted = if is_folder { "folder" } else { "file" };
    match std::fs::metadata(path) {
        Ok(there) if there.is_dir() == is_folder => None,
        Ok(_) => {
            let there = if is_folder { "file" } else { "folder" };
            Some(format!("input `{input}` names a {there}, and the task wants a {wanted}"))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Some(format!("input `{input}` names a {wanted} that is not there"))
        }
        Err(error) => Some(format!("input `{input}`: its {wanted} can't be had: {error}")),
    }
}

/// A task's inputs, or all that is wrong with them. What isn't given is not missing if `defaults` may stand in.
pub(crate) fn inputs(task: &Task, given: &[String], defaults: bool) -> Result<Inputs, Fault> {
    let errors = match task.all_inputs(given.iter().map(String::as_str), defaults) {
        Ok(inputs) => {
            let wrong: Vec<String> = inputs.files().into_iter().filter_map(wrong_with_file).collect();
            if wrong.is_empty() {
                return Ok(inputs);
            }
            let fault = wrong.into_iter().fold(do_not_fit(task), Fault::detail);
            return Err(fault.hint("a path is looked for from the current folder"));
        }
        Err(errors) => errors,
    };
    let mut fault = do_not_fit(task);
    for error in &errors {
        fault = match error {
            InputError::Missing { names, .. } => names
                .iter()
                .fold(fault, |fault, (name, ty)| fault.detail(format!("input `{name}` ({ty}) is not given"))),
            _ => fault.detail(error),
        };
    }
    for error in &errors {
        fault = match error {
            InputError::Missing { names, .. } => {
                let options: Vec<_> = names.iter().map(|(name, _)| format!("--input {name}=VALUE")).collect();
                fault
                    .hint(format!("give what is missing with {}", options.join(" ")))
                    .hint("a package doesn't have the defaults of its functions: with --defaults they hold for what isn't given")
            }
            _ => fault.maybe_hint(error.hint()),
        };
    }
    Err(fault)
}

fn named_as_one(path: &str) -> bool {
    let is = |ending: &str| Path::new(path).extension().is_some_and(|extension| extension.eq_ignore_ascii_case(ending));
    is("pb") || is("tgz") || is("gz") || is("zip")
}

/// By its first bytes. Where they can't be read, whoever reads the file says so.
fn looks_like_one(path: &str) -> bool {
    let mut start = [0; 512];
    let start = if path == "-" {
        // What is looked at here is read again later: stdin has one buffer for all.
        match io::stdin().lock().fill_buf() {
            Ok(bytes) => {
                let count = bytes.len().min(start.len());
                start[..count].copy_from_slice(&bytes[..count]);
                &start[..count]
            }
            Err(_) => return false,
        }
    } else {
        match File::open(path).and_then(|mut file| file.read(&mut start)) {
            Ok(count) => &start[..count],
            Err(_) => return false,
        }
    };
    // A serialized task is a message, whose field 1 comes first; what else is told from it is told by name, as a package.
    let message = start.first() == Some(&b'\n') && start.iter().any(|byte| is_control(*byte));
    message || [&[0x1f, 0x8b][..], b"PK\x03\x04", b"\x7fELF"].iter().any(|magic| start.starts_with(magic))
}

/// Whether a byte is in no text.
fn is_control(byte: u8) -> bool {
    byte.is_ascii_control() && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x1b)
}

/// No more than a package may have, and one byte, so that more is noticed.
fn bytes(path: &str) -> io::Result<Vec<u8>> {
    let most = MAX_PACKAGE as u64 + 1;
    let mut bytes = Vec::new();
    if path == "-" {
        // How long it takes is up to whoever writes it.
        io::stdin().lock().take(most).read_to_end(&mut bytes)?;
    } else {
        let file = File::open(path)?;
        let size = file.metadata()?.len();
        if size > LARGE {
            terminal::note(format!("reading {} MiB", size >> 20));
        }
        file.take(most).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}
