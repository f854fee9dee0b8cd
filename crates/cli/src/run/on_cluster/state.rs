//! A pod as the cluster tells of it: whether it goes on, what it waits for, how it ended.

use super::OWNER;
use runner::{End, Role};
use serde::Deserialize;

/// A pod, as far as it matters here. What else is in it, values of secrets too, is not read.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Seen {
    #[serde(default)]
    pub(super) metadata: Metadata,
    #[serde(default)]
    spec: Spec,
    #[serde(default)]
    status: Status,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Metadata {
    #[serde(default)]
    pub(super) uid: String,
    deletion_timestamp: Option<String>,
    #[serde(default)]
    labels: std::collections::BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    #[serde(default)]
    node_name: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    #[serde(default)]
    phase: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    conditions: Vec<Condition>,
    #[serde(default)]
    init_container_statuses: Vec<Container>,
    #[serde(default)]
    container_statuses: Vec<Container>,
}

#[derive(Debug, Deserialize)]
struct Condition {
    r#type: String,
    status: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    message: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Container {
    pub(super) name: String,
    #[serde(default)]
    state: State,
}

#[derive(Debug, Default, Deserialize)]
struct State {
    waiting: Option<Waiting>,
    running: Option<serde::de::IgnoredAny>,
    terminated: Option<Terminated>,
}

#[derive(Debug, Deserialize)]
struct Waiting {
    #[serde(default)]
    reason: String,
    #[serde(default)]
    message: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Terminated {
    exit_code: i32,
    #[serde(default)]
    signal: i32,
    #[serde(default)]
    pub(super) reason: String,
    #[serde(default)]
    pub(super) message: String,
}

/// What a pod that does not go on waits for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stuck<'s> {
    /// The container, where one is.
    pub(super) container: Option<&'s str>,
    pub(super) reason: &'s str,
    pub(super) message: &'s str,
}

impl Seen {
    /// Whether a run of this name made it.
    pub(super) fn is_of(&self, run: &str) -> bool {
        self.metadata.labels.get(OWNER).is_some_and(|owner| owner == run)
    }

    pub(super) fn node(&self) -> Option<&str> {
        Some(self.spec.node_name.as_str()).filter(|name| !name.is_empty())
    }

    pub(super) fn is_going(&self) -> bool {
        self.metadata.deletion_timestamp.is_some()
    }

    /// Its containers, init containers first.
    pub(super) fn containers(&self) -> impl Iterator<Item = (&Container, Role)> {
        let init = self.status.init_container_statuses.iter().map(|container| (container, Role::Init));
        init.chain(self.status.container_statuses.iter().map(|container| (container, Role::Regular)))
    }

    pub(super) fn has_started(&self) -> bool {
        self.containers().any(|(container, _)| container.has_started())
    }

    /// Whether all of it has ended.
    pub(super) fn is_over(&self) -> bool {
        matches!(self.status.phase.as_str(), "Succeeded" | "Failed")
    }

    /// Whether each of these has ended.
    pub(super) fn have_ended(&self, names: &[String]) -> bool {
        names.iter().all(|name| {
            self.status.container_statuses.iter().any(|one| one.name == *name && one.terminated().is_some())
        })
    }

    /// Why the whole pod was ended, if it was: `Evicted`, `DeadlineExceeded`.
    pub(super) fn ended_because(&self) -> Option<(&str, &str)> {
        let Status { phase, reason, message, .. } = &self.status;
        (phase == "Failed" && !reason.is_empty()).then_some((reason, message))
    }

    /// What it waits for.
    pub(super) fn stuck(&self) -> Option<Stuck<'_>> {
        let waits = self.containers().find_map(|(container, _)| {
            let Waiting { reason, message } = container.state.waiting.as_ref()?;
            let is_usual = matches!(reason.as_str(), "" | "PodInitializing" | "ContainerCreating");
            (!is_usual).then_some(Stuck { container: Some(&container.name), reason, message })
        });
        waits.or_else(|| {
            let scheduled = self.status.conditions.iter().find(|one| one.r#type == "PodScheduled")?;
            let Condition { status, reason, message, .. } = scheduled;
            (status == "False").then_some(Stuck { container: None, reason, message })
        })
    }
}

impl Container {
    pub(super) fn has_started(&self) -> bool {
        self.state.running.is_some() || self.state.terminated.is_some()
    }

    pub(super) fn terminated(&self) -> Option<&Terminated> {
        self.state.terminated.as_ref()
    }
}

impl Terminated {
    /// How it ended, as the local runner has it.
    pub(super) fn end(&self) -> End {
        let Self { exit_code, signal, reason, message } = self;
        if matches!(reason.as_str(), "StartError" | "ContainerCannotRun") {
            let not_found = ["executable file not found", "no such file or directory"];
            return End::NotStarted(match message {
                message if not_found.iter().any(|words| message.contains(words)) => 127,
                message if message.contains("permission denied") => 126,
                _ => 128,
            });
        }
        match u8::try_from(*exit_code) {
            _ if *signal > 0 => End::Signalled(*signal),
            Ok(code) => End::Exited(code),
            Err(_) => End::Exited(u8::MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(status: &str) -> Seen {
        serde_json::from_str(&format!("{{\"status\": {status}}}")).unwrap()
    }

    #[test]
    fn what_a_pod_waits_for_is_found() {
        let one = |state: &str| format!(r#"{{"containerStatuses": [{{"name": "main", "state": {state}}}]}}"#);
        for (status, reason) in [
            (one(r#"{"waiting": {"reason": "ContainerCreating"}}"#), None),
            (one(r#"{"running": {}}"#), None),
            (one(r#"{"waiting": {"reason": "ImagePullBackOff", "message": "m"}}"#), Some("ImagePullBackOff")),
            (
                r#"{"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]}"#
                    .to_owned(),
                Some("Unschedulable"),
            ),
            (r#"{"conditions": [{"type": "PodScheduled", "status": "True"}]}"#.to_owned(), None),
        ] {
            assert_eq!(seen(&status).stuck().map(|stuck| stuck.reason.to_owned()).as_deref(), reason, "{status}");
        }
    }

    #[test]
    fn ends_are_those_of_the_local_runner() {
        let end = |terminated: &str| serde_json::from_str::<Terminated>(terminated).unwrap().end();
        assert_eq!(end(r#"{"exitCode": 3, "reason": "Error"}"#), End::Exited(3));
        assert_eq!(end(r#"{"exitCode": 137, "reason": "OOMKilled"}"#), End::Exited(137));
        let not_found = r#"{"exitCode": 128, "reason": "StartError", "message": "exec: \"x\": executable file not found in $PATH"}"#;
        assert_eq!(end(not_found), End::NotStarted(127));
        let denied = r#"{"exitCode": 128, "reason": "StartError", "message": "exec /x: permission denied"}"#;
        assert_eq!(end(denied), End::NotStarted(126));
    }

    #[test]
    fn an_injected_container_that_runs_on_is_not_waited_for() {
        let status = r#"{"phase": "Running", "containerStatuses": [
            {"name": "proxy", "state": {"running": {}}}, {"name": "main", "state": {"terminated": {"exitCode": 0}}}]}"#;
        let seen = seen(status);
        assert!(seen.have_ended(&["main".to_owned()]) && !seen.have_ended(&["proxy".to_owned()]) && !seen.is_over());
    }
}
