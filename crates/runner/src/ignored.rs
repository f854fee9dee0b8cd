//! What a pod says that has no effect on this machine, gathered into one line.

use crate::output::Note;
use crate::pod::Pod;
use crate::spec::Container;

/// The notes about what is ignored: at most one of a kind. Nothing of a container that the caller does itself is; and
/// that a mount is read-only is a promise to others, which a container keeps as it did in the cluster.
pub(crate) fn ignored(pod: &Pod, is_builtin: impl Fn(&Container) -> bool) -> Vec<Note> {
    let spec = &pod.0.spec;
    let any = |has: fn(&Container) -> bool| pod.containers().filter(|container| !is_builtin(container)).any(has);
    let scheduling = spec.affinity.is_some()
        || spec.node_selector.is_some()
        || spec.priority_class_name.is_some()
        || spec.runtime_class_name.is_some()
        || spec.scheduling_gates.is_some()
        || spec.tolerations.is_some()
        || spec.topology_spread_constraints.is_some();
    let found = [
        ("image", any(|c| c.image.is_some())),
        ("imagePullSecrets", spec.image_pull_secrets.is_some()),
        ("resources", any(|c| !c.resources.limits.is_empty() || !c.resources.requests.is_empty())),
        ("probes", any(|c| c.liveness_probe.is_some() || c.readiness_probe.is_some() || c.startup_probe.is_some())),
        ("lifecycle", any(|c| c.lifecycle.is_some())),
        ("ports", any(|c| c.ports.is_some())),
        ("scheduling", scheduling),
        ("securityContext", spec.security_context.is_some() || any(|c| c.security_context.is_some())),
        ("hostNetwork", spec.host_network.is_some()),
        ("hostAliases", spec.host_aliases.is_some()),
        ("activeDeadlineSeconds", spec.active_deadline_seconds.is_some()),
        ("ephemeralContainers", spec.ephemeral_containers.is_some()),
    ];
    let names: Vec<String> = found.iter().filter(|(_, found)| *found).map(|(name, _)| (*name).to_owned()).collect();
    let line = (!names.is_empty()).then_some(Note::Ignored(names));

    let own = spec.containers.iter().map(|container| &container.restart_policy);
    let policy = own.chain([&spec.restart_policy]).find(|policy| !matches!(policy.as_str(), "" | "Never"));
    line.into_iter().chain(policy.map(|policy| Note::RunsOnce { policy: policy.clone() })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(pod: &str) -> Vec<String> {
        ignored(&Pod::from_json(pod).unwrap(), |container| container.name == "builtin")
            .iter()
            .map(Note::to_string)
            .collect()
    }

    #[test]
    fn one_line_for_all() {
        let pod = r#"{"spec":{"tolerations":[],"securityContext":{},"restartPolicy":"OnFailure","initContainers":[{"image":"x"},{"name":"builtin","ports":[]}],"containers":
            [{"image":"y","ports":[],"resources":{"limits":{"cpu":1}},"livenessProbe":{},"lifecycle":null}]}}"#;
        assert_eq!(
            lines(pod),
            [
                "ignored: image, resources, probes, ports, scheduling, securityContext",
                "restartPolicy is `OnFailure`, but containers run once here"
            ]
        );
        let nothing = r#"{"spec":{"restartPolicy":"Never","initContainers":[{"name":"builtin","image":"x"}],"containers":[{"resources":{}}]}}"#;
        assert_eq!(lines(nothing), [""; 0]);
    }
}
