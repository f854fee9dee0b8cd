//! Finds out, before anything starts, whether a pod can be run here, and what each container will get.

use crate::options::{Options, SecretObjects};
use crate::outcome::Outcome;
use crate::output::{Note, Output};
use crate::pod::Pod;
use crate::problem::{Refusal, RunError};

/// A pod that can be run: every Secret it needs has been read, and nothing has been started or written.
pub struct Prepared<'a> {
    pub(crate) options: Options<'a>,
    pub(crate) notes: Vec<Note>,
}

impl Prepared<'_> {
    /// What the pod asks for that it will not get. [`run`](Prepared::run) gives these to its output first.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// Runs the pod to its end, or to that of this process's patience: see [`Options::grace`].
    pub fn run(self, output: &mut dyn Output) -> Result<Outcome, RunError> {
        for note in &self.notes {
            output.note(note);
        }
        let _ = self.options;
        Err(RunError::Watch(std::io::ErrorKind::Unsupported.into()))
    }
}

/// Checks a pod and reads the Secrets that it names.
pub fn prepare<'a>(pod: &Pod, secrets: &dyn SecretObjects, options: Options<'a>) -> Result<Prepared<'a>, Refusal> {
    let _ = (pod, secrets);
    Ok(Prepared { options, notes: Vec::new() })
}

/// [`prepare`] and [`Prepared::run`] in one.
pub fn run(
    pod: &Pod,
    secrets: &dyn SecretObjects,
    options: Options<'_>,
    output: &mut dyn Output,
) -> Result<Outcome, RunError> {
    prepare(pod, secrets, options)?.run(output)
}
