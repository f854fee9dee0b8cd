//! The chart: what it makes, what it refuses, and its life on the cluster.

use crate::Result;
use crate::case::Case;
use crate::cases;
use crate::chart::{self, Objects, RELEASE, built, deploy, helm, rendered};
use crate::cluster::{Cluster, SYSTEM, TASKS, has, until};
use crate::document;
use crate::install::{self, NAME};
use crate::pod::Pod;
use crate::suites::operations;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};
use std::process::{Command, Stdio};
use std::time::Duration;

/// In their order, from a cluster without a webhook to one without a webhook.
pub(crate) const CASES: &[Case] = cases![
    the_chart_has_nothing_that_lint_finds,
    the_chart_makes_the_objects_of_the_base,
    its_values_ha_and_vpa_make_the_objects_of_the_overlays,
    the_overlays_ha_and_vpa_can_not_be_had_together,
    the_api_server_takes_what_every_value_makes,
    a_value_that_can_not_be_is_refused_by_name,
    its_test_fails_where_pods_are_not_served,
    upgraded_from_an_older_chart_it_serves_with_the_same_certificates,
    an_upgrade_that_can_not_start_pods_leaves_the_old_ones_serving,
    an_upgrade_whose_helm_was_killed_is_mended_as_the_docs_say,
    uninstalled_it_leaves_nothing,
    a_given_secret_is_served_and_not_touched,
];

fn the_chart_has_nothing_that_lint_finds(cluster: &Cluster) -> Result {
    for values in ["replicas=2", "ha.enabled=true", "certificates.mode=cert-manager"] {
        has(&helm(cluster, &["lint", "--strict", &chart::folder(), "--set", values])?, "0 chart(s) failed")?;
    }
    Ok(())
}

fn the_chart_makes_the_objects_of_the_base(cluster: &Cluster) -> Result {
    same(rendered(cluster, &[])?, built(cluster, "base")?)
}

fn its_values_ha_and_vpa_make_the_objects_of_the_overlays(cluster: &Cluster) -> Result {
    vertical_autoscaler(cluster)?;
    same(rendered(cluster, &["ha.enabled=true"])?, built(cluster, "overlays/ha")?)?;
    same(rendered(cluster, &["vpa.enabled=true"])?, built(cluster, "overlays/vpa")?)
}

fn the_overlays_ha_and_vpa_can_not_be_had_together(cluster: &Cluster) -> Result {
    let folder = chart::root().join("e2e/install/ha-and-vpa");
    match cluster.kubectl.run(["kustomize", &folder.to_string_lossy()]) {
        Err(refusal) => has(&refusal, "already registered id"),
        Ok(_) => Err("kustomize took both".to_owned()),
    }
}

/// The definitions of the `VerticalPodAutoscaler`, unless the cluster has them.
fn vertical_autoscaler(cluster: &Cluster) -> Result {
    if cluster.kubectl.exists(["crd/verticalpodautoscalers.autoscaling.k8s.io"])? {
        return Ok(());
    }
    let file = chart::root().join("e2e/testdata/autoscaling.k8s.io_verticalpodautoscalers.yaml");
    let file = file.to_string_lossy();
    cluster.kubectl.run(["create", "-f", &file])?;
    cluster.kubectl.run(["label", "-f", &file, "keybearer.dev/e2e=true"])?;
    cluster.kubectl.run(["wait", "-f", &file, "--for=condition=Established", "--timeout=60s"]).map(drop)
}

/// Fails unless they are the same objects, but for what Helm needs.
fn same(chart: Objects, kustomize: Objects) -> Result {
    let names = |objects: &Objects| objects.keys().cloned().collect::<Vec<_>>();
    if names(&chart) != names(&kustomize) {
        return Err(format!("the chart makes {:?}, kustomize {:?}", names(&chart), names(&kustomize)));
    }
    for ((name, chart), (_, kustomize)) in chart.into_iter().zip(kustomize) {
        let (chart, kustomize) = (common(chart), common(kustomize));
        if chart != kustomize {
            return Err(format!("{name} is, by the chart,\n{chart:#}\nand by kustomize\n{kustomize:#}"));
        }
    }
    Ok(())
}

