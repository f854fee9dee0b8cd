//! The registration, and others that want the same pods.

use super::Subject;
use super::finding::Finding;
use crate::admit::PATH;
use crate::certificates::{Pair, is_trusted};
use crate::cluster::ClusterError;
use crate::registration::{ENTRY, Spec, described, whose};
use k8s_openapi::api::admissionregistration::v1::{MutatingWebhook, MutatingWebhookConfiguration};
use kube::api::ListParams;
use kube::{Api, Client};
use serde_json::Value;

const REGISTRATION: &str = "registration";
const OVERLAP: &str = "overlap";

pub(super) async fn look(client: &Client, subject: &Subject, pair: Option<&Pair>) -> Vec<Finding> {
    let name = &subject.config.server.service_name;
    let configurations: Api<MutatingWebhookConfiguration> = Api::all(client.clone());
    let mut findings = match configurations.get_opt(name).await {
        Ok(Some(there)) => entry(&there, subject, pair),
        Ok(None) => vec![
            Finding::failed(
                REGISTRATION,
                format!("there is no MutatingWebhookConfiguration `{name}`: no pod gets secrets"),
            )
            .hint("the webhook makes it within 30 s of its start: look in its log, and at its rights below"),
        ],
        Err(error) => {
            let error = ClusterError::asked("get", "mutatingwebhookconfigurations", name, None, &error);
            return vec![Finding::not_seen(REGISTRATION, &error)];
        }
    };
    match configurations.list(&ListParams::default()).await {
        Ok(all) => findings.extend(all.iter().filter_map(|other| overlap(other, subject))),
        Err(error) => {
            let error = ClusterError::asked("list", "mutatingwebhookconfigurations", "", None, &error);
            findings.push(Finding::not_seen(OVERLAP, &error));
        }
    }
    findings
}

fn spec(subject: &Subject) -> Spec {
    let server = &subject.config.server;
    Spec {
        service: server.service_name.clone(),
        namespace: subject.namespace.clone(),
        port: server.service_port,
        label: subject.config.label.clone(),
        namespace_selector: server.namespace_selector.clone(),
        owner: None,
        adopt: false,
    }
}

fn entry(there: &MutatingWebhookConfiguration, subject: &Subject, pair: Option<&Pair>) -> Vec<Finding> {
    let spec = spec(subject);
    let name = &spec.service;
    if let Err(error) = whose(there, &spec) {
        let mut finding = Finding::failed(REGISTRATION, error.to_string());
        finding.hint = error.hint();
        return vec![finding];
    }
    let Some(entry) = there.webhooks.iter().flatten().find(|entry| entry.name == ENTRY) else {
        let message = format!("MutatingWebhookConfiguration `{name}` has no entry `{ENTRY}`: no pod gets secrets");
        return vec![Finding::failed(REGISTRATION, message).hint("the webhook mends it within 30 s: is it running?")];
    };
    let mut findings = Vec::new();
    let bundle = entry.client_config.ca_bundle.as_ref().and_then(|bundle| std::str::from_utf8(&bundle.0).ok());
    match (bundle, pair) {
        (None | Some(""), _) => findings.push(
            Finding::failed(REGISTRATION, format!("MutatingWebhookConfiguration `{name}` has no `caBundle`"))
                .hint("the webhook puts its CA there, unless cert-manager's annotation says that it does: is that running?"),
        ),
        (Some(bundle), Some(pair)) if !is_trusted(pair, bundle, &subject.certificates()) => findings.push(
            Finding::failed(
                REGISTRATION,
                format!("the API server was told to trust another CA than that of the certificate (`caBundle` of MutatingWebhookConfiguration `{name}`)"),
            )
            .hint("the webhook mends it within 30 s, if it may: look in its log, and at its rights below"),
        ),
        (Some(_), _) => {}
    }
    let differing = differing(entry, &spec);
    if !differing.is_empty() {
        findings.push(
            Finding::warning(
                REGISTRATION,
                format!(
                    "MutatingWebhookConfiguration `{name}` differs from what the webhook writes: {}",
                    differing.join(", ")
                ),
            )
            .hint("the webhook mends it within 30 s: is it running, and does it have this configuration?"),
        );
    }
    if findings.is_empty() {
        let label = &spec.label;
        findings.push(Finding::ok(
            REGISTRATION,
            format!("MutatingWebhookConfiguration `{name}` sends pods with label `{label}: \"true\"` to the webhook"),
        ));
    }
    findings
}

/// The members of the entry that are not as the webhook writes them, as `member is X`.
fn differing(entry: &MutatingWebhook, spec: &Spec) -> Vec<String> {
    let wanted = described(spec);
    let is = serde_json::to_value(entry).unwrap_or_default();
    let members = wanted.as_object().into_iter().flatten();
    let mut differing = Vec::new();
    for (member, wanted) in members {
        let is = is.get(member).unwrap_or(&Value::Null);
        match member.as_str() {
            "clientConfig" => {
                for part in ["name", "namespace", "path", "port"] {
                    let (is, wanted) =
                        (is.pointer(&format!("/service/{part}")), wanted.pointer(&format!("/service/{part}")));
                    if is != wanted {
                        differing.push(format!("`clientConfig.service.{part}` is {}", is.unwrap_or(&Value::Null)));
                    }
                }
            }
            _ if is != wanted => differing.push(format!("`{member}` is {is}")),
            _ => {}
        }
    }
    differing
}

/// Another configuration that changes the pods that ask for secrets: both would answer.
fn overlap(other: &MutatingWebhookConfiguration, subject: &Subject) -> Option<Finding> {
    let name = other.metadata.name.as_deref().unwrap_or_default();
    if name == subject.config.server.service_name {
        return None;
    }
    let label = subject.config.label.as_str();
    let wants = |entry: &&MutatingWebhook| {
        let labels = entry.object_selector.as_ref().and_then(|selector| selector.match_labels.as_ref());
        let by_label = labels.is_some_and(|labels| labels.get(label).is_some_and(|value| value == "true"));
        let path = entry.client_config.service.as_ref().and_then(|service| service.path.as_deref());
        by_label || (entry.name == ENTRY && path == Some(PATH) && labels.is_none())
    };
    let entry = other.webhooks.iter().flatten().find(wants)?;
    let service = entry.client_config.service.as_ref();
    let where_to =
        service.map_or_else(String::new, |service| format!(" (Service `{}/{}`)", service.namespace, service.name));
    Some(
        Finding::warning(
            OVERLAP,
            format!("MutatingWebhookConfiguration `{name}`{where_to} is also for pods with label `{label}`: both change them"),
        )
        .hint("give the two different `namespaceSelector`s or labels, or remove the one that is not wanted"),
    )
}
