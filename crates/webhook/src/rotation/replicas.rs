//! What each replica serves. Each is asked by itself, on its admin port, through the API server.

use super::RotationError;
use crate::cluster::ClusterError;
use k8s_openapi::api::core::v1::{Pod, Service};
use kube::api::ListParams;
use kube::{Api, Client};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// The admin port where a pod does not name one.
const ADMIN: u16 = 10254;

/// What was seen of the replicas.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Served {
    /// How many serve the new certificate.
    pub new: usize,
    /// Who does not, and what was seen instead.
    pub waiting: Vec<String>,
}

/// Whoever knows what the replicas serve.
pub trait Replicas {
    /// Looks at each. `is_new` says whether a certificate, as PEM, is one of the new CA.
    fn look(&self, is_new: impl Fn(&str) -> bool) -> impl Future<Output = Result<Served, RotationError>>;
}

/// The pods that the Service sends to.
pub struct Pods {
    /// The API server.
    pub client: Client,
    /// The install's namespace.
    pub namespace: String,
    /// The Service.
    pub service: String,
}

impl Replicas for Pods {
    async fn look(&self, is_new: impl Fn(&str) -> bool) -> Result<Served, RotationError> {
        let mut served = Served::default();
        for pod in self.pods().await? {
            let name = pod.metadata.name.clone().unwrap_or_default();
            if !is_running(&pod) {
                continue;
            }
            match self.shown(&name, admin_port(&pod)).await? {
                Ok(shown) if is_new(&shown) => served.new += 1,
                Ok(_) => served.waiting.push(format!("pod `{name}` serves another one")),
                Err(why) => served.waiting.push(format!("pod `{name}` does not say: {why}")),
            }
        }
        Ok(served)
    }
}

impl Pods {
    async fn pods(&self) -> Result<Vec<Pod>, RotationError> {
        let (namespace, name) = (self.namespace.as_str(), self.service.as_str());
        let services: Api<Service> = Api::namespaced(self.client.clone(), namespace);
        let service = services.get(name).await;
        let service = service.map_err(|error| ClusterError::asked("get", "services", name, Some(namespace), &error))?;
        let selector = service.spec.and_then(|spec| spec.selector).filter(|selector| !selector.is_empty());
        let Some(selector) = selector else {
            return Err(RotationError::NoSelector { name: name.to_owned(), namespace: namespace.to_owned() });
        };
        let selector: Vec<String> = selector.iter().map(|(label, value)| format!("{label}={value}")).collect();
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), namespace);
        let listed = pods.list(&ListParams::default().labels(&selector.join(","))).await;
        Ok(listed.map_err(|error| ClusterError::asked("list", "pods", name, Some(namespace), &error))?.items)
    }

    /// What a pod serves, or why it does not say. Only a right that is missing is an error: all else may pass.
    async fn shown(&self, pod: &str, port: u16) -> Result<Result<String, String>, RotationError> {
        let namespace = self.namespace.as_str();
        let path = format!("/api/v1/namespaces/{namespace}/pods/{pod}:{port}/proxy/certificate");
        let request = match axum::http::Request::get(path).body(Vec::new()) {
            Ok(request) => request,
            Err(error) => return Ok(Err(error.to_string())),
        };
        let error = match self.client.request_text(request).await {
            Ok(text) => return Ok(Ok(text)),
            Err(error) => error,
        };
        match (&error, ClusterError::asked("get", "pods/proxy", pod, Some(namespace), &error)) {
            (_, forbidden @ ClusterError::Forbidden { .. }) => Err(forbidden.into()),
            (kube::Error::Api(status), _) if status.code == 404 => {
                Ok(Err(format!("it has no `/certificate` on port {port}, or is gone")))
            }
            (_, error) => Ok(Err(error.to_string())),
        }
    }
}

/// Whether any of its containers runs. One that starts later reads the Secret before it is ready.
fn is_running(pod: &Pod) -> bool {
    let statuses = pod.status.iter().flat_map(|status| status.container_statuses.iter().flatten());
    statuses.into_iter().any(|status| status.state.as_ref().is_some_and(|state| state.running.is_some()))
}

fn admin_port(pod: &Pod) -> u16 {
    let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
    let mut ports = containers.flat_map(|container| container.ports.iter().flatten());
    let named = ports.find(|port| port.name.as_deref() == Some("admin"));
    named.and_then(|port| u16::try_from(port.container_port).ok()).unwrap_or(ADMIN)
}

/// Nobody who could be asked: so much time is waited instead.
pub struct Unseen {
    wait: Duration,
    since: OnceLock<Instant>,
}

impl Unseen {
    /// Takes every replica to serve the new certificate after this time.
    pub fn new(wait: Duration) -> Self {
        Self { wait, since: OnceLock::new() }
    }
}

impl Replicas for Unseen {
    async fn look(&self, _: impl Fn(&str) -> bool) -> Result<Served, RotationError> {
        let left = self.wait.saturating_sub(self.since.get_or_init(Instant::now).elapsed());
        let waiting = (!left.is_zero()).then(|| "no replica is looked at, as was asked for".to_owned());
        Ok(Served { new: 0, waiting: waiting.into_iter().collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn pod(state: &Value, ports: &Value) -> Pod {
        serde_json::from_value(json!({
            "spec": {"containers": [{"name": "webhook", "ports": ports}]},
            "status": {"containerStatuses": [{"name": "webhook", "image": "i", "imageID": "", "ready": false,
                "restartCount": 0, "state": state}]}}))
        .unwrap()
    }

    #[test]
    fn a_pod_that_does_not_run_is_not_asked_and_one_that_is_not_ready_is() {
        let ports = json!([{"name": "webhook", "containerPort": 9443}, {"name": "admin", "containerPort": 9999}]);
        assert!(is_running(&pod(&json!({"running": {}}), &ports)));
        assert!(!is_running(&pod(&json!({"waiting": {}}), &ports)) && !is_running(&Pod::default()));
        assert_eq!(admin_port(&pod(&json!({}), &ports)), 9999);
        assert_eq!(admin_port(&pod(&json!({}), &json!([]))), ADMIN);
    }
}
