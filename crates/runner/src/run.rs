//! A pod from its first init container to its last sidecar.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::rc::Rc;

use crate::mask::Values;
use crate::options::Builtin;
use crate::outcome::{ContainerResult, Decider, End, Outcome, Role, StartError, signal_code};
use crate::output::{Note, Output};
use crate::place::Place;
use crate::prepare::{Planned, Prepared};
use crate::private::{self, MEMORY, PrivateDir};
use crate::problem::RunError;
use crate::program::{Launch, Surroundings};
use crate::signals::Signals;
use crate::strays::Strays;
use crate::supervisor::{Patience, Supervisor};

pub(crate) fn run(mut prepared: Prepared<'_>, output: &mut dyn Output) -> Result<Outcome, RunError> {
    // In this order: what is dropped first ends the processes, what is dropped next removes their files, and only then signals may end this process.
    let mut signals = Signals::listen().map_err(RunError::Watch)?;
    let parent = prepared.options.private_parent.take().unwrap_or_else(|| private::parent(Path::new(MEMORY)));
    let swept = private::sweep(&parent);
    if swept > 0 {
        output.note(&Note::Swept(swept));
    }
    if let Some(sandbox) = prepared.sandbox.take() {
        let outcome = run_in(prepared, &Place::Sandbox(Rc::clone(&sandbox)), &mut signals, output);
        let strays = sandbox.finish();
        // Where the run broke off, what still ran was not astray.
        say_strays(if outcome.is_ok() { strays } else { 0 }, output);
        return outcome;
    }
    let private = PrivateDir::make(&parent).map_err(|source| RunError::PrivateDir { dir: parent, source })?;
    let strays = if prepared.options.own_strays { Strays::adopt() } else { None };
    let outcome = run_in(prepared, &Place::Directory(private.path()), &mut signals, output);
    say_strays(strays.map_or(0, |strays| strays.end()), output);
    if let Err(error) = private.remove() {
        output.note(&Note::NotRemoved { dir: private.path().into(), reason: error.to_string() });
    }
    outcome
}

fn say_strays(count: usize, output: &mut dyn Output) {
    if count > 0 {
        output.note(&Note::StraysKilled(count));
    }
}

/// Everything that lies in the run's files and everything that runs, from start to end.
fn run_in(
    prepared: Prepared<'_>,
    place: &Place<'_>,
    signals: &mut Signals,
    output: &mut dyn Output,
) -> Result<Outcome, RunError> {
    let Prepared { containers, volumes, to_fill, builtin, primary, root, host_env, grace, mut options, .. } = prepared;
    let masked = Rc::new(Values::new(&options.mask));
    if masked.too_short > 0 {
        output.note(&Note::NotMasked(masked.too_short));
    }
    let volumes = place.make(&volumes, &to_fill)?;
    let mut exchange = options.exchange.take();
    if let Some(exchange) = &mut exchange {
        exchange.before(&volumes).map_err(RunError::Exchange)?;
    }
    let patience = Patience { grace, restart_delay: options.restart_delay };
    let mut stage = Stage {
        containers: &containers,
        primary: primary.as_deref(),
        surroundings: Surroundings { root: &root, host_env: &host_env, volumes: &volumes, sandbox: place.sandbox() },
        place,
        supervisor: Supervisor::new(output, signals, patience, masked, place.sandbox().cloned()),
        failed: BTreeMap::new(),
        filled: None,
    };
    stage.play(builtin).map_err(RunError::Watch)?;
    let outcome = stage.outcome();
    if let Some(mut exchange) = exchange {
        exchange.after(&volumes);
    }
    Ok(outcome)
}

/// A run under way.
struct Stage<'a> {
    containers: &'a [Planned],
    primary: Option<&'a str>,
    surroundings: Surroundings<'a>,
    place: &'a Place<'a>,
    supervisor: Supervisor<'a>,
    /// Why containers did not start, by their index.
    failed: BTreeMap<usize, StartError>,
    /// The built-in container that has done its work.
    filled: Option<usize>,
}

