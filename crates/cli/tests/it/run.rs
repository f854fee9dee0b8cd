//! `run`: a pod's containers as processes of this machine, with their secrets.

use crate::support::{Place, pod, script};
use serde_json::{Value, json};
use std::fs;

#[test]
fn the_example_of_the_readme() {
    let place = Place::new();
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/user-info.yaml");
    let said = place.run(&[example, "--secret", "user-info/user_secret=open-sesame"]).code(0);
    assert_eq!(said.stdout, "the task has its secret: 11 characters, the same in the variable and in the file\n");
    let lines: Vec<&str> = said.stderr.lines().collect();
    assert_eq!(
        lines[..3],
        [
            "SECRET                 FROM      DELIVERY  FOUND IN",
            "user-info/user_secret  --secret  sealed    variable _FSEC_USER-INFO_USER_SECRET",
            "                                           file $FLYTE_SECRETS_DEFAULT_DIR/user-info/user_secret",
        ]
    );
    let said = place.run(&[example]).code(125);
    assert_eq!(
        said.stderr,
        "\
error: a secret that the pod asks for is not there; nothing was started
  secret `user-info/user_secret`: not found (asked: Local)
hint: give it with --secret user-info/user_secret=VALUE
hint: or keep it on this machine with keybearer secret set user-info/user_secret
"
    );
}

#[test]
fn programs_read_where_each_secret_is() {
    let secrets = "[{group: db, key: Pw, mount: any, env_var: DB}, {group: api, key: k, mount: env}]";
    let place = Place::new().with("pod.yaml", script(secrets, "true"));
    let said = place.run(&["pod.yaml", "--output", "json", "--secret", "db/Pw=it's", "--secret", "api/k=v"]).code(0);
    let line = said.stderr.lines().find(|line| line.starts_with('{')).unwrap();
    let found: Value = serde_json::from_str(line).unwrap();
    assert_eq!(
        found,
        json!({"secrets": [
            {
                "secret": {"group": "db", "group_version": "", "key": "Pw", "mounts": ["ANY"]},
                "manager": "Local", "from": "--secret", "delivery": "sealed", "env": [],
                "no_env_because": "it holds a `'`, which the kubelet's env files can't carry",
                "path_env": ["DB"], "files": ["db/pw", "db/Pw"],
            },
            {
                "secret": {"group": "api", "group_version": "", "key": "k", "mounts": ["ENV_VAR"]},
                "manager": "Local", "from": "--secret", "delivery": "sealed", "env": [{"name": "_FSEC_API_K", "in_cluster": true}],
                "no_env_because": null, "path_env": [], "files": [],
            },
        ]})
    );
}

#[test]
fn init_containers_come_first_and_output_says_whose_it_is() {
    let spec = "\
initContainers:
- {name: first, command: [sh, -c, 'echo 1 $TOKEN']}
- {name: second, command: [sh, -c, 'echo 2; echo oops >&2']}
containers:
- {name: main, command: [sh, -c, 'sleep 0.1; echo 3 $TOKEN']}
";
    let place = Place::new().with("pod.yaml", pod("[{group: g, key: k, mount: env, env_var: TOKEN}]", spec));
    let said = place.run(&["pod.yaml", "--secret", "g/k=v"]).code(0);
    assert_eq!(said.stdout, "first  | 1 v\nsecond | 2\nmain   | 3 v\n");
    said.complains(&["second | oops\n"]);
}

#[test]
fn an_init_container_that_fails_is_the_end() {
    let spec =
        "initContainers: [{name: i, command: [sh, -c, exit 7]}]\ncontainers: [{name: m, command: [echo, started]}]";
    let place = Place::new().with("pod.yaml", pod("[]", spec));
    assert_eq!(place.run(&["pod.yaml"]).code(7).stdout, "");
}

