//! What flytekit packaged, and the pods and values that Flyte makes of it.
//!
//! ```text
//! [ pyflyte package ] --read--> [ Package ] --find--> [ Task ] --pod--> [ Pod ] --> runner, admission
//!                                                        |
//!                             name=value --inputs--> [ inputs.pb ]      [ outputs.pb ] --outputs--> values
//! ```
//!
//! ```
//! use tasks::{Execution, Locations, Package};
//!
//! // The smallest task there is: `template { id { resource_type: TASK name: "a" } }`.
//! let package = Package::read(b"\x0a\x07\x0a\x05\x08\x01\x22\x01a")?;
//! let task = package.find("a")?;
//! let pod = task.pod(&Execution::default(), &Locations::below("/run/a"), &task.inputs([])?);
//! assert_eq!(pod.unwrap_err().to_string(), "task `a` is of kind ``, which is no pod");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A [`Package`] is read from bytes: what `pyflyte package` writes, or one task as `pyflyte serialize` writes it. Each
//! [`Task`] then says which secrets it asks for, takes values for its inputs ([`Task::inputs`]), and makes the pod
//! ([`Task::pod`]) that Flyte's own pod plugin would make: the same command, environment, label and annotations.
//! Nothing here reads a file, asks a clock or prints; the same input gives the same output.
//!
//! Where the docs say "Flyte", they mean its release 1.16.8; the messages are those of flyteidl 1.16.

mod archive;
mod entity;
mod execution;
mod failure;
mod inputs;
mod literal;
mod msgpack;
mod names;
mod outputs;
mod package;
mod pod;
mod proto;
mod structs;
mod task;
mod template;
mod time;
mod types;

pub use archive::{ArchiveError, MAX_ENTRIES, MAX_ENTRY, MAX_PACKAGE, MAX_UNPACKED};
pub use entity::EntityError;
pub use execution::{Code, Execution, Locations};
pub use failure::{Failure, Origin};
pub use inputs::{InputError, Inputs, NamedFile};
pub use outputs::{OutputError, outputs};
pub use package::{FindError, Package, PackageError};
pub use pod::{Made, Note, PodError};
pub use task::{Target, Task};
pub use template::TemplateError;
pub use types::{Parameter, Type};
