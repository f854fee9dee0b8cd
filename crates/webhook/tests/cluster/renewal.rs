//! A running server renews its certificate, and no request fails meanwhile.

use crate::harness::{Running, review, shown};
use crate::support::{PATIENCE, Place};
use k8s_openapi::api::admissionregistration::v1::MutatingWebhookConfiguration;
use kube::Api;
use kube::api::DeleteParams;
use std::time::{Duration, Instant};
use webhook::ClusterUse;

#[tokio::test]
async fn a_running_server_renews_its_certificate_without_a_failed_request() {
    let place = Place::new().await;
    let namespace = place.namespace.clone();
    // The label is one that no pod has, so the API server never calls.
    let config = format!("{{label: {namespace}/ask, webhook: {{serviceName: {namespace}, secretName: certificates}}}}");
    let mut server = Running::with(&config, |settings| {
        settings.pod.namespace.clone_from(&namespace);
        settings.cluster = ClusterUse::Full { adopt: false, owner: None, certificate_life: Duration::from_secs(6) };
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
