//! The install's namespace: without it there is nothing to look at.

use super::finding::Finding;
use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, Client};

const NAMESPACE: &str = "namespace";

/// That the namespace is not there. Whoever may not ask for it is told nothing: the rest says what can be seen.
pub(super) async fn missing(client: &Client, namespace: &str) -> Option<Finding> {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    match namespaces.get_opt(namespace).await {
        Ok(None) => Some(
            Finding::failed(NAMESPACE, format!("there is no namespace `{namespace}`"))
                .hint("`kubectl get namespaces` lists those that there are; name the install's with --namespace"),
        ),
        Ok(Some(_)) | Err(_) => None,
    }
}
