//! What is known of a pod that is followed, and what follows from it.

use super::made::Made;
use super::session::{Next, Session};
use super::state::Seen;
use super::stuck::{self, Patience};
use super::{refused, watch};
use crate::fault::Fault;
use crate::kubectl::{Failure, shown};
use crate::run::NOT_STARTED;
use crate::run::output::Streams;
use crate::terminal;
use admission::PodView;
use runner::{End, Note, Output, Role};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

/// The exit code where the pod's own is not known, or says nothing of its failure.
pub(super) const FAILED: u8 = 1;

/// What is known so far.
pub(super) struct Known<'p> {
    pub(super) pod: &'p PodView<'p>,
    pub(super) streams: Streams,
    pub(super) made_at: Instant,
    pub(super) seen: Seen,
    /// By container, whether it has ended, for the one who reads its log.
    pub(super) logs: BTreeMap<String, Arc<AtomicBool>>,
    /// Whose log is read to its end.
    pub(super) read: BTreeSet<String>,
    /// Whose end was told.
    pub(super) told: BTreeSet<String>,
    /// What was said already.
    pub(super) said: BTreeSet<String>,
    /// What the pod waits for, in one line, and since when.
    pub(super) stuck: Option<(String, Instant)>,
    pub(super) signal: Option<i32>,
    /// Until when the last lines are waited for.
    pub(super) until: Option<Instant>,
    pub(super) gone: bool,
}

/// The exit code after a signal to this program.
pub(super) fn of_signal(signal: i32) -> u8 {
    End::Signalled(signal).code().unwrap_or(FAILED)
}

impl<'p> Known<'p> {
    pub(super) fn new(pod: &'p PodView<'p>, made: &Made, seen: Seen) -> Self {
        Self {
            pod,
            streams: Streams::of([&made.init_containers[..], &made.containers[..]].concat()),
            made_at: Instant::now(),
            seen,
            logs: BTreeMap::new(),
            read: BTreeSet::new(),
            told: BTreeSet::new(),
            said: BTreeSet::new(),
            stuck: None,
            signal: None,
            until: None,
            gone: false,
        }
    }

    /// Whether it is time to go.
    pub(super) fn verdict(&mut self, session: &Session<'_>) -> Next {
        self.tell_ends();
        let is_over = self.gone || self.seen.is_over() || self.seen.have_ended(&session.made.containers);
        if is_over {
            let is_read = self.logs.keys().all(|container| self.read.contains(container));
            let is_late = self.until.is_some_and(|until| until <= Instant::now());
            return if is_read || is_late { Next::Over } else { Next::On };
        }
        if self.signal.is_some() || self.seen.is_going() {
            return Next::On;
        }
        let stuck = self.seen.stuck();
        let since = self.stuck.as_ref().map_or(self.made_at, |(_, since)| *since);
        let hint = |fault: Fault| {
            let namespace = session.kubectl.namespace.as_deref().unwrap_or_default();
            fault.maybe_hint(stuck.as_ref().and_then(|stuck| stuck::hint(stuck, self.pod, namespace)))
        };
        let is_late = !self.seen.has_started() && self.made_at + session.start <= Instant::now();
        let code = if self.seen.has_started() { FAILED } else { NOT_STARTED };
        match stuck.as_ref().map(stuck::patience) {
            Some(Patience::None) => Next::Stop(hint(stuck::given_up(stuck.as_ref(), None)), code),
            Some(Patience::For(long)) if since + long <= Instant::now() => {
                Next::Stop(hint(stuck::given_up(stuck.as_ref(), Some(long))), code)
            }
            _ if is_late => Next::Stop(
                hint(stuck::given_up(stuck.as_ref(), Some(session.start)))
                    .hint("--start-timeout SECONDS gives it longer"),
                code,
            ),
            _ => Next::On,
        }
    }

    /// When to look again, though nothing happens.
    pub(super) fn deadline(&self, session: &Session<'_>) -> Option<Instant> {
        let start = (!self.seen.has_started()).then(|| self.made_at + session.start);
        let stuck = self.seen.stuck().map(|stuck| stuck::patience(&stuck)).zip(self.stuck.as_ref());
        let stuck = stuck.and_then(|(patience, (_, since))| match patience {
            Patience::For(long) => Some(*since + long),
            Patience::None | Patience::ToStart => None,
        });
        // What is over has no such deadlines, and is looked at when something comes.
        let is_waiting = self.until.is_none() && self.signal.is_none() && !self.seen.is_over();
        let waiting = [start, stuck].into_iter().flatten().filter(|_| is_waiting);
        waiting.chain(self.until).min()
    }

