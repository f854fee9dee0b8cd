//! The registration as the API server takes it.

use crate::support::{Place, until};
use k8s_openapi::api::admissionregistration::v1::MutatingWebhookConfiguration;
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding};
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};
use webhook::certificates::{CA_LIFE, LEAF_LIFE, Outcome, init, make_authority};
use webhook::registration::{Applied, ENTRY, Pass, RegistrationError, Spec, apply, keep};

struct Try {
    place: Place,
    spec: Spec,
    ca: String,
}

impl Try {
    async fn new() -> Self {
        let place = Place::new().await;
        // Cluster-scoped, so named after the namespace; no pod has the label, so it is never called.
        let spec = Spec {
            service: place.namespace.clone(),
            namespace: place.namespace.clone(),
            port: 443,
            label: format!("{}/ask", place.namespace),
            namespace_selector: Some(json!({"matchLabels": {"kubernetes.io/metadata.name": place.namespace}})),
            owner: None,
            adopt: false,
        };
        let of_ca = webhook::certificates::Spec {
            secret: String::new(),
            namespace: place.namespace.clone(),
            service: place.namespace.clone(),
            ca_life: CA_LIFE,
            leaf_life: LEAF_LIFE,
        };
        let ca = make_authority(&of_ca, SystemTime::now()).unwrap().certificate;
        Self { place, spec, ca }
    }

    fn api(&self) -> Api<MutatingWebhookConfiguration> {
        Api::all(self.place.client.clone())
    }

    async fn there(&self) -> Option<MutatingWebhookConfiguration> {
        self.api().get_opt(&self.spec.service).await.unwrap()
    }

    /// Gives a service account of the namespace rights in the whole cluster.
    async fn give(&self, account: &str, rules: &Value) -> Rights {
        let name = &self.spec.service;
        let role = json!({"metadata": {"name": name}, "rules": rules});
        let binding = json!({"metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
            "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": self.place.namespace}]});
        let rights = Rights {
            name: name.clone(),
            roles: Api::all(self.place.client.clone()),
            bindings: Api::all(self.place.client.clone()),
        };
        rights.roles.create(&PostParams::default(), &serde_json::from_value(role).unwrap()).await.unwrap();
        rights.bindings.create(&PostParams::default(), &serde_json::from_value(binding).unwrap()).await.unwrap();
        rights
    }

    async fn end(self) {
        let _ = self.api().delete(&self.spec.service, &DeleteParams::default()).await;
        self.place.end().await;
    }
}

struct Rights {
    name: String,
    roles: Api<ClusterRole>,
    bindings: Api<ClusterRoleBinding>,
}

impl Rights {
    async fn take(self) {
        self.bindings.delete(&self.name, &DeleteParams::default()).await.unwrap();
        self.roles.delete(&self.name, &DeleteParams::default()).await.unwrap();
    }
}

#[tokio::test]
async fn applied_twice_it_is_the_same() {
    let it = Try::new().await;
    assert_eq!(apply(&it.place.client, &it.spec, &it.ca).await.unwrap(), Applied::Made);
    let first = it.there().await.unwrap();
    assert_eq!(apply(&it.place.client, &it.spec, &it.ca).await.unwrap(), Applied::Unchanged);
    let second = it.there().await.unwrap();
    assert_eq!(first.metadata.resource_version, second.metadata.resource_version);
    let entry = &second.webhooks.unwrap()[0];
    assert_eq!(entry.name, ENTRY);
    assert_eq!(entry.failure_policy.as_deref(), Some("Fail"));
    assert_eq!(entry.reinvocation_policy.as_deref(), Some("IfNeeded"));
    assert_eq!(entry.client_config.ca_bundle.as_ref().unwrap().0, it.ca.as_bytes());
    assert!(entry.namespace_selector.as_ref().unwrap().match_labels.is_some());
    it.end().await;
}