/// An object without Helm's marks, and its text with lines in one order.
fn common(mut object: Value) -> Value {
    let marks = ["app.kubernetes.io/instance", "app.kubernetes.io/managed-by", "helm.sh/chart"];
    for path in ["/metadata", "/spec/template/metadata"] {
        let Some(metadata) = object.pointer_mut(path).and_then(Value::as_object_mut) else { continue };
        if let Some(Value::Object(labels)) = metadata.get_mut("labels") {
            labels.retain(|name, _| path != "/metadata" || !marks.contains(&name.as_str()));
        }
        if let Some(Value::Object(annotations)) = metadata.get_mut("annotations") {
            annotations.retain(|name, _| !name.starts_with("helm.sh/hook") && name != "checksum/config");
            if annotations.is_empty() {
                metadata.remove("annotations");
            }
        }
    }
    if let Some(text) = object.pointer_mut("/data/webhook.yaml") {
        let mut lines: Vec<_> = text.as_str().unwrap_or_default().lines().map(str::to_owned).collect();
        lines.sort();
        *text = json!(lines);
    }
    object
}

fn the_api_server_takes_what_every_value_makes(cluster: &Cluster) -> Result {
    vertical_autoscaler(cluster)?;
    let sets = [
        "ha.enabled=true",
        "vpa.enabled=true",
        "vpa.controlledResources={memory}",
        "networkPolicy.enabled=true",
        "networkPolicy.metricsFrom[0].namespaceSelector.matchLabels.name=monitoring",
        "image.pullSecrets={registry}",
        "priorityClassName=system-cluster-critical",
        "nodeSelector.disk=ssd",
        "tolerations[0].operator=Exists",
        "podAnnotations.a=b",
        "podLabels.c=d",
        "extraEnv[0].name=RUST_LOG",
        "extraEnv[0].value=debug",
        "extraVolumes[0].name=globals",
        "extraVolumes[0].secret.secretName=globals",
        "extraVolumeMounts[0].name=globals",
        "extraVolumeMounts[0].mountPath=/etc/secrets/global",
        "serviceAccount.annotations.e=f",
        "adopt=true",
        "podDisruptionBudget.maxUnavailable=50%",
        "certificates.mode=given",
        "certificates.secretName=mine",
        "config.policy[0].deny.group=forbidden",
        "affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution=null",
    ];
    let chart = chart::folder();
    let mut words = vec!["template", RELEASE, &chart, "--namespace", SYSTEM];
    words.extend(sets.iter().flat_map(|value| ["--set", value]));
    let manifests = helm(cluster, &words)?;
    let created = ["create", "--dry-run=server", "--validate=strict", "-f", "-", "-o", "name"];
    let created = cluster.kubectl.with(created, &manifests)?;
    for kind in
        ["horizontalpodautoscaler", "verticalpodautoscaler", "networkpolicy", "poddisruptionbudget", "deployment"]
    {
        has(&created, kind)?;
    }
    // Their operators are in hardly any cluster of a test, so only that there is something.
    let operators = [
        "certificates.mode=cert-manager",
        "serviceMonitor.enabled=true",
        "prometheusRule.enabled=true",
        "prometheusRule.groups[0].name=mine",
    ];
    let mut words = vec!["template", RELEASE, &chart, "--namespace", SYSTEM];
    words.extend(operators.iter().flat_map(|value| ["--set", value]));
    let manifests = helm(cluster, &words)?;
    for kind in [
        "kind: Certificate\n",
        "kind: Issuer\n",
        "kind: ServiceMonitor\n",
        "kind: PrometheusRule\n",
        "alert: KeybearerMissing\n",
    ] {
        has(&manifests, kind)?;
    }
    Ok(())
}

