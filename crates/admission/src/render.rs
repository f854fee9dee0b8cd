//! From a plan to the patch of a pod. Mechanical: everything was decided in the plan.
//!
//! What carries our names is ours: what we set there is set again, and what others added to it is kept.

mod env;
mod fetcher;
mod mounts;
mod pulls;
mod volumes;

use crate::patch::{At, Member, Patch};
use crate::plan::{INJECTED_ANNOTATION, Plan};
use crate::values::Values;
use crate::view::PodView;

/// Where init containers stand.
const INIT_CONTAINERS: &str = "/spec/initContainers";

/// The patch that makes `pod` what `plan` says. The same plan, pod and values give the same bytes.
pub fn render(plan: &Plan, pod: &PodView<'_>, values: &Values) -> Patch {
    let mut patch = Patch::default();
    if plan.is_empty() {
        return patch;
    }
    volumes::write(plan, pod, &mut patch);
    let variables = env::Variables::new(&plan.env, values);
    for (list, index, container) in pod.all_containers() {
        if patch.is_too_large() {
            return patch;
        }
        if plan.gets(list, index) {
            let place = At(At("/spec", list.member()), index);
            env::write(plan, &variables, container, place, &mut patch);
            mounts::put(&plan.mounts, container, place, &mut patch);
        }
    }
    pulls::write(plan, pod, values, &mut patch);
    // Last of the init containers' operations, since it moves their places.
    fetcher::write(plan, pod, &mut patch);
    for (name, value) in &plan.annotations {
        patch.add(At("/metadata/annotations", Member(name)), value);
    }
    if let Some(digest) = &plan.digest
        && pod.metadata.annotations.get(INJECTED_ANNOTATION) != Some(digest)
    {
        patch.add(At("/metadata/annotations", Member(INJECTED_ANNOTATION)), digest);
    }
    patch
}
