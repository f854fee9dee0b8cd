//! The API server: the way to it, and what it says when it does not do what is asked.

pub use kube::Client;
use kube::Config;
use kube::config::KubeConfigOptions;
use std::error::Error;
use std::time::Duration;
use thiserror::Error;

/// How long a connection may take.
const CONNECTING: Duration = Duration::from_secs(10);
/// How long an answer may take; everything here is tried again.
const ANSWERING: Duration = Duration::from_secs(40);

/// Why the API server did not do what was asked.
#[derive(Debug, Error)]
pub enum ClusterError {
    /// There is no way to it.
    #[error("there is no way to an API server: {0}")]
    NoWay(String),
    /// `KUBECONFIG` was set, and can't be used.
    #[error("there is no way to an API server: KUBECONFIG is set, and {0}")]
    Kubeconfig(String),
    /// It does not answer.
    #[error("the API server does not answer ({verb} {resource} `{name}`{}): {reason}", in_namespace(.namespace.as_deref()))]
    Away {
        /// The verb.
        verb: &'static str,
        /// The resource.
        resource: &'static str,
        /// The object.
        name: String,
        /// Its namespace, if it has one.
        namespace: Option<String>,
        /// What the network says.
        reason: String,
    },
    /// It refuses.
    #[error("the API server does not let us {verb} {resource} `{name}`{}: {message}", in_namespace(.namespace.as_deref()))]
    Forbidden {
        /// The verb.
        verb: &'static str,
        /// The resource.
        resource: &'static str,
        /// The object.
        name: String,
        /// Its namespace, if it has one.
        namespace: Option<String>,
        /// What it says.
        message: String,
    },
    /// It failed.
    #[error("can't {verb} {resource} `{name}`{}: {message}", in_namespace(.namespace.as_deref()))]
    Failed {
        /// The verb.
        verb: &'static str,
        /// The resource.
        resource: &'static str,
        /// The object.
        name: String,
        /// Its namespace, if it has one.
        namespace: Option<String>,
        /// What it says.
        message: String,
    },
}

fn in_namespace(namespace: Option<&str>) -> String {
    namespace.map_or_else(String::new, |namespace| format!(" in namespace `{namespace}`"))
}

impl ClusterError {
    /// The error of a call.
    pub(crate) fn asked(
        verb: &'static str,
        resource: &'static str,
        name: &str,
        namespace: Option<&str>,
        error: &kube::Error,
    ) -> Self {
        let (name, namespace) = (name.to_owned(), namespace.map(str::to_owned));
        match error {
            kube::Error::Api(status) if status.code == 403 => {
                let verb = missing_verb(&status.message).unwrap_or(verb);
                Self::Forbidden { verb, resource, name, namespace, message: status.message.clone() }
            }
            kube::Error::Api(status) => {
                Self::Failed { verb, resource, name, namespace, message: status.message.clone() }
            }
            error => Self::Away { verb, resource, name, namespace, reason: causes(error) },
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoWay(_) => Some(
                "run it in a pod with a service account, or set KUBECONFIG; `--no-cluster` does without an API server"
                    .to_owned(),
            ),
            Self::Kubeconfig(_) => Some(
                "let KUBECONFIG name a file with a current context, as `kubectl config view` shows one; or, in a pod with a \
                 service account, unset it"
                    .to_owned(),
            ),
            Self::Away { .. } => Some(
                "`kubectl get --raw /readyz` with the same KUBECONFIG says whether it answers; in a pod, see whether \
                 egress to the service `kubernetes` is allowed"
                    .to_owned(),
            ),
            Self::Forbidden { message, .. } if missing_verb(message).is_none() => Some(
                "no rule of RBAC would change that: a quota, an admission policy, or a namespace that is being deleted"
                    .to_owned(),
            ),
            Self::Forbidden { verb, resource, name, namespace, .. } => {
                Some(rule(verb, resource, name, namespace.as_deref()))
            }
            Self::Failed { namespace: Some(namespace), message, .. }
                if message.contains(&format!("namespaces \"{namespace}\" not found")) =>
            {
                Some(format!(
                    "make it with `kubectl create namespace {namespace}`, or name another one with the variable POD_NAMESPACE"
                ))
            }
            Self::Failed { .. } => None,
        }
    }
}

/// The verb that a refusal of RBAC names, which may be another than was used: an apply that finds nothing needs `create`.
fn missing_verb(message: &str) -> Option<&'static str> {
    let verbs = ["get", "list", "watch", "create", "update", "patch", "delete"];
    let (_, rest) = message.split_once(" cannot ")?;
    let (named, _) = rest.split_once(" resource ")?;
    verbs.into_iter().find(|verb| *verb == named)
}

