//! What the pod gets here, and what it would get in the cluster.

use super::given::Given;
use crate::fault::Fault;
use crate::{explain, terminal};
use admission::plan::{Request, Source};
use admission::{Config, Globals, Identity, Plan, PodView, Values, render};
use secret::Secret;
use stores::{FetchError, Miss};

/// The plan of this machine, and that of the cluster to compare with.
pub(crate) struct Planned {
    pub(crate) here: Plan,
    /// None where the cluster would refuse the pod, or where it is not known what its managers do.
    pub(crate) cluster: Option<Plan>,
    /// Whether the pod was in a cluster and has all that its plan would add.
    is_patched: bool,
    /// Why managers that were asked had nothing.
    pub(crate) unanswered: Vec<String>,
}

impl Planned {
    pub(super) fn new(
        pod: &PodView<'_>,
        who: &Identity<'_>,
        config: &Config,
        globals: &Globals,
    ) -> Result<Self, Fault> {
        let nothing = PodView::default();
        // Without the label the webhook is not called, here or there.
        let pod = if explain::is_labelled(pod, config) { pod } else { &nothing };
        if let Some(why) = &config.unserved {
            terminal::note(format!("what the cluster would give can't be compared: {why}"));
            return Self::beside(None, pod, who, config);
        }
        let cluster = admission::plan(pod, who, config, globals);
        let is_patched = |plan: &Plan| !plan.is_empty() && render(plan, pod, &Values::none()).is_empty();
        if cluster.as_ref().is_ok_and(is_patched) {
            let here = admission::plan(&nothing, who, config, globals)?;
            return Ok(Self { here, cluster: cluster.ok(), is_patched: true, unanswered: Vec::new() });
        }
        let (cluster, denial) = match cluster {
            Ok(plan) => (Some(plan), None),
            Err(denial) => (None, Some(denial)),
        };
        let planned = Self::beside(cluster, pod, who, config)?;
        if let Some(denial) = denial {
            let unless = if config.asks_global { ", unless Global has there what is missing" } else { "" };
            terminal::warning(format!("in the cluster this pod would be refused{unless}: {}", denial.message));
            denial.hint.iter().for_each(terminal::hint);
        }
        Ok(planned)
    }

    /// The plan of this machine, where Local alone is asked, beside what the cluster would do.
    fn beside(cluster: Option<Plan>, pod: &PodView<'_>, who: &Identity<'_>, config: &Config) -> Result<Self, Fault> {
        let here = admission::plan(pod, who, &config.on_laptop(), &Globals::default())?;
        here.warnings.iter().for_each(terminal::warning);
        Ok(Self { here, cluster, is_patched: false, unanswered: Vec::new() })
    }

    /// The plan by which the containers find their secrets: a pod that comes from a cluster keeps what it got there.
    pub(super) fn shown(&self) -> &Plan {
        self.cluster.as_ref().filter(|_| self.is_patched).unwrap_or(&self.here)
    }

    /// Whether the cluster gives all of it by reference.
    pub(super) fn refers(&self) -> bool {
        let is_reference = |request: &Request| matches!(request.source, Source::Reference { .. });
        self.cluster.as_ref().is_some_and(|plan| plan.requests.iter().all(is_reference))
    }

    /// The Secrets that a pod from a cluster was told to read and that nobody gave. Its own references to them may be
    /// optional, but it asked for them.
    pub(super) fn missing(&self, given: &Given) -> Result<(), FetchError> {
        let references = self.shown().requests.iter().filter_map(|request| match &request.source {
            Source::Reference { name, key } => Some((name, key)),
            Source::Sealed | Source::Inline | Source::Pulled(_) | Source::Annotated(_) => None,
        });
        let missing = references.filter(|(name, key)| given.stores().local.get(name, key, "").is_none());
        let misses: Vec<Miss> = missing
            .map(|(name, key)| {
                let secret = Secret { group: name.clone(), key: key.clone(), ..Secret::default() };
                Miss { asked: given.stores().local.asked(&secret), secret }
            })
            .collect();
        if misses.is_empty() { Ok(()) } else { Err(FetchError { misses }) }
    }
}
