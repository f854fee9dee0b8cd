//! One Secret that many make at once, and that others may keep things in.

use crate::support::{Place, until};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{ResourceQuota, Secret};
use kube::Api;
use kube::api::{DeleteParams, ObjectMeta, Patch, PatchParams, PostParams};
use serde_json::json;
use std::time::{Duration, SystemTime};
use webhook::certificates::{CA_LIFE, CertificateError, LEAF_LIFE, Outcome, Pair, Spec, init, lifetime, read};

fn spec(place: &Place) -> Spec {
    Spec {
        secret: "flyte-pod-webhook-secret".into(),
        namespace: place.namespace.clone(),
        service: "flyte-pod-webhook".into(),
        ca_life: CA_LIFE,
        leaf_life: LEAF_LIFE,
    }
}

fn secrets(place: &Place) -> Api<Secret> {
    Api::namespaced(place.client.clone(), &place.namespace)
}

fn secret(data: &[(&str, &[u8])], immutable: bool) -> Secret {
    let data = data.iter().map(|(key, value)| ((*key).to_owned(), ByteString(value.to_vec()))).collect();
    Secret {
        metadata: ObjectMeta { name: Some("flyte-pod-webhook-secret".into()), ..ObjectMeta::default() },
        data: Some(data),
        immutable: immutable.then_some(true),
        ..Secret::default()
    }
}

/// What others keep of a pair: Flyte and cert-manager have no key of the CA.
fn without_ca_key(pair: &Pair) -> [(&str, &[u8]); 3] {
    [("ca.crt", pair.ca.as_bytes()), ("tls.crt", pair.certificate.as_bytes()), ("tls.key", pair.key.as_bytes())]
}

#[tokio::test]
async fn ten_at_once_agree_on_one() {
    let place = Place::new().await;
    let spec = spec(&place);
    let mut all = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let (client, spec) = (place.client.clone(), spec.clone());
        all.spawn(async move { init(&client, &spec, SystemTime::now()).await.unwrap() });
    }
    let done = all.join_all().await;
    assert_eq!(done.iter().filter(|done| done.outcome == Outcome::Created).count(), 1);
    assert!(done.iter().all(|each| each.pair.certificate == done[0].pair.certificate));
    assert!(done.iter().all(|each| each.pair.ca == done[0].pair.ca));
    place.end().await;
}

#[tokio::test]
async fn run_again_it_changes_nothing_and_what_others_keep_there_stays() {
    let place = Place::new().await;
    let spec = spec(&place);
    // Flyte's chart makes an empty one first.
    secrets(&place).create(&PostParams::default(), &secret(&[("theirs", b"kept")], false)).await.unwrap();
    let first = init(&place.client, &spec, SystemTime::now()).await.unwrap();
    assert_eq!(first.outcome, Outcome::Completed);
    let before = secrets(&place).get(&spec.secret).await.unwrap();
    let again = init(&place.client, &spec, SystemTime::now()).await.unwrap();
    assert_eq!(again.outcome, Outcome::Unchanged);
    let after = secrets(&place).get(&spec.secret).await.unwrap();
    assert_eq!(before.metadata.resource_version, after.metadata.resource_version);
    assert_eq!(after.data.unwrap()["theirs"].0, b"kept");
    place.end().await;
}

#[tokio::test]
async fn a_certificate_near_its_end_is_renewed_by_the_same_ca() {
    let place = Place::new().await;
    let spec = Spec { leaf_life: Duration::from_secs(3600), ..spec(&place) };
    let now = SystemTime::now();
    let first = init(&place.client, &spec, now).await.unwrap();
    let later = now + Duration::from_secs(3000);
    let second = init(&place.client, &spec, later).await.unwrap();
    assert_eq!(second.outcome, Outcome::Renewed);
    assert_eq!(second.pair.ca, first.pair.ca);
    assert_ne!(second.pair.certificate, first.pair.certificate);
    assert!(
        lifetime(&second.pair.certificate).unwrap().not_after > lifetime(&first.pair.certificate).unwrap().not_after
    );
    assert_eq!(init(&place.client, &spec, later).await.unwrap().outcome, Outcome::Unchanged);
    place.end().await;
}

