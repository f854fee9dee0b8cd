//! One container as a process: its group, its pipes, its end.

use std::io;
use std::os::fd::BorrowedFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::rc::Rc;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use crate::namespace::Sandbox;
use crate::outcome::{End, StartError};
use crate::output::Stream;
use crate::pipe::{Give, Pipe, Treatment};
use crate::program::{Launch, Start};

/// How long to wait, after a container's end, for the rest of what was written. Only a process that left the container's group and still holds its pipe makes it
/// take that long.
const DRAIN: Duration = Duration::from_secs(1);

/// A running process, or one whose last output is still being read.
pub(crate) struct Process {
    handle: Handle,
    pipes: Vec<Pipe>,
    ended: Option<(End, Instant)>,
}

/// How to reach it.
enum Handle {
    /// A child of this process, and the group that it leads.
    Child(Child, Pid),
    /// A container in a sandbox, by its number there.
    Inside(Rc<Sandbox>, i32),
}

impl Process {
    /// Starts a container, in a process group of its own.
    pub(crate) fn start(launch: &mut Launch, treatment: &Treatment) -> Result<Process, StartError> {
        let Launch { start, program } = launch;
        let not_started = |source| StartError::Program { program: program.clone(), source };
        match start {
            Start::Here(command) => Self::spawn(command, treatment).map_err(not_started),
            Start::Inside(sandbox, order) => {
                let (id, stdout, stderr) = sandbox.spawn(order).map_err(|failed| failed.of(program, &order.binds))?;
                let mut process =
                    Process { handle: Handle::Inside(Rc::clone(sandbox), id), pipes: Vec::new(), ended: None };
                let pipes =
                    [Pipe::new(Stream::Stdout, stdout, treatment), Pipe::new(Stream::Stderr, stderr, treatment)];
                for pipe in pipes {
                    process.pipes.push(pipe.map_err(not_started)?);
                }
                Ok(process)
            }
        }
    }

    fn spawn(command: &mut Command, treatment: &Treatment) -> io::Result<Process> {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).spawn()?;
        let group = Pid::from_child(&child);
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let mut process = Process { handle: Handle::Child(child, group), pipes: Vec::new(), ended: None };
        if let Some(source) = stdout {
            process.pipes.push(Pipe::new(Stream::Stdout, source, treatment)?);
        }
        if let Some(source) = stderr {
            process.pipes.push(Pipe::new(Stream::Stderr, source, treatment)?);
        }
        Ok(process)
    }

    /// Whether it has not ended yet; if it has, only its last output is waited for.
    pub(crate) fn is_alive(&self) -> bool {
        self.ended.is_none()
    }

    /// Sends a signal to all of the container's group. One that is stopped is woken up, or it would never see it.
    pub(crate) fn signal(&self, signal: Signal) {
        // Once it has been waited for, its number may be another's.
        if !self.is_alive() {
            return;
        }
        let send = |signal| match &self.handle {
            // A group whose processes have all ended can't be signalled; that is as good.
            Handle::Child(_, group) => _ = kill_process_group(*group, signal),
            Handle::Inside(sandbox, id) => sandbox.signal(*id, signal),
        };
        send(signal);
        if signal != Signal::KILL {
            send(Signal::CONT);
        }
    }

    /// The pipes that are still open, to be polled and then read by [`read`](Process::read) in this order.
    pub(crate) fn pipes(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.pipes.iter().map(Pipe::fd)
    }

    /// Reads once from each pipe that is `ready`, and lets go of those that are at their end.
    pub(crate) fn read(&mut self, ready: &[bool], buffer: &mut [u8], give: &mut Give<'_>) {
        let mut ready = ready.iter();
        self.pipes.retain_mut(|pipe| {
            let stays = ready.next() != Some(&true) || pipe.read(buffer, give);
            if !stays {
                pipe.finish(give);
            }
            stays
        });
    }

    /// Looks whether the container's first process has ended. If so, what it left in its group is killed, as it would be in a container.
    pub(crate) fn reap(&mut self, now: Instant) -> io::Result<()> {
        if self.ended.is_some() {
            return Ok(());
        }
        let end = match &mut self.handle {
            Handle::Child(child, group) => {
                // Looked at before it is waited for: until then its number, and so that of the group, can't be given to another process.
                let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
                if waitid(WaitId::Pid(*group), options)?.is_none() {
                    return Ok(());
                }
                _ = kill_process_group(*group, Signal::KILL);
                Some(end_of(child.wait()?))
            }
            // Init has done the same.
            Handle::Inside(sandbox, id) => sandbox.ended(*id),
        };
        self.ended = end.map(|end| (end, now));
        Ok(())
    }

    /// How it ended, once all that it wrote has been read or there is no more waiting for it.
    pub(crate) fn finish(&mut self, now: Instant, give: &mut Give<'_>) -> Option<End> {
        let (end, at) = self.ended?;
        if !self.pipes.is_empty() && now < at + DRAIN {
            return None;
        }
        for mut pipe in self.pipes.drain(..) {
            pipe.finish(give);
        }
        Some(end)
    }

    /// When [`finish`](Process::finish) will have something to say even if nothing happens.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.ended.map(|(_, at)| at + DRAIN)
    }
}

/// A run that breaks off leaves no process behind.
impl Drop for Process {
    fn drop(&mut self) {
        if self.is_alive() {
            self.signal(Signal::KILL);
            if let Handle::Child(child, _) = &mut self.handle {
                _ = child.wait();
            }
        }
    }
}

fn end_of(status: ExitStatus) -> End {
    match (status.code(), status.signal()) {
        (Some(code), _) => End::Exited(u8::try_from(code).unwrap_or(u8::MAX)),
        (None, signal) => End::Signalled(signal.unwrap_or(0)),
    }
}