#[test]
fn the_exit_code_is_that_of_the_primary_container_or_the_first_that_failed() {
    let spec = "\
containers:
- {name: a, command: [sh, -c, exit 0]}
- {name: b, command: [sh, -c, sleep 0.2; exit 3]}
- {name: c, command: [sh, -c, exit 4]}
";
    let plain = pod("[]", spec);
    let primary =
        |name: &str| plain.replace("annotations:\n", &format!("annotations:\n    primary_container_name: {name}\n"));
    let place = Place::new().with("plain", &plain).with("a", primary("a")).with("c", primary("c"));
    for (file, code) in [("plain", 3), ("a", 0), ("c", 4)] {
        place.run(&[file]).code(code);
    }
    let place = Place::new().with("pod.yaml", script("[]", "kill -9 $$$$"));
    place.run(&["pod.yaml"]).code(128 + 9);
    let place = Place::new().with("pod.yaml", script("[]", "exit 125"));
    place.run(&["pod.yaml"]).code(125);
}

#[test]
fn without_a_command_the_first_argument_is_the_program() {
    let place = Place::new()
        .with("pod.yaml", pod("[]", "containers: [{name: m, args: [echo, $(X), $$(X)], env: [{name: X, value: hi}]}]"));
    assert_eq!(place.run(&["pod.yaml"]).code(0).stdout, "hi $(X)\n");
}

#[test]
fn the_hosts_environment_stays_outside() {
    let place = Place::new()
        .with("pod.yaml", script("[]", "env"))
        .env("_FSEC_A_B", "stray")
        .env("FLYTE_SECRETS_DEFAULT_DIR", "/x");
    let place =
        place.env("AWS_SECRET_ACCESS_KEY", "x").env("PYTHONPATH", "/py").env("VIRTUAL_ENV", "/venv").env("LANG", "C");
    let said = place.run(&["pod.yaml"]).code(0);
    let mut names: Vec<&str> = said.stdout.lines().map(|line| line.split('=').next().unwrap()).collect();
    names.retain(|name| !["PWD", "SHLVL", "_", "OLDPWD"].contains(name));
    names.sort_unstable();
    assert_eq!(names, ["HOME", "LANG", "PATH", "PYTHONPATH", "TMPDIR", "VIRTUAL_ENV"]);
}

#[test]
fn without_the_label_there_are_no_secrets_here_either() {
    let unlabelled = script("[{group: a, key: b, mount: env}]", "env | grep -c _FSEC_")
        .replace("inject-flyte-secrets: \"true\"", "");
    let place = Place::new().with("pod.yaml", unlabelled);
    let said = place.run(&["pod.yaml", "--secret", "a/b=c"]).code(1);
    assert_eq!(said.stdout, "0\n");
    said.complains(&[
        "warning: the pod has no label `inject-flyte-secrets: \"true\"`",
        "warning: nothing asked for secret `a/b`",
    ]);
}

#[test]
fn namespace_and_service_account_are_what_field_references_see() {
    let spec = |account: &str| {
        format!(
            "{account}containers:\n- name: main\n  command: [sh, -c, 'echo $NS $SA $NAME $(NS)']\n  env:\n\
             \x20 - {{name: NS, valueFrom: {{fieldRef: {{fieldPath: metadata.namespace}}}}}}\n\
             \x20 - {{name: SA, valueFrom: {{fieldRef: {{fieldPath: spec.serviceAccountName}}}}}}\n\
             \x20 - {{name: NAME, valueFrom: {{fieldRef: {{fieldPath: metadata.name}}}}}}\n"
        )
    };
    let place = Place::new()
        .with("pod.yaml", pod("[]", &spec("")))
        .with("own.yaml", pod("[]", &spec("serviceAccountName: own\n")));
    assert_eq!(place.run(&["pod.yaml"]).code(0).stdout, "default default task default\n");
    let options = ["-n", "prod", "--service-account", "robot"];
    assert_eq!(place.run(&[&["pod.yaml"], &options[..]].concat()).code(0).stdout, "prod robot task prod\n");
    assert_eq!(place.run(&[&["own.yaml"], &options[..]].concat()).code(0).stdout, "prod own task prod\n");
}

#[test]
fn policy_is_about_the_cluster_and_local_stands_outside() {
    let place = Place::new()
        .with("c.yaml", "policy: [{name: not-here, deny: {manager: K8s}}]")
        .with("pod.yaml", script("[{group: a, key: b, mount: env, env_var: X}]", "echo $X"));
    let said = place.run(&["pod.yaml", "--config", "c.yaml", "--secret", "a/b=v"]).code(0);
    assert_eq!(said.stdout, "v\n");
    said.complains(&["warning: in the cluster this pod would be refused: secret `a/b`: no manager gives it (K8s: skipped by rule `not-here`)", "hint: "]);
}

