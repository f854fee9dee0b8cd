//! The cluster, and waiting for what happens in it.

use crate::kubectl::Kubectl;
use crate::pod::Pod;
use crate::{Result, install};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Where the pods of the cases are.
pub(crate) const TASKS: &str = "keybearer-e2e-tasks";
/// A namespace that enforces the Pod Security level `restricted`.
pub(crate) const RESTRICTED: &str = "keybearer-e2e-restricted";
/// Where the webhook is installed.
pub(crate) const SYSTEM: &str = "keybearer-e2e";
/// How long a pod may take for what it does.
const PATIENCE: Duration = Duration::from_secs(60);

/// A cluster to be tested on.
pub(crate) struct Cluster {
    pub(crate) kubectl: Kubectl,
}

/// How a pod ended.
pub(crate) struct Ended {
    /// The whole object.
    pub(crate) pod: Value,
    /// What its container `main` printed.
    pub(crate) log: String,
}

impl Cluster {
    /// Finds it, and the namespaces that are needed in it.
    pub(crate) fn connect() -> Result<Self> {
        let cluster = Self { kubectl: Kubectl::from_env()? };
        install::refuse_foreign(&cluster)?;
        cluster.clean()?;
        let namespace = |name: &str, level: &str| {
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels":
                {"keybearer.dev/e2e": "true", "pod-security.kubernetes.io/enforce": level}}})
        };
        cluster.kubectl.apply(&[
            namespace(TASKS, "privileged"),
            namespace(RESTRICTED, "restricted"),
            namespace(SYSTEM, "restricted"),
        ])?;
        let secret = |namespace: &str, name: &str, values: Value| {
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": namespace},
                "stringData": values})
        };
        cluster.kubectl.apply(&[
            secret(TASKS, "user-info", json!({"user_secret": "open-sesame"})),
            secret(TASKS, "db", json!({"password": "s3cret $(HOME) 'x'", "ca.crt": "PEM\nof two lines\n"})),
            secret(TASKS, "global", json!({"token": "of the namespace", "file-token": "of the namespace"})),
            secret(RESTRICTED, "user-info", json!({"user_secret": "open-sesame"})),
        ])?;
        for namespace in [TASKS, RESTRICTED, SYSTEM] {
            let made = || cluster.kubectl.exists(["serviceaccount/default", "-n", namespace]);
            until(Duration::from_secs(20), "the namespace has its service account", || {
                made().map(|ok| ok.then_some(()))
            })?;
        }
        Ok(cluster)
    }

    /// Removes all that a run makes.
    pub(crate) fn clean(&self) -> Result {
        install::remove_all(self)?;
        // Only those that a case has made.
        self.kubectl.run(["delete", "customresourcedefinition", "-l", "keybearer.dev/e2e=true"])?;
        let names = [TASKS, RESTRICTED, SYSTEM];
        self.kubectl.run(["delete", "namespace", "--ignore-not-found"].into_iter().chain(names)).map(drop)
    }

    /// Creates a pod and waits for its end, which has to be a good one; then it is removed.
    pub(crate) fn succeeds(&self, name: &str, pod: &Pod) -> Result<Ended> {
        self.succeeds_in(TASKS, name, pod)
    }

    /// The same in another namespace.
    pub(crate) fn succeeds_in(&self, namespace: &str, name: &str, pod: &Pod) -> Result<Ended> {
        let ended = self.ends(namespace, name, pod)?;
        match ended.pod["status"]["phase"].as_str() {
            Some("Succeeded") => Ok(ended),
            _ => Err(format!("pod {name} failed and printed: {}\n{}", ended.log, ended.pod["status"])),
        }
    }

    /// Creates a pod and waits for its end, whichever; then it is removed.
    pub(crate) fn ends(&self, namespace: &str, name: &str, pod: &Pod) -> Result<Ended> {
        self.kubectl.create(&pod.named(namespace, name))?;
        let pod = self.ended(namespace, name)?;
        let log = self.kubectl.run(["logs", "-n", namespace, name, "-c", "main"])?;
        self.remove(namespace, name)?;
        Ok(Ended { pod, log })
    }

    /// Waits for the end of a pod that somebody has made.
    pub(crate) fn ended(&self, namespace: &str, name: &str) -> Result<Value> {
        self.pod_that(namespace, name, "ended", |pod| {
            matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed"))
        })
    }

    /// Waits until a pod is as it should be; if not, its status and events are in the error.
    pub(crate) fn pod_that(
        &self,
        namespace: &str,
        name: &str,
        what: &str,
        is: impl Fn(&Value) -> bool,
    ) -> Result<Value> {
        let path = format!("pod/{name}");
        let look = || self.kubectl.json(["get", "-n", namespace, &path]).map(|pod| is(&pod).then_some(pod));
        until(PATIENCE, &format!("pod {name} {what}"), look).map_err(|wrong| {
            let status = self.kubectl.run(["get", "-n", namespace, &path, "-o", "jsonpath={.status}"]);
            let events = self.events(namespace, name);
            format!("{wrong}\n{}\n{}", status.unwrap_or_default(), events.unwrap_or_default())
        })
    }

    /// The messages of a pod's events.
    pub(crate) fn events(&self, namespace: &str, name: &str) -> Result<String> {
        let selector = format!("involvedObject.name={name}");
        let path = "jsonpath={range .items[*]}{.reason}: {.message}{\"\\n\"}{end}";
        self.kubectl.run(["get", "events", "-n", namespace, "--field-selector", &selector, "-o", path])
    }

    /// Removes a pod without waiting.
    pub(crate) fn remove(&self, namespace: &str, name: &str) -> Result {
        self.kubectl.run(["delete", "pod", "-n", namespace, name, "--wait=false", "--grace-period=0"]).map(drop)
    }

    /// The answer to a pod that has to be refused.
    pub(crate) fn refused(&self, name: &str, pod: &Pod) -> Result<String> {
        match self.kubectl.create(&pod.named(TASKS, name)) {
            Err(refusal) => Ok(refusal),
            Ok(_) => {
                self.remove(TASKS, name)?;
                Err(format!("pod {name} was admitted"))
            }
        }
    }

    /// Prints what helps to understand why the webhook does not work.
    pub(crate) fn tell_about_the_webhook(&self) {
        let commands: [&[&str]; 4] = [
            &["get", "-n", SYSTEM, "pods,jobs,deployments", "-o", "wide"],
            &["get", "-n", SYSTEM, "events", "--sort-by=.lastTimestamp"],
            &["logs", "-n", SYSTEM, "--all-containers", "--prefix", "--tail=50", "-l", "app=flyte-pod-webhook"],
            &["logs", "-n", SYSTEM, "--all-containers", "--prefix", "--tail=20", "-l", "app=flyte-pod-webhook-secrets"],
        ];
        for words in commands {
            let said = self.kubectl.run(words.iter().copied()).unwrap_or_else(|wrong| wrong);
            println!("$ kubectl {}\n{said}", words.join(" "));
        }
    }
}

/// Looks again and again until there is something to see.
pub(crate) fn until<T>(limit: Duration, what: &str, mut look: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let start = Instant::now();
    loop {
        let seen = look();
        match seen {
            Ok(Some(value)) => return Ok(value),
            Ok(None) if start.elapsed() < limit => std::thread::sleep(Duration::from_millis(250)),
            Ok(None) => return Err(format!("after {} s it is not so that {what}", limit.as_secs())),
            Err(wrong) => return Err(wrong),
        }
    }
}

/// Fails unless a text has a part.
pub(crate) fn has(text: &str, part: &str) -> Result {
    if text.contains(part) { Ok(()) } else { Err(format!("there is no `{part}` in: {text}")) }
}

/// Fails if a text has a part.
pub(crate) fn has_not(text: &str, part: &str) -> Result {
    if text.contains(part) { Err(format!("there is `{part}` in: {text}")) } else { Ok(()) }
}
