//! Flyte's sections of the managers whose secrets another program brings: `awsSecretManager`, `gcpSecretManager`,
//! `azureSecretManager` and `vaultSecretManager` of `webhook:`.

use super::error::ConfigError;
use super::label::is_qualified_name;
use super::quantity::amount;
use super::section::Section;
use super::tree::Kind;
use crate::manager::Manager;
use serde_json::{Map, Value, json};

/// Settings of the managers whose secrets another program brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brought {
    /// AWS Secrets Manager.
    pub aws: Sidecar,
    /// Google Cloud Secret Manager.
    pub gcp: Sidecar,
    /// Azure Key Vault.
    pub azure: Sidecar,
    /// Vault's Agent Injector.
    pub vault: Vault,
}

/// A vendor's init container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sidecar {
    /// Its image.
    pub image: String,
    /// Its resources, as JSON.
    pub resources: String,
}

/// What Vault's Agent Injector is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vault {
    /// The role that pods log in as.
    pub role: String,
    /// The version of the KV engine, where a secret's `group_version` says nothing.
    pub kv_version: KvVersion,
    /// More annotations of every pod with secrets of Vault.
    pub annotations: Vec<(String, String)>,
}

/// The version of a KV engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KvVersion {
    /// Secrets without versions.
    One,
    /// Secrets with versions.
    Two,
}

/// The sections, each with its manager.
const SECTIONS: [(&str, Manager); 4] = [
    ("awsSecretManager", Manager::Aws),
    ("gcpSecretManager", Manager::Gcp),
    ("azureSecretManager", Manager::Azure),
    ("vaultSecretManager", Manager::Vault),
];

/// The sections that are written, each with its manager.
pub(super) fn written(webhook: &Section) -> Vec<(&'static str, Manager)> {
    SECTIONS.into_iter().filter(|(name, _)| webhook.has(name)).collect()
}

pub(super) fn read(webhook: &mut Section, lenient: bool, notes: &mut Vec<String>) -> Result<Brought, ConfigError> {
    let mut sidecar = |name, image: &str| sidecar(webhook.section(name)?, image, lenient, notes);
    Ok(Brought {
        aws: sidecar("awsSecretManager", "docker.io/amazon/aws-secrets-manager-secret-sidecar:v0.1.4")?,
        gcp: sidecar("gcpSecretManager", "gcr.io/google.com/cloudsdktool/cloud-sdk:alpine")?,
        azure: sidecar("azureSecretManager", "mcr.microsoft.com/azure-cli:cbl-mariner2.0")?,
        vault: vault(webhook.section("vaultSecretManager")?, lenient, notes)?,
    })
}

fn sidecar(
    section: Option<Section>,
    default_image: &str,
    lenient: bool,
    notes: &mut Vec<String>,
) -> Result<Sidecar, ConfigError> {
    let default = || json!({"cpu": "200m", "memory": "500Mi"});
    let mut sidecar = Sidecar {
        image: default_image.to_owned(),
        resources: json!({"limits": default(), "requests": default()}).to_string(),
    };
    let Some(mut section) = section else { return Ok(sidecar) };
    let image = |text: &str| (!text.is_empty() && text.trim() == text).then(|| text.to_owned());
    if let Some(image) = section.parsed("sidecarImage", "the name of an image", image)? {
        sidecar.image = image;
    }
    if let Some(resources) = section.section("resources")? {
        sidecar.resources = read_resources(resources)?;
    }
    section.finish_or_note(lenient, notes)?;
    Ok(sidecar)
}

/// Limits and requests, laid over the default ones, as Flyte has it.
fn read_resources(mut section: Section) -> Result<String, ConfigError> {
    let at = section.at().clone();
    let mut amounts = |name| -> Result<Map<String, Value>, ConfigError> {
        let mut amounts = Map::from_iter([("cpu", "200m"), ("memory", "500Mi")].map(|(n, v)| (n.to_owned(), v.into())));
        let Some(mut written) = section.section(name)? else { return Ok(amounts) };
        for entry in written.rest() {
            match entry.node.kind {
                Kind::Scalar(text) if is_qualified_name(&entry.name) && amount(&text).is_some() => {
                    amounts.insert(entry.name, text.into());
                }
                Kind::Null => {}
                Kind::Scalar(_) | Kind::List(_) | Kind::Map(_) => {
                    let message = format!("`{}` has to be the amount of a resource", entry.name.escape_debug());
                    return Err(ConfigError::at(&entry.node.at, message).with_hint("cpu: 200m, or memory: 500Mi"));
                }
            }
        }
        Ok(amounts)
    };
    let (limits, requests) = (amounts("limits")?, amounts("requests")?);
    section.finish()?;
    for (name, request) in &requests {
        let of = |value: &Value| value.as_str().and_then(amount);
        if let (Some(request), Some(limit)) = (of(request), limits.get(name).and_then(of))
            && request > limit
        {
            let message = format!("the request of {name} is over its limit, and the API server would refuse every pod");
            return Err(ConfigError::at(&at, message).with_hint(format!("set `limits.{name}`, too")));
        }
    }
    Ok(json!({"limits": limits, "requests": requests}).to_string())
}

fn vault(section: Option<Section>, lenient: bool, notes: &mut Vec<String>) -> Result<Vault, ConfigError> {
    let mut vault = Vault { role: "flyte".to_owned(), kv_version: KvVersion::Two, annotations: Vec::new() };
    let Some(mut section) = section else { return Ok(vault) };
    vault.role = section.text_or("role", &vault.role)?;
    let version = |text: &str| match text {
        "1" => Some(KvVersion::One),
        "2" => Some(KvVersion::Two),
        _ => None,
    };
    if let Some(version) = section.parsed("kvVersion", "`\"1\"` or `\"2\"`", version)? {
        vault.kv_version = version;
    }
    if let Some(mut annotations) = section.section("annotations")? {
        for entry in annotations.rest() {
            let Kind::Scalar(value) = entry.node.kind else {
                let message = format!("annotation `{}` has to be text", entry.name.escape_debug());
                return Err(ConfigError::at(&entry.node.at, message).with_hint("put it in quotes"));
            };
            // An annotation's name may have capitals before the slash; nothing else of a label's rules is looser.
            if !is_qualified_name(&entry.name.to_lowercase()) {
                let message = format!("`{}` can't be the name of an annotation", entry.name.escape_debug());
                return Err(ConfigError::at(&entry.at, message).with_hint("write a name such as example.com/name"));
            }
            vault.annotations.push((entry.name, value));
        }
    }
    section.finish_or_note(lenient, notes)?;
    Ok(vault)
}