#[test]
fn what_can_not_be_had_here_is_refused_by_name_with_a_remedy() {
    let spec = "\
volumes: [{name: h, hostPath: {path: /tmp}}, {name: p, persistentVolumeClaim: {claimName: x}}, {name: c, csi: {driver: x}}, {name: e, emptyDir: {}}]
containers:
- name: main
  command: [no-such-program]
  env: [{name: C, valueFrom: {configMapKeyRef: {name: cm, key: k}}}]
  volumeMounts: [{name: h, mountPath: /h}, {name: p, mountPath: /p}, {name: c, mountPath: /c}, {name: e, mountPath: /data}]
- {name: bare, image: busybox}
";
    let place = Place::new().with("pod.yaml", pod("[]", spec));
    let said = place.run(&["pod.yaml", "--isolation", "none"]).code(125);
    assert_eq!(said.stdout, "");
    said.complains(&[
        "error: the pod can't be run here; nothing was started",
        "volume `h` is a `hostPath`",
        "volume `p` is a `persistentVolumeClaim`",
        "volume `c` is a `csi`",
        "mounts volume `e` at `/data`",
        "ConfigMap `cm` for env var `C` of container `main`",
        "program `no-such-program` of container `main` is not on this machine",
        "container `bare` has neither command nor args",
        "hint: volumes that can be had here are",
        "hint: make the ConfigMap `optional: true`",
        "hint: install the program",
        "hint: give the container a `command`",
    ]);
}

#[test]
fn what_has_no_effect_here_is_one_line() {
    let spec = "\
tolerations: []
securityContext: {runAsUser: 5}
containers:
- name: main
  image: busybox
  command: [echo, done]
  ports: [{containerPort: 80}]
  resources: {limits: {cpu: 1}}
  livenessProbe: {tcpSocket: {port: 80}}
";
    let place = Place::new().with("pod.yaml", pod("[]", spec));
    let said = place.run(&["pod.yaml"]).code(0);
    assert_eq!(said.stdout, "done\n");
    assert_eq!(said.stderr, "note: ignored: image, resources, probes, ports, scheduling, securityContext\n");
}

#[test]
fn a_template_runs_as_its_pods_would() {
    let pod: Value =
        serde_saphyr::from_str(&script("[{group: g, key: k, mount: env, env_var: X}]", "echo $X")).unwrap();
    let job = json!({"kind": "Job", "metadata": {"name": "nightly"}, "spec": {"template": pod}});
    let place = Place::new().with("job.json", job.to_string());
    assert_eq!(place.run(&["job.json", "--secret", "g/k=v"]).code(0).stdout, "v\n");
    let said = place.keybearer_reads(job.to_string(), &["run", "-", "--secret", "g/k=v"]).code(0);
    assert_eq!(said.stdout, "v\n");
}

#[test]
fn a_sidecar_is_there_before_the_containers_and_ends_after_them() {
    let spec = "\
volumes: [{name: v, emptyDir: {}}]
initContainers:
- name: side
  restartPolicy: Always
  command: [sh, -c, 'echo up; touch $0/up; while :; do sleep 0.05; done', /etc/flyte/secrets/v]
  volumeMounts: [{name: v, mountPath: /etc/flyte/secrets/v}]
containers:
- name: main
  command: [sh, -c, 'until [ -e $0/up ]; do sleep 0.05; done; echo met', /etc/flyte/secrets/v]
  volumeMounts: [{name: v, mountPath: /etc/flyte/secrets/v}]
";
    let place = Place::new().with("pod.yaml", pod("[]", spec));
    let said = place.run(&["pod.yaml"]).code(0);
    assert_eq!(said.stdout, "side | up\nmain | met\n");
    assert!(fs::read_dir(place.path("tmp")).unwrap().next().is_none());
}

