//! A pod that is there, from its first state to its end.

use super::children::Children;
use super::known::{FAILED, Known, of_signal};
use super::made::Made;
use super::state::Seen;
use super::{Event, logs, refused, watch};
use crate::fault::Fault;
use crate::kubectl::{Failure, Kubectl};
use crate::terminal;
use admission::PodView;
use runner::{Output, Role, Stream};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

/// How long the last lines are waited for, after a pod was taken away.
const LAST_LINES: Duration = Duration::from_secs(15);

pub(super) struct Session<'a> {
    pub(super) made: &'a Made,
    pub(super) kubectl: &'a Kubectl,
    pub(super) keep: bool,
    /// How long the pod has to start.
    pub(super) start: Duration,
    pub(super) sender: Sender<Event>,
}

/// Whether it goes on.
pub(super) enum Next {
    On,
    /// The pod has ended, and all that it wrote is here.
    Over,
    /// It is given up.
    Stop(Fault, u8),
    /// Nobody waits for it any more.
    Left(i32),
}

impl Session<'_> {
    /// Follows the pod to its end, cleans up, and says how it ended.
    pub(super) fn follow(&self, pod_json: &str, events: &Receiver<Event>) -> Result<ExitCode, Fault> {
        let pod = PodView::parse(pod_json).map_err(|_| Fault::new("`kubectl` gave something else than a pod"))?;
        let first: Seen = serde_json::from_str(pod_json).unwrap_or_default();
        let namespace = self.kubectl.namespace.as_deref().unwrap_or_default();
        terminal::note(format!("pod `{}` is made in namespace `{namespace}`", self.made.name));
        let children = Arc::new(Children::default());
        self.watch(&first.metadata.uid, &children);
        let mut known = Known::new(&pod, self.made, first);
        let next = loop {
            let event = match known.deadline(self) {
                Some(deadline) => events.recv_timeout(deadline.saturating_duration_since(Instant::now())),
                None => events.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            let next = match event {
                Ok(event) => self.take(event, &mut known, &children),
                Err(_) => Next::On,
            };
            match if matches!(next, Next::On) { known.verdict(self) } else { next } {
                Next::On => {}
                next => break next,
            }
        };
        children.stop();
        self.clean(&known);
        Ok(ExitCode::from(match next {
            Next::On | Next::Over => known.code(self),
            Next::Stop(fault, code) => {
                terminal::fault(&fault);
                known.signal.map_or(code, of_signal)
            }
            Next::Left(signal) => of_signal(signal),
        }))
    }

    fn watch(&self, uid: &str, children: &Arc<Children>) {
        let (kubectl, name) = (self.kubectl.clone(), self.made.name.clone());
        let (of_pod, sender) = (Arc::clone(children), self.sender.clone());
        std::thread::spawn(move || watch::pod(&kubectl, &name, &of_pod, &sender));
        let (kubectl, uid) = (self.kubectl.clone(), uid.to_owned());
        let (of_events, sender) = (Arc::clone(children), self.sender.clone());
        std::thread::spawn(move || watch::events(&kubectl, &uid, &of_events, &sender));
    }

    fn take(&self, event: Event, known: &mut Known<'_>, children: &Arc<Children>) -> Next {
        match event {
            Event::Pod(seen) => self.took(*seen, known, children),
            Event::Gone => {
                known.gone = true;
                known.logs.values().for_each(|ended| ended.store(true, Ordering::SeqCst));
                known.until.get_or_insert_with(|| Instant::now() + LAST_LINES);
            }
            Event::Blind(failure) => {
                let namespace = self.kubectl.namespace.as_deref().unwrap_or_default();
                return Next::Stop(refused::not_allowed(&failure, "watch pods", namespace), FAILED);
            }
            Event::Unreachable(failure) => {
                if known.said.insert("unreachable".to_owned()) {
                    terminal::note(format!("the cluster does not answer, and is asked again: {failure}"));
                }
            }
            Event::Happened(happening) => known.happened(&happening),
            Event::Line { container, bytes } => _ = known.streams.piece(&container, Stream::Stdout, &bytes),
            Event::LogEnded { container, lost } => {
                if let Some(failure) = lost.filter(|_| !known.gone) {
                    Known::lost(&container, &failure);
                }
                known.read.insert(container);
            }
            Event::Signal(signal) => return self.interrupted(signal, known),
        }
        Next::On
    }

    /// A new state of the pod.
    fn took(&self, seen: Seen, known: &mut Known<'_>, children: &Arc<Children>) {
        if let Some(node) = seen.node()
            && known.said.insert("node".to_owned())
        {
            terminal::note(format!("it is on node `{node}`"));
        }
        if seen.is_going() && known.signal.is_none() && known.said.insert("going".to_owned()) {
            terminal::warning("somebody deletes the pod");
        }
        for (container, role) in seen.containers() {
            let failed = container.terminated().is_some_and(|ended| !ended.end().is_success());
            // What others put into the pod is of interest only where it keeps the rest from starting.
            let is_own =
                self.made.containers.contains(&container.name) || self.made.init_containers.contains(&container.name);
            if container.has_started() && (is_own || (role == Role::Init && failed)) {
                let ended = known.logs.entry(container.name.clone()).or_insert_with(|| {
                    let ended = Arc::new(AtomicBool::new(false));
                    self.read_log(&container.name, &ended, children);
                    ended
                });
                if container.terminated().is_some() {
                    ended.store(true, Ordering::SeqCst);
                }
            }
        }
        known.seen = seen;
        known.stuck(self);
    }

    fn read_log(&self, container: &str, ended: &Arc<AtomicBool>, children: &Arc<Children>) {
        let (kubectl, name, container) = (self.kubectl.clone(), self.made.name.clone(), container.to_owned());
        let (children, ended, sender) = (Arc::clone(children), Arc::clone(ended), self.sender.clone());
        std::thread::spawn(move || logs::follow(&kubectl, &name, &container, &children, &ended, &sender));
    }

    /// Ctrl-C, or another signal.
    fn interrupted(&self, signal: i32, known: &mut Known<'_>) -> Next {
        if self.keep {
            return Next::Left(signal);
        }
        let is_first = known.signal.is_none();
        known.signal.get_or_insert(signal);
        let now: &[&str] = if is_first { &[] } else { &["--now"] };
        match self.delete(now) {
            Ok(()) if is_first => {
                terminal::note(
                    "the pod is deleted: its containers have their grace period to end; a second signal kills them",
                );
                Next::On
            }
            Ok(()) => Next::On,
            Err(failure) => {
                terminal::warning(format!("the pod can't be deleted: {failure}"));
                Next::Left(signal)
            }
        }
    }

    fn delete(&self, more: &[&str]) -> Result<(), Failure> {
        let words = ["delete", "pod", &self.made.name, "--wait=false", "--ignore-not-found", "--output", "name"];
        self.kubectl.ask(words.into_iter().chain(["--request-timeout=20s"]).chain(more.iter().copied()), "").map(drop)
    }

    /// Leaves nothing behind, or says what is left.
    fn clean(&self, known: &Known<'_>) {
        let name = &self.made.name;
        let by_hand = self.kubectl.typed(&format!("delete pod {name}"));
        if self.keep {
            if !known.gone {
                terminal::note(format!("pod `{name}` is left in the cluster; `{by_hand}` removes it"));
            }
        } else if !known.gone
            && let Err(failure) = self.delete(&[])
        {
            terminal::warning(format!("pod `{name}` is left in the cluster: {failure}"));
            terminal::hint(format!("`{by_hand}` removes it"));
        }
    }
}