#[tokio::test]
async fn lost_or_changed_it_is_made_again() {
    let it = Try::new().await;
    let ready = Arc::new(AtomicBool::new(false));
    let (seen, ca) = (Arc::clone(&ready), it.ca.clone());
    let keeping = tokio::spawn(keep(
        it.place.client.clone(),
        it.spec.clone(),
        move || std::future::ready(Ok(ca.clone())),
        move |pass, _| seen.store(matches!(pass, Pass::Done(_)), Ordering::Release),
        Duration::from_millis(200),
        Arc::default(),
    ));
    until("the first registration", async || ready.load(Ordering::Acquire)).await;
    it.api().delete(&it.spec.service, &DeleteParams::default()).await.unwrap();
    until("the second registration", async || it.there().await.is_some()).await;
    let mut edited = it.there().await.unwrap();
    edited.webhooks.as_mut().unwrap()[0].client_config.ca_bundle = None;
    it.api().replace(&it.spec.service, &PostParams::default(), &edited).await.unwrap();
    let bundle = async || Some(it.there().await?.webhooks?.first()?.client_config.ca_bundle.clone()?.0);
    until("the repaired bundle", async || bundle().await.as_deref() == Some(it.ca.as_bytes())).await;
    keeping.abort();
    it.end().await;
}

#[tokio::test]
async fn what_others_change_is_mended_and_what_they_add_stays() {
    let it = Try::new().await;
    let applied = async || apply(&it.place.client, &it.spec, &it.ca).await.unwrap();
    applied().await;
    let edit = async |change: &dyn Fn(&mut MutatingWebhookConfiguration)| {
        let mut there = it.there().await.unwrap();
        change(&mut there);
        it.api().replace(&it.spec.service, &PostParams::default(), &there).await.unwrap();
    };
    edit(&|there| there.webhooks.as_mut().unwrap()[0].failure_policy = Some("Ignore".into())).await;
    assert_eq!(applied().await, Applied::Mended);
    edit(&|there| there.webhooks.as_mut().unwrap()[0].client_config.ca_bundle = None).await;
    assert_eq!(applied().await, Applied::BundleMended);
    edit(&|there| {
        let webhooks = there.webhooks.as_mut().unwrap();
        webhooks[0].failure_policy = Some("Ignore".into());
        let theirs = json!({"name": "theirs.example.org", "clientConfig": {"url": "https://127.0.0.1:1/"},
            "sideEffects": "None", "admissionReviewVersions": ["v1"], "failurePolicy": "Ignore",
            "objectSelector": {"matchLabels": {&it.spec.label: "true"}}});
        webhooks.push(serde_json::from_value(theirs).unwrap());
        there.metadata.labels.get_or_insert_default().insert("team".into(), "data".into());
    })
    .await;
    assert_eq!(applied().await, Applied::Mended);
    let there = it.there().await.unwrap();
    let entries = there.webhooks.unwrap();
    let ours = entries.iter().find(|entry| entry.name == ENTRY).unwrap();
    assert_eq!((entries.len(), ours.failure_policy.as_deref()), (2, Some("Fail")));
    assert_eq!(there.metadata.labels.unwrap()["team"], "data");
    // A selector that was ours goes when the configuration has none any more.
    let everywhere = Spec { namespace_selector: None, ..it.spec.clone() };
    assert_eq!(apply(&it.place.client, &everywhere, &it.ca).await.unwrap(), Applied::Mended);
    let entries = it.there().await.unwrap().webhooks.unwrap();
    let ours = entries.iter().find(|entry| entry.name == ENTRY).unwrap();
    assert_eq!(
        ours.namespace_selector.as_ref().unwrap(),
        &k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector::default()
    );
    it.end().await;
}

