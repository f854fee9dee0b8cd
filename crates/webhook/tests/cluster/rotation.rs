//! The CA is rotated while the API server calls two replicas: nobody is refused, wherever it is broken off.

use crate::harness::Running;
use crate::share::{Load, join_as, object};
use crate::support::{Place, until};
use k8s_openapi::api::admissionregistration::v1::{MutatingWebhookConfiguration, WebhookClientConfig};
use k8s_openapi::api::core::v1::{Pod, Secret, Service, ServiceAccount};
use kube::Api;
use kube::api::{DeleteParams, PostParams};
use serde_json::json;
use std::cell::RefCell;
use std::time::{Duration, SystemTime};
use webhook::certificates::{CA_LIFE, LEAF_LIFE, Spec, init, is_trusted, read};
use webhook::rotation::{Options, Pods, Replicas, Rotated, RotationError, Said, Served, Step, Subject, rotate};
use webhook::{ClusterUse, Pace};

/// The Secret of the certificates.
pub(crate) const SECRET: &str = "certificates";

/// An install of two replicas on this machine, called by the API server.
pub(crate) struct Install {
    pub(crate) place: Place,
    pub(crate) replicas: Vec<Running>,
}

impl Install {
    /// Certificates alone, and the registration.
    async fn registered() -> Self {
        Self::registered_at(SystemTime::now()).await
    }

    /// The same, with certificates that were made at another time.
    async fn registered_at(now: SystemTime) -> Self {
        let place = Place::new().await;
        init(&place.client, &spec(&place), now).await.unwrap();
        Self { place, replicas: Vec::new() }.with_replica().await
    }

    pub(crate) async fn called() -> Self {
        Self::called_at(SystemTime::now()).await
    }

    pub(crate) async fn called_at(now: SystemTime) -> Self {
        let it = Self::registered_at(now).await.with_replica().await;
        let place = &it.place;
        let services: Api<Service> = Api::namespaced(place.client.clone(), &place.namespace);
        let service = json!({"metadata": {"name": place.namespace},
            "spec": {"ports": [{"name": "webhook", "port": 443, "targetPort": 9443}]}});
        services.create(&PostParams::default(), &object(service)).await.unwrap();
        for (number, replica) in it.replicas.iter().enumerate() {
            join_as(place, &place.namespace, &format!("replica-{number}"), replica).await;
        }
        let accounts: Api<ServiceAccount> = Api::namespaced(place.client.clone(), &place.namespace);
        until("the service account", async || accounts.get_opt("default").await.unwrap().is_some()).await;
        let pods: Api<Pod> = Api::namespaced(place.client.clone(), &place.namespace);
        let probe = object(json!({"metadata": {"name": "probe", "labels": {"ask": "true"}},
            "spec": {"containers": [{"name": "main", "image": "i"}]}}));
        let dry = PostParams { dry_run: true, ..PostParams::default() };
        until("the webhook is called", async || {
            let answered = it.replicas[0].metric("keybearer_admissions_total{outcome=\"allowed\"}").await;
            pods.create(&dry, &probe).await.is_ok() && answered > Some(0.0)
        })
        .await;
        it
    }

    async fn with_replica(mut self) -> Self {
        let namespace = self.place.namespace.clone();
        let config = format!(
            "{{label: ask, webhook: {{serviceName: {namespace}, secretName: {SECRET}, namespaceSelector: {{matchLabels: \
             {{kubernetes.io/metadata.name: {namespace}}}}}}}}}"
        );
        let pace = Pace { look: Duration::from_millis(300), publishing: Duration::from_millis(600) };
        let replica = Running::with(&config, |settings| {
            settings.pod.namespace.clone_from(&namespace);
            settings.listen = ([0, 0, 0, 0], 0).into();
            settings.cluster = ClusterUse::Full { adopt: false, owner: None, certificate_life: LEAF_LIFE, pace };
        })
        .await;
        until("a replica is ready", async || replica.page("/readyz").await.0 == 200).await;
        self.replicas.push(replica);
        self
    }

    fn subject(&self) -> Subject {
        let namespace = self.place.namespace.clone();
        Subject { secret: SECRET.into(), service: namespace.clone(), namespace }
    }

    async fn rotate(&self, say: impl Fn(Said)) -> Result<Rotated, RotationError> {
        let options =
            Options { hold: Duration::from_millis(1500), every: Duration::from_millis(100), ..Options::default() };
        rotate(&self.place.client, &self.subject(), &Here(&self.replicas), &options, say).await
    }