/// The pod as the API server would have it after the webhook's answer.
fn patched(place: &Place, file: &str, config: &[&str]) -> String {
    let patch = place.keybearer(&[&["explain", file, "--output", "patch"], config].concat()).code(0).json();
    let mut pod: Value = serde_saphyr::from_str(&fs::read_to_string(place.path(file)).unwrap()).unwrap();
    let patch: json_patch::Patch = serde_json::from_value(patch).unwrap();
    json_patch::patch(&mut pod, &patch).unwrap();
    pod.to_string()
}

#[test]
fn a_pod_from_a_cluster_runs_with_what_it_got_there() {
    let secrets = "[{group: g, key: k, mount: any}, {group: g, key: e, mount: env, env_var: E}]";
    let task = "cat $FLYTE_SECRETS_DEFAULT_DIR/g/k; echo -$E";
    for dialect in ["keybearer", "flyte-v1"] {
        let config = ["--compat", dialect];
        let place = Place::new().with("pod.yaml", script(secrets, task));
        let live = patched(&place, "pod.yaml", &config);
        let place = place.with("live.json", live);
        let run = |args: &[&str]| place.run(&[&["live.json"], &config[..], args].concat());
        let said = run(&["--secret", "g/k=1", "--secret", "g/e=2"]).code(0);
        assert_eq!(said.stdout, "1-2\n", "{dialect}");
        said.complains(&["g/k     --secret  reference  "]).never_says("warning");
        // Its references may be optional, but it asked for these.
        let said = run(&["--secret", "g/e=2"]).code(125);
        said.complains(&["secret `g/k`: not found (asked: Local)", "--secret g/k=VALUE"]);
    }
}

#[test]
fn a_reader_that_goes_away_ends_the_task() {
    let place = Place::new().with("pod.yaml", script("[]", "yes; echo ended with $? >&2"));
    let said = place.shell("$K run pod.yaml | head -2").code(0);
    assert_eq!(said.stdout, "y\ny\n");
    assert!(said.stderr.contains("ended with 141"), "{}", said.stderr);
}

#[test]
fn output_that_is_lost_is_said() {
    let place = Place::new().with("pod.yaml", script("[]", "echo hello"));
    place
        .shell("$K run pod.yaml > /dev/full")
        .code(1)
        .complains(&["error: output of the containers was lost", "No space left"]);
    // A task's own failure is the more telling one.
    let place = Place::new().with("pod.yaml", script("[]", "echo hello; exit 7"));
    place.shell("$K run pod.yaml > /dev/full").code(7).complains(&["was lost"]);
}

#[test]
fn a_dialect_whose_managers_are_not_served_here() {
    let place = Place::new().with("pod.yaml", script("[{group: g, key: k, mount: env}]", "env"));
    let said = place.run(&["pod.yaml", "--compat", "flyte-v2", "--secret", "g/k=v"]).code(0);
    said.says(&["_UNION_G_K=v"]).complains(&["note: what the cluster would give can't be compared", "`Embedded`"]);
    let said = place.keybearer(&["explain", "pod.yaml", "--compat", "flyte-v2"]).code(2);
    // What is proposed is what works.
    let proposed: Vec<&str> = said.stderr.lines().filter_map(|line| line.strip_prefix("  ")).collect();
    let place = place.with("proposed.yaml", proposed.join("\n"));
    place.keybearer(&["explain", "pod.yaml", "--config", "proposed.yaml"]).code(0).says(&["dialect flyte-v2"]);
}

#[test]
fn no_container_that_gets_anything() {
    let place = Place::new()
        .with("pod.yaml", script("[{group: g, key: k, mount: file}]", "true"))
        .with("config.yaml", "targets: {exclude: [main]}");
    let said = place.run(&["pod.yaml", "--config", "config.yaml", "--secret", "g/k=v"]).code(0);
    said.complains(&["warning: no container gets the pod's secrets", "no container: `targets.exclude`"])
        .never_says("variable");
}

#[test]
fn a_container_that_failed_is_named() {
    let spec =
        "initContainers: [{name: first, command: [sh, -c, exit 3]}]\ncontainers: [{name: main, command: [echo]}]";
    let place = Place::new().with("pod.yaml", pod("[]", spec));
    place.run(&["pod.yaml"]).code(3).complains(&["note: init container `first` ended with exit code 3"]);
}
