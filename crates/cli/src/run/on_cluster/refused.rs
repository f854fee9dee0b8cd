//! Why the cluster does not take a pod, and what to do about it.

use crate::fault::Fault;
use crate::kubectl::{Failure, Kubectl, message, no_cluster, no_namespace, with_words};

/// The rights that a run needs.
pub(super) const RULE: &str =
    "{apiGroups: [\"\"], resources: [pods, pods/log, events], verbs: [create, get, list, watch, delete]}";

pub(super) fn of(failure: &Failure, kubectl: &Kubectl, file: &str) -> Fault {
    let namespace = kubectl.namespace.as_deref().unwrap_or_default();
    let Failure::Refused(lines) = failure else {
        return no_cluster(failure, kubectl).unwrap_or_else(|| Fault::new(failure));
    };
    let said = lines.iter().map(|line| message(line)).collect::<Vec<_>>().join("\n  ");
    if let Some((who, why)) = said.split_once(" denied the request: ") {
        // The webhook's own words, which have its remedy.
        return Fault::new(format!("{who} refuses the pod; nothing was started"))
            .detail(why)
            .hint(format!("`keybearer explain {file} -n {namespace}` shows what the webhook makes of it"));
    }
    let refused = |why: &str| Fault::new(format!("{why}; nothing was started")).detail(&said);
    if said.contains("ValidatingAdmissionPolicy") {
        return refused("a policy of the cluster refuses the pod");
    }
    if said.contains("calling webhook") {
        return refused("the API server can't call an admission webhook").hint(
            "`keybearer doctor --namespace NAMESPACE-OF-THE-WEBHOOK` says what is wrong, if it is the one for secrets",
        );
    }
    if failure.says(&["namespaces", "not found"]) {
        return no_namespace(kubectl);
    }
    if said.contains("error looking up service account") {
        return refused("the pod's service account is not there")
            .hint("name another one with --service-account, or make it with `kubectl create serviceaccount`");
    }
    if said.contains("cannot create resource \"pods\"") {
        return not_allowed(failure, "make pods", namespace);
    }
    if said.contains("violates PodSecurity") {
        return refused("the namespace's Pod Security level refuses the pod")
            .hint("give the pod the `securityContext` that the message names, or take another namespace");
    }
    if said.contains("exceeded quota") {
        return refused("the namespace's quota is used up")
            .hint(format!("`{}` shows it", kubectl.typed("describe resourcequota")));
    }
    no_cluster(failure, kubectl).unwrap_or_else(|| refused("the cluster refuses the pod"))
}

pub(super) fn not_allowed(failure: &Failure, what: &str, namespace: &str) -> Fault {
    with_words(Fault::new(format!("you may not {what} in namespace `{namespace}`")), failure)
        .hint(format!("ask for a Role there with the rule `{RULE}`"))
}

/// A pod that asks for secrets and that nothing served.
pub(super) fn unserved(label: &str, namespace: &str) -> Fault {
    Fault::new("the pod asks for secrets, and no webhook of the cluster gives it any; nothing was started")
        .detail(format!("pods with label `{label}: \"true\"` in namespace `{namespace}` are sent to none that knows them"))
        .hint("is the webhook installed, and for this namespace? `keybearer doctor --namespace NAMESPACE-OF-THE-WEBHOOK` says what is wrong")
        .hint("a webhook with another `label` is told by --config")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(said: &[&str]) -> Fault {
        let kubectl = Kubectl { namespace: Some("team".to_owned()), ..Kubectl::default() };
        of(&Failure::Refused(said.iter().map(|line| (*line).to_owned()).collect()), &kubectl, "pod.yaml")
    }

    #[test]
    fn each_refusal_has_its_reason_and_most_a_remedy() {
        const CREATING: &str = "Error from server (Forbidden): error when creating \"STDIN\": ";
        for (said, message, hint) in [
            (
                "admission webhook \"w.flyte.org\" denied the request: secret `a/b`: no",
                "admission webhook \"w.flyte.org\" refuses the pod",
                "keybearer explain pod.yaml -n team",
            ),
            (
                "pods is forbidden: User \"me\" cannot create resource \"pods\" in API",
                "you may not make pods",
                "pods/log",
            ),
            ("pods \"x\" is forbidden: violates PodSecurity \"restricted:latest\"", "Pod Security", "securityContext"),
            ("pods \"x\" is forbidden: exceeded quota: q", "quota", "describe resourcequota -n team"),
            (
                "pods \"x\" is forbidden: error looking up service account team/x",
                "service account",
                "--service-account",
            ),
            ("namespaces \"team\" not found", "no namespace `team`", "get namespaces"),
        ] {
            let fault = fault(&[&format!("{CREATING}{said}")]);
            assert!(fault.message.contains(message), "{fault:?}");
            assert!(fault.hints.iter().any(|one| one.contains(hint)), "{fault:?}");
        }
        let away = fault(&[
            "Error from server (InternalError): error when creating \"STDIN\": Internal error occurred: failed calling webhook \"w\": connect: connection refused",
        ]);
        assert!(away.message.contains("can't call an admission webhook"), "{away:?}");
    }
}