#[tokio::test]
async fn flytes_immutable_secret_is_used_and_replaced_only_near_its_end() {
    let place = Place::new().await;
    let spec = Spec { leaf_life: Duration::from_secs(3600), ..spec(&place) };
    let now = SystemTime::now();
    let made = init(&place.client, &spec, now).await.unwrap().pair;
    secrets(&place).delete(&spec.secret, &DeleteParams::default()).await.unwrap();
    // Flyte throws the CA's key away.
    let data = without_ca_key(&made);
    secrets(&place).create(&PostParams::default(), &secret(&data, true)).await.unwrap();
    let used = init(&place.client, &spec, now).await.unwrap();
    assert_eq!((used.outcome, &used.pair.certificate), (Outcome::Unchanged, &made.certificate));
    let patch = Patch::Merge(json!({"metadata": {"labels": {"team": "data"}}}));
    secrets(&place).patch(&spec.secret, &PatchParams::default(), &patch).await.unwrap();
    let later = now + Duration::from_secs(3000);
    let replaced = init(&place.client, &spec, later).await.unwrap();
    assert_eq!(replaced.outcome, Outcome::Replaced);
    // Replicas that still serve Flyte's certificate stay trusted.
    assert!(replaced.pair.ca.contains(made.ca.trim()) && replaced.pair.ca.len() > made.ca.len());
    let after = secrets(&place).get(&spec.secret).await.unwrap();
    assert_eq!(after.metadata.labels.unwrap()["team"], "data");
    assert_eq!(after.immutable, None);
    assert!(after.data.unwrap().contains_key("ca.key"));
    assert_eq!(read(&place.client, &spec).await.unwrap().unwrap().ca, replaced.pair.ca);
    assert_eq!(init(&place.client, &spec, later).await.unwrap().outcome, Outcome::Unchanged);
    place.end().await;
}

#[tokio::test]
async fn something_else_of_that_name_is_named_and_not_touched() {
    let place = Place::new().await;
    let spec = spec(&place);
    for data in [&[("tls.crt", &b"hello"[..])][..], &[("ca.crt", b"a"), ("tls.crt", b"b"), ("tls.key", b"c")]] {
        secrets(&place).create(&PostParams::default(), &secret(data, false)).await.unwrap();
        let before = secrets(&place).get(&spec.secret).await.unwrap();
        let error = init(&place.client, &spec, SystemTime::now()).await.unwrap_err();
        assert!(matches!(error, CertificateError::Foreign { .. }), "{error}");
        assert!(error.to_string().contains("flyte-pod-webhook-secret"), "{error}");
        assert!(error.hint().is_some());
        let after = secrets(&place).get(&spec.secret).await.unwrap();
        assert_eq!(before.metadata.resource_version, after.metadata.resource_version);
        secrets(&place).delete(&spec.secret, &DeleteParams::default()).await.unwrap();
    }
    place.end().await;
}

#[tokio::test]
async fn an_immutable_one_with_other_keys_is_not_replaced() {
    let place = Place::new().await;
    let spec = Spec { leaf_life: Duration::from_secs(3600), ..spec(&place) };
    let now = SystemTime::now();
    let made = init(&place.client, &spec, now).await.unwrap().pair;
    secrets(&place).delete(&spec.secret, &DeleteParams::default()).await.unwrap();
    let certificates = without_ca_key(&made);
    let data = [&certificates[..], &[("theirs", b"kept")]].concat();
    secrets(&place).create(&PostParams::default(), &secret(&data, true)).await.unwrap();
    assert_eq!(init(&place.client, &spec, now).await.unwrap().outcome, Outcome::Unchanged);
    let error = init(&place.client, &spec, now + Duration::from_secs(3000)).await.unwrap_err();
    assert!(matches!(error, CertificateError::Immutable { .. }), "{error}");
    assert_eq!(secrets(&place).get(&spec.secret).await.unwrap().data.unwrap()["theirs"].0, b"kept");
    place.end().await;
}

#[tokio::test]
async fn ten_that_replace_an_immutable_one_at_once_agree() {
    let place = Place::new().await;
    let spec = Spec { leaf_life: Duration::from_secs(3600), ..spec(&place) };
    let now = SystemTime::now();
    let made = init(&place.client, &spec, now).await.unwrap().pair;
    secrets(&place).delete(&spec.secret, &DeleteParams::default()).await.unwrap();
    let data = without_ca_key(&made);
    secrets(&place).create(&PostParams::default(), &secret(&data, true)).await.unwrap();
    let later = now + Duration::from_secs(3000);
    let mut all = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let (client, spec) = (place.client.clone(), spec.clone());
        all.spawn(async move { init(&client, &spec, later).await.unwrap() });
    }
    let done = all.join_all().await;
    assert!(done.iter().all(|each| each.pair.certificate == done[0].pair.certificate));
    assert_ne!(done[0].pair.certificate, made.certificate);
    place.end().await;
}

#[tokio::test]
async fn a_secret_that_somebody_else_takes_care_of_is_left_to_it() {
    let place = Place::new().await;
    let spec = spec(&place);
    let made = init(&place.client, &spec, SystemTime::now()).await.unwrap().pair;
    secrets(&place).delete(&spec.secret, &DeleteParams::default()).await.unwrap();
    // As cert-manager writes it: everything is usable.
    let data = without_ca_key(&made);
    let theirs = Secret { type_: Some("kubernetes.io/tls".into()), ..secret(&data, false) };
    let before = secrets(&place).create(&PostParams::default(), &theirs).await.unwrap();
    for now in [SystemTime::now(), SystemTime::now() + LEAF_LIFE] {
        let error = init(&place.client, &spec, now).await.unwrap_err();
        assert!(error.to_string().contains("`kubernetes.io/tls`") && error.hint().is_some(), "{error}");
    }
    let after = secrets(&place).get(&spec.secret).await.unwrap();
    assert_eq!(before.metadata.resource_version, after.metadata.resource_version);
    place.end().await;
}

