//! Flyte's own sections, with Flyte's names and defaults (`webhook:` and `secrets:` of flytestdlib's configuration).

use super::brought::{self, Brought};
use super::error::ConfigError;
use super::section::{Scalar, Section};
use crate::manager::Manager;

/// Sections of Flyte's other parts that may stand in the same file; none of them concerns the webhook.
pub(super) const OTHER_SECTIONS: [&str; 42] = [
    "admin",
    "agent-service",
    "auth",
    "cache",
    "cacheservice",
    "catalog",
    "catalog-cache",
    "clusterpools",
    "clusterresources",
    "cloudevents",
    "cluster_resources",
    "config",
    "copilot",
    "database",
    "datacatalog",
    "domains",
    "event",
    "executor",
    "externalevents",
    "flyteadmin",
    "k8s",
    "k8s-array",
    "leader-election",
    "logger",
    "logging",
    "manager",
    "namespace_mapping",
    "notifications",
    "otel",
    "plugins",
    "propeller",
    "qualityofservice",
    "queues",
    "registration",
    "remotedata",
    "runs",
    "scheduler",
    "server",
    "storage",
    "task_resources",
    "task_type_whitelist",
    "tasks",
];

/// What the server needs of `webhook:`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Folder of `tls.crt`, `tls.key` and `ca.crt`.
    pub cert_dir: String,
    /// Whether certificates are also written to that folder.
    pub local_cert: bool,
    /// Port of the TLS listener.
    pub listen_port: u16,
    /// The Service, which also names the webhook configuration.
    pub service_name: String,
    /// Port of the Service.
    pub service_port: u16,
    /// The Secret with the certificates.
    pub secret_name: String,
    /// Whether the server leaves the registration alone.
    pub disable_registration: bool,
    /// Prefix of metric names.
    pub metrics_prefix: String,
    /// The registration's `namespaceSelector`, as it is written.
    pub namespace_selector: Option<serde_json::Value>,
}

/// What is read of `webhook:` besides the server's part.
pub(super) struct Webhook {
    pub(super) server: Server,
    pub(super) managers: Option<Vec<Scalar>>,
    pub(super) env_prefix: Option<Scalar>,
    pub(super) brought: Brought,
    /// The sections of `brought` that are written, each with its manager.
    pub(super) brought_sections: Vec<(&'static str, Manager)>,
}

/// Where Global looks: Flyte's section `secrets:`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GlobalLookup {
    /// Folder of `<group>/<key>` files in the webhook's pod.
    pub secrets_prefix: String,
    /// Prefix of `<GROUP>_<KEY>` environment variables of the webhook's pod.
    pub env_prefix: String,
}

/// Names in `webhook:` that belong to managers this build doesn't serve, or to parts of Flyte that it doesn't have.
const NOT_READ: [&str; 5] = [
    "embeddedSecretManagerConfig",
    "imageBuilderConfig",
    "webhookTimeout",
    "kubeClientConfig",
    "cacheInvalidationPort",
];

pub(super) fn webhook(
    section: Option<Section>,
    lenient: bool,
    notes: &mut Vec<String>,
) -> Result<Webhook, ConfigError> {
    let mut section = match section {
        Some(section) => section,
        None => Section::of(super::tree::Node::parse("", "")?, "`webhook`")?,
    };
    let one = section.texts("secretManagerType")?;
    let many = section.texts("secretManagerTypes")?.filter(|list| !list.is_empty());
    let server = Server {
        cert_dir: section.text_or("certDir", "/etc/webhook/certs")?,
        local_cert: section.flag_or("localCert", false)?,
        listen_port: section.port_or("listenPort", 9443)?,
        service_name: section.text_or("serviceName", "flyte-pod-webhook")?,
        service_port: section.port_or("servicePort", 443)?,
        secret_name: section.text_or("secretName", "flyte-pod-webhook")?,
        disable_registration: section.flag_or("disableCreateMutatingWebhookConfig", false)?,
        metrics_prefix: section.text_or("metrics-prefix", "flyte:")?,
        namespace_selector: section
            .take("namespaceSelector")
            .map(|entry| entry.node.into_json())
            .filter(|s| !s.is_null()),
    };
    let env_prefix = section.scalar("secretEnvVarPrefix")?;
    let brought_sections = brought::written(&section);
    let brought = brought::read(&mut section, lenient, notes)?;
    for name in NOT_READ {
        if section.take(name).is_some() {
            notes.push(format!("`webhook.{name}` is not used by this build"));
        }
    }
    section.finish_or_note(lenient, notes)?;
    Ok(Webhook { server, managers: many.or(one), env_prefix, brought, brought_sections })
}

pub(super) fn secrets(
    section: Option<Section>,
    lenient: bool,
    notes: &mut Vec<String>,
) -> Result<GlobalLookup, ConfigError> {
    let default = GlobalLookup { secrets_prefix: "/etc/secrets".to_owned(), env_prefix: "FLYTE_SECRET_".to_owned() };
    let Some(mut section) = section else { return Ok(default) };
    let lookup = GlobalLookup {
        secrets_prefix: section.text_or("secrets-prefix", &default.secrets_prefix)?,
        env_prefix: section.text_or("env-prefix", &default.env_prefix)?,
    };
    section.take("type");
    section.finish_or_note(lenient, notes)?;
    Ok(lookup)
}
