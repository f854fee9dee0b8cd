//! Applied once: what is there is looked at, then ours is put in its place, or nothing is changed.

use super::object::{MANAGER, Owner, object};
use super::standing::{Standing, bundle, is_injected, standing};
use super::{RegistrationError, Spec};
use crate::cluster::{ClusterError, is_missing};
use k8s_openapi::api::admissionregistration::v1::MutatingWebhookConfiguration;
use k8s_openapi::api::rbac::v1::ClusterRole;
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::Value;

/// What had to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// It was not there.
    Made,
    /// It was Flyte's.
    Adopted,
    /// It was ours, with another CA than the webhook's: the API server could not call us.
    BundleMended,
    /// It was ours, and different.
    Mended,
    /// Nothing.
    Unchanged,
}

/// Applies the registration once. `ca` is what the API server is to trust, as PEM.
///
/// # Errors
/// [`RegistrationError`]; nothing was changed then.
pub async fn apply(client: &Client, spec: &Spec, ca: &str) -> Result<Applied, RegistrationError> {
    apply_once(client, spec, ca).await.map(|(applied, _)| applied)
}

/// The same, and why it has no owner where it should have one.
pub(super) async fn apply_once(
    client: &Client,
    spec: &Spec,
    ca: &str,
) -> Result<(Applied, Option<String>), RegistrationError> {
    let configurations: Api<MutatingWebhookConfiguration> = Api::all(client.clone());
    let read = configurations.get_opt(&spec.service).await;
    let there = read.map_err(|error| refused("get", spec, &error))?;
    let standing = there.as_ref().map(|there| standing(there, spec)).transpose()?;
    let (owner, without) = owner(client, spec).await?;
    let has_our_bundle = there.as_ref().and_then(bundle) == Some(ca.as_bytes());
    // Left to cert-manager as soon as that has put its own in; until then the API server needs ours.
    let is_left_to_others = there.as_ref().is_some_and(is_injected) && !has_our_bundle;
    let object = object(spec, (!is_left_to_others).then_some(ca), owner.as_ref());
    if let (Some(there), Some(Standing::Adopted)) = (&there, standing) {
        take_over(&configurations, there.clone(), &object, spec).await?;
    }
    let params = PatchParams::apply(MANAGER).force();
    let patched = configurations.patch(&spec.service, &params, &Patch::Apply(&object)).await;
    let now = patched.map_err(|error| refused("patch", spec, &error))?;
    let applied = match (there, standing) {
        (None, _) => Applied::Made,
        (Some(_), Some(Standing::Adopted)) => Applied::Adopted,
        (Some(there), _) if there.metadata.resource_version == now.metadata.resource_version => Applied::Unchanged,
        (Some(_), _) if !has_our_bundle && !is_left_to_others => Applied::BundleMended,
        (Some(_), _) => Applied::Mended,
    };
    Ok((applied, without))
}

/// Puts our entry in place of Flyte's. An apply alone would leave what Flyte set besides, such as a `url`.
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
    // Flyte has its pod's ReplicaSet own it; beside an owner of ours that would keep it after an uninstall.
    if ours.metadata.owner_references.is_some() {
        there.metadata.owner_references = ours.metadata.owner_references;
    }
    let params = PostParams { field_manager: Some(MANAGER.to_owned()), ..PostParams::default() };
    let replaced = configurations.replace(&spec.service, &params, &there).await;
    replaced.map_err(|error| refused("update", spec, &error))?;
    Ok(())
}

/// The owner as far as we may see it, and why there is none: an uninstall has to delete the registration itself then. A failure
/// that may pass is an error, so that an owner that was there is not taken away by it.
async fn owner(client: &Client, spec: &Spec) -> Result<(Option<Owner>, Option<String>), ClusterError> {
    let Some(name) = &spec.owner else { return Ok((None, None)) };
    let roles: Api<ClusterRole> = Api::all(client.clone());
    let error = match roles.get(name).await {
        Ok(role) => {
            let owner = role.metadata.uid.map(|uid| Owner { name: name.clone(), uid });
            return Ok((owner, None));
        }
        Err(error) => error,
    };
    let failed = ClusterError::asked("get", "clusterroles", name, None, &error);
    if is_missing(&error) || matches!(failed, ClusterError::Forbidden { .. }) {
        return Ok((None, Some(failed.to_string())));
    }
    Err(failed)
}

fn refused(verb: &'static str, spec: &Spec, error: &kube::Error) -> ClusterError {
    ClusterError::asked(verb, "mutatingwebhookconfigurations", &spec.service, None, error)
}