fn a_value_that_can_not_be_is_refused_by_name(cluster: &Cluster) -> Result {
    let refused = [
        ("replica=3", "'replica'"),
        ("replicas=two", "'/replicas'"),
        ("name=Bad_Name", "'/name'"),
        ("image.pullPolicy=Sometimes", "'/image/pullPolicy'"),
        ("image.digest=sha256:abc", "'/image/digest'"),
        ("config.compat=flyte-v3", "'/config/compat'"),
        ("config.webhook=null", "'webhook'"),
        ("config.webhook.ServiceName=x", "config.webhook.ServiceName can't be set"),
        ("config.webhook.certDir=/x", "config.webhook.certDir can't be set"),
        ("certificates.mode=none", "'/certificates/mode'"),
        ("certificates.mode=given", "certificates.secretName"),
        ("certificates.issuerRef.name=x", "certificates.issuerRef is set"),
        ("resources.requests.cpu=lots", "'/resources/requests/cpu'"),
        ("ha.minReplicas=1", "'/ha/minReplicas'"),
        ("ha.enabled=true,ha.minReplicas=9", "ha.minReplicas is 9"),
        ("ha.enabled=true,resources.requests.cpu=null", "resources.requests.cpu"),
        ("ha.enabled=true,vpa.enabled=true", "ha and vpa would both act on CPU"),
        ("vpa.updateMode=auto", "'/vpa/updateMode'"),
        ("podDisruptionBudget.maxUnavailable=many", "'/podDisruptionBudget/maxUnavailable'"),
        ("topologySpread[0].topologyKey=x", "'/topologySpread/0'"),
        ("networkPolicy.webhookFrom[0].pod=x", "'/networkPolicy/webhookFrom/0'"),
        ("prometheusRule.groups=all", "'/prometheusRule/groups'"),
        ("drainDelay=60", "'/drainDelay'"),
    ];
    for (value, name) in refused {
        match helm(cluster, &["template", RELEASE, &chart::folder(), "--set", value]) {
            Err(refusal) => has(&refusal, name).map_err(|wrong| format!("{value}: {wrong}"))?,
            Ok(_) => return Err(format!("{value} was taken")),
        }
    }
    Ok(())
}

/// No chart was released yet, so the older one is this one under an older version, with another configuration.
fn its_test_fails_where_pods_are_not_served(cluster: &Cluster) -> Result {
    let folder = std::env::temp_dir().join(format!("keybearer-e2e-chart-{}", std::process::id()));
    let destination = folder.to_string_lossy();
    let chart = chart::folder();
    helm(cluster, &["package", &chart, "--version", "0.0.1", "--destination", &destination])?;
    let older = folder.join("keybearer-0.0.1.tgz");
    let nobody = r"config.webhook.namespaceSelector.matchLabels.keybearer\.dev/e2e=nobody";
    let installed = deploy(cluster, "install", &older.to_string_lossy(), &[nobody]);
    let _ = std::fs::remove_dir_all(&folder);
    has(&installed?, "There is one replica")?;
    match helm(cluster, &["test", RELEASE, "--namespace", SYSTEM, "--logs"]) {
        Err(failure) => has(&failure, "KEYBEARER_TEST_WORD")?,
        Ok(_) => return Err("the test passed, though nobody's pods are served".to_owned()),
    }
    // Helm leaves what a test that failed has made, to be looked at.
    cluster.remove(SYSTEM, &format!("{NAME}-test"))
}

fn certificates(cluster: &Cluster) -> Result<Value> {
    Ok(cluster.kubectl.json(["get", "secret", "-n", SYSTEM, "flyte-pod-webhook-secret"])?["data"].take())
}

fn upgraded_from_an_older_chart_it_serves_with_the_same_certificates(cluster: &Cluster) -> Result {
    let before = certificates(cluster)?;
    has(&before.to_string(), "ca.key")?;
    deploy(cluster, "upgrade", &chart::folder(), &["replicas=2"])?;
    if certificates(cluster)? != before {
        return Err("the certificates are others now".to_owned());
    }
    let list = helm(cluster, &["list", "--namespace", SYSTEM])?;
    has(&list, &format!("keybearer-{}", env!("CARGO_PKG_VERSION")))?;
    install::serves(cluster)?;
    has(&helm(cluster, &["test", RELEASE, "--namespace", SYSTEM, "--logs"])?, "told-by-the-file")?;
    let pod = Pod::prints_env().asks("[{group: user-info, key: user_secret, mount: env}]");
    has(&cluster.succeeds("by-chart", &pod)?.log, "open-sesame")
}

/// An image that no node has.
const NO_IMAGE: &str = "image.tag=none";

fn an_upgrade_that_can_not_start_pods_leaves_the_old_ones_serving(cluster: &Cluster) -> Result {
    let words = ["upgrade", RELEASE, &chart::folder(), "--namespace", SYSTEM, "--reuse-values", "--set", NO_IMAGE];
    let words: Vec<_> = words.into_iter().chain(["--wait", "--timeout", "5s"]).collect();
    match helm(cluster, &words) {
        Err(failure) => has(&failure, "not ready")?,
        Ok(_) => return Err("Helm took pods that can't start for ready".to_owned()),
    }
    install::serves(cluster)?;
    deploy(cluster, "upgrade", &chart::folder(), &[])?;
    install::serves(cluster)
}