    pub(crate) fn secrets(&self) -> Api<Secret> {
        Api::namespaced(self.place.client.clone(), &self.place.namespace)
    }

    pub(crate) fn registrations(&self) -> Api<MutatingWebhookConfiguration> {
        Api::all(self.place.client.clone())
    }

    async fn edit(&self, change: impl FnOnce(&mut WebhookClientConfig)) {
        let mut there = self.registrations().get(&self.place.namespace).await.unwrap();
        change(&mut there.webhooks.as_mut().unwrap()[0].client_config);
        self.registrations().replace(&self.place.namespace, &PostParams::default(), &there).await.unwrap();
    }

    async fn ca(&self) -> String {
        read(&self.place.client, &spec(&self.place)).await.unwrap().unwrap().ca
    }

    pub(crate) async fn registered_bundle(&self) -> Vec<u8> {
        let there = self.registrations().get(&self.place.namespace).await.unwrap();
        there.webhooks.unwrap()[0].client_config.ca_bundle.clone().unwrap().0
    }

    /// Fails unless one CA, another than before, is all that is trusted, and each replica serves a leaf of it.
    async fn has_rotated_from(&self, before: &str) {
        let after = self.ca().await;
        assert!(!after.contains(before.trim()) && after.matches("BEGIN CERTIFICATE").count() == 1, "{after}");
        assert_eq!(self.registered_bundle().await, after.as_bytes());
        let keys: Vec<String> = self.secrets().get(SECRET).await.unwrap().data.unwrap().into_keys().collect();
        assert_eq!(keys, ["ca.crt", "ca.key", "tls.crt", "tls.key"]);
        for replica in &self.replicas {
            let pair = read(&self.place.client, &spec(&self.place)).await.unwrap().unwrap();
            let shown = webhook::certificates::Pair { certificate: replica.page("/certificate").await.1, ..pair };
            assert!(is_trusted(&shown, &after, &spec(&self.place)));
        }
    }

    pub(crate) async fn end(self) {
        for mut replica in self.replicas {
            replica.ask_to_end();
            replica.ended().await;
        }
        Api::<MutatingWebhookConfiguration>::all(self.place.client.clone())
            .delete(&self.place.namespace, &DeleteParams::default())
            .await
            .unwrap();
        self.place.end().await;
    }
}

pub(crate) fn spec(place: &Place) -> Spec {
    Spec {
        secret: SECRET.into(),
        namespace: place.namespace.clone(),
        service: place.namespace.clone(),
        ca_life: CA_LIFE,
        leaf_life: LEAF_LIFE,
    }
}

/// The replicas of this machine, which no pod is.
struct Here<'a>(&'a [Running]);