#[tokio::test]
async fn missing_rbac_is_named() {
    let place = Place::new().await;
    let client = place.client_of("nobody").await;
    let error = init(&client, &spec(&place), SystemTime::now()).await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("get secrets") && text.contains(&place.namespace), "{text}");
    let hint = error.hint().unwrap();
    let rule = "resources: [secrets], resourceNames: [flyte-pod-webhook-secret], verbs: [get]";
    assert!(hint.contains(rule) && hint.contains(&place.namespace), "{hint}");
    place.end().await;
}

#[tokio::test]
async fn a_namespace_that_is_not_there_is_named_with_the_remedy() {
    let place = Place::new().await;
    let nowhere = Spec { namespace: "keybearer-test-nowhere".into(), ..spec(&place) };
    let error = init(&place.client, &nowhere, SystemTime::now()).await.unwrap_err();
    assert!(error.to_string().contains("namespaces \"keybearer-test-nowhere\" not found"), "{error}");
    let hint = error.hint().unwrap();
    assert!(
        hint.contains("kubectl create namespace keybearer-test-nowhere") && hint.contains("POD_NAMESPACE"),
        "{hint}"
    );
    place.end().await;
}

#[tokio::test]
async fn an_immutable_one_is_not_deleted_by_who_may_not_make_another() {
    let place = Place::new().await;
    let spec = Spec { leaf_life: Duration::from_secs(3600), ..spec(&place) };
    let now = SystemTime::now();
    let made = init(&place.client, &spec, now).await.unwrap().pair;
    secrets(&place).delete(&spec.secret, &DeleteParams::default()).await.unwrap();
    let data = without_ca_key(&made);
    let before = secrets(&place).create(&PostParams::default(), &secret(&data, true)).await.unwrap();
    let rule = json!({"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "update", "delete"]});
    place.give("half", &json!([rule])).await;
    let client = place.client_of("half").await;
    until("the role to be known", async || init(&client, &spec, now).await.is_ok()).await;
    let error = init(&client, &spec, now + Duration::from_secs(3000)).await.unwrap_err();
    assert!(error.to_string().contains("create secrets"), "{error}");
    assert!(error.hint().unwrap().contains("resources: [secrets], verbs: [create]"), "{:?}", error.hint());
    let after = secrets(&place).get(&spec.secret).await.unwrap();
    assert_eq!((before.metadata.uid, before.data), (after.metadata.uid, after.data));
    place.end().await;
}

#[tokio::test]
async fn a_refusal_that_no_right_would_change_is_told_from_one_that_it_would() {
    let place = Place::new().await;
    let quotas: Api<ResourceQuota> = Api::namespaced(place.client.clone(), &place.namespace);
    let quota = json!({"metadata": {"name": "none"}, "spec": {"hard": {"count/secrets": "0"}}});
    quotas.create(&PostParams::default(), &serde_json::from_value(quota).unwrap()).await.unwrap();
    let (spec, mut hint) = (spec(&place), String::new());
    // The API server hears of a new quota a moment later.
    until("a refusal by the quota", async || match init(&place.client, &spec, SystemTime::now()).await {
        Ok(_) => secrets(&place).delete(&spec.secret, &DeleteParams::default()).await.is_err(),
        Err(error) => {
            assert!(error.to_string().contains("quota"), "{error}");
            hint = error.hint().unwrap();
            true
        }
    })
    .await;
    assert!(hint.contains("no rule of RBAC") && !hint.contains("verbs:"), "{hint}");
    place.end().await;
}

#[tokio::test]
async fn a_write_between_reading_and_writing_is_not_lost() {
    let place = Place::new().await;
    let spec = spec(&place);
    secrets(&place).create(&PostParams::default(), &secret(&[], false)).await.unwrap();
    let writing = async {
        for number in 0..20 {
            let patch = json!({"metadata": {"annotations": {"n": number.to_string()}}});
            secrets(&place).patch(&spec.secret, &PatchParams::default(), &Patch::Merge(&patch)).await.unwrap();
        }
    };
    let (done, ()) = tokio::join!(init(&place.client, &spec, SystemTime::now()), writing);
    assert_eq!(done.unwrap().outcome, Outcome::Completed);
    let after = secrets(&place).get(&spec.secret).await.unwrap();
    assert_eq!(after.metadata.annotations.unwrap()["n"], "19");
    assert!(after.data.unwrap().contains_key("tls.crt"));
    place.end().await;
}
