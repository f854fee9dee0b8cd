//! What the webhook's service account may do, rule by rule.

use super::Subject;
use super::finding::{Finding, State};
use crate::cluster::{ClusterError, group, rule};
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::api::PostParams;
use kube::{Api, Client};

const RIGHTS: &str = "rights";

/// One right that it needs.
struct Right<'a> {
    verb: &'static str,
    resource: &'static str,
    name: &'a str,
    namespace: Option<&'a str>,
    /// What does not work without it.
    without: &'static str,
    missing: State,
}

pub(super) async fn look(client: &Client, subject: &Subject) -> Vec<Finding> {
    let (namespace, account) = (subject.namespace.as_str(), subject.account.as_str());
    let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), namespace);
    match accounts.get_opt(account).await {
        Ok(Some(_)) => {}
        Ok(None) => {
            return vec![
                Finding::failed(RIGHTS, format!("there is no service account `{account}` in namespace `{namespace}`"))
                    .hint("apply the install's manifests again, or give its name with --service-account"),
            ];
        }
        Err(error) => {
            let error = ClusterError::asked("get", "serviceaccounts", account, Some(namespace), &error);
            return vec![Finding::not_seen(RIGHTS, &error)];
        }
    }
    let mut findings = Vec::new();
    let needed = needed(subject);
    let count = needed.len();
    for right in needed {
        match may(client, subject, &right).await {
            Ok(true) => {}
            Ok(false) => findings.push(missing(&right, subject)),
            Err(error) => return vec![Finding::not_seen(RIGHTS, &error)],
        }
    }
    if findings.is_empty() {
        findings.push(Finding::ok(RIGHTS, format!("service account `{account}` has the {count} rights that it needs")));
    }
    // A stolen token of the webhook should open no Secret but its own.
    let every = Right {
        verb: "get",
        resource: "secrets",
        name: "",
        namespace: Some(namespace),
        without: "",
        missing: State::Warning,
    };
    if may(client, subject, &every).await.unwrap_or(false) {
        findings.push(
            Finding::warning(
                RIGHTS,
                format!("service account `{account}` may read every Secret in namespace `{namespace}`"),
            )
            .hint(format!("it needs only `{}`: limit the rule by `resourceNames`", subject.config.server.secret_name)),
        );
    }
    findings
}

fn needed(subject: &Subject) -> Vec<Right<'_>> {
    let server = &subject.config.server;
    let secret = |verb, without, missing| Right {
        verb,
        resource: "secrets",
        name: &server.secret_name,
        namespace: Some(&subject.namespace),
        without,
        missing,
    };
    // An apply of what is not there asks for both of the last two.
    let lost = "a Secret that was lost is not made again";
    let mut needed = vec![
        secret("get", "the webhook does not find its certificate", State::Failed),
        secret("update", "the certificate is not renewed", State::Failed),
        secret("create", lost, State::Warning),
        secret("patch", lost, State::Warning),
    ];
    if !server.disable_registration {
        let registration = |verb, without| Right {
            verb,
            resource: "mutatingwebhookconfigurations",
            name: &server.service_name,
            namespace: None,
            without,
            missing: State::Failed,
        };
        needed.extend([
            registration("get", "the registration is not looked at"),
            registration("create", "a registration that was lost is not made again"),
            registration("patch", "a registration that was changed is not mended"),
            Right {
                verb: "get",
                resource: "clusterroles",
                name: &subject.owner,
                namespace: None,
                without: "the registration has no owner, and an uninstall has to delete it by its name",
                missing: State::Warning,
            },
        ]);
    }
    needed
}

fn missing(right: &Right<'_>, subject: &Subject) -> Finding {
    let Right { verb, resource, name, namespace, without, missing } = *right;
    let place = namespace.map_or_else(String::new, |namespace| format!(" in namespace `{namespace}`"));
    let message = format!("service account `{}` may not {verb} {resource} `{name}`{place}: {without}", subject.account);
    Finding { check: RIGHTS, state: missing, message, hint: Some(rule(verb, resource, name, namespace)) }
}

async fn may(client: &Client, subject: &Subject, right: &Right<'_>) -> Result<bool, ClusterError> {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let attributes = ResourceAttributes {
        verb: some(right.verb),
        group: some(group(right.resource)),
        resource: some(right.resource),
        name: some(right.name),
        namespace: right.namespace.map(str::to_owned),
        ..ResourceAttributes::default()
    };
    let (namespace, account) = (&subject.namespace, &subject.account);
    let spec = SubjectAccessReviewSpec {
        user: Some(format!("system:serviceaccount:{namespace}:{account}")),
        groups: Some(vec![
            "system:serviceaccounts".to_owned(),
            format!("system:serviceaccounts:{namespace}"),
            "system:authenticated".to_owned(),
        ]),
        resource_attributes: Some(attributes),
        ..SubjectAccessReviewSpec::default()
    };
    let reviews: Api<SubjectAccessReview> = Api::all(client.clone());
    let review = SubjectAccessReview { spec, ..SubjectAccessReview::default() };
    match reviews.create(&PostParams::default(), &review).await {
        Ok(answer) => Ok(answer.status.is_some_and(|status| status.allowed)),
        Err(error) => Err(ClusterError::asked("create", "subjectaccessreviews", "", None, &error)),
    }
}
