//! Certificates that cert-manager makes, or somebody by hand: the webhook serves their files and leaves the rest to them.

use crate::harness::Running;
use crate::share::object;
use crate::support::{Place, until};
use k8s_openapi::ByteString;
use k8s_openapi::api::admissionregistration::v1::MutatingWebhookConfiguration;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::{DeleteParams, PostParams};
use serde_json::json;
use std::time::{Duration, SystemTime};
use webhook::certificates::{Authority, CA_LIFE, LEAF_LIFE, Pair, Spec, lifetime, make_authority, make_leaf, write};
use webhook::{ClusterUse, Pace};

/// What cert-manager keeps in its Secret: `ca.crt` is that of the issuer.
fn issued(spec: &Spec, authority: &Authority) -> Pair {
    let now = SystemTime::now();
    make_leaf(spec, authority, now + CA_LIFE, now).unwrap()
}

/// The Secret as cert-manager writes it, and the files as the kubelet does.
async fn put(secrets: &Api<Secret>, pair: &Pair, folder: &std::path::Path) -> Secret {
    let data = [("ca.crt", &pair.ca), ("tls.crt", &pair.certificate), ("tls.key", &*pair.key)];
    let data = data.map(|(key, text)| (key.to_owned(), ByteString(text.as_bytes().to_vec()))).into();
    let annotations = json!({"cert-manager.io/certificate-name": "webhook", "cert-manager.io/issuer-kind": "Issuer"});
    let theirs = object::<Secret>(
        json!({"metadata": {"name": "theirs", "annotations": annotations}, "type": "kubernetes.io/tls"}),
    );
    let theirs = Secret { data: Some(data), ..theirs };
    let written = match secrets.get_opt("theirs").await.unwrap() {
        Some(_) => secrets.replace("theirs", &PostParams::default(), &theirs).await,
        None => secrets.create(&PostParams::default(), &theirs).await,
    };
    write(folder, pair).unwrap();
    written.unwrap()
}

#[tokio::test]
async fn what_cert_manager_renews_is_served_and_published_and_never_touched() {
    let place = Place::new().await;
    let namespace = place.namespace.clone();
    let spec = Spec {
        secret: "theirs".into(),
        namespace: namespace.clone(),
        service: namespace.clone(),
        ca_life: CA_LIFE,
        leaf_life: LEAF_LIFE,
    };
    let secrets: Api<Secret> = Api::namespaced(place.client.clone(), &namespace);
    let registrations: Api<MutatingWebhookConfiguration> = Api::all(place.client.clone());
    let bundle = async || {
        let there = registrations.get_opt(&namespace).await.unwrap()?;
        Some(there.webhooks?.pop()?.client_config.ca_bundle?.0)
    };
    let first = issued(&spec, &make_authority(&spec, SystemTime::now()).unwrap());
    let config = format!("{{label: {namespace}/ask, webhook: {{serviceName: {namespace}, secretName: theirs}}}}");
    let pace = Pace { look: Duration::from_millis(200), publishing: Duration::from_millis(300) };
    let files = tempfile::tempdir().unwrap();
    let mut written = put(&secrets, &first, files.path()).await;
    let mut server = Running::with(&config, |settings| {
        settings.pod.namespace.clone_from(&namespace);
        settings.config.server.cert_dir = files.path().display().to_string();
        settings.cluster = ClusterUse::Full { adopt: false, owner: None, certificate_life: LEAF_LIFE, pace };
    })
    .await;
    let other = make_authority(&Spec { ca_life: CA_LIFE / 2, ..spec.clone() }, SystemTime::now()).unwrap();
    let second = issued(&spec, &other);
    let both = Pair { ca: format!("{}{}", first.ca, second.ca), ..first.clone() };
    // Another CA in three steps, as the docs have it.
    let third = Pair { ca: format!("{}{}", second.ca, first.ca), ..second.clone() };
    for (step, pair) in [("first", &first), ("both", &both), ("new", &third), ("alone", &second)] {
        if step != "first" {
            let before = secrets.get("theirs").await.unwrap().metadata.resource_version;
            assert_eq!(before, written.metadata.resource_version, "somebody wrote to it before {step}");
            written = put(&secrets, pair, files.path()).await;
        }
        let is_shown = async || server.page("/certificate").await.1.replace(['\r', '\n'], "");
        let expected = pair.certificate.replace(['\r', '\n'], "");
        until(step, async || is_shown().await == expected).await;
        until(step, async || bundle().await.as_deref() == Some(pair.ca.as_bytes())).await;
        let end = lifetime(&pair.ca).unwrap().not_after_1970();
        let metric = async || server.metric("keybearer_ca_not_after_seconds").await;
        until(step, async || metric().await.is_some_and(|shown| format!("{shown:.0}") == end.to_string())).await;
    }
    assert_eq!(server.page("/readyz").await.0, 200);

    // From here the injector has `caBundle`: whatever it puts there stays.
    let mut there = registrations.get(&namespace).await.unwrap();
    let annotation = ("cert-manager.io/inject-ca-from".to_owned(), format!("{namespace}/webhook"));
    there.metadata.annotations.get_or_insert_default().insert(annotation.0, annotation.1);
    there.webhooks.as_mut().unwrap()[0].client_config.ca_bundle = Some(ByteString(both.ca.as_bytes().to_vec()));
    registrations.replace(&namespace, &PostParams::default(), &there).await.unwrap();
    tokio::time::sleep(pace.look * 5).await;
    assert_eq!(bundle().await.as_deref(), Some(both.ca.as_bytes()));
    server.ask_to_end();
    server.ended().await;
    registrations.delete(&namespace, &DeleteParams::default()).await.unwrap();
    place.end().await;
}
