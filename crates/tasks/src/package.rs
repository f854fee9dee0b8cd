//! A package: its tasks, and the code that came along.

use std::fmt::Write as _;
use std::path::Path;

use thiserror::Error;

use crate::archive::{self, File};
use crate::entity::Entity;
use crate::names::nearest;
use crate::{ArchiveError, EntityError, Task};

/// What `pyflyte package` wrote, or one serialized task.
#[derive(Debug)]
#[non_exhaustive]
pub struct Package {
    /// Its tasks, in the order of their entries' numbers.
    pub tasks: Vec<Task>,
    /// The names of its workflows. They are not read further.
    pub workflows: Vec<String>,
    /// The names of its launch plans. They are not read further.
    pub launch_plans: Vec<String>,
    /// The code that `pyflyte package --copy all` (or `auto`) put into it: the name of its entry and a gzipped tar.
    pub code: Option<(String, Vec<u8>)>,
}

/// Why bytes are no package. Says which entry is meant.
#[derive(Debug, Error)]
pub enum PackageError {
    /// Not a package, and not a serialized entity either.
    #[error("it is not a task package: {what}")]
    Neither {
        /// What it seems to be.
        what: String,
    },
    /// It can't be unpacked.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// One of its entries is not what its name says.
    #[error("its entry `{entry}`: {cause}")]
    Entry {
        /// Which.
        entry: String,
        /// What is wrong with it.
        cause: EntityError,
    },
    /// Nothing to run in it.
    #[error("it has no task{}", others(*.workflows, *.launch_plans))]
    NoTask {
        /// How many workflows it has.
        workflows: usize,
        /// How many launch plans it has.
        launch_plans: usize,
    },
}

fn others(workflows: usize, launch_plans: usize) -> String {
    let count = |number, one: &str| format!("{number} {one}{}", if number == 1 { "" } else { "s" });
    match (workflows, launch_plans) {
        (0, 0) => String::new(),
        _ => format!(", only {} and {}", count(workflows, "workflow"), count(launch_plans, "launch plan")),
    }
}

impl PackageError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Archive(cause) => cause.hint(),
            Self::Neither { .. } => {
                "give what `pyflyte --pkgs MODULE package --image IMAGE` wrote, or one of its files"
            }
            Self::Entry { .. } => "make it again with `pyflyte --pkgs MODULE package --image IMAGE`",
            Self::NoTask { .. } => "name the module that has the tasks: `pyflyte --pkgs MODULE package --image IMAGE`",
        }
    }
}

/// Why a task isn't found. Says what is there.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FindError {
    /// None has this name.
    #[error("no task is named `{}`", .name.escape_debug())]
    Unknown {
        /// The name asked for.
        name: String,
        /// The nearest of those that are there.
        nearest: Option<String>,
        /// All of them.
        names: Vec<String>,
    },
    /// It is a workflow, or a launch plan, of this package.
    #[error("`{name}` is a {what}, not a task")]
    Other {
        /// The name.
        name: String,
        /// What it is.
        what: &'static str,
    },
    /// Several have it.
    #[error("{} tasks are named `{name}`: {}", .which.len(), .which.join(", "))]
    Ambiguous {
        /// The name asked for.
        name: String,
        /// Their full identifiers.
        which: Vec<String>,
    },
}

impl FindError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Unknown { nearest: Some(nearest), .. } => format!("did you mean `{nearest}`?"),
            Self::Unknown { names, .. } => {
                let mut hint = format!("it has {}", names.iter().take(10).cloned().collect::<Vec<_>>().join(", "));
                if names.len() > 10 {
                    let _ = write!(hint, " and {} more", names.len() - 10);
                }
                hint
            }
            Self::Other { .. } => "its tasks run one by one, each by its own name".to_owned(),
            Self::Ambiguous { .. } => "give one of these instead of the name alone".to_owned(),
        }
    }
}

