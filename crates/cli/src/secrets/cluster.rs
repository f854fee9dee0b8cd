//! `keybearer secret … --cluster`: Kubernetes Secrets of a namespace, through `kubectl`.
//!
//! A secret is where the webhook's own plan looks for it, so that names, versions and policy are decided once. Values travel
//! over pipes alone: never in an argument, a variable or a file.

mod object;
mod write;

use super::shown;
use crate::fault::Fault;
use crate::kubectl::{Failure, Kubectl, no_cluster, no_namespace, with_words};
use crate::settings::{Settings, dialects, namespace};
use admission::plan::Source;
use admission::{Globals, Manager, PodView};
use object::Object;
use secret::{Mount, Secret, Spelling};
use std::collections::BTreeMap;
pub(super) use write::{delete, set};

#[derive(clap::Args)]
pub(super) struct ClusterArgs {
    /// In a cluster, as a Kubernetes Secret of a namespace, and not on this machine
    #[arg(long, help_heading = "In a cluster")]
    pub(super) cluster: bool,

    /// The namespace; without it that of kubectl's context
    #[arg(short, long, value_name = "NAMESPACE", value_parser = namespace, requires = "cluster", help_heading = "In a cluster")]
    namespace: Option<String>,

    /// The context of the kubeconfig; without it the current one
    #[arg(long, value_name = "NAME", requires = "cluster", help_heading = "In a cluster")]
    context: Option<String>,
}

#[derive(clap::Args)]
pub(super) struct NamesArgs {
    /// The webhook's configuration (YAML), by which the Secret's name is found; without it the defaults hold
    #[arg(long, value_name = "FILE", requires = "cluster", help_heading = "In a cluster")]
    config: Option<String>,

    /// Whose pods are made; overrides `compat` of the configuration
    #[arg(long, value_name = "DIALECT", value_parser = dialects(), requires = "cluster", help_heading = "In a cluster")]
    compat: Option<String>,
}

/// A namespace of a cluster.
pub(super) struct Place {
    kubectl: Kubectl,
    namespace: String,
}

/// Where a secret is in it.
struct Target {
    /// The Secret's name.
    name: String,
    key: String,
}

impl ClusterArgs {
    pub(super) fn place(&self) -> Result<Place, Fault> {
        let context = Kubectl { context: self.context.clone(), namespace: None };
        let namespace = match &self.namespace {
            Some(namespace) => namespace.clone(),
            None => context.own_namespace()?,
        };
        Ok(Place { kubectl: Kubectl { namespace: Some(namespace.clone()), ..context }, namespace })
    }
}

impl Place {
    /// Where pods of the namespace that ask for a secret find it, by the plan that `explain` shows, too.
    fn target(&self, secret: &Secret, names: &NamesArgs) -> Result<Target, Fault> {
        let settings = Settings { config: names.config.clone(), compat: names.compat.clone(), namespace: None };
        let config = settings.load()?;
        let asked = Secret { mount: Mount::File, ..secret.clone() };
        let annotations: BTreeMap<String, String> =
            secret::write(&[asked], Spelling::Readable).map_err(Fault::new)?.into_iter().collect();
        let pod =
            serde_json::json!({"metadata": {"annotations": annotations}, "spec": {"containers": [{"name": "main"}]}});
        let pod = pod.to_string();
        let pod = PodView::parse(&pod).map_err(Fault::new)?;
        let who = admission::review::identity(&pod, &self.namespace);
        let plan = admission::plan(&pod, &who, &config, &Globals::default())
            .map_err(|denial| Fault::from(denial).detail("nothing was changed in the cluster"))?;
        let manager = plan.requests.first().map_or(Manager::K8s, |request| request.manager);
        match plan.requests.into_iter().next().map(|request| request.source) {
            Some(Source::Reference { name, key }) => Ok(Target { name, key }),
            _ => Err(Fault::new(format!(
                "by this configuration `{manager}` gives secret `{}`, and no Kubernetes Secret is read for it",
                shown(secret)
            ))
            .hint(format!("put the value where `{manager}` has it, or configure `secretManagerType: K8s`"))),
        }
    }

    /// A Secret, where there is one.
    fn find(&self, name: &str) -> Result<Option<Object>, Fault> {
        match self.kubectl.find(&format!("secret/{name}")) {
            Ok(None) => self.check_namespace().map(|()| None),
            Ok(Some(text)) => Object::parse(&text).map(Some),
            Err(failure) => Err(self.fault(&failure, "get")),
        }
    }

    /// The Secrets of the namespace that may hold what tasks ask for.
    pub(super) fn all(&self) -> Result<Vec<Object>, Fault> {
        let words = ["get", "secrets", "--field-selector", "type=Opaque", "--output", "json", "--request-timeout=20s"];
        let answer = self.kubectl.ask(words, "").map_err(|failure| self.fault(&failure, "list"))?;
        let all = Object::parse_list(&answer.text)?;
        if all.is_empty() {
            self.check_namespace()?;
        }
        Ok(all)
    }

    /// The value of a secret.
    pub(super) fn get(&self, secret: &Secret, names: &NamesArgs) -> Result<Option<admission::Value>, Fault> {
        let target = self.target(secret, names)?;
        self.find(&target.name)?.map_or(Ok(None), |object| object.value(&target.key))
    }

    /// Says so where the namespace is not there, which `kubectl` does not for what it does not find. Whoever may not ask for
    /// it is told nothing.
    fn check_namespace(&self) -> Result<(), Fault> {
        let everywhere = Kubectl { namespace: None, ..self.kubectl.clone() };
        match everywhere.get(&format!("namespace/{}", self.namespace)) {
            Err(failure) if failure.says(&["NotFound"]) => Err(no_namespace(&self.kubectl)),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// What a failure of `kubectl` means.
    fn fault(&self, failure: &Failure, verb: &str) -> Fault {
        if failure.says(&["namespaces", "not found"]) {
            return no_namespace(&self.kubectl);
        }
        if failure.says(&["cannot", "resource \"secrets\""]) {
            let fault = Fault::new(format!("you may not {verb} Secrets in namespace `{}`", self.namespace));
            return with_words(fault, failure).hint(format!(
                "ask for a Role there with the rule `{{apiGroups: [\"\"], resources: [secrets], verbs: [{verb}]}}`"
            ));
        }
        if let Some(fault) = no_cluster(failure, &self.kubectl) {
            return fault;
        }
        with_words(Fault::new(format!("the cluster refuses to {verb} the Secret; nothing was changed")), failure)
    }

    /// That a secret is not there.
    pub(super) fn not_there(&self, secret: &Secret) -> Fault {
        let namespace = &self.namespace;
        Fault::new(format!("there is no secret `{}` in namespace `{namespace}`", shown(secret)))
            .hint(format!("`keybearer secret list --cluster -n {namespace}` has the names of all"))
    }

    pub(super) fn namespace(&self) -> &str {
        &self.namespace
    }
}
