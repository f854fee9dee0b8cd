//! What a user's own program does in the cluster: `keybearer secret … --cluster` and `keybearer run --on cluster`.

use crate::Result;
use crate::case::Case;
use crate::cases;
use crate::cluster::{Cluster, TASKS, has, has_not, until};
use crate::document::{self, Instead};
use crate::kubectl::Kubectl;
use crate::pod::{Pod, container};
use crate::relay::Relay;
use serde_json::{Value, json};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

pub(crate) const CASES: &[Case] = cases![
    every_command_for_a_cluster_works,
    a_secret_is_set_read_listed_and_deleted,
    what_others_made_is_left_alone,
    a_secret_that_is_set_reaches_the_task,
    the_exit_code_is_the_tasks,
    all_that_is_written_is_shown_once_and_under_its_name,
    a_pod_that_can_not_start_says_why_and_is_gone,
    the_webhooks_refusal_is_shown,
    who_may_not_is_told_what_is_missing,
    an_interrupted_run_takes_its_pod_along,
    a_pod_that_is_deleted_meanwhile_ends_the_run,
    connections_that_break_lose_no_line_and_no_end,
];

/// What `cargo xtask e2e` built.
const PROGRAM: &str = "KEYBEARER_E2E_PROGRAM";

/// What a command of the program said.
struct Said {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Said {
    fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }

    fn ends(self, code: i32) -> Result<Self> {
        if self.code == Some(code) {
            return Ok(self);
        }
        Err(format!("it ended with {:?}, not {code}:\n{}{}", self.code, self.stdout, self.stderr))
    }

    fn complains(self, parts: &[&str]) -> Result<Self> {
        parts.iter().try_for_each(|part| has(&self.stderr, part)).map(|()| self)
    }
}

fn started(cluster: &Cluster, words: &[&str], input: &str) -> Result<Child> {
    let program = std::env::var(PROGRAM).map_err(|_| format!("{PROGRAM} is not set: `cargo xtask e2e` sets it"))?;
    let mut command = Command::new(&program);
    command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = cluster.kubectl.spawn(command)?;
    if let Some(mut pipe) = child.stdin.take() {
        // A command that does not read it says itself what is wrong.
        let _ = pipe.write_all(input.as_bytes());
    }
    Ok(child)
}

fn keybearer(cluster: &Cluster, words: &[&str], input: &str) -> Result<Said> {
    let output = started(cluster, words, input)?.wait_with_output();
    output.map(|output| Said::of(&output)).map_err(|error| format!("keybearer: {error}"))
}

const RUN: [&str; 6] = ["run", "-", "--on", "cluster", "-n", TASKS];

/// Runs a pod to its end, after which it has to be gone.
fn run(cluster: &Cluster, name: &str, pod: &Pod, more: &[&str]) -> Result<Said> {
    let said = keybearer(cluster, &[&RUN, more].concat(), &pod.named(TASKS, name).to_string())?;
    is_gone(cluster, name).map(|()| said)
}

fn pods_of_run(cluster: &Cluster, name: &str) -> Result<Vec<String>> {
    let all = cluster.kubectl.run(["get", "pods", "-n", TASKS, "-l", "keybearer.dev/run", "-o", "name"])?;
    let start = format!("pod/{name}-");
    Ok(all.lines().filter(|line| line.starts_with(&start)).map(str::to_owned).collect())
}

fn is_gone(cluster: &Cluster, name: &str) -> Result {
    let gone = || pods_of_run(cluster, name).map(|pods| pods.is_empty().then_some(()));
    until(Duration::from_secs(45), &format!("pod {name}-* is gone"), gone)
}

/// A namespace of a case's own.
fn in_own(cluster: &Cluster, name: &str, case: impl FnOnce() -> Result) -> Result {
    // The webhook is installed for namespaces with this label.
    let metadata = json!({"name": name, "labels": {"keybearer.dev/e2e": "true"}});
    cluster.kubectl.apply(&[json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})])?;
    let made = || cluster.kubectl.exists(["serviceaccount/default", "-n", name]).map(|ok| ok.then_some(()));
    let result = until(Duration::from_secs(20), "the namespace has its service account", made).and_then(|()| case());
    cluster.kubectl.run(["delete", "namespace", name, "--wait=false"])?;
    result
}

