//! What an admission costs, step by step: reading the pod, planning, rendering, and the whole answer.

use admission::review::{answer, identity};
use admission::{Config, Globals, PodView, Values, plan, render};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use serde_json::{Value, json};
use std::hint::black_box;

/// A pod of `secrets` secrets whose JSON has about `bytes` bytes.
fn pod(secrets: usize, bytes: usize) -> Value {
    let list: Vec<_> = (0..secrets)
        .map(|i| secret::Secret {
            group: format!("group-{i}"),
            key: "password".to_owned(),
            mount: if i % 2 == 0 { secret::Mount::EnvVar } else { secret::Mount::File },
            ..secret::Secret::default()
        })
        .collect();
    let annotations: serde_json::Map<String, Value> = secret::write(&list, secret::Spelling::Flyte)
        .expect("these can be written")
        .into_iter()
        .map(|(name, value)| (name, Value::String(value)))
        .collect();
    let env: Vec<_> = (0..9).map(|i| json!({"name": format!("VARIABLE_{i}"), "value": format!("value {i}")})).collect();
    let container = |name: &str| {
        json!({
            "name": name, "image": "registry.example/task:1", "env": env,
            "args": ["pyflyte-execute", "--inputs", "s3://bucket/inputs.pb", "--output-prefix", "s3://bucket/out"],
            "resources": {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "1", "memory": "1Gi"}},
            "volumeMounts": [{"name": "token", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount", "readOnly": true}],
            "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "FallbackToLogsOnError",
        })
    };
    let mut pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "f-abc-n0-0", "namespace": "project-domain", "annotations": annotations,
            "labels": {"inject-flyte-secrets": "true", "execution-id": "abc", "project": "p", "domain": "d"}},
        "spec": {"containers": [container("main"), container("side")], "restartPolicy": "Never",
            "volumes": [{"name": "token", "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}}]},
    });
    let missing = bytes.saturating_sub(pod.to_string().len());
    pod["metadata"]["annotations"]["example.org/filler"] = Value::String("x".repeat(missing));
    pod
}

fn review(pod: &Value) -> Vec<u8> {
    json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
        "uid": "705ab4f5-6393-11e8-b7cc-42010a800002", "kind": {"group": "", "version": "v1", "kind": "Pod"},
        "resource": {"group": "", "version": "v1", "resource": "pods"}, "namespace": "project-domain",
        "operation": "CREATE", "userInfo": {"username": "system:serviceaccount:flyte:flytepropeller"}, "object": pod,
    }})
    .to_string()
    .into_bytes()
}

fn steps(c: &mut Criterion) {
    let (config, globals) = (Config::default(), Globals::default());
    let json = pod(1, 6_000).to_string();
    let view = PodView::parse(&json).expect("a pod");
    let who = identity(&view, "project-domain");
    let planned = plan(&view, &who, &config, &globals).expect("a plan");
    let mut group = c.benchmark_group("usual pod, one secret");
    group.bench_function("read", |b| b.iter(|| PodView::parse(black_box(&json))));
    group.bench_function("plan", |b| b.iter(|| plan(black_box(&view), &who, &config, &globals)));
    group.bench_function("render", |b| {
        b.iter(|| render(black_box(&planned), &view, &Values::none()).to_json());
    });
    group.finish();
}

fn answers(c: &mut Criterion) {
    let globals = Globals::default();
    let mut group = c.benchmark_group("answer");
    for dialect in ["keybearer", "flyte-v1", "flyte-v2"] {
        let text = format!("compat: {dialect}\nwebhook: {{secretManagerType: K8s}}");
        let config = Config::parse(&text, "bench").expect("a configuration");
        for (secrets, bytes) in [(1, 1_500), (1, 6_000), (1, 1_000_000), (10, 6_000), (100, 6_000)] {
            let body = review(&pod(secrets, bytes));
            group.throughput(Throughput::Bytes(body.len() as u64));
            let id = BenchmarkId::new(dialect, format!("{secrets} secrets, {bytes} bytes"));
            group.bench_function(id, |b| b.iter(|| answer(black_box(&body), &config, &globals)));
        }
    }
    group.finish();
}

criterion_group!(benches, steps, answers);
criterion_main!(benches);