#[tokio::test]
async fn the_ca_that_cert_manager_puts_in_stays() {
    let it = Try::new().await;
    let applied = async || apply(&it.place.client, &it.spec, &it.ca).await.unwrap();
    applied().await;
    let annotate = json!({"metadata": {"annotations": {"cert-manager.io/inject-ca-from": "flyte/webhook"}}});
    it.api().patch(&it.spec.service, &PatchParams::default(), &Patch::Merge(&annotate)).await.unwrap();
    // Nothing is taken away before the injector has written.
    assert_eq!(applied().await, Applied::Unchanged);
    let mut there = it.there().await.unwrap();
    let theirs = Try::new().await;
    let injected = k8s_openapi::ByteString(theirs.ca.clone().into_bytes());
    there.webhooks.as_mut().unwrap()[0].client_config.ca_bundle = Some(injected.clone());
    there.metadata.managed_fields = None;
    let injector = PostParams { field_manager: Some("cert-manager-cainjector".into()), ..PostParams::default() };
    it.api().replace(&it.spec.service, &injector, &there).await.unwrap();
    for _ in 0..2 {
        applied().await;
        let there = it.there().await.unwrap().webhooks.unwrap();
        assert_eq!(there[0].client_config.ca_bundle.as_ref(), Some(&injected));
    }
    assert_eq!(applied().await, Applied::Unchanged);
    theirs.end().await;
    it.end().await;
}

#[tokio::test]
async fn another_installs_is_left_to_it() {
    let it = Try::new().await;
    apply(&it.place.client, &it.spec, &it.ca).await.unwrap();
    let before = it.there().await.unwrap();
    let other = Spec { namespace: "elsewhere".into(), adopt: true, ..it.spec.clone() };
    let error = apply(&it.place.client, &other, &it.ca).await.unwrap_err();
    assert!(matches!(error, RegistrationError::Elsewhere { .. }), "{error}");
    assert!(error.to_string().contains(&it.place.namespace) && error.hint().is_some(), "{error}");
    assert_eq!(before.metadata.resource_version, it.there().await.unwrap().metadata.resource_version);
    it.end().await;
}

#[tokio::test]
async fn without_any_rights_nothing_is_waited_for() {
    let it = Try::new().await;
    let client = it.place.client_of("nobody").await;
    let error = apply(&client, &it.spec, &it.ca).await.unwrap_err();
    let hint = error.hint().unwrap();
    assert!(hint.contains("apiGroups: [admissionregistration.k8s.io]") && hint.contains("verbs: [get]"), "{hint}");
    let forbidden = Arc::new(AtomicBool::new(false));
    let (seen, ca) = (Arc::clone(&forbidden), it.ca.clone());
    let keeping = tokio::spawn(keep(
        client,
        it.spec.clone(),
        move || std::future::ready(Ok(ca.clone())),
        move |pass, _| seen.store(pass == Pass::Forbidden, Ordering::Release),
        Duration::from_secs(60),
        Arc::default(),
    ));
    until("a pass", async || forbidden.load(Ordering::Acquire)).await;
    keeping.abort();
    assert!(it.there().await.is_none());
    it.end().await;
}

#[tokio::test]
async fn the_right_to_make_it_is_named_where_only_the_right_to_change_it_is_there() {
    let it = Try::new().await;
    let rules = json!([{"apiGroups": ["admissionregistration.k8s.io"], "verbs": ["get", "patch"],
        "resources": ["mutatingwebhookconfigurations"], "resourceNames": [it.spec.service]}]);
    let rights = it.give("half", &rules).await;
    let client = it.place.client_of("half").await;
    let mut hint = String::new();
    until("a refusal for want of the right to make it", async || {
        let error = apply(&client, &it.spec, &it.ca).await.unwrap_err();
        let is_known = error.to_string().contains("let us create");
        hint = error.hint().unwrap();
        is_known
    })
    .await;
    assert!(hint.contains(&format!("resourceNames: [{}], verbs: [create]", it.spec.service)), "{hint}");
    rights.take().await;
    it.end().await;
}

