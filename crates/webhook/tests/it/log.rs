//! One line an admission, with what it was about and never with a value.

use crate::globals::folder;
use crate::harness::{Running, review, review_of};
use secret::Mount;
use serde_json::{Value, json};
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use tracing::dispatcher::{DefaultGuard, set_default};
use webhook::logs::{self, LogFormat};

const CANARY: &str = "canary-Zq7Lw0";

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// A log of everything that this thread says from now on.
    fn start(format: LogFormat) -> (Self, DefaultGuard) {
        let log = Self::default();
        let writer = log.clone();
        (log, set_default(&logs::to(format, move || writer.clone())))
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// The lines about admissions.
    fn admissions(&self) -> Vec<Value> {
        let lines = self.text();
        let lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter(|line| line["message"] == "admission").collect()
    }
}

#[tokio::test]
async fn an_admission_is_one_line_with_no_value() {
    let (log, _guard) = Log::start(LogFormat::Json);
    let (_folder, config) = folder(CANARY);
    let server = Running::with(&config, |_| {}).await;
    let reply = server.connect().await.post(&review_of(Mount::EnvVar)).await;
    assert!(reply.patch().contains(CANARY), "in Flyte's dialect the value stands in the pod");
    let lines = log.admissions();
    let [line] = lines.as_slice() else { panic!("{lines:#?}") };
    for (name, value) in [
        ("level", json!("INFO")),
        ("namespace", json!("n")),
        ("pod", json!("p")),
        ("uid", json!("u-1")),
        ("dry_run", json!(false)),
        ("dialect", json!("flyte-v1")),
        ("allowed", json!(true)),
        ("code", json!(200)),
        ("secrets", json!(1)),
        ("managers", json!("Global")),
    ] {
        assert_eq!(line[name], value, "{name}");
    }
    assert!(line["micros"].is_u64() && line["bytes"].is_u64(), "{line}");
    assert!(!log.text().contains(CANARY));
    assert!(!server.page("/metrics").await.1.contains(CANARY));
}

#[tokio::test]
async fn a_refusal_is_one_line_with_its_reason() {
    let (log, _guard) = Log::start(LogFormat::Json);
    let server = Running::with("policy: [{name: nobody, deny: {manager: K8s}}]", |_| {}).await;
    let body = String::from_utf8(review()).unwrap().replace("\"uid\"", "\"dryRun\":true,\"uid\"");
    assert_eq!(server.connect().await.post(body.as_bytes()).await.json()["response"]["allowed"], false);
    let lines = log.admissions();
    let [line] = lines.as_slice() else { panic!("{lines:#?}") };
    assert_eq!((&line["allowed"], &line["code"], &line["dry_run"]), (&json!(false), &json!(403), &json!(true)));
    assert!(line["reason"].as_str().unwrap().contains("skipped by rule `nobody`"), "{line}");
}

#[tokio::test]
async fn what_is_no_review_is_not_repeated() {
    let (log, _guard) = Log::start(LogFormat::Text);
    let server = Running::start().await;
    let mut client = server.connect().await;
    let annotation = format!("{{\"request\":{{\"uid\":[\"{CANARY}\"]}}}}");
    for body in [annotation.as_str(), CANARY, "\"\\u0063anary-Zq7Lw0\"", ""] {
        client.post(body.as_bytes()).await;
    }
    assert!(log.text().contains("admission"));
    assert!(!log.text().contains(CANARY), "{}", log.text());
}

#[test]
fn what_the_client_of_the_api_server_says_without_a_name_is_not_logged() {
    let (log, _guard) = Log::start(LogFormat::Json);
    tracing::error!(target: "kube_client::client::builder", "failed with error client error (Connect)");
    tracing::error!(target: "kube_client::config", "something else");
    assert!(log.text().contains("something else") && !log.text().contains("failed with error"), "{}", log.text());
}