fn an_upgrade_whose_helm_was_killed_is_mended_as_the_docs_say(cluster: &Cluster) -> Result {
    let mut command = Command::new("helm");
    command.args(["upgrade", RELEASE, &chart::folder(), "--namespace", SYSTEM, "--reuse-values", "--set", NO_IMAGE]);
    command.args(["--wait", "--timeout", "90s"]).stdout(Stdio::null()).stderr(Stdio::null());
    let mut upgrade = command.spawn().map_err(|error| format!("`helm` can't be started: {error}"))?;
    let pending = until(Duration::from_secs(60), "the upgrade has begun", || {
        let history = helm(cluster, &["history", RELEASE, "--namespace", SYSTEM])?;
        let pods = cluster.kubectl.run(["get", "pods", "-n", SYSTEM, "-o", "jsonpath={..image}"])?;
        Ok((history.contains("pending-upgrade") && pods.contains("keybearer:none")).then_some(()))
    });
    let _ = upgrade.kill();
    let _ = upgrade.wait();
    pending?;
    match deploy(cluster, "upgrade", &chart::folder(), &[]) {
        Err(refusal) => has(&refusal, "another operation (install/upgrade/rollback) is in progress")?,
        Ok(_) => return Err("Helm went on by itself; the docs say that it does not".to_owned()),
    }
    install::serves(cluster)?;
    document::run(cluster, "docs/operations.md", "When an upgrade was cut off", operations::INSTEAD)?;
    install::serves(cluster)
}

fn uninstalled_it_leaves_nothing(cluster: &Cluster) -> Result {
    helm(cluster, &["uninstall", RELEASE, "--namespace", SYSTEM, "--wait"])?;
    install::nothing_is_left(cluster)
}

/// As cert-manager writes them.
fn certificates_of_others() -> Result<Value, rcgen::Error> {
    let mut ca = CertificateParams::new(Vec::new())?;
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.distinguished_name.push(DnType::CommonName, "a CA of others");
    let ca_key = KeyPair::generate()?;
    let ca_certificate = ca.self_signed(&ca_key)?.pem();
    let key = KeyPair::generate()?;
    let names = [format!("{NAME}.{SYSTEM}.svc")];
    let certificate = CertificateParams::new(names)?.signed_by(&key, &Issuer::new(ca, ca_key))?.pem();
    Ok(json!({"ca.crt": ca_certificate, "tls.crt": certificate, "tls.key": key.serialize_pem()}))
}

fn a_given_secret_is_served_and_not_touched(cluster: &Cluster) -> Result {
    cluster.kubectl.create(&json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "mine", "namespace": SYSTEM},
        "type": "kubernetes.io/tls", "stringData": certificates_of_others().map_err(|error| error.to_string())?,
    }))?;
    let mine = || cluster.kubectl.json(["get", "secret", "-n", SYSTEM, "mine"]);
    let before = mine()?;
    deploy(cluster, "install", &chart::folder(), &["certificates.mode=given", "certificates.secretName=mine"])?;
    install::serves(cluster)?;
    let registration = cluster.kubectl.json(["get", "mutatingwebhookconfiguration", NAME])?;
    if registration["webhooks"][0]["clientConfig"]["caBundle"] != before["data"]["ca.crt"] {
        return Err("the registration has not the CA of the Secret".to_owned());
    }
    if mine()? != before {
        return Err("the Secret was changed".to_owned());
    }
    let may = ["auth", "can-i", "get", "secrets", "-n", SYSTEM, "--as"];
    let account = format!("system:serviceaccount:{SYSTEM}:{NAME}");
    if let Ok(answer) = cluster.kubectl.run(may.into_iter().chain([account.as_str()])) {
        return Err(format!("may it read Secrets? {answer}"));
    }
    helm(cluster, &["uninstall", RELEASE, "--namespace", SYSTEM, "--wait"])?;
    cluster.kubectl.run(["delete", "secret", "-n", SYSTEM, "mine"])?;
    until(Duration::from_secs(20), "a pod that asks is admitted", || {
        let pod = Pod::prints_env().asks("[{group: user-info, key: user_secret, mount: env}]").named(TASKS, "free");
        Ok(cluster.kubectl.dry_run(&pod).ok().map(drop))
    })?;
    install::nothing_is_left(cluster)
}
