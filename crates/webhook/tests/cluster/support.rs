//! A namespace that goes with its test.

use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
use kube::api::{DeleteParams, ObjectMeta, PostParams};
use kube::{Api, Client, Config};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Nothing here should take this long; it only keeps a fault from hanging a test.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Place {
    pub(crate) client: Client,
    pub(crate) namespace: String,
}

impl Place {
    pub(crate) async fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let client = webhook::cluster::connect().await.expect("a cluster: set KUBECONFIG, as `cargo xtask e2e` does");
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let namespace = format!("keybearer-test-{}-{number}", std::process::id());
        let object = Namespace {
            metadata: ObjectMeta { name: Some(namespace.clone()), ..ObjectMeta::default() },
            ..Namespace::default()
        };
        Api::<Namespace>::all(client.clone()).create(&PostParams::default(), &object).await.unwrap();
        Self { client, namespace }
    }

    /// A client that acts as a service account of the namespace.
    pub(crate) async fn client_of(&self, account: &str) -> Client {
        let mut config = Config::infer().await.unwrap();
        config.auth_info.impersonate = Some(format!("system:serviceaccount:{}:{account}", self.namespace));
        Client::try_from(config).unwrap()
    }

    /// Gives a service account of the namespace rights in it; they go with it.
    pub(crate) async fn give(&self, account: &str, rules: &Value) {
        let role = json!({"metadata": {"name": account}, "rules": rules});
        let binding = json!({"metadata": {"name": account},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": account},
            "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": self.namespace}]});
        let roles: Api<Role> = Api::namespaced(self.client.clone(), &self.namespace);
        let bindings: Api<RoleBinding> = Api::namespaced(self.client.clone(), &self.namespace);
        roles.create(&PostParams::default(), &serde_json::from_value(role).unwrap()).await.unwrap();
        bindings.create(&PostParams::default(), &serde_json::from_value(binding).unwrap()).await.unwrap();
    }

    pub(crate) async fn end(self) {
        Api::<Namespace>::all(self.client).delete(&self.namespace, &DeleteParams::default()).await.unwrap();
    }
}

/// Waits for something to come true.
pub(crate) async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !is_so().await {
        assert!(start.elapsed() < PATIENCE, "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