impl Replicas for Here<'_> {
    async fn look(&self, is_new: impl Fn(&str) -> bool) -> Result<Served, RotationError> {
        let mut served = Served::default();
        for (number, replica) in self.0.iter().enumerate() {
            if is_new(&replica.page("/certificate").await.1) {
                served.new += 1;
            } else {
                served.waiting.push(format!("replica {number}"));
            }
        }
        Ok(served)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_refuses_nobody_and_leaves_one_new_ca() {
    let it = Install::called().await;
    let load = Load::start(&it.place, 4, "ask");
    load.more(20).await;
    let before = it.ca().await;
    let said = RefCell::new(Vec::new());
    let rotated = it.rotate(|line| said.borrow_mut().push(line)).await.unwrap();
    load.more(50).await;
    load.end().await;
    assert_eq!((rotated.replicas, rotated.ca.trim()), (2, it.ca().await.trim()));
    it.has_rotated_from(&before).await;
    let written: Vec<Step> = said
        .take()
        .into_iter()
        .filter_map(|said| match said {
            Said::Written(step) => Some(step),
            _ => None,
        })
        .collect();
    assert_eq!(written, [Step::Publish, Step::Switch, Step::Drop]);
    it.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_off_at_each_line_it_says_the_next_one_goes_on() {
    let it = Install::called().await;
    let load = Load::start(&it.place, 2, "ask");
    let before = it.ca().await;
    let mut lines = 0;
    // Cut off at its first line, the next at its second, and so on, until one comes to the end.
    loop {
        let (said, limit) = (RefCell::new(0), lines + 1);
        let (cut, was_cut) = tokio::sync::oneshot::channel();
        let cut = RefCell::new(Some(cut));
        let say = |_| {
            *said.borrow_mut() += 1;
            if *said.borrow() == limit {
                cut.borrow_mut().take().unwrap().send(()).unwrap();
            }
        };
        let ended = tokio::select! {
            ended = it.rotate(say) => Some(ended.unwrap()),
            cut = was_cut => { cut.unwrap(); None }
        };
        lines += 1;
        if ended.is_some() {
            break;
        }
        assert!(lines < 20, "it comes to no end");
        if !it.ca().await.contains(before.trim()) {
            break;
        }
    }
    assert!(lines > 3, "it was cut off {lines} times only");
    until("the registration", async || it.registered_bundle().await == it.ca().await.as_bytes()).await;
    load.more(20).await;
    load.end().await;
    it.has_rotated_from(&before).await;
    it.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_at_once_do_one_rotation() {
    let it = Install::called().await;
    let load = Load::start(&it.place, 2, "ask");
    let before = it.ca().await;
    let (one, other) = tokio::join!(it.rotate(|_| {}), it.rotate(|_| {}));
    assert_eq!(one.unwrap().ca, other.unwrap().ca);
    load.end().await;
    it.has_rotated_from(&before).await;
    it.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_starts_in_the_middle_is_in_it() {
    let mut it = Install::called().await;
    let before = it.ca().await;
    for step in [Step::Publish, Step::Switch] {
        let (cut, was_cut) = tokio::sync::oneshot::channel();
        let cut = RefCell::new(Some(cut));
        let say = |said| {
            if said == Said::Written(step) {
                cut.borrow_mut().take().unwrap().send(()).unwrap();
            }
        };
        tokio::select! {
            ended = it.rotate(say) => panic!("{ended:?} before {step:?}"),
            cut = was_cut => cut.unwrap(),
        }
        it = it.with_replica().await;
    }
    assert_eq!(it.rotate(|_| {}).await.unwrap().replicas, 4);
    it.has_rotated_from(&before).await;
    it.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn flytes_immutable_secret_without_the_cas_key_is_replaced_by_one_of_ours() {
    let it = Install::called().await;
    // Changed in place: while it is away, a replica would put what it serves back.
    let mut flytes = it.secrets().get(SECRET).await.unwrap();
    flytes.data.as_mut().unwrap().remove("ca.key").unwrap();
    flytes.metadata.labels = Some([("team".to_owned(), "data".to_owned())].into());
    flytes.immutable = Some(true);
    it.secrets().replace(SECRET, &PostParams::default(), &flytes).await.unwrap();
    let before = it.ca().await;
    let load = Load::start(&it.place, 2, "ask");
    it.rotate(|_| {}).await.unwrap();
    load.end().await;
    it.has_rotated_from(&before).await;
    let after = it.secrets().get(SECRET).await.unwrap();
    assert_eq!((after.immutable, after.metadata.labels.unwrap()["team"].as_str()), (None, "data"));
    it.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_rotated_is_refused_by_name_and_nothing_is_changed() {
    let it = Install::registered().await;
    let subject = it.subject();
    let pods = |client: &kube::Client| Pods {
        client: client.clone(),
        namespace: subject.namespace.clone(),
        service: subject.service.clone(),
    };
    let refused = async |client: &kube::Client, subject: &Subject| {
        let error = rotate(client, subject, &pods(client), &Options::default(), |_| {}).await.unwrap_err();
        (error.to_string(), error.hint().unwrap_or_default())
    };
    let client = it.place.client.clone();
    let before = it.secrets().get(SECRET).await.unwrap();

    let (error, hint) = refused(&client, &Subject { secret: "nowhere".into(), ..subject.clone() }).await;
    assert!(error.contains("Secret `nowhere`") && hint.contains("--namespace"), "{error} {hint}");
    let (error, hint) = refused(&client, &Subject { service: "nowhere".into(), ..subject.clone() }).await;
    assert!(error.contains("is not for `nowhere") && !hint.is_empty(), "{error} {hint}");
    let (error, hint) = refused(&client, &subject).await;
    assert!(error.contains("can't get services"), "{error} {hint}");

    // Its own account may not look at pods.
    let rule = json!({"apiGroups": [""], "resources": ["secrets", "services"], "verbs": ["get", "update"]});
    it.place.give("half", &json!([rule])).await;
    let half = it.place.client_of("half").await;
    until("the role to be known", async || read(&half, &spec(&it.place)).await.is_ok()).await;
    let (error, hint) = refused(&half, &subject).await;
    assert!(error.contains("mutatingwebhookconfigurations") && hint.contains("verbs: [get]"), "{error} {hint}");

    // A Service without a selector, cert-manager's Secret, and a registration of somebody else's.
    let services: Api<Service> = Api::namespaced(client.clone(), &subject.namespace);
    let service = json!({"metadata": {"name": subject.service}, "spec": {"ports": [{"port": 443}]}});
    services.create(&PostParams::default(), &object(service)).await.unwrap();
    let (error, hint) = refused(&client, &subject).await;
    assert!(error.contains("has no selector") && hint.contains("--unseen"), "{error} {hint}");
    let theirs = Secret { type_: Some("kubernetes.io/tls".into()), immutable: None, ..before.clone() };
    let theirs = Secret { metadata: object(json!({"name": "theirs"})), ..theirs };
    it.secrets().create(&PostParams::default(), &theirs).await.unwrap();
    let (error, hint) = refused(&client, &Subject { secret: "theirs".into(), ..subject.clone() }).await;
    assert!(error.contains("`kubernetes.io/tls`") && hint.contains("cert-manager"), "{error} {hint}");
    let other = Install { place: it.place, replicas: Vec::new() };
    for mut replica in it.replicas {
        replica.ask_to_end();
        replica.ended().await;
    }
    other.edit(|entry| entry.service.as_mut().unwrap().namespace = "other".into()).await;
    let (error, _) = refused(&client, &subject).await;
    assert!(error.contains("`other`"), "{error}");
    other.registrations().delete(&subject.service, &DeleteParams::default()).await.unwrap();
    let (error, hint) = refused(&client, &subject).await;
    assert!(
        error.contains("there is no MutatingWebhookConfiguration") && hint.contains("start the webhook"),
        "{error} {hint}"
    );

    let after = other.secrets().get(SECRET).await.unwrap();
    assert_eq!(before.metadata.resource_version, after.metadata.resource_version);
    other.place.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registration_by_manifests_is_waited_for_and_the_next_command_goes_on() {
    let it = Install::registered().await;
    let (client, subject, before) = (it.place.client.clone(), it.subject(), it.ca().await);
    let other = Install { place: it.place, replicas: Vec::new() };
    // Nobody puts the new CA in, as where `disableCreateMutatingWebhookConfig` is set.
    for mut replica in it.replicas {
        replica.ask_to_end();
        replica.ended().await;
    }
    let short = Options {
        hold: Duration::from_millis(200),
        timeout: Duration::from_millis(400),
        every: Duration::from_millis(50),
    };
    let error = rotate(&client, &subject, &Here(&[]), &short, |_| {}).await.unwrap_err();
    let hint = error.hint().unwrap();
    assert!(matches!(error, RotationError::NotRegistered { .. }) && hint.contains("jsonpath="), "{error} {hint}");
    // As the hint says.
    let put = async || {
        let ca = other.secrets().get(SECRET).await.unwrap().data.unwrap()["ca.crt"].clone();
        other.edit(|entry| entry.ca_bundle = Some(ca)).await;
    };
    put().await;
    let error = rotate(&client, &subject, &Here(&[]), &short, |_| {}).await.unwrap_err();
    assert!(matches!(error, RotationError::NotRegistered { .. }), "{error}");
    put().await;
    // What is under way is over, and so the next is a new one.
    other.has_rotated_from(&before).await;
    other.registrations().delete(&subject.service, &DeleteParams::default()).await.unwrap();
    other.place.end().await;
}

/// A replica that never takes the new certificate.
struct Stuck;

impl Replicas for Stuck {
    async fn look(&self, _: impl Fn(&str) -> bool) -> Result<Served, RotationError> {
        Ok(Served { new: 1, waiting: vec!["pod `stuck` serves another one".into()] })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_does_not_take_the_new_one_keeps_the_old_ca_trusted() {
    let it = Install::registered().await;
    let before = it.ca().await;
    let short =
        Options { hold: Duration::from_millis(200), timeout: Duration::from_secs(3), every: Duration::from_millis(50) };
    let error = rotate(&it.place.client, &it.subject(), &Stuck, &short, |_| {}).await.unwrap_err();
    assert!(error.to_string().contains("pod `stuck`") && error.hint().unwrap().contains("goes on"), "{error}");
    assert!(it.ca().await.contains(before.trim()));
    it.rotate(|_| {}).await.unwrap();
    it.has_rotated_from(&before).await;
    it.end().await;
}
