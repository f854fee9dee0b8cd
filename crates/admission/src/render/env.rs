//! Variables, by the dialect's rule.

use crate::dialect::EnvRule;
use crate::patch::{At, Patch, Pointer};
use crate::plan::{EnvAddition, Plan};
use crate::values::Values;
use crate::variable::{Variable, same_variable};
use crate::view::ContainerView;

/// What is written into every target.
pub(super) fn variables<'a>(additions: &'a [EnvAddition], values: &Values) -> Vec<Variable<'a>> {
    additions.iter().map(|addition| Variable::new(addition, values)).collect()
}

/// Writes all of a plan's variables into a container.
pub(super) fn write(
    plan: &Plan,
    variables: &[Variable<'_>],
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
    variables: &[Variable<'_>],
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
    let mut added: Vec<&Variable<'_>> = Vec::new();
    for variable in variables {
        let taken = there.iter().flatten().any(|env| env.name.as_str() == variable.name)
            || added.iter().any(|other| other.name == variable.name);
        if !taken {
            added.push(variable);
        }
    }
    patch.append(list, container.env.is_there(), &added);
}

/// The same two rules, for a new container that has variables of its own.
pub(super) fn merged<'a>(rule: EnvRule, own: Vec<Variable<'a>>, variables: &[Variable<'a>]) -> Vec<Variable<'a>> {
    let mut list = own;
    for variable in variables {
        let there = list.iter().position(|other| other.name == variable.name);
        match (rule, there) {
            (EnvRule::AppendIfAbsent, Some(_)) => {}
            (EnvRule::AppendIfAbsent, None) => list.push(variable.clone()),
            (EnvRule::ReplaceInFront | EnvRule::OursFirst, there) => {
                if let Some(at) = there {
                    list.remove(at);
                }
                list.insert(0, variable.clone());
            }
        }
    }
    list
}

/// One after another, each takes the place of the first of its name, at the front of the list.
fn replace_in_front(variables: &[Variable<'_>], container: &ContainerView<'_>, list: impl Pointer, patch: &mut Patch) {
    let there = container.env.items();
    let mut front: Vec<&Variable<'_>> = Vec::new();
    let mut gone = vec![false; there.len()];
    for variable in variables {
        if let Some(at) = front.iter().position(|other| other.name == variable.name) {
            front.remove(at);
        } else if let Some(at) = there
            .iter()
            .enumerate()
            .position(|(at, env)| !gone[at] && env.as_ref().is_some_and(|env| env.name.as_str() == variable.name))
        {
            gone[at] = true;
        }
        front.insert(0, variable);
    }
    if !container.env.is_there() {
        patch.add(list, &front);
        return;
    }
    let already = front.len() <= there.len()
        && front.iter().zip(there).all(|(ours, there)| there.as_ref().is_some_and(|there| ours.is(there)))
        && gone.iter().enumerate().all(|(at, gone)| *gone == (at < front.len()));
    if already {
        return;
    }
    for at in (0..there.len()).rev().filter(|at| gone[*at]) {
        patch.remove(At(list, at));
    }
    for (at, variable) in front.iter().enumerate() {
        patch.add(At(list, at), variable);
    }
}

/// Ours in front, in our order; one that is there already stays where it is.
fn ours_first(
    plan: &Plan,
    variables: &[Variable<'_>],
    container: &ContainerView<'_>,
    list: impl Pointer,
    patch: &mut Patch,
) {
    let there = container.env.items();
    let mut missing = Vec::new();
    for (variable, addition) in variables.iter().zip(&plan.env) {
        let found = there
            .iter()
            .enumerate()
            .find_map(|(at, env)| env.as_ref().filter(|env| env.name.as_str() == variable.name).map(|env| (at, env)));
        match found {
            Some((_, env)) if same_variable(env, &addition.value) => {}
            Some((at, _)) => patch.replace(At(list, at), variable),
            None => missing.push(variable),
        }
    }
    if missing.is_empty() {
        return;
    }
    if container.env.is_there() {
        for (at, variable) in missing.iter().enumerate() {
            patch.add(At(list, at), variable);
        }
    } else {
        patch.add(list, &missing);
    }
}