/// The same cluster by another kubeconfig.
struct Changed {
    cluster: Cluster,
    file: PathBuf,
}

impl Changed {
    fn new(cluster: &Cluster, name: &str, change: impl FnOnce(&mut Value)) -> Result<Self> {
        let mut config = cluster.kubectl.json(["config", "view", "--raw", "--minify"])?;
        change(&mut config);
        let file = std::env::temp_dir().join(format!("keybearer-e2e-{}-{name}", std::process::id()));
        std::fs::write(&file, config.to_string()).map_err(|error| format!("{}: {error}", file.display()))?;
        Ok(Self { cluster: Cluster { kubectl: Kubectl::with_config(&file) }, file })
    }
}

impl Drop for Changed {
    fn drop(&mut self) {
        // It may hold credentials.
        let _ = std::fs::remove_file(&self.file);
    }
}

fn every_command_for_a_cluster_works(cluster: &Cluster) -> Result {
    const NAMESPACE: &str = "keybearer-e2e-docs";
    const INSTEAD: Instead<'_> = &[
        ("-n team", "-n keybearer-e2e-docs 2>&1"),
        ("namespace `team`", "namespace `keybearer-e2e-docs`"),
        ("keybearer secret", "\"$KEYBEARER_E2E_PROGRAM\" secret"),
        // The image that the node has.
        (
            "keybearer run examples/busybox.yaml",
            "sed 's#image: busybox:1#image: registry.local/busybox:1#' examples/busybox.yaml | \"$KEYBEARER_E2E_PROGRAM\" run -",
        ),
        ("keybearer explain deployment/web", "\"$KEYBEARER_E2E_PROGRAM\" explain deployment/web"),
    ];
    in_own(cluster, NAMESPACE, || {
        document::run(cluster, "docs/cli.md", "Secrets of a namespace", INSTEAD)?;
        keybearer(cluster, &["secret", "set", "user-info/user_secret", "--cluster", "-n", NAMESPACE], "open-sesame")?
            .ends(0)?;
        document::run(cluster, "docs/cli.md", "A pod in a cluster", INSTEAD)?;
        let web = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": NAMESPACE},
            "spec": {"replicas": 0, "selector": {"matchLabels": {"app": "web"}}, "template": {"metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "web", "image": "web"}]}}}});
        cluster.kubectl.apply(&[web])?;
        document::run(cluster, "docs/cli.md", "As a kubectl plugin", INSTEAD)
    })
}

fn a_secret_is_set_read_listed_and_deleted(cluster: &Cluster) -> Result {
    in_own(cluster, "keybearer-e2e-secrets", || {
        let place = ["--cluster", "-n", "keybearer-e2e-secrets"];
        let secret = |words: &[&str], input: &str| keybearer(cluster, &[&["secret"], words, &place].concat(), input);
        // Bytes that text formats like to change.
        let value = "a \"b\"\n$(C)\t\u{e4}\n";
        let said = secret(&["set", "db/password"], value)?.ends(0)?;
        has(&said.stderr, "the last of them a newline")?;
        secret(&["set", "db/user"], "me")?.ends(0)?.complains(&["kept `db/user`"])?;
        secret(&["set", "db/user"], "you")?.ends(0)?.complains(&["replaced `db/user`: 3 bytes"])?;
        let said = secret(&["get", "db/password"], "")?.ends(0)?;
        if said.stdout != value {
            return Err(format!("another value came back: {:?}", said.stdout));
        }
        let list = secret(&["list", "--output", "json"], "")?.ends(0)?.stdout;
        let list: Value = serde_json::from_str(&list).map_err(|error| format!("{error}: {list}"))?;
        let [password, user] = [value.len(), 3];
        let expected = json!([{"group": "db", "key": "password", "size": password, "ours": true},
            {"group": "db", "key": "user", "size": user, "ours": true}]);
        if list != expected {
            return Err(format!("the list is {list}"));
        }
        secret(&["delete", "db/user"], "")?.ends(0)?;
        secret(&["delete", "db/user"], "")?.ends(1)?.complains(&["there is no secret `db/user`"])?;
        secret(&["get", "db/password"], "")?.ends(0)?;
        secret(&["delete", "db/password"], "")?.ends(0)?;
        if cluster.kubectl.exists(["secret/db", "-n", "keybearer-e2e-secrets"])? {
            return Err("the empty Secret is still there".to_owned());
        }
        Ok(())
    })
}

fn what_others_made_is_left_alone(cluster: &Cluster) -> Result {
    in_own(cluster, "keybearer-e2e-others", || {
        let namespace = "keybearer-e2e-others";
        let made = |name: &str, labels: Value, immutable: bool| {
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": namespace, "labels": labels},
                "immutable": immutable, "stringData": {"token": "theirs"}})
        };
        cluster.kubectl.apply(&[
            made("hand", json!({}), false),
            made("helm", json!({"app.kubernetes.io/managed-by": "Helm"}), false),
            made("fixed", json!({"app.kubernetes.io/managed-by": "keybearer"}), true),
        ])?;
        let set = |name: &str, more: &[&str]| {
            keybearer(cluster, &[&["secret", "set", name, "--cluster", "-n", namespace], more].concat(), "ours")
        };
        set("hand/token", &[])?.ends(2)?.complains(&["was not made by this command", "--force"])?;
        set("hand/new", &[])?.ends(0)?;
        set("helm/new", &[])?.ends(2)?.complains(&["`Helm` manages it"])?;
        set("fixed/token", &["--force"])?.ends(2)?.complains(&["is immutable", "kubectl delete secret fixed"])?;
        let token = || cluster.kubectl.run(["get", "secret", "-n", namespace, "hand", "-o", "jsonpath={.data}"]);
        has(&token()?, "\"token\":\"dGhlaXJz\"")?;
        set("hand/token", &["--force"])?.ends(0)?;
        has(&token()?, "\"token\":\"b3Vycw==\"")?;
        has(&token()?, "\"new\"")?;
        let nowhere = ["secret", "set", "a/b", "--cluster", "-n", "keybearer-e2e-nowhere"];
        keybearer(cluster, &nowhere, "x")?.ends(2)?.complains(&["no namespace `keybearer-e2e-nowhere`"])?;
        // A Secret holds 1 MiB.
        set("large/one", &[])?.ends(0)?;
        let large = "x".repeat(1_048_574);
        let said = keybearer(cluster, &["secret", "set", "large/two", "--cluster", "-n", namespace], &large)?;
        said.ends(2)?.complains(&["1 MiB with all of its keys"]).map(drop)
    })
}