impl Package {
    /// Reads a package, or one serialized task, whichever it is.
    ///
    /// # Errors
    /// [`PackageError`] when it is neither, is damaged or over a limit, or has no task.
    pub fn read(bytes: &[u8]) -> Result<Self, PackageError> {
        let mut package = Self { tasks: Vec::new(), workflows: Vec::new(), launch_plans: Vec::new(), code: None };
        if archive::is_gzip(bytes) {
            let mut files = archive::files(bytes, is_entity)?;
            files.sort_by_key(|file| number(&file.name));
            for file in files {
                package.take(file)?;
            }
        } else {
            let entity = Entity::read(bytes).map_err(|cause| PackageError::Neither { what: guess(bytes, &cause) })?;
            package.add(entity);
        }
        if package.tasks.is_empty() {
            let (workflows, launch_plans) = (package.workflows.len(), package.launch_plans.len());
            return Err(PackageError::NoTask { workflows, launch_plans });
        }
        Ok(package)
    }

    /// The task of this name, or of this full identifier ([`Task::full_name`]).
    ///
    /// # Errors
    /// [`FindError`] when there is none, with the nearest name, or when there are several (of several versions).
    pub fn find(&self, name: &str) -> Result<&Task, FindError> {
        if let Some(task) = self.tasks.iter().find(|task| task.full_name() == name && task.full_name() != task.name()) {
            return Ok(task);
        }
        let mut named = self.tasks.iter().filter(|task| task.name() == name);
        match (named.next(), named.next()) {
            (Some(task), None) => Ok(task),
            (Some(_), Some(_)) => {
                let which = self.tasks.iter().filter(|task| task.name() == name).map(Task::full_name).collect();
                Err(FindError::Ambiguous { name: name.to_owned(), which })
            }
            (None, _) if self.workflows.iter().any(|other| other == name) => {
                Err(FindError::Other { name: name.to_owned(), what: "workflow" })
            }
            (None, _) if self.launch_plans.iter().any(|other| other == name) => {
                Err(FindError::Other { name: name.to_owned(), what: "launch plan" })
            }
            (None, _) => {
                let names: Vec<_> = self.tasks.iter().map(|task| task.name().to_owned()).collect();
                let nearest = nearest(name, names.iter().map(String::as_str)).map(str::to_owned);
                Err(FindError::Unknown { name: name.to_owned(), nearest, names })
            }
        }
    }

    fn take(&mut self, file: File) -> Result<(), PackageError> {
        if is_entity(&file.name) {
            let entity = Entity::read(&file.bytes);
            self.add(entity.map_err(|cause| PackageError::Entry { entry: file.name, cause })?);
        } else if file.name.ends_with(".tar.gz") {
            self.code = Some((file.name, file.bytes));
        }
        Ok(())
    }

    fn add(&mut self, entity: Entity) {
        match entity {
            Entity::Task(template) => self.tasks.push(Task::new(*template)),
            Entity::Workflow(name) => self.workflows.push(name),
            Entity::LaunchPlan(name) => self.launch_plans.push(name),
        }
    }
}

/// `0_app.tasks.get_user_1.pb` and its like; anything else in a package is not an entity.
fn is_entity(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == "pb")
}

/// The number that an entry's name begins with. tar has them in the order of the folder that they were in: none.
fn number(name: &str) -> (u64, String) {
    let file = name.rsplit('/').next().unwrap_or(name);
    let digits = file.split('_').next().and_then(|digits| digits.parse().ok());
    (digits.unwrap_or(u64::MAX), name.to_owned())
}

fn guess(bytes: &[u8], cause: &EntityError) -> String {
    match bytes {
        [b'P', b'K', 3 | 5, ..] => "it is a zip file".to_owned(),
        _ if bytes.get(257..262) == Some(b"ustar") => "it is a tar that isn't gzipped".to_owned(),
        [0x7f, b'E', b'L', b'F', ..] => "it is a program".to_owned(),
        _ if !bytes.is_empty() && looks_like_text(bytes) => "it is text".to_owned(),
        _ => cause.to_string(),
    }
}

fn looks_like_text(bytes: &[u8]) -> bool {
    let start = &bytes[..bytes.len().min(512)];
    // The last character may be cut in two.
    let utf8 = std::str::from_utf8(start).map_or_else(|error| error.error_len().is_none(), |_| true);
    utf8 && start.iter().all(|byte| matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~' | 0x80..))
}
