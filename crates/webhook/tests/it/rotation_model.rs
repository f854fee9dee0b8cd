//! The rotation of the CA as a model: replicas, commands and API servers take their steps in every order, each may break off, and
//! API servers hear of the registration late. What the commands do next is said by the program's own `next`.
//!
//! What is written under the version that was read is lost where another write came before, so several reads may stand here as
//! one: had anything changed between them, nothing would be written.

use stateright::{Checker, Model, Property};
use webhook::rotation::{Lasting, Observed, Stage, Step, next};

/// CAs, a bit each; a newer one has a higher bit.
type Cas = u8;

/// What is left out, to see that the model finds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    /// Nobody waits until API servers have heard of the registration.
    NoHold,
    /// The registration is not read back.
    NoReadBack,
    /// Replicas are not looked at.
    NoReplicas,
    /// Replicas are looked at once.
    NoSettling,
    /// The registration is written whatever has become of it meanwhile.
    NoVersion,
    /// The new CA takes the old one's place.
    NoOverlap,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Secret {
    /// `ca.crt`.
    bundle: Cas,
    /// The first of it, which has signed `tls.crt`.
    in_use: Cas,
    next: Cas,
    leaving: Cas,
}

impl Secret {
    fn stage(self) -> Stage {
        match (self.next, self.leaving) {
            (0, 0) => Stage::Resting,
            (0, _) => Stage::Switched,
            _ => Stage::Published,
        }
    }

    fn newest(self) -> Cas {
        if self.next == 0 { self.in_use } else { self.next }
    }

    /// What a command that begins now has to replace.
    fn goal(self) -> Cas {
        if self.stage() == Stage::Resting { self.bundle } else { self.bundle & !self.newest() }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Replica {
    Down,
    /// It has read the Secret, and serves nothing yet.
    Starting(Cas),
    Running {
        leaf: Cas,
        look: Look,
    },
}

/// A look at the registration's version and then at the Secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Look {
    No,
    /// Nothing is written yet; none is the bundle where the registration has another version by now.
    Read {
        bundle: Option<Cas>,
        leaf: Cas,
    },
}

/// Since something was seen to be so: what each API server had not heard of then, and has not yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Since {
    of: Cas,
    to_hear: [usize; SERVERS],
}

