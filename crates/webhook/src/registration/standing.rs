//! Whose a registration is that is there already, as far as the object itself tells.

use super::object::{ENTRY, LABEL, MANAGER};
use super::{RegistrationError, Spec};
use k8s_openapi::api::admissionregistration::v1::MutatingWebhookConfiguration;

/// How one that is there stands to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// We wrote it, or nothing is in it.
    Ours,
    /// It is Flyte's, and we are to take its place.
    Adopted,
}

/// Whether one that is there may be ours.
///
/// # Errors
/// [`RegistrationError`] where it is somebody else's.
pub(crate) fn standing(there: &MutatingWebhookConfiguration, spec: &Spec) -> Result<Standing, RegistrationError> {
    let name = spec.service.clone();
    let entries = there.webhooks.iter().flatten();
    if is_of_ours(there) {
        // What others added to ours stays there, and is no reason not to keep our part.
        let entry = entries.into_iter().find(|entry| entry.name == ENTRY);
        let service = entry.and_then(|entry| entry.client_config.service.as_ref());
        return match service.map(|service| service.namespace.clone()) {
            Some(namespace) if namespace != spec.namespace => Err(RegistrationError::Elsewhere { name, namespace }),
            Some(_) | None => Ok(Standing::Ours),
        };
    }
    if let Some(entry) = entries.clone().find(|entry| entry.name != ENTRY) {
        return Err(RegistrationError::Foreign { name, entry: entry.name.clone() });
    }
    match (entries.count(), spec.adopt) {
        (0, _) => Ok(Standing::Ours),
        (_, true) => Ok(Standing::Adopted),
        (_, false) => Err(RegistrationError::Flytes { name }),
    }
}

/// Whether we wrote it. One that comes from a backup has lost who did, but not our label.
fn is_of_ours(there: &MutatingWebhookConfiguration) -> bool {
    let mut managers = there.metadata.managed_fields.iter().flatten();
    let labels = there.metadata.labels.as_ref();
    managers.any(|fields| fields.manager.as_deref() == Some(MANAGER))
        || labels.is_some_and(|labels| labels.get(LABEL.0).is_some_and(|value| value == LABEL.1))
}

/// What cert-manager's injector looks for on an object whose `caBundle` is its business.
const INJECTED: [&str; 3] =
    ["cert-manager.io/inject-ca-from", "cert-manager.io/inject-ca-from-secret", "cert-manager.io/inject-apiserver-ca"];

/// Whether somebody else puts the CA in, as an annotation says.
pub(super) fn is_injected(there: &MutatingWebhookConfiguration) -> bool {
    let annotations = there.metadata.annotations.as_ref();
    annotations.is_some_and(|annotations| INJECTED.iter().any(|name| annotations.contains_key(*name)))
}

/// The CA of our entry.
pub(crate) fn bundle(there: &MutatingWebhookConfiguration) -> Option<&[u8]> {
    let entry = there.webhooks.iter().flatten().find(|entry| entry.name == ENTRY)?;
    entry.client_config.ca_bundle.as_ref().map(|bundle| bundle.0.as_slice())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn spec(adopt: bool) -> Spec {
        Spec {
            service: "flyte-pod-webhook".into(),
            namespace: "flyte".into(),
            port: 443,
            label: "inject-flyte-secrets".into(),
            namespace_selector: None,
            owner: None,
            adopt,
        }
    }

    fn there(manager: &str, entries: &[(&str, &str)]) -> MutatingWebhookConfiguration {
        let webhooks: Vec<Value> = entries
            .iter()
            .map(|(name, namespace)| {
                json!({"name": name, "sideEffects": "None", "admissionReviewVersions": ["v1"],
                    "clientConfig": {"service": {"name": "flyte-pod-webhook", "namespace": namespace}}})
            })
            .collect();
        let metadata = json!({"name": "flyte-pod-webhook", "managedFields": [{"manager": manager}]});
        serde_json::from_value(json!({"metadata": metadata, "webhooks": webhooks})).unwrap()
    }

    #[test]
    fn ours_stays_ours_whatever_others_add() {
        let it = there("keybearer", &[(ENTRY, "flyte"), ("theirs.example.org", "x")]);
        assert_eq!(standing(&it, &spec(false)).unwrap(), Standing::Ours);
        assert_eq!(standing(&there("keybearer", &[]), &spec(false)).unwrap(), Standing::Ours);
    }

    #[test]
    fn another_installs_is_left_to_it_even_where_flytes_is_taken_over() {
        let error = standing(&there("keybearer", &[(ENTRY, "other")]), &spec(true)).unwrap_err();
        assert!(error.to_string().contains("install in namespace `other`"), "{error}");
        assert!(error.hint().unwrap().contains("kubectl delete mutatingwebhookconfiguration flyte-pod-webhook"));
    }

    #[test]
    fn flytes_is_taken_over_when_asked_and_a_strangers_never() {
        let flytes = there("flytepropeller", &[(ENTRY, "flyte")]);
        assert_eq!(standing(&flytes, &spec(true)).unwrap(), Standing::Adopted);
        assert!(matches!(standing(&flytes, &spec(false)), Err(RegistrationError::Flytes { .. })));
        let mixed = there("helm", &[(ENTRY, "flyte"), ("theirs.example.org", "x")]);
        let error = standing(&mixed, &spec(true)).unwrap_err();
        assert!(error.to_string().contains("`theirs.example.org`") && error.hint().is_some(), "{error}");
    }
}