fn a_secret_that_is_set_reaches_the_task(cluster: &Cluster) -> Result {
    let name = "from-outside/token";
    keybearer(cluster, &["secret", "set", name, "--cluster", "-n", TASKS], "of-outside")?.ends(0)?;
    let pod = Pod::script("echo $T; cat /etc/flyte/secrets/from-outside/token").asks(
        "- {group: from-outside, key: token, mount: env, env_var: T}\n- {group: from-outside, key: token, mount: file}",
    );
    let said = run(cluster, "reaches", &pod, &[])?.ends(0)?;
    keybearer(cluster, &["secret", "delete", name, "--cluster", "-n", TASKS], "")?.ends(0)?;
    has(&said.stdout, "of-outside\nof-outside")
}

fn the_exit_code_is_the_tasks(cluster: &Cluster) -> Result {
    run(cluster, "three", &Pod::script("exit 3"), &[])?.ends(3)?;
    run(cluster, "none", &Pod::runs(["no-such-program"]), &[])?.ends(127)?.complains(&["can't be started"])?;
    let init = Pod::script("echo never").with(|spec| {
        spec["initContainers"] = json!([container("init", &["sh", "-c", "echo first; exit 5"])]);
    });
    let said = run(cluster, "init", &init, &[])?.ends(5)?;
    has(&said.stdout, "first")?;
    has_not(&said.stdout, "never")?;
    let primary = Pod::script("exit 3").annotation("primary_container_name", "second").with(|spec| {
        let second = container("second", &["sh", "-c", "exit 4"]);
        spec["containers"].as_array_mut().map(|list| list.push(second)).unwrap_or_default();
    });
    run(cluster, "primary", &primary, &[])?.ends(4)?;
    let hungry = Pod::script("x=a; while :; do x=$x$x; done").with(|spec| {
        spec["containers"][0]["resources"] = json!({"limits": {"memory": "16Mi"}});
    });
    run(cluster, "hungry", &hungry, &[])?.ends(137)?.complains(&["more memory than it may"]).map(drop)
}