const SERVERS: usize = 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Command {
    goal: Cas,
    registered: Option<Since>,
    served: Option<Since>,
    /// What it is going to write, as long as the Secret has the version that it read.
    writing: Option<Writing>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Writing {
    Publish,
    Switch,
    Drop,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct State {
    secret: Secret,
    registration: Cas,
    /// What each API server uses, and which registrations it has yet to hear of.
    uses: [Cas; SERVERS],
    to_hear: [Vec<Cas>; SERVERS],
    replicas: Vec<Replica>,
    commands: Vec<Option<Command>>,
    /// How many more of these there may be.
    rotations: u8,
    breaks: u8,
    crashes: u8,
    renewals: u8,
    slow_looks: u8,
}

impl State {
    /// The Secret gets another version: whoever has read the one before writes nothing.
    fn written(&mut self) {
        for command in self.commands.iter_mut().flatten() {
            command.writing = None;
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Action {
    Hear(usize),
    Start(usize),
    Serve(usize),
    Look(usize),
    Apply(usize),
    Crash(usize),
    Renew,
    Begin(usize),
    Observe(usize),
    Write(usize),
    BreakOff(usize),
}

#[derive(Clone, Copy)]
struct Rotation {
    replicas: usize,
    commands: usize,
    fault: Fault,
    rotations: u8,
    breaks: u8,
    crashes: u8,
    renewals: u8,
}

impl Rotation {
    /// What a command sees, with what is left out taken to be so. It notes since when.
    fn observe(self, state: &State, command: &mut Command) -> Observed {
        let secret = &state.secret;
        let of = secret.bundle << 4 | secret.newest();
        let note = |since: &mut Option<Since>, is_so: bool| {
            since.take_if(|since| since.of != of || !is_so);
            if is_so {
                since.get_or_insert(Since { of, to_hear: state.to_hear.each_ref().map(Vec::len) });
            }
        };
        // Time is what nobody sees: a hold is over when each API server has heard of what was read back, ...
        let is_registered = state.registration == secret.bundle;
        let is_new = command.registered.is_none_or(|since| since.of != of);
        note(&mut command.registered, is_registered);
        let all_heard = command.registered.is_some_and(|since| since.to_hear == [0; SERVERS]) && !is_new;
        let registered = match (self.fault, is_registered) {
            (Fault::NoReadBack, _) | (Fault::NoHold, true) => Lasting::Long,
            (_, false) => Lasting::No,
            (_, true) => {
                if all_heard {
                    Lasting::Long
                } else {
                    Lasting::Short
                }
            }
        };
        // ... and when who has read something has done something with it.
        let serves_another = |it: &Replica| matches!(it, Replica::Running { leaf, .. } if *leaf != secret.in_use);
        let is_slow = |it: &Replica| matches!(it, Replica::Starting(leaf) if *leaf != secret.in_use);
        let is_served =
            secret.stage() == Stage::Switched && is_registered && !state.replicas.iter().any(serves_another);
        let is_new = command.served.is_none_or(|since| since.of != of);
        note(&mut command.served, is_served);
        let is_settled = !state.replicas.iter().any(is_slow) && !is_new;
        let served = match (self.fault, is_served) {
            (Fault::NoReplicas, _) | (Fault::NoSettling, true) => Lasting::Long,
            (_, false) => Lasting::No,
            (_, true) => {
                if is_settled {
                    Lasting::Long
                } else {
                    Lasting::Short
                }
            }
        };
        Observed { stage: secret.stage(), is_gone: command.goal & secret.bundle == 0, registered, served }
    }

    fn command(self, state: &mut State, number: usize) -> Option<()> {
        let mut command = state.commands[number].filter(|command| command.writing.is_none())?;
        let step = next(&self.observe(state, &mut command));
        command.writing = match step {
            Step::Publish => Some(Writing::Publish),
            Step::Switch => Some(Writing::Switch),
            Step::Drop => Some(Writing::Drop),
            Step::AwaitRegistration | Step::Hold | Step::AwaitReplicas | Step::Settle | Step::Done => None,
        };
        state.commands[number] = (step != Step::Done).then_some(command);
        Some(())
    }

    fn write(self, state: &mut State, number: usize) -> Option<()> {
        let writing = state.commands[number]?.writing?;
        let secret = &mut state.secret;
        match writing {
            Writing::Publish => {
                let new = (u8::MAX >> secret.bundle.leading_zeros()) + 1;
                secret.bundle = if self.fault == Fault::NoOverlap { new } else { secret.bundle | new };
                (secret.next, secret.leaving) = (new, 0);
            }
            Writing::Switch => {
                (secret.in_use, secret.next) = (secret.next, 0);
                secret.leaving = secret.bundle & !secret.in_use;
            }
            Writing::Drop => (secret.bundle, secret.leaving) = (secret.in_use, 0),
        }
        state.written();
        Some(())
    }

    /// A replica's look. One that would find nothing new may be slow a few times only.
    fn look(state: &mut State, number: usize) -> Option<()> {
        let Replica::Running { leaf, look: Look::No } = state.replicas[number] else { return None };
        let secret = &state.secret;
        if leaf == secret.in_use && state.registration == secret.bundle {
            state.slow_looks = state.slow_looks.checked_sub(1)?;
        }
        let look = Look::Read { bundle: Some(secret.bundle), leaf: secret.in_use };
        state.replicas[number] = Replica::Running { leaf, look };
        Some(())
    }

    /// What it does with that. It takes what it found at once: that it waits by itself is not relied on.
    fn apply(self, state: &mut State, number: usize) -> Option<()> {
        let Replica::Running { look: Look::Read { bundle, leaf }, .. } = state.replicas[number] else { return None };
        state.replicas[number] = Replica::Running { leaf, look: Look::No };
        let Some(bundle) = bundle.filter(|bundle| *bundle != state.registration) else { return Some(()) };
        state.registration = bundle;
        state.to_hear.iter_mut().for_each(|to_hear| to_hear.push(bundle));
        if self.fault != Fault::NoVersion {
            for replica in &mut state.replicas {
                if let Replica::Running { look: Look::Read { bundle, .. }, .. } = replica {
                    *bundle = None;
                }
            }
        }
        Some(())
    }

    fn hear(state: &mut State, server: usize) -> Option<()> {
        if state.to_hear[server].is_empty() {
            return None;
        }
        state.uses[server] = state.to_hear[server].remove(0);
        for command in state.commands.iter_mut().flatten() {
            for since in [&mut command.registered, &mut command.served].into_iter().flatten() {
                since.to_hear[server] = since.to_hear[server].saturating_sub(1);
            }
        }
        Some(())
    }

    fn step(self, state: &mut State, action: Action) -> Option<()> {
        match action {
            Action::Hear(server) => Self::hear(state, server),
            Action::Look(number) => Self::look(state, number),
            Action::Apply(number) => self.apply(state, number),
            Action::Observe(number) => self.command(state, number),
            Action::Write(number) => self.write(state, number),
            Action::Start(number) => {
                let replica = state.replicas.get_mut(number).filter(|it| **it == Replica::Down)?;
                *replica = Replica::Starting(state.secret.in_use);
                Some(())
            }
            Action::Serve(number) => {
                let Replica::Starting(leaf) = state.replicas[number] else { return None };
                state.replicas[number] = Replica::Running { leaf, look: Look::No };
                Some(())
            }
            Action::Crash(number) => {
                state.crashes = state.crashes.checked_sub(1)?;
                state.replicas[number] = Replica::Down;
                Some(())
            }
            // Another leaf of the CA in use, which changes nothing but the version.
            Action::Renew => {
                state.renewals = state.renewals.checked_sub(1)?;
                state.written();
                Some(())
            }
            Action::Begin(number) => {
                // Going on with a rotation is always possible.
                let is_alone = state.commands.iter().all(Option::is_none);
                if state.commands[number].is_some() {
                    return None;
                }
                if state.secret.stage() == Stage::Resting || !is_alone {
                    state.rotations = state.rotations.checked_sub(1)?;
                }
                let goal = state.secret.goal();
                state.commands[number] = Some(Command { goal, registered: None, served: None, writing: None });
                Some(())
            }
            Action::BreakOff(number) => {
                state.commands[number].take()?;
                state.breaks = state.breaks.checked_sub(1)?;
                Some(())
            }
        }
    }

    fn can_go_on(&self, state: &State) -> bool {
        let mut actions = Vec::new();
        self.actions(state, &mut actions);
        actions.into_iter().any(|action| self.next_state(state, action).is_some())
    }

    /// What does not hold, with how that comes about.
    fn broken(self) -> Vec<String> {
        let checker = self.checker().threads(2).spawn_bfs().join();
        assert!(checker.unique_state_count() > 1000, "{:?}: next to nothing can happen", self.fault);
        let found = checker.discoveries().into_iter();
        let broken = found.filter(|(name, _)| *name != REACHED);
        broken.map(|(name, path)| format!("{name}: {:?}", path.into_actions())).collect()
    }
}

const TRUSTED: &str = "each API server trusts what each replica serves";
const GOES_ON: &str = "nobody is stuck";
const REACHED: &str = "the CA is another one";

impl Model for Rotation {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            secret: Secret { bundle: 1, in_use: 1, next: 0, leaving: 0 },
            registration: 1,
            uses: [1; SERVERS],
            to_hear: Default::default(),
            replicas: vec![Replica::Running { leaf: 1, look: Look::No }; self.replicas],
            commands: vec![None; self.commands],
            rotations: self.rotations,
            breaks: self.breaks,
            crashes: self.crashes,
            renewals: self.renewals,
            slow_looks: 1,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        use Action::{Apply, Begin, BreakOff, Crash, Hear, Look, Observe, Serve, Start, Write};
        actions.extend((0..SERVERS).map(Hear));
        for number in 0..state.replicas.len() {
            actions.extend([Start, Serve, Look, Apply, Crash].map(|action| action(number)));
        }
        actions.push(Action::Renew);
        for number in 0..state.commands.len() {
            actions.extend([Begin, Observe, Write, BreakOff].map(|action| action(number)));
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        self.step(&mut state, action)?;
        // One replica is like the other, and one command.
        state.replicas.sort_unstable();
        state.commands.sort_unstable();
        (state != *last).then_some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(TRUSTED, |_, state: &State| {
                let trusted = |leaf: Cas| state.uses.iter().all(|uses| uses & leaf != 0);
                state.replicas.iter().all(|it| !matches!(it, Replica::Running { leaf, .. } if !trusted(*leaf)))
            }),
            // Each step leads on, and none leads back; so whoever goes on comes to an end, and this is the only one.
            Property::always(GOES_ON, |model: &Self, state: &State| {
                let is_over = state.secret.stage() == Stage::Resting
                    && state.secret.bundle == state.secret.in_use
                    && state.registration == state.secret.bundle
                    && state.commands.iter().all(Option::is_none);
                is_over || model.can_go_on(state)
            }),
            Property::sometimes(REACHED, |_, state: &State| {
                state.secret.in_use > 1 && state.secret.stage() == Stage::Resting
            }),
        ]
    }
}

const TWO: Rotation =
    Rotation { replicas: 2, commands: 2, fault: Fault::None, rotations: 2, breaks: 1, crashes: 1, renewals: 1 };

#[test]
fn two_commands_at_once_refuse_nobody_and_come_to_an_end() {
    assert_eq!(TWO.broken(), [] as [String; 0]);
}

#[test]
fn three_replicas_are_never_refused_and_the_rotation_comes_to_its_end() {
    let three = Rotation { replicas: 3, ..TWO };
    assert_eq!(three.broken(), [] as [String; 0]);
}

#[test]
fn every_part_is_needed() {
    use Fault::{NoHold, NoOverlap, NoReadBack, NoReplicas, NoSettling, NoVersion};
    for fault in [NoHold, NoReadBack, NoReplicas, NoSettling, NoVersion, NoOverlap] {
        let broken = Rotation { fault, commands: 1, rotations: 1, ..TWO }.broken();
        assert!(broken.iter().any(|what| what.starts_with(TRUSTED)), "{fault:?}: {broken:?}");
    }
}
