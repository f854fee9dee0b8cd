//! The Service that the API server calls, and who stands behind it.

use super::Subject;
use super::finding::Finding;
use crate::cluster::ClusterError;
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::api::ListParams;
use kube::{Api, Client};

const SERVICE: &str = "service";
const ENDPOINTS: &str = "endpoints";

pub(super) async fn look(client: &Client, subject: &Subject) -> Vec<Finding> {
    let (namespace, server) = (subject.namespace.as_str(), &subject.config.server);
    let (name, port) = (&server.service_name, i32::from(server.service_port));
    let services: Api<Service> = Api::namespaced(client.clone(), namespace);
    let service = match services.get_opt(name).await {
        Ok(Some(service)) => service,
        Ok(None) => {
            return vec![
                Finding::failed(SERVICE, format!("there is no Service `{name}` in namespace `{namespace}`"))
                    .hint("apply the install's manifests again; `webhook.serviceName` names the Service"),
            ];
        }
        Err(error) => {
            let error = ClusterError::asked("get", "services", name, Some(namespace), &error);
            return vec![Finding::not_seen(SERVICE, &error)];
        }
    };
    let ports = service.spec.and_then(|spec| spec.ports).unwrap_or_default();
    let ports: Vec<i32> = ports.into_iter().map(|port| port.port).collect();
    let of_service = if ports.contains(&port) {
        Finding::ok(SERVICE, format!("Service `{name}` has port {port}"))
    } else {
        Finding::failed(SERVICE, format!("Service `{name}` has ports {ports:?}, but the API server calls {port}"))
            .hint("give the Service that port, or set `webhook.servicePort`")
    };
    vec![of_service, endpoints(client, namespace, name).await]
}

async fn endpoints(client: &Client, namespace: &str, service: &str) -> Finding {
    let slices: Api<EndpointSlice> = Api::namespaced(client.clone(), namespace);
    let of_service = ListParams::default().labels(&format!("kubernetes.io/service-name={service}"));
    let slices = match slices.list(&of_service).await {
        Ok(slices) => slices,
        Err(error) => {
            let error = ClusterError::asked("list", "endpointslices", "", Some(namespace), &error);
            return Finding::not_seen(ENDPOINTS, &error);
        }
    };
    let all = slices.iter().flat_map(|slice| slice.endpoints.iter().flatten());
    let ready = |ready: Option<bool>| ready.unwrap_or(true);
    let (mut count, mut total) = (0, 0);
    for endpoint in all {
        total += 1;
        count += usize::from(endpoint.conditions.as_ref().is_none_or(|conditions| ready(conditions.ready)));
    }
    let pods = format!("kubectl --namespace {namespace} get pods");
    match count {
        0 => Finding::failed(
            ENDPOINTS,
            format!("no replica of Service `{service}` is ready, of {total}: pods that ask are refused"),
        )
        .hint(format!("`{pods}` says why; `/readyz` of a replica says what it waits for")),
        1 => Finding::warning(
            ENDPOINTS,
            format!("one replica of Service `{service}` is ready: while it is away, pods that ask are refused"),
        )
        .hint("run two or more"),
        count => Finding::ok(ENDPOINTS, format!("{count} replicas of Service `{service}` are ready")),
    }
}
