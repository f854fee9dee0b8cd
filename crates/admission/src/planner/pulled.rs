//! The vendors' init containers, one for each secret, after all others.
//!
//! Flyte hands a secret's variables and mounts to the containers that are there when it comes to that secret, so a later
//! container has fewer. One that an earlier admission has added is known by its name and by what it fetches, and stays.

use crate::plan::{MountAddition, Plan, Pull, PullContainer};
use crate::variable::Variable;
use crate::view::{ContainerList, ContainerView, PodView};
use secret::FILE_ROOT;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

pub(super) struct Pulls<'p> {
    pod: &'p PodView<'p>,
    /// The init containers that the pod has, and those that are added.
    count: usize,
    /// Names of the pod's containers, once one has to be free.
    taken: Option<HashSet<&'p str>>,
    /// By what a name begins with, the number after the last that was given.
    next: HashMap<&'static str, usize>,
}

impl<'p> Pulls<'p> {
    pub(super) fn new(pod: &'p PodView<'p>) -> Self {
        let count = pod.spec.as_ref().map_or(0, |spec| spec.init_containers.items().len());
        Self { pod, count, taken: None, next: HashMap::new() }
    }

    /// Adds the container of a secret, and everybody's mount.
    pub(super) fn add(&mut self, plan: &mut Plan, pull: &Arc<Pull>) {
        let there = self.find(plan, pull);
        let name = match there {
            Some((_, container)) => container.name.to_string(),
            None => self.free_name(pull.stem),
        };
        self.count += usize::from(there.is_none());
        hand_mount(plan, MountAddition { volume: pull.volume.to_owned(), path: FILE_ROOT.to_owned() });
        plan.pulls.push(PullContainer {
            name,
            pull: Arc::clone(pull),
            there: there.map(|(at, _)| at),
            env_from: plan.env.len(),
            mounts: Vec::new(),
        });
    }

    /// The container that an earlier admission has added for this secret.
    fn find(&self, plan: &Plan, pull: &Pull) -> Option<(usize, &'p ContainerView<'p>)> {
        let init = self.pod.all_containers().filter(|(list, _, _)| *list == ContainerList::Init);
        init.map(|(_, at, container)| (at, container))
            .find(|(at, container)| is_for(container, pull) && !plan.pulls.iter().any(|other| other.there == Some(*at)))
    }

    /// Flyte's name, a number that says how many init containers are before it; the next number where that name is taken.
    fn free_name(&mut self, stem: &'static str) -> String {
        let pod = self.pod;
        let taken = self
            .taken
            .get_or_insert_with(|| pod.all_containers().map(|(_, _, container)| container.name.as_str()).collect());
        // Those below were taken before, and names are never given back.
        let mut number = self.count.max(self.next.get(stem).copied().unwrap_or_default());
        loop {
            let name = format!("{stem}-{number}");
            number += 1;
            if !taken.contains(name.as_str()) {
                self.next.insert(stem, number);
                return name;
            }
        }
    }
}

/// Mounts a volume into every container that is there by now.
pub(super) fn hand_mount(plan: &mut Plan, mount: MountAddition) {
    for container in &mut plan.pulls {
        if container.pull.volume != mount.volume && !container.mounts.contains(&mount) {
            container.mounts.push(mount.clone());
        }
    }
    if !plan.mounts.contains(&mount) {
        plan.mounts.push(mount);
    }
}

/// Whether a container of the pod does what this one is to do.
fn is_for(container: &ContainerView<'_>, pull: &Pull) -> bool {
    let number = container.name.strip_prefix(pull.stem).and_then(|rest| rest.strip_prefix('-'));
    let is_numbered = number.is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()));
    let command = container.command.items();
    let same_command = command.len() == pull.command.len()
        && command.iter().zip(&pull.command).all(|(there, ours)| there.as_str() == ours);
    let has = |(name, text): &(&'static str, String)| {
        let variable = Variable::literal(name, text);
        container.env.items().iter().flatten().any(|env| variable.is(env))
    };
    is_numbered && same_command && pull.env.iter().all(has)
}
