//! Applied at start, looked at from time to time, and made again when it is lost or changed.

use super::object::{ENTRY, Owner, object};
use super::{RegistrationError, Spec};
use crate::cluster::{ClusterError, is_missing};
use k8s_openapi::api::admissionregistration::v1::MutatingWebhookConfiguration;
use k8s_openapi::api::rbac::v1::ClusterRole;
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::Value;
use std::time::Duration;

/// Who applies.
const MANAGER: &str = "keybearer";
/// How long is waited after a failure, at first and at most.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// Applies the registration once.
///
/// # Errors
/// [`RegistrationError`]; nothing was changed then.
pub async fn apply(client: &Client, spec: &Spec, ca: &str) -> Result<(), RegistrationError> {
    let configurations: Api<MutatingWebhookConfiguration> = Api::all(client.clone());
    let read = configurations.get_opt(&spec.service).await;
    let there = read.map_err(|error| refused("get", spec, &error))?;
    let owner = owner(client, spec).await;
    let object = object(spec, ca, owner.as_ref());
    if let Some(there) = there
        && check(&there, spec)? == Standing::Adopted
    {
        take_over(&configurations, there, &object, spec).await?;
    }
    let params = PatchParams::apply(MANAGER).force();
    match configurations.patch(&spec.service, &params, &Patch::Apply(&object)).await {
        Ok(_) => Ok(()),
        Err(error) => Err(refused("patch", spec, &error).into()),
    }
}

/// How one that is there stands to us.
#[derive(PartialEq, Eq)]
enum Standing {
    /// We wrote it, or nothing is in it.
    Ours,
    /// It was Flyte's.
    Adopted,
}

/// Puts our entry in place of Flyte's. An apply alone would leave what Flyte set besides, such as a selector.
async fn take_over(
    configurations: &Api<MutatingWebhookConfiguration>,
    mut there: MutatingWebhookConfiguration,
    object: &Value,
    spec: &Spec,
) -> Result<(), RegistrationError> {
    let ours: MutatingWebhookConfiguration = match serde_json::from_value(object.clone()) {
        Ok(ours) => ours,
        Err(error) => unreachable!("the registration is one: {error}"),
    };
    there.webhooks = ours.webhooks;
    let params = PostParams { field_manager: Some(MANAGER.to_owned()), ..PostParams::default() };
    let replaced = configurations.replace(&spec.service, &params, &there).await;
    replaced.map_err(|error| refused("update", spec, &error))?;
    tracing::info!(name = spec.service, "Flyte's registration was taken over");
    Ok(())
}

/// Whether one that is there may be ours.
fn check(there: &MutatingWebhookConfiguration, spec: &Spec) -> Result<Standing, RegistrationError> {
    let name = spec.service.clone();
    let entries = there.webhooks.iter().flatten();
    if let Some(entry) = entries.clone().find(|entry| entry.name != ENTRY) {
        return Err(RegistrationError::Foreign { name, entry: entry.name.clone() });
    }
    let managers = there.metadata.managed_fields.iter().flatten();
    let ours = managers.into_iter().any(|field| field.manager.as_deref() == Some(MANAGER));
    match (ours || entries.count() == 0, spec.adopt) {
        (true, _) => Ok(Standing::Ours),
        (false, true) => Ok(Standing::Adopted),
        (false, false) => Err(RegistrationError::Flytes { name }),
    }
}

/// The owner, as far as we may see it: without one, an uninstall has to delete the registration itself.
async fn owner(client: &Client, spec: &Spec) -> Option<Owner> {
    let name = spec.owner.as_ref()?;
    let roles: Api<ClusterRole> = Api::all(client.clone());
    match roles.get(name).await {
        Ok(role) => Some(Owner { name: name.clone(), uid: role.metadata.uid? }),
        Err(error) => {
            tracing::warn!(%error, role = name, "the registration gets no owner: the cluster role can't be read");
            None
        }
    }
}

/// Keeps the registration as it has to be until it is dropped. `ca` is asked each time, `ready` is called once it is there.
pub async fn keep(client: Client, spec: Spec, ca: impl Fn() -> Option<String>, ready: impl Fn(), every: Duration) {
    let mut pause = PAUSES.0;
    let mut said = String::new();
    loop {
        let Some(ca) = ca() else {
            tokio::time::sleep(PAUSES.0).await;
            continue;
        };
        match apply(&client, &spec, &ca).await {
            Ok(()) => {
                if !said.is_empty() {
                    tracing::info!("registered again");
                    said.clear();
                }
                pause = PAUSES.0;
                ready();
                tokio::time::sleep(every).await;
            }
            Err(error) => {
                // What RBAC forbids is somebody else's business, and no reason not to serve.
                if matches!(&error, RegistrationError::Cluster(ClusterError::Forbidden { .. })) {
                    ready();
                }
                let text = error.to_string();
                if text != said {
                    tracing::error!(%error, hint = error.hint(), "the webhook is not registered");
                    said = text;
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(PAUSES.1);
            }
        }
    }
}

fn refused(verb: &'static str, spec: &Spec, error: &kube::Error) -> ClusterError {
    debug_assert!(!is_missing(error) || verb != "get", "get_opt answers what is not there");
    ClusterError::asked(verb, "mutatingwebhookconfigurations", &spec.service, None, error)
}
