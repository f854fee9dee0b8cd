//! What the doctor finds in an install that works, and after each thing that goes wrong with it.

use crate::harness::Running;
use crate::support::{PATIENCE, Place};
use admission::Config;
use k8s_openapi::api::admissionregistration::v1::MutatingWebhookConfiguration;
use k8s_openapi::api::core::v1::{ConfigMap, Service, ServiceAccount};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, Role};
use kube::Api;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};
use webhook::ClusterUse;
use webhook::certificates::LEAF_LIFE;
use webhook::doctor::{Finding, State, Subject, config_map, examine};

const ACCOUNT: &str = "webhook";

struct Install {
    place: Place,
    config: String,
}

impl Install {
    async fn new() -> Self {
        let place = Place::new().await;
        let namespace = &place.namespace;
        // Cluster-scoped, so named after the namespace; and only for pods of it.
        let config = format!(
            "{{label: {namespace}/ask, webhook: {{serviceName: {namespace}, secretName: certificates, \
             namespaceSelector: {{matchLabels: {{kubernetes.io/metadata.name: {namespace}}}}}}}}}"
        );
        Self { place, config }
    }

    async fn examine(&self) -> Vec<Finding> {
        let namespace = &self.place.namespace;
        let subject = Subject {
            config: Config::parse(&self.config, "the test's").unwrap(),
            namespace: namespace.clone(),
            account: ACCOUNT.to_owned(),
            owner: namespace.clone(),
            probe_namespace: namespace.clone(),
        };
        examine(&self.place.client, &subject).await
    }

    async fn create<K>(&self, object: Value)
    where
        K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope> + serde::de::DeserializeOwned + serde::Serialize,
        K: Clone + std::fmt::Debug,
        <K as kube::Resource>::DynamicType: Default,
    {
        let api: Api<K> = Api::namespaced(self.place.client.clone(), &self.place.namespace);
        api.create(&PostParams::default(), &serde_json::from_value(object).unwrap()).await.unwrap();
    }

