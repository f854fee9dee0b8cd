//! Watches the processes of a run: one thread that waits for pipes, signals and children at once, so nothing is left behind that could keep it from returning.

use std::collections::BTreeMap;
use std::io;
use std::rc::Rc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::Signal;

use crate::mask::Values;
use crate::namespace::Sandbox;
use crate::outcome::{End, Role, StartError};
use crate::output::{Note, Output};
use crate::pipe::Treatment;
use crate::process::Process;
use crate::program::Launch;
use crate::signals::Signals;

/// How long to sleep at most; a child's end that went unnoticed is noticed then.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// The longest time that a sidecar stays down.
const LONGEST_DELAY: Duration = Duration::from_secs(60);

/// How patient a run is.
#[derive(Clone, Copy)]
pub(crate) struct Patience {
    pub(crate) grace: Duration,
    pub(crate) restart_delay: Duration,
}

/// The containers that have been started.
pub(crate) struct Supervisor<'a> {
    pub(crate) output: &'a mut dyn Output,
    signals: &'a mut Signals,
    patience: Patience,
    /// Where the containers run, if not beside this process.
    sandbox: Option<Rc<Sandbox>>,
    /// What the containers' output is not to show.
    masked: Rc<Values>,
    /// By their index in the pod.
    started: BTreeMap<usize, Started>,
    stop: Option<Stop>,
    /// Sidecars are no longer started again.
    closing: bool,
    buffer: Vec<u8>,
}

struct Started {
    name: String,
    role: Role,
    launch: Launch,
    state: State,
    /// When to stop waiting for its end.
    kill_at: Option<Instant>,
    /// How often it was started again.
    restarts: u32,
}

enum State {
    Running(Process),
    /// A sidecar that is down until then.
    Waiting(End, Instant),
    Ended(End),
}

#[derive(Clone, Copy)]
struct Stop {
    signal: i32,
    deadline: Instant,
}

impl<'a> Supervisor<'a> {
    pub(crate) fn new(
        output: &'a mut dyn Output,
        signals: &'a mut Signals,
        patience: Patience,
        masked: Rc<Values>,
        sandbox: Option<Rc<Sandbox>>,
    ) -> Self {
        let (started, buffer) = (BTreeMap::new(), vec![0; 64 * 1024]);
        Supervisor { output, signals, patience, sandbox, masked, started, stop: None, closing: false, buffer }
    }

    /// Starts a container.
    pub(crate) fn start(&mut self, index: usize, name: &str, role: Role, mut launch: Launch) -> Result<(), StartError> {
        let process = spawn(&mut launch, name, &self.masked, self.output)?;
        let state = State::Running(process);
        self.started.insert(index, Started { name: name.into(), role, launch, state, kill_at: None, restarts: 0 });
        Ok(())
    }

    /// How a container ended, if it was started and has ended.
    pub(crate) fn end(&self, index: usize) -> Option<End> {
        match self.started.get(&index)?.state {
            State::Ended(end) => Some(end),
            _ => None,
        }
    }

    /// The names of those of a role that have not ended.
    pub(crate) fn running(&self, role: Role) -> Vec<String> {
        let running = self.started.values().filter(|one| one.role == role && !matches!(one.state, State::Ended(_)));
        running.map(|one| one.name.clone()).collect()
    }

    /// The signal that ended the run, if one came.
    pub(crate) fn stopped_by(&mut self) -> Option<i32> {
        self.take_signals(Instant::now());
        self.stop.map(|stop| stop.signal)
    }

    /// Waits until `done`, which is asked whenever something happened.
    pub(crate) fn wait(&mut self, done: impl Fn(&Self) -> bool) -> io::Result<()> {
        while !done(self) {
            self.turn()?;
        }
        Ok(())
    }

    /// Ends the sidecars, the last one first, all of them within one grace period.
    pub(crate) fn end_sidecars(&mut self) -> io::Result<()> {
        self.closing = true;
        let deadline = self.stop.map_or(Instant::now() + self.patience.grace, |stop| stop.deadline);
        let sidecars = self.started.iter().filter(|(_, one)| one.role == Role::Sidecar);
        let sidecars: Vec<usize> = sidecars.map(|(index, _)| *index).rev().collect();
        for index in sidecars {
            if let Some(one) = self.started.get_mut(&index) {
                one.terminate(deadline);
            }
            self.wait(|me| me.end(index).is_some())?;
        }
        Ok(())
    }