fn all_that_is_written_is_shown_once_and_under_its_name(cluster: &Cluster) -> Result {
    let script = "i=0; while [ $i -lt 2000 ]; do echo line-$i; i=$((i+1)); done; echo to-stderr >&2; printf end";
    let said = run(cluster, "lines", &Pod::script(script), &[])?.ends(0)?;
    let expected: Vec<String> = (0..2000).map(|number| format!("line-{number}")).chain(["end".to_owned()]).collect();
    // The node does not keep the order of the two streams to each other.
    let (of_stdout, of_stderr): (Vec<&str>, Vec<&str>) = said.stdout.lines().partition(|line| *line != "to-stderr");
    if of_stdout != expected || of_stderr.len() != 1 {
        let first = of_stdout.iter().zip(&expected).find(|(line, expected)| line != expected);
        return Err(format!("{} and {} lines came, the first other one: {first:?}", of_stdout.len(), of_stderr.len()));
    }
    let two = Pod::script("echo of-main").with(|spec| {
        let other = container("other", &["sh", "-c", "echo of-other"]);
        spec["containers"].as_array_mut().map(|list| list.push(other)).unwrap_or_default();
    });
    let said = run(cluster, "two", &two, &[])?.ends(0)?;
    has(&said.stdout, "main  | of-main\n")?;
    has(&said.stdout, "other | of-other\n")
}

fn a_pod_that_can_not_start_says_why_and_is_gone(cluster: &Cluster) -> Result {
    let missing = Pod::prints_env().asks("[{group: nowhere, key: token, mount: env}]");
    let words = ["secret \"nowhere\" not found", "keybearer secret set nowhere/token --cluster -n keybearer-e2e-tasks"];
    run(cluster, "missing", &missing, &[])?.ends(125)?.complains(&words)?;
    let image = |policy: &'static str| {
        Pod::prints_env().with(move |spec| {
            spec["containers"][0]["image"] = "registry.local/not-there:1".into();
            spec["containers"][0]["imagePullPolicy"] = policy.into();
        })
    };
    run(cluster, "never", &image("Never"), &[])?.ends(125)?.complains(&["ErrImageNeverPull", "load the image"])?;
    run(cluster, "pull", &image("Always"), &[])?
        .ends(125)?
        .complains(&["registry.local/not-there:1", "imagePullSecrets"])?;
    let nowhere = Pod::prints_env().with(|spec| spec["nodeSelector"] = json!({"keybearer.dev/no-such": "node"}));
    run(cluster, "nowhere", &nowhere, &["--start-timeout", "5"])?
        .ends(125)?
        .complains(&["Unschedulable", "nodeSelector"])
        .map(drop)
}

fn the_webhooks_refusal_is_shown(cluster: &Cluster) -> Result {
    let pod = Pod::prints_env().asks("[{group: forbidden, key: token}]");
    let said = run(cluster, "refused", &pod, &[])?.ends(125)?;
    said.complains(&["refuses the pod; nothing was started", "forbidden/token", "nobody's"]).map(drop)
}

fn who_may_not_is_told_what_is_missing(cluster: &Cluster) -> Result {
    let namespace = "keybearer-e2e-rights";
    in_own(cluster, namespace, || {
        // The namespace's own account may do nothing.
        let token = cluster.kubectl.run(["create", "token", "default", "-n", namespace])?;
        let weak = Changed::new(cluster, "rights", |config| {
            for user in config["users"].as_array_mut().into_iter().flatten() {
                user["user"] = json!({"token": token.trim()});
            }
        })?;
        let pod = Pod::prints_env().named(namespace, "weak").to_string();
        let made = keybearer(&weak.cluster, &["run", "-", "--on", "cluster", "-n", namespace], &pod);
        let set = keybearer(&weak.cluster, &["secret", "set", "a/b", "--cluster", "-n", namespace], "x");
        made?.ends(125)?.complains(&["you may not make pods", "pods/log", "verbs: [create, get"])?;
        set?.ends(2)?.complains(&["you may not get Secrets", "resources: [secrets]"]).map(drop)
    })
}

