//! Two replicas behind one Service, called by the API server: a new one gets its share, and one that goes fails nobody.

use crate::harness::{Pair, Running};
use crate::support::{PATIENCE, Place, until};
use k8s_openapi::api::admissionregistration::v1::MutatingWebhookConfiguration;
use k8s_openapi::api::core::v1::{Pod, ServiceAccount};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::Api;
use kube::api::{DeleteParams, PostParams};
use rcgen::{CertificateParams, KeyPair};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::JoinSet;

pub(crate) fn object<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

/// A replica of this machine.
async fn replica(pair: &Pair) -> Running {
    Running::with("limits: {connectionAge: 2s}", |settings| {
        settings.listen = ([0, 0, 0, 0], 0).into();
        settings.drain_delay = Duration::from_secs(4);
        let folder = std::path::Path::new(&settings.config.server.cert_dir);
        std::fs::write(folder.join("tls.crt"), &pair.certificate).unwrap();
        std::fs::write(folder.join("tls.key"), &pair.key).unwrap();
    })
    .await
}

async fn answered(replica: &Running) -> f64 {
    replica.metric("keybearer_admissions_total{outcome=\"allowed\"}").await.unwrap_or(0.0)
}

/// The end of a Service at a replica.
pub(crate) async fn join_as(place: &Place, service: &str, name: &str, replica: &Running) {
    let address = own_address().await;
    let slices: Api<EndpointSlice> = Api::namespaced(place.client.clone(), &place.namespace);
    let slice = object(json!({
        "metadata": {"name": name, "labels": {"kubernetes.io/service-name": service}}, "addressType": "IPv4",
        "ports": [{"name": "webhook", "port": replica.webhook.port()}],
        "endpoints": [{"addresses": [address], "conditions": {"ready": true}}]}));
    slices.create(&PostParams::default(), &slice).await.unwrap();
}

/// This machine, as the API server sees it: where calls to it go out from.
async fn own_address() -> IpAddr {
    let server = kube::Config::infer().await.unwrap().cluster_url;
    let socket = UdpSocket::bind("0.0.0.0:0").await.unwrap();
    socket.connect((server.host().unwrap(), server.port_u16().unwrap_or(443))).await.unwrap();
    socket.local_addr().unwrap().ip()
}

/// What stands between the API server and the replicas as most clusters have it: an address whose connections go to one replica
/// after the other, each for as long as it is open. (An API server with `--enable-aggregator-routing`, as the tests' may be, looks for
/// the ends of a Service itself at each call, and shows nothing of what becomes of a connection that stays open.)
#[derive(Clone)]
struct Balancer {
    address: SocketAddr,
    ends: Arc<Mutex<Vec<SocketAddr>>>,
}

impl Balancer {
    async fn start() -> Self {
        let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
        let address = (own_address().await, listener.local_addr().unwrap().port()).into();
        let ends = Arc::<Mutex<Vec<SocketAddr>>>::default();
        let balanced = Arc::clone(&ends);
        tokio::spawn(async move {
            for turn in 0.. {
                let (mut caller, _) = listener.accept().await.unwrap();
                let end = {
                    let ends = balanced.lock().unwrap();
                    ends.get(turn % ends.len().max(1)).copied()
                };
                let Some(end) = end else { continue };
                tokio::spawn(async move {
                    let mut replica = TcpStream::connect(end).await.unwrap();
                    let _ = tokio::io::copy_bidirectional(&mut caller, &mut replica).await;
                });
            }
        });
        Self { address, ends }
    }

    fn join(&self, replica: &Running) {
        self.ends.lock().unwrap().push(([127, 0, 0, 1], replica.webhook.port()).into());
    }

    fn leave(&self, replica: &Running) {
        self.ends.lock().unwrap().retain(|end| end.port() != replica.webhook.port());
    }
}

async fn register(place: &Place, address: SocketAddr, pair: &Pair) {
    let (client, namespace) = (place.client.clone(), &place.namespace);
    let registrations: Api<MutatingWebhookConfiguration> = Api::all(client);
    let ca = data_encoding::BASE64.encode(pair.certificate.as_bytes());
    let registration = object(json!({"metadata": {"name": namespace}, "webhooks": [{
        "name": "share.keybearer.dev", "admissionReviewVersions": ["v1"], "sideEffects": "None", "failurePolicy": "Fail",
        "timeoutSeconds": 10, "objectSelector": {"matchLabels": {"ask": "true"}}, "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
        "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
        "clientConfig": {"caBundle": ca, "url": format!("https://{address}/mutate--v1-pod")}}]}));
    registrations.create(&PostParams::default(), &registration).await.unwrap();
}