#[tokio::test]
async fn somebody_elses_is_not_touched_and_flytes_only_when_asked() {
    let it = Try::new().await;
    let entry = |name: &str| {
        json!({"name": name, "clientConfig": {"url": "https://127.0.0.1:1/"}, "sideEffects": "None",
            "admissionReviewVersions": ["v1"], "objectSelector": {"matchLabels": {&it.spec.label: "true"}}})
    };
    let object = |names: &[&str]| -> MutatingWebhookConfiguration {
        let webhooks: Vec<_> = names.iter().map(|name| entry(name)).collect();
        serde_json::from_value(json!({"metadata": {"name": it.spec.service}, "webhooks": webhooks})).unwrap()
    };
    it.api().create(&PostParams::default(), &object(&["theirs.example.org"])).await.unwrap();
    let before = it.there().await.unwrap();
    let adopting = Spec { adopt: true, ..it.spec.clone() };
    let error = apply(&it.place.client, &adopting, &it.ca).await.unwrap_err();
    assert!(matches!(error, RegistrationError::Foreign { .. }), "{error}");
    assert!(error.to_string().contains("theirs.example.org") && error.hint().is_some());
    assert_eq!(before.metadata.resource_version, it.there().await.unwrap().metadata.resource_version);
    it.api().delete(&it.spec.service, &DeleteParams::default()).await.unwrap();

    it.api().create(&PostParams::default(), &object(&[ENTRY])).await.unwrap();
    let error = apply(&it.place.client, &it.spec, &it.ca).await.unwrap_err();
    assert!(matches!(error, RegistrationError::Flytes { .. }), "{error}");
    apply(&it.place.client, &adopting, &it.ca).await.unwrap();
    let adopted = it.there().await.unwrap().webhooks.unwrap();
    assert_eq!(adopted.len(), 1);
    assert!(adopted[0].client_config.service.is_some() && adopted[0].client_config.url.is_none());
    it.end().await;
}