fn an_interrupted_run_takes_its_pod_along(cluster: &Cluster) -> Result {
    let script = "trap 'echo asked-to-end; exit 9' TERM; echo up; while :; do sleep 0.1; done";
    let pod = Pod::script(script).with(|spec| spec["terminationGracePeriodSeconds"] = 20.into());
    let child = started(cluster, &RUN, &pod.named(TASKS, "interrupted").to_string())?;
    is_up(cluster, "interrupted")?;
    let mut kill = Command::new("kill");
    kill.args(["-INT", &child.id().to_string()]);
    cluster.kubectl.beside(kill)?;
    let said = Said::of(&child.wait_with_output().map_err(|error| error.to_string())?).ends(130)?;
    has(&said.stdout, "up\nasked-to-end\n")?;
    is_gone(cluster, "interrupted")
}

fn a_pod_that_is_deleted_meanwhile_ends_the_run(cluster: &Cluster) -> Result {
    let pod = Pod::script("echo up; sleep 3600");
    let child = started(cluster, &RUN, &pod.named(TASKS, "deleted").to_string())?;
    for pod in is_up(cluster, "deleted")? {
        cluster.kubectl.run(["delete", "-n", TASKS, &pod, "--wait=false"])?;
    }
    let said = Said::of(&child.wait_with_output().map_err(|error| error.to_string())?);
    if said.code == Some(0) {
        return Err(format!("it ended well: {}", said.stderr));
    }
    said.complains(&["somebody deletes the pod"]).map(drop)
}

fn connections_that_break_lose_no_line_and_no_end(cluster: &Cluster) -> Result {
    let config = cluster.kubectl.json(["config", "view", "--raw", "--minify"])?;
    let server = config["clusters"][0]["cluster"]["server"].as_str().unwrap_or_default().to_owned();
    let host = server.trim_start_matches("https://").trim_end_matches('/');
    let relay = Relay::start(host)?;
    let through = Changed::new(cluster, "relay", |config| {
        let of_cluster = &mut config["clusters"][0]["cluster"];
        of_cluster["server"] = format!("https://{}", relay.address).into();
        of_cluster["tls-server-name"] = host.rsplit_once(':').map_or(host, |(name, _)| name).into();
    })?;
    let script = "i=0; while [ $i -lt 400 ]; do echo line-$i; i=$((i+1)); sleep 0.02; done; exit 6";
    let child = started(&through.cluster, &RUN, &Pod::script(script).named(TASKS, "broken").to_string())?;
    let pods = is_up(cluster, "broken")?;
    let pod = pods.first().map(String::as_str).unwrap_or_default();
    let mut cuts = 0;
    for line in ["line-50\n", "line-120\n", "line-250\n"] {
        until(Duration::from_secs(60), &format!("{line} is written"), || {
            let log = cluster.kubectl.run(["logs", "-n", TASKS, pod])?;
            Ok(log.contains(line).then_some(()))
        })?;
        cuts += relay.cut();
    }
    let said = Said::of(&child.wait_with_output().map_err(|error| error.to_string())?).ends(6)?;
    if cuts == 0 {
        return Err("no connection was there to be cut".to_owned());
    }
    let expected: Vec<String> = (0..400).map(|number| format!("line-{number}")).collect();
    let came: Vec<&str> = said.stdout.lines().collect();
    if came != expected {
        let first = came.iter().zip(&expected).find(|(line, expected)| line != expected);
        return Err(format!("{} lines came, the first other one: {first:?}\n{}", came.len(), said.stderr));
    }
    is_gone(cluster, "broken")
}

/// Waits until a run's pod runs and has written something.
fn is_up(cluster: &Cluster, name: &str) -> Result<Vec<String>> {
    until(Duration::from_secs(60), &format!("pod {name}-* is up"), || {
        let pods = pods_of_run(cluster, name)?;
        let Some(pod) = pods.first() else { return Ok(None) };
        let log = cluster.kubectl.run(["logs", "-n", TASKS, pod]).unwrap_or_default();
        Ok((!log.is_empty()).then_some(pods))
    })
}