impl Stage<'_> {
    fn play(&mut self, builtin: Option<Builtin<'_>>) -> io::Result<()> {
        if self.init(builtin)? {
            self.regular()?;
        }
        self.supervisor.end_sidecars()
    }

    /// Init containers one after another. Whether the pod goes on to its containers.
    fn init(&mut self, mut builtin: Option<Builtin<'_>>) -> io::Result<bool> {
        let containers = self.containers;
        for (index, planned) in containers.iter().enumerate().filter(|(_, planned)| planned.role != Role::Regular) {
            if self.supervisor.stopped_by().is_some() {
                return Ok(false);
            }
            match (&planned.program, builtin.take_if(|_| planned.program.is_none())) {
                (None, Some(builtin)) => match (builtin.fill)(self.surroundings.volumes) {
                    Ok(()) => self.filled = Some(index),
                    Err(error) => self.fail(index, StartError::Builtin(error)),
                },
                _ => _ = self.launch(index).map(|launch| self.start(index, launch)),
            }
            if planned.role == Role::Init && !self.failed.contains_key(&index) && self.filled != Some(index) {
                self.supervisor.wait(|supervisor| supervisor.end(index).is_some())?;
            }
            let went_well = match planned.role {
                Role::Sidecar => !self.failed.contains_key(&index),
                _ => self.end(index).is_success(),
            };
            if !went_well {
                return Ok(false);
            }
        }
        Ok(self.supervisor.stopped_by().is_none())
    }

    /// Containers side by side. None is started before it is known what each of them gets.
    fn regular(&mut self) -> io::Result<()> {
        let containers = self.containers;
        let indices = || (0..containers.len()).filter(|&index| containers[index].role == Role::Regular);
        let launches: Vec<(usize, Launch)> = indices().filter_map(|index| Some((index, self.launch(index)?))).collect();
        if !self.failed.is_empty() {
            return Ok(());
        }
        for (index, launch) in launches {
            self.start(index, launch);
        }
        let all_ended = |supervisor: &Supervisor<'_>| supervisor.running(Role::Regular).is_empty();
        if let Some(primary) = self.primary {
            self.supervisor.wait(|supervisor| !supervisor.running(Role::Regular).iter().any(|name| name == primary))?;
            let running = self.supervisor.running(Role::Regular);
            if !running.is_empty() && self.supervisor.stopped_by().is_none() {
                self.supervisor.output.note(&Note::PrimaryEnded { container: primary.into(), running });
            }
        }
        self.supervisor.wait(all_ended)
    }

    fn launch(&mut self, index: usize) -> Option<Launch> {
        let planned = &self.containers[index];
        match planned.program.as_ref()?.launch(&self.surroundings, &self.place.of_container(&planned.name)) {
            Ok(launch) => Some(launch),
            Err(error) => {
                self.fail(index, error);
                None
            }
        }
    }

    fn start(&mut self, index: usize, launch: Launch) {
        let planned = &self.containers[index];
        if let Err(error) = self.supervisor.start(index, &planned.name, planned.role, launch) {
            self.fail(index, error);
        }
    }

    fn fail(&mut self, index: usize, error: StartError) {
        let container = self.containers[index].name.clone();
        self.supervisor.output.note(&Note::Failed { container, reason: error.chain() });
        self.failed.insert(index, error);
    }

    fn end(&self, index: usize) -> End {
        match self.failed.get(&index) {
            Some(error @ StartError::Builtin(_)) => End::Exited(error.code()),
            Some(error) => End::NotStarted(error.code()),
            None if self.filled == Some(index) => End::Exited(0),
            None => self.supervisor.end(index).unwrap_or(End::NotReached),
        }
    }

    fn outcome(mut self) -> Outcome {
        let signal = self.supervisor.stopped_by();
        let mut containers: Vec<ContainerResult> = Vec::new();
        for (index, planned) in self.containers.iter().enumerate() {
            let (name, role, end) = (planned.name.clone(), planned.role, self.end(index));
            containers.push(ContainerResult { name, role, end, error: self.failed.remove(&index) });
        }
        let (exit_code, decided_by) = decide(&containers, self.primary, signal);
        Outcome { exit_code, decided_by, containers }
    }
}

/// The exit code of a run, and who decided it.
fn decide(containers: &[ContainerResult], primary: Option<&str>, signal: Option<i32>) -> (u8, Decider) {
    if let Some(signal) = signal {
        return (signal_code(signal), Decider::Signal(signal));
    }
    let by = |one: &ContainerResult| (one.end.code().unwrap_or(1), Decider::Container(one.name.clone()));
    // A sidecar counts only if it could not be started, for then nothing after it was.
    let not_started = |one: &ContainerResult| one.role == Role::Sidecar && one.error.is_some();
    let has_failed = |one: &ContainerResult| one.end.code().is_some_and(|code| code != 0);
    let before = containers.iter().find(|one| not_started(one) || (one.role == Role::Init && has_failed(one)));
    let primary = containers
        .iter()
        .find(|one| one.role == Role::Regular && one.end != End::NotReached && primary == Some(one.name.as_str()));
    let first = || containers.iter().find(|one| one.role == Role::Regular && has_failed(one));
    before.or(primary).or_else(first).map_or((0, Decider::AllSucceeded), by)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decided(ends: &[(&str, Role, End)], primary: Option<&str>, signal: Option<i32>) -> (u8, Decider) {
        let result = |&(name, role, end): &(&str, Role, End)| {
            let error = matches!(end, End::NotStarted(_)).then(|| StartError::Builtin("x".into()));
            ContainerResult { name: name.into(), role, end, error }
        };
        decide(&ends.iter().map(result).collect::<Vec<_>>(), primary, signal)
    }

    #[test]
    fn who_decides() {
        use End::{Exited, NotReached, NotStarted, Signalled};
        use Role::{Init, Regular, Sidecar};
        let container = |code, name: &str| (code, Decider::Container(name.into()));
        let good = [("i", Init, Exited(0)), ("s", Sidecar, Signalled(15)), ("a", Regular, Exited(0))];
        assert_eq!(decided(&good, None, None), (0, Decider::AllSucceeded));
        assert_eq!(decided(&good, Some("a"), None), container(0, "a"));
        assert_eq!(decided(&good, Some("a"), Some(2)), (130, Decider::Signal(2)));
        let two = [("a", Regular, Exited(0)), ("b", Regular, Signalled(9)), ("c", Regular, Exited(3))];
        assert_eq!(decided(&two, None, None), container(137, "b"));
        assert_eq!(decided(&two, Some("a"), None), container(0, "a"));
        assert_eq!(decided(&two, Some("c"), None), container(3, "c"));
        let init = [("i", Init, Exited(4)), ("a", Regular, NotReached)];
        assert_eq!(decided(&init, Some("a"), None), container(4, "i"));
        let sidecar = [("s", Sidecar, NotStarted(127)), ("a", Regular, NotReached)];
        assert_eq!(decided(&sidecar, Some("a"), None), container(127, "s"));
        let start = [("a", Regular, NotReached), ("b", Regular, NotStarted(128))];
        assert_eq!(decided(&start, Some("a"), None), container(128, "b"));
    }
}