/// The rule that would allow it. A Secret is made by POST, which RBAC can't limit to a name: the API server does not know it yet;
/// and a list has none.
pub(crate) fn rule(verb: &str, resource: &str, name: &str, namespace: Option<&str>) -> String {
    let group = match group(resource) {
        "" => "\"\"",
        group => group,
    };
    let only = if verb == "list" || (verb == "create" && resource == "secrets") {
        String::new()
    } else {
        format!(", resourceNames: [{name}]")
    };
    let role =
        namespace.map_or_else(|| "a ClusterRole".to_owned(), |namespace| format!("a Role in namespace `{namespace}`"));
    format!(
        "give the service account {role} with the rule \
         `{{apiGroups: [{group}], resources: [{resource}]{only}, verbs: [{verb}]}}`"
    )
}

/// The API group of a resource that the webhook has rights to.
pub(crate) fn group(resource: &str) -> &'static str {
    match resource {
        "mutatingwebhookconfigurations" => "admissionregistration.k8s.io",
        "clusterroles" => "rbac.authorization.k8s.io",
        _ => "",
    }
}

/// An error with all that it comes from: kube's own text leaves out that a connection was refused.
fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        next = cause.source();
    }
    text
}

/// A client of the cluster that `KUBECONFIG` names, or else of the one that `~/.kube/config` names or this process is in.
/// Nothing is asked yet.
///
/// # Errors
/// [`ClusterError::NoWay`] where there is none; [`ClusterError::Kubeconfig`] where one is named that can't be used: another
/// one is not taken then.
pub async fn connect() -> Result<Client, ClusterError> {
    crate::tls::install_provider();
    let is_named = std::env::var_os("KUBECONFIG").is_some_and(|paths| !paths.is_empty());
    let mut config = if is_named {
        let read = Config::from_kubeconfig(&KubeConfigOptions::default()).await;
        read.map_err(|error| ClusterError::Kubeconfig(causes(&error)))?
    } else {
        Config::infer().await.map_err(|error| ClusterError::NoWay(error.to_string()))?
    };
    config.connect_timeout = Some(CONNECTING);
    config.read_timeout = Some(ANSWERING);
    // Else the time that a connection was idle counts, too.
    config.reset_reader_on_write = true;
    tracing::debug!(server = %config.cluster_url, "the API server");
    Client::try_from(config).map_err(|error| ClusterError::NoWay(error.to_string()))
}

/// Whether somebody else was faster.
pub(crate) fn is_conflict(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 409)
}

/// Whether the object is not there.
pub(crate) fn is_missing(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 404)
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::api::core::v1::Secret;
    use kube::Api;

    #[tokio::test]
    async fn an_api_server_that_is_not_there_is_said_with_the_reason_and_a_remedy() {
        crate::tls::install_provider();
        let config = Config::new("http://127.0.0.1:1".parse().unwrap());
        let secrets: Api<Secret> = Api::namespaced(Client::try_from(config).unwrap(), "flyte");
        let error = secrets.get("s").await.unwrap_err();
        let error = ClusterError::asked("get", "secrets", "s", Some("flyte"), &error);
        let text = error.to_string();
        assert!(text.starts_with("the API server does not answer (get secrets `s` in namespace `flyte`)"), "{text}");
        assert!(text.contains("refused"), "{text}");
        assert!(error.hint().unwrap().contains("KUBECONFIG"));
    }

    #[test]
    fn a_refusal_names_the_rule_that_is_missing() {
        let refusal = |verb, resource, namespace: Option<&str>| ClusterError::Forbidden {
            verb,
            resource,
            name: "n".into(),
            namespace: namespace.map(str::to_owned),
            message: format!("{resource} is forbidden: User \"u\" cannot {verb} resource \"{resource}\""),
        };
        assert_eq!(
            refusal("get", "secrets", Some("flyte")).hint().unwrap(),
            "give the service account a Role in namespace `flyte` with the rule \
             `{apiGroups: [\"\"], resources: [secrets], resourceNames: [n], verbs: [get]}`"
        );
        assert_eq!(
            refusal("create", "secrets", Some("flyte")).hint().unwrap(),
            "give the service account a Role in namespace `flyte` with the rule \
             `{apiGroups: [\"\"], resources: [secrets], verbs: [create]}`"
        );
        let message =
            r#"x "n" is forbidden: User "u" cannot create resource "mutatingwebhookconfigurations" in API group "g""#;
        assert_eq!(missing_verb(message), Some("create"));
        assert_eq!(missing_verb("quota exceeded"), None);
        let quota = ClusterError::Forbidden {
            verb: "create",
            resource: "secrets",
            name: "n".into(),
            namespace: Some("flyte".into()),
            message: r#"secrets "n" is forbidden: exceeded quota: q, requested: count/secrets=1"#.into(),
        };
        assert!(quota.hint().unwrap().starts_with("no rule of RBAC would change that"));
        let cluster_wide = refusal("create", "mutatingwebhookconfigurations", None).hint().unwrap();
        assert!(cluster_wide.contains("a ClusterRole with the rule `{apiGroups: [admissionregistration.k8s.io]"));
        assert!(cluster_wide.contains("resourceNames: [n], verbs: [create]"), "{cluster_wide}");
    }
}
