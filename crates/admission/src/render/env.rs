//! Variables, by the dialect's rule.

use crate::dialect::EnvRule;
use crate::patch::{At, Json, Patch, Pointer};
use crate::plan::{EnvAddition, Plan};
use crate::values::Values;
use crate::variable::{Variable, same_variable};
use crate::view::ContainerView;
use std::cell::Cell;

/// What is written into every target.
pub(super) struct Variables<'a>(Vec<Entry<'a>>);

impl<'a> Variables<'a> {
    pub(super) fn new(additions: &'a [EnvAddition], values: &Values) -> Self {
        let variables = additions.iter().map(|addition| Variable::new(addition, values));
        Self(variables.map(|variable| Entry { variable, written: Cell::new(None) }).collect())
    }
}

/// A variable, and where in the patch it was written first: for other containers it is copied from there.
struct Entry<'a> {
    variable: Variable<'a>,
    written: Cell<Option<(usize, usize)>>,
}

impl Json for Entry<'_> {
    fn write(&self, json: &mut Vec<u8>) {
        if let Some((start, end)) = self.written.get() {
            json.extend_from_within(start..end);
        } else {
            let start = json.len();
            self.variable.write(json);
            self.written.set(Some((start, json.len())));
        }
    }
}

/// A list of them.
struct Entries<'l, 'a>(&'l [&'l Entry<'a>]);

impl Json for Entries<'_, '_> {
    fn write(&self, json: &mut Vec<u8>) {
        json.push(b'[');
        for (index, entry) in self.0.iter().enumerate() {
            if index > 0 {
                json.push(b',');
            }
            entry.write(json);
        }
        json.push(b']');
    }
}

/// Writes all of a plan's variables into a container.
pub(super) fn write(
    plan: &Plan,
    variables: &Variables<'_>,
    container: &ContainerView<'_>,
    place: impl Pointer,
    patch: &mut Patch,
) {
    match plan.dialect.env_rule {
        rule @ (EnvRule::AppendIfAbsent | EnvRule::ReplaceInFront) => put(rule, variables, container, place, patch),
        EnvRule::OursFirst => ours_first(plan, variables, container, At(place, "env"), patch),
    }
}

/// Flyte's two rules, for a container of the pod.
pub(super) fn put(
    rule: EnvRule,
    variables: &Variables<'_>,
    container: &ContainerView<'_>,
    place: impl Pointer,
    patch: &mut Patch,
) {
    let there = container.env.items();
    let list = At(place, "env");
    if rule == EnvRule::ReplaceInFront {
        replace_in_front(variables, container, list, patch);
        return;
    }
    let mut added: Vec<&Entry<'_>> = Vec::new();
    for entry in &variables.0 {
        let name = entry.variable.name;
        let taken = there.iter().flatten().any(|env| env.name.as_str() == name)
            || added.iter().any(|other| other.variable.name == name);
        if !taken {
            added.push(entry);
        }
    }
    if container.env.is_there() {
        for entry in added {
            patch.add(At(list, "-"), entry);
        }
    } else {
        add_list(&added, list, patch);
    }
}

/// The same two rules, for a new container that has variables of its own.
pub(super) fn merged<'a>(rule: EnvRule, own: Vec<Variable<'a>>, variables: Vec<Variable<'a>>) -> Vec<Variable<'a>> {
    let mut list = own;
    for variable in variables {
        let there = list.iter().position(|other| other.name == variable.name);
        match (rule, there) {
            (EnvRule::AppendIfAbsent, Some(_)) => {}
            (EnvRule::AppendIfAbsent, None) => list.push(variable),
            (EnvRule::ReplaceInFront | EnvRule::OursFirst, there) => {
                if let Some(at) = there {
                    list.remove(at);
                }
                list.insert(0, variable);
            }
        }
    }
    list
}

/// One after another, each takes the place of the first of its name, at the front of the list.
fn replace_in_front(variables: &Variables<'_>, container: &ContainerView<'_>, list: impl Pointer, patch: &mut Patch) {
    let there = container.env.items();
    let mut front: Vec<&Entry<'_>> = Vec::new();
    let mut gone = vec![false; there.len()];
    for entry in &variables.0 {
        let name = entry.variable.name;
        if let Some(at) = front.iter().position(|other| other.variable.name == name) {
            front.remove(at);
        } else if let Some(at) = there
            .iter()
            .enumerate()
            .position(|(at, env)| !gone[at] && env.as_ref().is_some_and(|env| env.name.as_str() == name))
        {
            gone[at] = true;
        }
        front.insert(0, entry);
    }
    if !container.env.is_there() {
        add_list(&front, list, patch);
        return;
    }
    let already = front.len() <= there.len()
        && front.iter().zip(there).all(|(ours, there)| there.as_ref().is_some_and(|there| ours.variable.is(there)))
        && gone.iter().enumerate().all(|(at, gone)| *gone == (at < front.len()));
    if already {
        return;
    }
    for at in (0..there.len()).rev().filter(|at| gone[*at]) {
        patch.remove(At(list, at));
    }
    add_in_front(&front, list, patch);
}

/// Ours in front, in our order; one that is there already stays where it is.
fn ours_first(
    plan: &Plan,
    variables: &Variables<'_>,
    container: &ContainerView<'_>,
    list: impl Pointer,
    patch: &mut Patch,
) {
    let there = container.env.items();
    let mut missing = Vec::with_capacity(variables.0.len());
    for (entry, addition) in variables.0.iter().zip(&plan.env) {
        let name = entry.variable.name;
        let found = there
            .iter()
            .enumerate()
            .find_map(|(at, env)| env.as_ref().filter(|env| env.name.as_str() == name).map(|env| (at, env)));
        match found {
            Some((_, env)) if same_variable(env, &addition.value) => {}
            Some((at, _)) => patch.replace(At(list, at), entry),
            None => missing.push(entry),
        }
    }
    if container.env.is_there() {
        add_in_front(&missing, list, patch);
    } else {
        add_list(&missing, list, patch);
    }
}

fn add_in_front(front: &[&Entry<'_>], list: impl Pointer, patch: &mut Patch) {
    for (at, entry) in front.iter().enumerate() {
        patch.add(At(list, at), *entry);
    }
}

/// A list where there is none; nothing for nothing.
fn add_list(added: &[&Entry<'_>], list: impl Pointer, patch: &mut Patch) {
    if !added.is_empty() {
        patch.add(list, &Entries(added));
    }
}
