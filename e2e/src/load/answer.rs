//! What the API server answered to one pod, and what that means.

use serde_json::Value;
use std::time::{Duration, Instant};

/// What an answer means for who created the pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It was admitted, with its secret.
    Served,
    /// It was admitted without, which must never be.
    Unserved,
    /// It was not admitted, and whoever made it tries again; the message of the API server.
    Failed(String),
    /// It was refused, and trying again would be no use, as far as the code says; the message of the API server.
    Refused(String),
    /// The API server itself did not answer, or not yet; what came instead.
    Away(String),
}

/// One answer.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    /// When it came, from the start of the load.
    pub(super) at: Duration,
    pub(super) verdict: Verdict,
    /// What was made of the pod, if it was served: two replicas make the same.
    pub(super) plan: String,
}

impl Answer {
    /// Judges an answer that came now.
    pub(super) fn of(start: Instant, reply: std::io::Result<(u16, String)>) -> Self {
        let at = start.elapsed();
        let (code, text) = match reply {
            Ok(reply) => reply,
            Err(error) => return Self { at, verdict: Verdict::Away(error.to_string()), plan: String::new() },
        };
        let body: Value = serde_json::from_str(&text).unwrap_or(Value::String(text));
        let plan = if code == 201 { plan(&body) } else { String::new() };
        Self { at, verdict: verdict(code, &body), plan }
    }
}

fn verdict(code: u16, body: &Value) -> Verdict {
    let message = body["message"].as_str().unwrap_or_default().to_owned();
    match code {
        201 if is_served(body) => Verdict::Served,
        201 => Verdict::Unserved,
        // What `kubectl proxy` says for it, or an API server that does not know yet whom it may answer, is no such object.
        _ if body["kind"] != "Status" => Verdict::Away(format!("{code}: {}", body.as_str().unwrap_or_default().trim())),
        401 | 429 | 500..=599 if !message.contains("webhook") => Verdict::Away(format!("{code}: {message}")),
        400..=499 => Verdict::Refused(message),
        _ => Verdict::Failed(format!("{code}: {message}")),
    }
}

/// Each container has a variable that is the secret.
fn is_served(pod: &Value) -> bool {
    let containers = pod["spec"]["containers"].as_array().map(Vec::as_slice).unwrap_or_default();
    let has_it = |container: &Value| {
        let mut variables = container["env"].as_array().into_iter().flatten();
        variables.any(|variable| variable["valueFrom"]["secretKeyRef"]["name"] == "user-info")
    };
    !containers.is_empty() && containers.iter().all(has_it)
}

/// The containers and volumes, without the names that Kubernetes makes up.
fn plan(pod: &Value) -> String {
    let volumes = pod["spec"]["volumes"].as_array().into_iter().flatten();
    let ours =
        volumes.filter(|volume| !volume["name"].as_str().is_some_and(|name| name.starts_with("kube-api-access")));
    let names = |container: &Value| (container["name"].to_string(), container["env"].to_string());
    let containers = pod["spec"]["containers"].as_array().into_iter().flatten().map(names);
    format!("{:?} {:?}", containers.collect::<Vec<_>>(), ours.map(Value::to_string).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_answer_is_judged_by_what_is_in_the_pod() {
        let variable = json!({"name": "A", "valueFrom": {"secretKeyRef": {"name": "user-info", "key": "k"}}});
        let pod = |env: &[Value]| json!({"spec": {"containers": [{"name": "main", "env": env}]}});
        let mut second = pod(std::slice::from_ref(&variable));
        assert_eq!(verdict(201, &second), Verdict::Served);
        assert_eq!(verdict(201, &pod(&[json!({"name": "A", "value": "user-info"})])), Verdict::Unserved);
        assert_eq!(verdict(201, &json!({})), Verdict::Unserved);
        second["spec"]["containers"] = json!([second["spec"]["containers"][0], {"name": "other"}]);
        assert_eq!(verdict(201, &second), Verdict::Unserved);
    }

    #[test]
    fn a_failure_is_told_from_a_refusal_and_from_an_api_server_that_is_away() {
        let status = |message: &str| json!({"kind": "Status", "message": message});
        let failed = verdict(500, &status("failed calling webhook \"x\": EOF"));
        assert_eq!(failed, Verdict::Failed("500: failed calling webhook \"x\": EOF".into()));
        assert_eq!(verdict(403, &status("asks for secrets")), Verdict::Refused("asks for secrets".into()));
        let away = [(502, json!("dial tcp")), (500, json!("Internal Server Error")), (401, status("Unauthorized"))];
        assert!(away.iter().all(|(code, body)| matches!(verdict(*code, body), Verdict::Away(_))));
        assert!(matches!(verdict(503, &status("webhook is busy")), Verdict::Failed(_)));
    }
}
