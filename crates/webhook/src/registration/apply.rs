//! Applied once: what is there is looked at, then ours is put in its place, or nothing is changed.
//!
//! The CAs are asked for after the registration was read, and what is written is written under the version that was read. So
//! whoever is slow can't put an older bundle over a newer one: the newer one has changed the version.

use super::object::{MANAGER, Owner, object};
use super::standing::{Standing, bundle, is_injected, standing};
use super::{RegistrationError, Spec};
use crate::cluster::{ClusterError, is_conflict, is_missing};
use k8s_openapi::api::admissionregistration::v1::MutatingWebhookConfiguration;
use k8s_openapi::api::rbac::v1::ClusterRole;
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::Value;

/// How often it is tried again where others write at the same time.
const TRIES: usize = 5;

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
    let ca = || std::future::ready(Ok(ca.to_owned()));
    apply_once(client, spec, ca).await.done.map(|(applied, _)| applied)
}

/// How an apply ended.
pub(super) struct Ended {
    /// What was done, and why it has no owner where it should have one.
    pub(super) done: Result<(Applied, Option<String>), RegistrationError>,
    /// The CAs of our entry before, empty where there were none; none where it could not be looked at, or is somebody else's.
    pub(super) before: Option<String>,
}

/// The same, with the CAs asked for where they are needed, and told what stood there before.
pub(super) async fn apply_once<C>(client: &Client, spec: &Spec, ca: impl Fn() -> C) -> Ended
where
    C: Future<Output = Result<String, RegistrationError>>,
{
    let mut tries = 0;
    loop {
        let mut before = None;
        let done = attempt(client, spec, &ca, &mut before).await;
        tries += 1;
        if !matches!(done, Err(RegistrationError::Contended { .. })) || tries == TRIES {
            return Ended { done, before };
        }
    }
}

async fn attempt<C>(
    client: &Client,
    spec: &Spec,
    ca: impl Fn() -> C,
    before: &mut Option<String>,
) -> Result<(Applied, Option<String>), RegistrationError>
where
    C: Future<Output = Result<String, RegistrationError>>,
{
    let configurations: Api<MutatingWebhookConfiguration> = Api::all(client.clone());
    let read = configurations.get_opt(&spec.service).await;
    let there = read.map_err(|error| refused("get", spec, &error));
    if let Err(away @ ClusterError::Away { .. }) = there {
        return Err(away.into());
    }
    // Asked for whatever has become of the registration: a renewed certificate is found by this.
    let ca = ca().await;
    let (there, ca) = (there?, ca?);
    let standing = there.as_ref().map(|there| standing(there, spec)).transpose()?;
    let stood = there.as_ref().and_then(bundle).unwrap_or_default();
    *before = Some(String::from_utf8_lossy(stood).into_owned());
    let (owner, without) = owner(client, spec).await?;
    let has_our_bundle = stood == ca.as_bytes();
    // Left to cert-manager as soon as that has put its own in; until then the API server needs ours.
    let is_left_to_others = there.as_ref().is_some_and(is_injected) && !has_our_bundle;
    let mut object = object(spec, (!is_left_to_others).then_some(&ca), owner.as_ref());
    let mut version = there.as_ref().and_then(|there| there.metadata.resource_version.clone());
    if let (Some(there), Some(Standing::Adopted)) = (&there, standing) {
        version = take_over(&configurations, there.clone(), &object, spec).await?;
    }
    if let (Some(there), Some(Standing::Ours), Some(_)) = (&there, standing, &owner)
        && has_flytes_owner(there)
    {
        version = disown(&configurations, there.clone(), spec).await?;
    }
    if let Some(version) = version {
        object["metadata"]["resourceVersion"] = Value::String(version);
    }
    let params = PatchParams::apply(MANAGER).force();
    let patched = configurations.patch(&spec.service, &params, &Patch::Apply(&object)).await;
    let now = patched.map_err(|error| failed("patch", spec, &error))?;
    let applied = match (there, standing) {
        (None, _) => Applied::Made,
        (Some(_), Some(Standing::Adopted)) => Applied::Adopted,
        (Some(there), _) if there.metadata.resource_version == now.metadata.resource_version => Applied::Unchanged,
        (Some(_), _) if !has_our_bundle && !is_left_to_others => Applied::BundleMended,
        (Some(_), _) => Applied::Mended,
    };
    Ok((applied, without))
}

/// The CAs that the API server was told to trust by a registration of ours; none where there is none, or it can't be read.
pub(crate) async fn published(client: &Client, spec: &Spec) -> Option<String> {
    let configurations: Api<MutatingWebhookConfiguration> = Api::all(client.clone());
    let there = configurations.get_opt(&spec.service).await.ok()??;
    standing(&there, spec).ok()?;
    bundle(&there).and_then(|bytes| std::str::from_utf8(bytes).ok()).map(str::to_owned)
}

/// Puts our entry in place of Flyte's, and says which version that is. An apply alone would leave what Flyte set besides, such as a `url`.
async fn take_over(
    configurations: &Api<MutatingWebhookConfiguration>,
    mut there: MutatingWebhookConfiguration,
    object: &Value,
    spec: &Spec,
) -> Result<Option<String>, RegistrationError> {
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
    let replaced = replaced.map_err(|error| failed("update", spec, &error))?;
    Ok(replaced.metadata.resource_version)
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

/// Whether a `ReplicaSet` owns it: Flyte's webhook has its own pod's do so, and our image in Flyte's place leaves that alone.
fn has_flytes_owner(there: &MutatingWebhookConfiguration) -> bool {
    there.metadata.owner_references.iter().flatten().any(|owner| owner.kind == "ReplicaSet")
}

/// Takes that owner off, where there is one of ours: else it would stay after an uninstall. An apply can't do it, since it never
/// set that. Says which version it has then.
async fn disown(
    configurations: &Api<MutatingWebhookConfiguration>,
    mut there: MutatingWebhookConfiguration,
    spec: &Spec,
) -> Result<Option<String>, RegistrationError> {
    there.metadata.owner_references.iter_mut().for_each(|owners| owners.retain(|owner| owner.kind != "ReplicaSet"));
    let params = PostParams { field_manager: Some(MANAGER.to_owned()), ..PostParams::default() };
    let replaced = configurations.replace(&spec.service, &params, &there).await;
    let replaced = replaced.map_err(|error| failed("update", spec, &error))?;
    Ok(replaced.metadata.resource_version)
}

/// The error of a write, which somebody else's may have come before.
fn failed(verb: &'static str, spec: &Spec, error: &kube::Error) -> RegistrationError {
    if is_conflict(error) {
        return RegistrationError::Contended { name: spec.service.clone() };
    }
    refused(verb, spec, error).into()
}

fn refused(verb: &'static str, spec: &Spec, error: &kube::Error) -> ClusterError {
    ClusterError::asked(verb, "mutatingwebhookconfigurations", &spec.service, None, error)
}