    /// The rights of the manifests, under this install's names.
    async fn give_rights(&self) {
        let name = &self.place.namespace;
        self.create::<ServiceAccount>(json!({"metadata": {"name": ACCOUNT}})).await;
        let of_secret = json!([{"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["certificates"],
            "verbs": ["get", "list", "watch", "create", "update", "patch"]}]);
        self.place.give(ACCOUNT, &of_secret).await;
        let rules = json!([
            {"apiGroups": ["admissionregistration.k8s.io"], "resources": ["mutatingwebhookconfigurations"],
                "resourceNames": [name], "verbs": ["get", "list", "watch", "create", "patch", "update"]},
            {"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["clusterroles"], "resourceNames": [name], "verbs": ["get"]},
        ]);
        let role = json!({"metadata": {"name": name}, "rules": rules});
        let binding = json!({"metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
            "subjects": [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": name}]});
        let roles: Api<ClusterRole> = Api::all(self.place.client.clone());
        let bindings: Api<ClusterRoleBinding> = Api::all(self.place.client.clone());
        roles.create(&PostParams::default(), &serde_json::from_value(role).unwrap()).await.unwrap();
        bindings.create(&PostParams::default(), &serde_json::from_value(binding).unwrap()).await.unwrap();
    }

    /// A Service whose endpoints are here.
    async fn serve_at(&self, address: SocketAddr) {
        let name = &self.place.namespace;
        self.create::<Service>(json!({"metadata": {"name": name}, "spec": {"ports": [{"name": "https", "port": 443, "targetPort": address.port()}]}}))
            .await;
        let endpoint = json!({"addresses": [address.ip().to_string()], "conditions": {"ready": true}});
        self.create::<EndpointSlice>(json!({
            "metadata": {"name": name, "labels": {"kubernetes.io/service-name": name}},
            "addressType": "IPv4", "endpoints": [endpoint], "ports": [{"name": "https", "port": address.port()}],
        }))
        .await;
    }

    fn registrations(&self) -> Api<MutatingWebhookConfiguration> {
        Api::all(self.place.client.clone())
    }

    async fn end(self) {
        let name = &self.place.namespace;
        let params = DeleteParams::default();
        for registration in [name.clone(), format!("{name}-other")] {
            let _ = self.registrations().delete(&registration, &params).await;
        }
        let _ = Api::<ClusterRole>::all(self.place.client.clone()).delete(name, &params).await;
        let _ = Api::<ClusterRoleBinding>::all(self.place.client.clone()).delete(name, &params).await;
        self.place.end().await;
    }
}

/// An address of this machine that the API server can reach.
async fn own_address() -> IpAddr {
    let server = kube::Config::infer().await.unwrap().cluster_url;
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    // Nothing is sent: connecting such a socket only asks for the way.
    socket.connect((server.host().unwrap(), server.port_u16().unwrap_or(443))).unwrap();
    socket.local_addr().unwrap().ip()
}

/// The findings of a check, and that there are some.
fn of<'f>(findings: &'f [Finding], check: &str) -> Vec<&'f Finding> {
    let of: Vec<&Finding> = findings.iter().filter(|finding| finding.check == check).collect();
    assert!(!of.is_empty(), "nothing is said of {check}: {findings:#?}");
    of
}

fn is(findings: &[Finding], check: &str, state: State, words: &[&str]) {
    let of = of(findings, check);
    let fits = |finding: &&&Finding| {
        let said = format!("{} {}", finding.message, finding.hint.as_deref().unwrap_or_default());
        finding.state == state && words.iter().all(|word| said.contains(word))
    };
    assert!(of.iter().any(|finding| fits(&finding)), "{check}, {state:?}, {words:?}: {of:#?}");
}

#[tokio::test]
async fn nothing_is_there() {
    let install = Install::new().await;
    let findings = install.examine().await;
    is(&findings, "api-server", State::Ok, &["version v1."]);
    is(&findings, "kubelets", State::Ok, &["kubelet v1."]);
    is(&findings, "certificate", State::Failed, &["`certificates`", "is not there", "init-certs"]);
    is(&findings, "registration", State::Failed, &["there is no MutatingWebhookConfiguration"]);
    is(&findings, "service", State::Failed, &["there is no Service"]);
    is(&findings, "rights", State::Failed, &["there is no service account `webhook`"]);
    is(&findings, "reachability", State::Failed, &["without calling the webhook"]);
    // Somebody without rights is told what can't be seen, and not that it is wrong.
    let client = install.place.client_of("nobody").await;
    let subject = Subject {
        config: Config::parse(&install.config, "the test's").unwrap(),
        namespace: install.place.namespace.clone(),
        account: ACCOUNT.to_owned(),
        owner: String::new(),
        probe_namespace: install.place.namespace.clone(),
    };
    for finding in examine(&client, &subject).await {
        let expected = if finding.check == "api-server" { State::Ok } else { State::Unknown };
        assert_eq!(finding.state, expected, "{finding:#?}");
        assert!(expected == State::Ok || finding.hint.is_some(), "{finding:#?}");
    }
    install.end().await;
}

#[tokio::test]
async fn an_install_that_works_and_what_goes_wrong_with_it() {
    let install = Install::new().await;
    let namespace = install.place.namespace.clone();
    let address = own_address().await;
    install.give_rights().await;
    let mut server = Running::with(&install.config, |settings| {
        settings.pod.namespace.clone_from(&namespace);
        settings.listen = SocketAddr::from((address, 0));
        settings.cluster = ClusterUse::Full {
            adopt: false,
            owner: Some(namespace.clone()),
            certificate_life: LEAF_LIFE,
            pace: webhook::Pace::default(),
        };
    })
    .await;
    install.serve_at(server.webhook).await;
    let start = Instant::now();
    while server.page("/readyz").await.0 != 200 {
        assert!(start.elapsed() < PATIENCE, "{:?}", server.page("/readyz").await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // The way to the Service is made a moment after the Service.
    let findings = loop {
        let findings = install.examine().await;
        let reached = of(&findings, "reachability");
        if reached.iter().all(|finding| finding.state == State::Ok) {
            break findings;
        }
        assert!(start.elapsed() < PATIENCE, "{reached:#?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    let wrong: Vec<&Finding> = findings.iter().filter(|finding| finding.state != State::Ok).collect();
    // One replica alone is here.
    assert!(wrong.len() == 1 && wrong[0].check == "endpoints" && wrong[0].state == State::Warning, "{wrong:#?}");
    is(&findings, "certificate", State::Ok, &["is valid for 29 more days"]);
    is(&findings, "rights", State::Ok, &["has the 8 rights"]);

    // A right that is missing, and one that is too much.
    let rights = json!({"rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}]});
    let roles: Api<Role> = Api::namespaced(install.place.client.clone(), &namespace);
    roles.patch(ACCOUNT, &PatchParams::default(), &Patch::Merge(rights)).await.unwrap();
    let findings = install.examine().await;
    is(&findings, "rights", State::Failed, &["may not update secrets `certificates`", "verbs: [update]"]);
    is(&findings, "rights", State::Warning, &["may read every Secret", "resourceNames"]);
    is(&findings, "rights", State::Warning, &["may not create secrets `certificates`", "verbs: [create]"]);
    is(&findings, "rights", State::Warning, &["may not patch secrets `certificates`", "verbs: [patch]"]);
    assert_eq!(of(&findings, "rights").len(), 4);

    // Another install for the same pods.
    let mut other = install.registrations().get(&namespace).await.unwrap();
    other.metadata = kube::api::ObjectMeta { name: Some(format!("{namespace}-other")), ..Default::default() };
    install.registrations().create(&PostParams::default(), &other).await.unwrap();
    let findings = install.examine().await;
    is(&findings, "overlap", State::Warning, &[&format!("{namespace}-other"), "both change them"]);
    install.registrations().delete(&format!("{namespace}-other"), &DeleteParams::default()).await.unwrap();

    // The server is gone, and its registration was changed meanwhile.
    server.ask_to_end();
    server.ended().await;
    let findings = install.examine().await;
    is(&findings, "reachability", State::Failed, &["can't call the webhook"]);
    let mut changed = install.registrations().get(&namespace).await.unwrap();
    let entry = &mut changed.webhooks.as_mut().unwrap()[0];
    // Of the same names, and not the same.
    let of_ca = webhook::certificates::Spec {
        secret: "certificates".to_owned(),
        namespace: namespace.clone(),
        service: namespace.clone(),
        ca_life: LEAF_LIFE,
        leaf_life: LEAF_LIFE,
    };
    let another = webhook::certificates::make_authority(&of_ca, std::time::SystemTime::now()).unwrap().certificate;
    entry.client_config.ca_bundle = Some(k8s_openapi::ByteString(another.into_bytes()));
    let mut changed = install.registrations().replace(&namespace, &PostParams::default(), &changed).await.unwrap();
    let findings = install.examine().await;
    is(&findings, "registration", State::Failed, &["trust another CA", "mends it within 30 s"]);
    let entry = &mut changed.webhooks.as_mut().unwrap()[0];
    entry.failure_policy = Some("Ignore".to_owned());
    entry.client_config.ca_bundle = None;
    install.registrations().replace(&namespace, &PostParams::default(), &changed).await.unwrap();
    let findings = install.examine().await;
    is(&findings, "registration", State::Failed, &["has no `caBundle`"]);
    is(&findings, "registration", State::Warning, &["`failurePolicy` is \"Ignore\""]);
    is(&findings, "reachability", State::Failed, &["without calling the webhook"]);
    install.end().await;
}

#[tokio::test]
async fn each_right_that_is_missing_is_named_alone_with_the_rule_that_mends_it() {
    let install = Install::new().await;
    let namespace = install.place.namespace.clone();
    install.give_rights().await;
    let roles: Api<Role> = Api::namespaced(install.place.client.clone(), &namespace);
    let cluster_roles: Api<ClusterRole> = Api::all(install.place.client.clone());
    let (role, cluster_role) = (roles.get(ACCOUNT).await.unwrap(), cluster_roles.get(&namespace).await.unwrap());
    let registrations = "mutatingwebhookconfigurations";
    for (resource, verb, without) in [
        ("secrets", "get", "does not find its certificate"),
        ("secrets", "update", "not renewed"),
        ("secrets", "create", "was lost is not made again"),
        ("secrets", "patch", "was lost is not made again"),
        (registrations, "get", "not looked at"),
        (registrations, "create", "not made again"),
        (registrations, "patch", "not mended"),
        ("clusterroles", "get", "no owner"),
    ] {
        let (mut role, mut cluster_role) = (role.clone(), cluster_role.clone());
        let rules = role.rules.iter_mut().flatten().chain(cluster_role.rules.iter_mut().flatten());
        for rule in rules.filter(|rule| rule.resources.iter().flatten().any(|one| one == resource)) {
            rule.verbs.retain(|one| one != verb);
        }
        let all = |rules: Option<Vec<k8s_openapi::api::rbac::v1::PolicyRule>>| {
            let rules = rules.into_iter().flatten().filter(|rule| !rule.verbs.is_empty());
            Patch::Merge(json!({"rules": rules.collect::<Vec<_>>()}))
        };
        roles.patch(ACCOUNT, &PatchParams::default(), &all(role.rules)).await.unwrap();
        cluster_roles.patch(&namespace, &PatchParams::default(), &all(cluster_role.rules)).await.unwrap();
        // The API server takes up a role a moment later.
        let start = Instant::now();
        let findings = loop {
            let findings = install.examine().await;
            let rights = of(&findings, "rights");
            if rights.len() == 1 && rights[0].message.contains(&format!("may not {verb} {resource} ")) {
                break findings;
            }
            assert!(start.elapsed() < PATIENCE, "{verb} {resource}: {rights:#?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        let is_warned = resource == "clusterroles" || (resource == "secrets" && matches!(verb, "create" | "patch"));
        let state = if is_warned { State::Warning } else { State::Failed };
        let words = [without, &format!("resources: [{resource}]"), &format!("verbs: [{verb}]")];
        is(&findings, "rights", state, &words);
    }
    install.end().await;
}

#[tokio::test]
async fn a_namespace_that_is_not_there_is_said_once() {
    let install = Install::new().await;
    let subject = Subject {
        config: Config::parse(&install.config, "the test's").unwrap(),
        namespace: "keybearer-test-nowhere".to_owned(),
        account: ACCOUNT.to_owned(),
        owner: String::new(),
        probe_namespace: install.place.namespace.clone(),
    };
    let findings = examine(&install.place.client, &subject).await;
    let wrong: Vec<&Finding> = findings.iter().filter(|finding| finding.state != State::Ok).collect();
    assert_eq!(wrong.len(), 1, "{wrong:#?}");
    is(&findings, "namespace", State::Failed, &["no namespace `keybearer-test-nowhere`", "kubectl get namespaces"]);
    install.end().await;
}

#[tokio::test]
async fn a_configuration_is_read_from_its_config_map() {
    let install = Install::new().await;
    let namespace = install.place.namespace.clone();
    assert_eq!(config_map(&install.place.client, &namespace, "webhook").await.unwrap(), None);
    let data = json!({"b.yaml": "compat: flyte-v1", "a.yaml": "label: x", "README": "no"});
    install.create::<ConfigMap>(json!({"metadata": {"name": "webhook"}, "data": data})).await;
    let files = config_map(&install.place.client, &namespace, "webhook").await.unwrap().unwrap();
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["a.yaml", "b.yaml"]);
    let maps: Api<ConfigMap> = Api::namespaced(install.place.client.clone(), &namespace);
    assert!(maps.list(&ListParams::default()).await.unwrap().items.len() >= 2);
    install.end().await;
}