    /// Waits for something to happen and deals with it.
    fn turn(&mut self) -> io::Result<()> {
        let ready = self.poll()?;
        if let Some(sandbox) = &self.sandbox {
            sandbox.receive()?;
        }
        let now = Instant::now();
        self.take_signals(now);
        let mut killed = Vec::new();
        for (index, one) in &mut self.started {
            let Started { name, role, state, .. } = one;
            let mut give = |stream, bytes: &[u8]| self.output.piece(name, stream, bytes);
            if let State::Running(process) = state {
                process.read(ready.get(index).map_or(&[], Vec::as_slice), &mut self.buffer, &mut give);
                process.reap(now)?;
                if let Some(end) = process.finish(now, &mut give) {
                    *state = State::Ended(end);
                    if *role != Role::Sidecar && !end.is_success() && self.stop.is_none() {
                        self.output.note(&Note::Ended { container: name.clone(), role: *role, end });
                    }
                    if *role == Role::Sidecar && !self.closing && self.stop.is_none() {
                        let delay = self.patience.delay(one.restarts);
                        one.restarts += 1;
                        *state = State::Waiting(end, now + delay);
                        self.output.note(&Note::SidecarEnded { container: name.clone(), end, delay });
                    }
                } else if one.kill_at.is_some_and(|at| at <= now) {
                    one.kill_at = None;
                    if process.is_alive() {
                        process.signal(Signal::KILL);
                        killed.push(name.clone());
                    }
                }
            }
            one.wake(now, self.closing || self.stop.is_some(), &self.masked, self.output);
        }
        if !killed.is_empty() {
            self.output.note(&Note::Killing { containers: killed });
        }
        Ok(())
    }

    /// Sleeps until something can be read or is due. Gives, for each running container, which of its pipes are ready.
    fn poll(&self) -> io::Result<BTreeMap<usize, Vec<bool>>> {
        let running = || {
            self.started.iter().filter_map(|(index, one)| match &one.state {
                State::Running(process) => Some((*index, process)),
                _ => None,
            })
        };
        let mut fds = vec![PollFd::from_borrowed_fd(self.signals.fd(), PollFlags::IN)];
        fds.extend(self.sandbox.iter().map(|sandbox| PollFd::from_borrowed_fd(sandbox.fd(), PollFlags::IN)));
        let others = fds.len();
        fds.extend(
            running()
                .flat_map(|(_, process)| process.pipes())
                .map(|pipe| PollFd::from_borrowed_fd(pipe, PollFlags::IN)),
        );
        let due = self.started.values().flat_map(Started::due).min();
        let sleep = due.map_or(HEARTBEAT, |due| due.saturating_duration_since(Instant::now()).min(HEARTBEAT));
        let sleep = Timespec::try_from(sleep).unwrap_or(Timespec { tv_sec: 0, tv_nsec: 0 });
        match poll(&mut fds, Some(&sleep)) {
            Ok(_) => {}
            Err(Errno::INTR) => return Ok(BTreeMap::new()),
            Err(error) => return Err(error.into()),
        }
        let mut ready = fds.iter().skip(others).map(|fd| !fd.revents().is_empty());
        Ok(running().map(|(index, process)| (index, ready.by_ref().take(process.pipes().count()).collect())).collect())
    }

    fn take_signals(&mut self, now: Instant) {
        for signal in self.signals.pending() {
            let grace = self.patience.grace;
            let deadline = if self.stop.is_none() { now + grace } else { now };
            if self.stop.is_none() {
                self.output.note(&Note::Stopping { signal, grace });
            }
            let signal = self.stop.map_or(signal, |stop| stop.signal);
            let is_second = self.stop.replace(Stop { signal, deadline }).is_some();
            for one in self.started.values_mut() {
                if is_second {
                    one.kill_at = Some(now);
                } else if one.role == Role::Sidecar {
                    // It is asked when the containers it serves have ended, but it has no longer than they.
                    one.kill_at = one.kill_at.map(|at| at.min(deadline));
                } else {
                    one.terminate(deadline);
                }
            }
        }
    }
}

impl Started {
    /// Asks the container to end, and sees to it at `deadline`.
    fn terminate(&mut self, deadline: Instant) {
        match &self.state {
            State::Running(process) => {
                process.signal(Signal::TERM);
                self.kill_at = Some(deadline);
            }
            State::Waiting(end, _) => self.state = State::Ended(*end),
            State::Ended(_) => {}
        }
    }

    /// Starts a sidecar again that has been down long enough, unless the pod is `ending`.
    fn wake(&mut self, now: Instant, ending: bool, masked: &Rc<Values>, output: &mut dyn Output) {
        let State::Waiting(end, at) = self.state else { return };
        if ending {
            self.state = State::Ended(end);
        } else if at <= now {
            self.state = match spawn(&mut self.launch, &self.name, masked, output) {
                Ok(process) => State::Running(process),
                Err(error) => {
                    output.note(&Note::Failed { container: self.name.clone(), reason: error.chain() });
                    State::Waiting(End::NotStarted(error.code()), now + LONGEST_DELAY)
                }
            };
        }
    }

    fn due(&self) -> impl Iterator<Item = Instant> {
        let state = match &self.state {
            State::Running(process) => process.deadline(),
            State::Waiting(_, at) => Some(*at),
            State::Ended(_) => None,
        };
        let kill = self.kill_at.filter(|_| matches!(self.state, State::Running(_)));
        state.into_iter().chain(kill)
    }
}

impl Patience {
    fn delay(self, restarts: u32) -> Duration {
        self.restart_delay.saturating_mul(1 << restarts.min(16)).min(LONGEST_DELAY)
    }
}

fn spawn(launch: &mut Launch, name: &str, masked: &Rc<Values>, output: &mut dyn Output) -> Result<Process, StartError> {
    let treatment = Treatment { framing: output.framing(name), values: Rc::clone(masked) };
    Process::start(launch, &treatment)
}