    /// Says what the pod waits for, once.
    pub(super) fn stuck(&mut self, session: &Session<'_>) {
        let Some(stuck) = self.seen.stuck() else {
            self.stuck = None;
            return;
        };
        // The kubelet goes from one to the other and back.
        let kind = if stuck.reason == "ErrImagePull" { "ImagePullBackOff" } else { stuck.reason }.to_owned();
        let is_new = self.stuck.as_ref().is_none_or(|(before, _)| *before != kind);
        if is_new {
            self.stuck = Some((kind.clone(), Instant::now()));
        }
        if self.signal.is_none() && stuck::patience(&stuck) != Patience::None && self.said.insert(kind) {
            terminal::note(stuck::line(&stuck));
            let namespace = session.kubectl.namespace.as_deref().unwrap_or_default();
            stuck::hint(&stuck, self.pod, namespace).iter().for_each(terminal::hint);
        }
    }

    /// What the cluster tells of the pod, as far as its state does not say the same.
    pub(super) fn happened(&mut self, happening: &watch::Happening) {
        const IN_STATE: [&str; 6] =
            ["FailedScheduling", "Failed", "BackOff", "InspectFailed", "ErrImageNeverPull", "Unhealthy"];
        let watch::Happening { reason, message, .. } = happening;
        let is_told = (happening.is_warning() && !IN_STATE.contains(&reason.as_str())) || reason == "Pulling";
        if is_told && self.said.insert(format!("{reason} {message}")) {
            terminal::note(shown(message));
        }
    }

    pub(super) fn lost(container: &str, failure: &Failure) {
        terminal::warning(format!("what container `{container}` writes can't be had: {failure}"));
        if failure.says(&["(Forbidden)"]) {
            terminal::hint(format!("ask for a Role there with the rule `{}`", refused::RULE));
        }
    }

    /// Tells how containers ended.
    fn tell_ends(&mut self) {
        for (container, role) in self.seen.containers() {
            let Some(ended) = container.terminated() else { continue };
            // After its last line.
            let is_read = self.read.contains(&container.name) || !self.logs.contains_key(&container.name);
            if !is_read || !self.told.insert(container.name.clone()) {
                continue;
            }
            let (name, end) = (container.name.clone(), ended.end());
            match (ended.reason.as_str(), end) {
                ("OOMKilled", _) => {
                    let limit = "raise its `resources.limits.memory`, or let it need less";
                    terminal::fault(
                        &Fault::new(format!("container `{name}` used more memory than it may, and was killed"))
                            .hint(limit),
                    );
                }
                (_, End::NotStarted(_)) => {
                    let why = shown(&ended.message);
                    self.streams.note(&Note::Failed { container: name, reason: format!("it can't be started: {why}") });
                }
                (_, end) if !end.is_success() => self.streams.note(&Note::Ended { container: name, role, end }),
                _ => {}
            }
        }
    }

    /// The exit code, as the local runner has it, and what has to be said of it.
    pub(super) fn code(&self, session: &Session<'_>) -> u8 {
        if let Some(signal) = self.signal {
            return of_signal(signal);
        }
        let end_of = |name: &str| {
            let found = self.seen.containers().find(|(container, _)| container.name == name);
            found.and_then(|(container, _)| container.terminated()).and_then(|ended| ended.end().code())
        };
        let failed_init = self.seen.containers().find_map(|(container, role)| {
            let code = container.terminated()?.end().code()?;
            (role == Role::Init && code != 0 && !self.seen.have_ended(&session.made.containers)).then_some(code)
        });
        let mut own = session.made.containers.iter().map(|name| end_of(name));
        let code = match (failed_init, session.made.primary.as_deref()) {
            (Some(code), _) => Some(code),
            (None, Some(primary)) => end_of(primary),
            (None, None) => own.find(|code| *code != Some(0)).unwrap_or(Some(0)),
        };
        if let Some((reason, message)) = self.seen.ended_because() {
            let fault = Fault::new(format!("the cluster ended the pod: {reason}")).detail(shown(message));
            terminal::fault(&fault.maybe_hint(remedy(reason)));
            return code.filter(|code| *code != 0).unwrap_or(FAILED);
        }
        code.unwrap_or_else(|| {
            let message = if self.gone {
                "the pod was deleted before it had ended: how it would have ended is not known"
            } else {
                "the pod ended, and the cluster does not say how"
            };
            terminal::fault(&Fault::new(message).hint("run it again"));
            FAILED
        })
    }
}

/// What to do about a pod that the cluster ended.
fn remedy(reason: &str) -> Option<&'static str> {
    match reason {
        "Evicted" => Some("its node ran short: ask for what it needs in `resources.requests`, or run it again"),
        "DeadlineExceeded" => Some("it took longer than its `activeDeadlineSeconds`"),
        _ => None,
    }
}