#[tokio::test]
async fn flytes_owner_is_replaced_by_ours_where_there_is_one() {
    let it = Try::new().await;
    let rights = it.give("nobody", &json!([])).await;
    let flytes = json!({
        "metadata": {"name": it.spec.service, "ownerReferences": [{
            "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "flyte-pod-webhook", "uid": "4b5c5f5e-0000-4000-8000-000000000000"}]},
        "webhooks": [{"name": ENTRY, "clientConfig": {"url": "https://127.0.0.1:1/"}, "sideEffects": "None",
            "admissionReviewVersions": ["v1"], "objectSelector": {"matchLabels": {&it.spec.label: "true"}}}],
    });
    it.api().create(&PostParams::default(), &serde_json::from_value(flytes).unwrap()).await.unwrap();
    let adopting = Spec { adopt: true, owner: Some(it.spec.service.clone()), ..it.spec.clone() };
    assert_eq!(apply(&it.place.client, &adopting, &it.ca).await.unwrap(), Applied::Adopted);
    let owners = it.there().await.unwrap().metadata.owner_references.unwrap();
    assert_eq!(owners.iter().map(|owner| owner.kind.as_str()).collect::<Vec<_>>(), ["ClusterRole"]);
    rights.take().await;
    it.end().await;
}

#[tokio::test]
async fn flytes_owner_goes_from_one_that_our_image_wrote_in_flytes_place() {
    let it = Try::new().await;
    let rights = it.give("nobody", &json!([])).await;
    apply(&it.place.client, &it.spec, &it.ca).await.unwrap();
    let mut there = it.there().await.unwrap();
    there.metadata.owner_references = Some(vec![
        serde_json::from_value(json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "flyte-pod-webhook",
            "uid": "4b5c5f5e-0000-4000-8000-000000000000"}))
        .unwrap(),
    ]);
    it.api().replace(&it.spec.service, &PostParams::default(), &there).await.unwrap();
    // Without an owner of our own it is not ours to take.
    assert_eq!(apply(&it.place.client, &it.spec, &it.ca).await.unwrap(), Applied::Unchanged);
    let owned = Spec { owner: Some(it.spec.service.clone()), ..it.spec.clone() };
    assert_eq!(apply(&it.place.client, &owned, &it.ca).await.unwrap(), Applied::Mended);
    let owners = it.there().await.unwrap().metadata.owner_references.unwrap();
    assert_eq!(owners.iter().map(|owner| owner.kind.as_str()).collect::<Vec<_>>(), ["ClusterRole"]);
    assert_eq!(apply(&it.place.client, &owned, &it.ca).await.unwrap(), Applied::Unchanged);
    rights.take().await;
    it.end().await;
}

#[tokio::test]
async fn ours_from_a_backup_is_ours() {
    let it = Try::new().await;
    apply(&it.place.client, &it.spec, &it.ca).await.unwrap();
    let mut saved = it.there().await.unwrap();
    it.api().delete(&it.spec.service, &DeleteParams::default()).await.unwrap();
    // Who wrote it is not in a backup.
    saved.metadata = serde_json::from_value(json!({"name": it.spec.service, "labels": saved.metadata.labels})).unwrap();
    saved.webhooks.as_mut().unwrap()[0].failure_policy = Some("Ignore".into());
    it.api().create(&PostParams::default(), &saved).await.unwrap();
    assert_eq!(apply(&it.place.client, &it.spec, &it.ca).await.unwrap(), Applied::Mended);
    assert_eq!(it.there().await.unwrap().webhooks.unwrap()[0].failure_policy.as_deref(), Some("Fail"));
    it.end().await;
}

#[tokio::test]
async fn it_goes_with_the_cluster_role_that_owns_it() {
    let it = Try::new().await;
    let roles: Api<ClusterRole> = Api::all(it.place.client.clone());
    let role = serde_json::from_value(json!({"metadata": {"name": it.spec.service}, "rules": []})).unwrap();
    roles.create(&PostParams::default(), &role).await.unwrap();
    let spec = Spec { owner: Some(it.spec.service.clone()), ..it.spec.clone() };
    apply(&it.place.client, &spec, &it.ca).await.unwrap();
    roles.delete(&it.spec.service, &DeleteParams::default()).await.unwrap();
    until("the registration's end", async || it.there().await.is_none()).await;
    it.end().await;
}

#[tokio::test]
async fn flytes_own_rbac_is_enough() {
    let it = Try::new().await;
    let rights = it
        .give(
            "flyte",
            &json!([{"apiGroups": ["*"], "verbs": ["get", "create", "update", "patch"],
                "resources": ["mutatingwebhookconfigurations", "secrets", "pods", "replicasets/finalizers"]}]),
        )
        .await;
    let client = it.place.client_of("flyte").await;
    // The owner can't be read with that, and is left out.
    let spec = Spec { owner: Some(it.spec.service.clone()), adopt: true, ..it.spec.clone() };
    until("the role to be known", async || apply(&client, &spec, &it.ca).await.is_ok()).await;
    assert!(it.there().await.unwrap().metadata.owner_references.is_none());
    let certificates = webhook::certificates::Spec {
        secret: "flyte-pod-webhook".into(),
        namespace: it.place.namespace.clone(),
        service: it.spec.service.clone(),
        ca_life: CA_LIFE,
        leaf_life: CA_LIFE,
    };
    // Flyte's chart makes the Secret empty.
    let secrets: Api<k8s_openapi::api::core::v1::Secret> =
        Api::namespaced(it.place.client.clone(), &it.place.namespace);
    let empty = serde_json::from_value(json!({"metadata": {"name": "flyte-pod-webhook"}, "type": "Opaque"})).unwrap();
    secrets.create(&PostParams::default(), &empty).await.unwrap();
    assert_eq!(init(&client, &certificates, SystemTime::now()).await.unwrap().outcome, Outcome::Completed);
    assert_eq!(init(&client, &certificates, SystemTime::now()).await.unwrap().outcome, Outcome::Unchanged);
    secrets.delete("flyte-pod-webhook", &DeleteParams::default()).await.unwrap();
    assert_eq!(init(&client, &certificates, SystemTime::now()).await.unwrap().outcome, Outcome::Created);
    rights.take().await;
    it.end().await;
}
