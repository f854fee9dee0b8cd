//! A Kubernetes pod as local processes.
//!
//! What does a task see of its secrets, and does it find them? Without a cluster the answer is a run of the pod on this machine: each container becomes a process
//! with the env vars and the files that the kubelet would give it, init containers first and in order, containers side by side.
//!
//! ```
//! # use std::ops::ControlFlow;
//! # use runner::{Note, Options, Output, Pod, SecretObjects, Stream};
//! struct NoSecrets;
//! impl SecretObjects for NoSecrets {
//!     fn get(&self, _: &str, _: &str) -> Option<Vec<u8>> { None }
//!     fn keys(&self, _: &str) -> Option<Vec<String>> { None }
//! }
//! struct Lines(Vec<u8>);
//! impl Output for Lines {
//!     fn piece(&mut self, _: &str, _: Stream, bytes: &[u8]) -> ControlFlow<()> {
//!         self.0.extend_from_slice(bytes);
//!         ControlFlow::Continue(())
//!     }
//!     fn note(&mut self, _: &Note) {}
//! }
//!
//! let pod = Pod::from_json(r#"{"spec": {"containers": [{"name": "main",
//!     "command": ["echo"], "args": ["$(GREETING), world"], "env": [{"name": "GREETING", "value": "hello"}]}]}}"#)?;
//! let mut lines = Lines(Vec::new());
//! let options = Options { host_env: std::env::vars_os().collect(), ..Options::default() };
//! let outcome = runner::run(&pod, &NoSecrets, options, &mut lines)?;
//! assert_eq!((outcome.exit_code, lines.0.as_slice()), (0, b"hello, world\n".as_slice()));
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! ```text
//! JSON ─► Pod ─► prepare ─► Prepared ─► run ─► Outcome
//!                  │                      └─ volumes, processes, signals, masked output
//!                  └─ Refusal: everything that is known to be impossible, before anything starts
//! ```
//!
//! A container finds its files where the pod wants them, in namespaces of the run's own, if the program calls [`init_if_asked`] first thing in `main` and the system
//! allows it; else a private directory stands for the secrets' directory ([`Isolation`]).
//!
//! It knows nothing of secret managers: the values of Secrets come through [`SecretObjects`], and an init container that fetches secrets in a cluster can be done
//! by a function of the caller's ([`Builtin`]).

mod env;
pub mod envfile;
mod expansion;
mod field;
mod hidden;
mod ignored;
mod lines;
mod mask;
mod mount;
mod mountpoint;
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "only Linux has namespaces"))]
mod namespace;
#[cfg(test)]
mod observed;
mod options;
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "only Linux has namespaces"))]
mod order;
mod outcome;
mod output;
mod pipe;
mod place;
mod pod;
mod prepare;
mod private;
mod problem;
mod process;
mod program;
mod quantity;
mod reference;
mod root;
mod run;
mod scoped;
mod signals;
mod sources;
mod spec;
mod strays;
mod supervisor;
mod volume;

pub use lines::LONGEST_PIECE;
pub use mask::{MARK, Masked, SHORTEST_MASKED};
pub use namespace::{init_if_asked, namespaces};
pub use options::{Builtin, Exchange, HOST_ENV, Isolation, Options, SecretObjects, VolumeDirs};
pub use outcome::{ContainerResult, Decider, End, Outcome, Role, StartError};
pub use output::{Framing, Note, Output, Stream};
pub use pod::{Pod, PodError};
pub use prepare::{Prepared, prepare, run};
pub use private::PrivateDir;
pub use problem::{MAX_STRING, Problem, Refusal, RunError, Unfit};
pub use reference::{Place, SecretReference};
pub use signals::is_ignored;