/// Creates pods all the time (without making them), until it is told to end; then how many, each with its secret.
pub(crate) struct Load {
    end: Arc<AtomicBool>,
    done: Arc<AtomicUsize>,
    tasks: JoinSet<Result<(), String>>,
}

impl Load {
    /// `label` is the one that such pods have.
    pub(crate) fn start(place: &Place, at_once: usize, label: &str) -> Self {
        let (end, done, mut tasks) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)), JoinSet::new());
        let pod: Pod = object(json!({
            "metadata": {"name": "asking", "labels": {label: "true"},
                "annotations": {"keybearer.dev/secrets": "[{group: g, key: k, mount: env}]"}},
            "spec": {"containers": [{"name": "main", "image": "i"}]}}));
        for _ in 0..at_once {
            let pods: Api<Pod> = Api::namespaced(place.client.clone(), &place.namespace);
            let (end, done, pod) = (Arc::clone(&end), Arc::clone(&done), pod.clone());
            tasks.spawn(async move {
                let dry = PostParams { dry_run: true, ..PostParams::default() };
                while !end.load(Ordering::Acquire) {
                    let made = pods.create(&dry, &pod).await.map_err(|error| error.to_string())?;
                    if made.spec.unwrap().containers[0].env.is_none() {
                        return Err("a pod was admitted without its secret".to_owned());
                    }
                    done.fetch_add(1, Ordering::AcqRel);
                }
                Ok(())
            });
        }
        Self { end, done, tasks }
    }

    /// Waits until so many pods more were created.
    pub(crate) async fn more(&self, count: usize) {
        let before = self.done.load(Ordering::Acquire);
        until("pods are created", async || self.done.load(Ordering::Acquire) >= before + count).await;
    }

    pub(crate) async fn end(mut self) {
        self.end.store(true, Ordering::Release);
        while let Some(task) = self.tasks.join_next().await {
            assert_eq!(task.unwrap(), Ok(()));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_replica_gets_its_share_and_one_that_ends_fails_nobody() {
    let place = Place::new().await;
    let key = KeyPair::generate().unwrap();
    let balancer = Balancer::start().await;
    let params = CertificateParams::new(vec![balancer.address.ip().to_string()]).unwrap();
    let pair = Pair { certificate: params.self_signed(&key).unwrap().pem(), key: key.serialize_pem() };
    let accounts: Api<ServiceAccount> = Api::namespaced(place.client.clone(), &place.namespace);
    until("the service account", async || accounts.get_opt("default").await.unwrap().is_some()).await;

    let mut first = replica(&pair).await;
    balancer.join(&first);
    register(&place, balancer.address, &pair).await;
    // The API server takes up a registration, and the node a Service, a moment later.
    let pods: Api<Pod> = Api::namespaced(place.client.clone(), &place.namespace);
    let probe: Pod = object(json!({"metadata": {"name": "probe", "labels": {"ask": "true"}},
        "spec": {"containers": [{"name": "main", "image": "i"}]}}));
    let dry = PostParams { dry_run: true, ..PostParams::default() };
    until("the webhook is called", async || pods.create(&dry, &probe).await.is_ok() && answered(&first).await > 0.0)
        .await;

    // The API server opens as many connections as it needs at once, and keeps them for as long as it is let: what comes one
    // after the other then needs no new one.
    let load = Load::start(&place, 8, "ask");
    load.more(100).await;
    load.end().await;
    let load = Load::start(&place, 1, "ask");
    let second = replica(&pair).await;
    balancer.join(&second);
    // Connections that are open stay where they are until they are old: the API server would use them for ever. With `connectionAge: 1h`
    // and without the next wait, the one after it was seen to be in vain.
    let oldest = "keybearer_limit_peak{limit=\"connection_age_seconds\"}";
    until("an old connection ends", async || first.metric(oldest).await.unwrap() > 1.0).await;
    until("the second replica is called", async || answered(&second).await > 0.0).await;
    let before = (answered(&first).await, answered(&second).await);
    let mut share = 0.0;
    until("the second replica has its share", async || {
        let (one, two) = (answered(&first).await - before.0, answered(&second).await - before.1);
        share = two / (one + two);
        one + two > 200.0 && share > 0.2 && share < 0.8
    })
    .await;

    load.end().await;

    let load = Load::start(&place, 8, "ask");
    load.more(50).await;
    // The first one ends, as in a rollout: it is asked to, and a moment later nobody is sent there any more.
    first.ask_to_end();
    load.more(20).await;
    balancer.leave(&first);
    tokio::time::timeout(PATIENCE, first.ended()).await.unwrap();
    load.more(50).await;
    load.end().await;

    let registrations: Api<MutatingWebhookConfiguration> = Api::all(place.client.clone());
    registrations.delete(&place.namespace, &DeleteParams::default()).await.unwrap();
    place.end().await;
}
