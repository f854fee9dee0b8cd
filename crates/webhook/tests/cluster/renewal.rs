//! A running server renews its certificate, and no request fails meanwhile; the registration follows.

use crate::harness::{Running, review, shown};
use crate::support::{PATIENCE, Place, until};
use k8s_openapi::api::admissionregistration::v1::MutatingWebhookConfiguration;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::DeleteParams;
use std::time::{Duration, Instant, SystemTime};
use webhook::certificates::{CA_LIFE, LEAF_LIFE, Outcome, Spec, init};
use webhook::{ClusterUse, Pace};

#[tokio::test]
async fn a_running_server_renews_its_certificate_without_a_failed_request() {
    let place = Place::new().await;
    let namespace = place.namespace.clone();
    // The label is one that no pod has, so the API server never calls.
    let config = format!("{{label: {namespace}/ask, webhook: {{serviceName: {namespace}, secretName: certificates}}}}");
    let pace = Pace { look: Duration::from_millis(100), publishing: Duration::from_millis(300) };
    let mut server = Running::with(&config, |settings| {
        settings.pod.namespace.clone_from(&namespace);
        settings.cluster =
            ClusterUse::Full { adopt: false, owner: None, certificate_life: Duration::from_secs(6), pace };
    })
    .await;
    let start = Instant::now();
    while server.page("/readyz").await.0 != 200 {
        assert!(start.elapsed() < PATIENCE, "{:?}", server.page("/readyz").await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // The pair of the harness's folder has been replaced by that of the cluster by now.
    let mut open = server.connect().await;
    let mut seen = vec![shown(&open)];
    let mut answered = 0;
    while seen.len() < 4 {
        assert!(start.elapsed() < PATIENCE, "{} certificates after {answered} answers", seen.len());
        assert_eq!(open.post(&review()).await.code, 200);
        let mut new = server.connect().await;
        assert_eq!(new.post(&review()).await.code, 200);
        answered += 2;
        if seen.last() != Some(&shown(&new)) {
            seen.push(shown(&new));
        }
    }
    assert_eq!(server.metric("keybearer_tls_handshake_failures_total").await, Some(0.0));
    server.ask_to_end();
    server.ended().await;
    let registrations: Api<MutatingWebhookConfiguration> = Api::all(place.client.clone());
    registrations.delete(&namespace, &DeleteParams::default()).await.unwrap();
    place.end().await;
}

#[tokio::test]
async fn the_registration_follows_the_secret_whoever_changed_the_ca() {
    let place = Place::new().await;
    let namespace = place.namespace.clone();
    let config = format!("{{label: {namespace}/ask, webhook: {{serviceName: {namespace}, secretName: certificates}}}}");
    let mut server = Running::with(&config, |settings| {
        settings.pod.namespace.clone_from(&namespace);
        settings.cluster =
            ClusterUse::Full { adopt: false, owner: None, certificate_life: LEAF_LIFE, pace: Pace::default() };
    })
    .await;
    let registrations: Api<MutatingWebhookConfiguration> = Api::all(place.client.clone());
    let bundle = async || {
        let there = registrations.get_opt(&namespace).await.unwrap()?.webhooks?.pop()?;
        there.client_config.ca_bundle.map(|bundle| bundle.0)
    };
    let first = of_secret(&place).await;
    until("the first registration", async || bundle().await == first && first.is_some()).await;
    // Another replica comes to the end of the CA, and replaces it.
    let spec = Spec {
        secret: "certificates".into(),
        namespace: namespace.clone(),
        service: namespace.clone(),
        ca_life: CA_LIFE,
        leaf_life: LEAF_LIFE,
    };
    let late = SystemTime::now() + CA_LIFE - LEAF_LIFE / 2;
    assert_eq!(init(&place.client, &spec, late).await.unwrap().outcome, Outcome::Replaced);
    let second = of_secret(&place).await;
    assert_ne!(first, second);
    until("the new bundle", async || bundle().await == second).await;
    let mended = "keybearer_registration_mended_total{what=\"bundle\"}";
    until("the metric", async || server.metric(mended).await == Some(1.0)).await;
    server.ask_to_end();
    server.ended().await;
    registrations.delete(&namespace, &DeleteParams::default()).await.unwrap();
    place.end().await;
}

/// The CAs in the Secret, once they are there.
async fn of_secret(place: &Place) -> Option<Vec<u8>> {
    let secrets: Api<Secret> = Api::namespaced(place.client.clone(), &place.namespace);
    let read = async || secrets.get_opt("certificates").await.unwrap()?.data?.remove("ca.crt");
    until("the Secret", async || read().await.is_some()).await;
    read().await.map(|bytes| bytes.0)
}
