//! `run`: values that are given, how they arrive, and what is said of those that are not there or do not fit.

use crate::support::{Place, pod, script};

#[test]
fn values_arrive_byte_for_byte() {
    let task = "cat \"$A\" | od -An -tx1; printf %s \"$B\" | od -An -tx1";
    let secrets = "[{group: g, key: a, mount: file, env_var: A}, {group: g, key: b, mount: env, env_var: B}]";
    let place =
        Place::new().with("pod.yaml", script(secrets, task)).with("a", b"\0\xff\r\n'$(B)").with("b", "$(A) \\ \"\n\n");
    let said = place.run(&["pod.yaml", "--secret-file", "g/a=a", "--secret-file", "g/b=b"]).code(0);
    assert_eq!(said.stdout, " 00 ff 0d 0a 27 24 28 42 29\n 24 28 41 29 20 5c 20 22 0a 0a\n");
    let value = "=a=b, c/d: ${HOME} $(A) \t é";
    let place =
        Place::new().with("pod.yaml", script("[{group: g, key: b, mount: env, env_var: B}]", "printf %s \"$B\""));
    let args = ["pod.yaml", "--secret", &format!("g/b={value}"), "--no-mask"];
    assert_eq!(place.run(&args).code(0).stdout, value);
}

#[test]
fn a_group_may_be_anything() {
    let arn = "arn:aws:secretsmanager:us-east-2:1:secret:team/db";
    let secrets = format!("[{{group: \"{arn}\", key: k, mount: file, env_var: F}}]");
    let place = Place::new().with("pod.yaml", script(&secrets, "cat $F"));
    assert_eq!(place.run(&["pod.yaml", "--secret", &format!("{arn}/k=v")]).code(0).stdout, "v");
    place.run(&["pod.yaml"]).code(125).complains(&[&format!("hint: give it with --secret {arn}/k=VALUE")]);
    let place = Place::new().with("pod.yaml", script("[{group: \"a b\", key: \"it's\", mount: file}]", "true"));
    place.run(&["pod.yaml"]).code(125).complains(&[r"--secret 'a b/it'\''s=VALUE'"]);
}

#[test]
fn all_that_is_missing_is_said_at_once() {
    let spec =
        "containers: [{name: main, command: [env], env: [{name: X, valueFrom: {secretKeyRef: {name: s, key: k}}}]}]";
    let place = Place::new().with("pod.yaml", pod("[{group: a, key: b}, {group: c, key: d}]", spec));
    let said = place.run(&["pod.yaml", "--secret", "a/x=1"]).code(125);
    assert_eq!(
        said.stderr,
        "\
warning: nothing asked for secret `a/x`
error: the pod can't be run here; nothing was started
  secret `a/b`: not found (asked: Local)
  secret `c/d`: not found (asked: Local)
  key `k` of Secret `s` for env var `X` of container `main` is not there
hint: give what is missing with --secret a/b=VALUE --secret c/d=VALUE --secret s/k=VALUE
hint: or keep each on this machine with keybearer secret set GROUP/KEY
"
    );
    assert_eq!(said.stdout, "");
}

#[test]
fn a_given_secret_answers_the_pods_own_references_too() {
    let spec = "\
volumes: [{name: v, secret: {secretName: s}}]
containers:
- name: main
  command: [sh, -c, 'echo $X-$Y; ls -1 /etc/flyte/secrets/own 2>/dev/null || ls -1 $0', /etc/flyte/secrets/own]
  env:
  - {name: X, valueFrom: {secretKeyRef: {name: s, key: k}}}
  - {name: Y, valueFrom: {secretKeyRef: {name: s, key: none, optional: true}}}
  volumeMounts: [{name: v, mountPath: /etc/flyte/secrets/own}]
";
    let place = Place::new().with("pod.yaml", pod("[]", spec));
    let said = place.run(&["pod.yaml", "--secret", "s/k=1", "--secret", "s/l=2", "--secret", "t/k=3"]).code(0);
    assert_eq!(said.stdout, "1-\nk\nl\n");
    let said = said.complains(&["warning: nothing asked for secret `t/k`"]);
    assert!(!said.stderr.contains("`s/"), "{}", said.stderr);
}

#[test]
fn any_comes_as_file_alone_where_a_variable_can_not_hold_it() {
    let place = Place::new().with(
        "pod.yaml",
        script("[{group: g, key: k}]", "cat $FLYTE_SECRETS_DEFAULT_DIR/g/k; env | grep -c _FSEC_G_K"),
    );
    let said = place.run(&["pod.yaml", "--secret", "g/k=it's", "--no-mask"]).code(1);
    assert_eq!(said.stdout, "it's0\n");
    said.complains(&[
        "g/k     --secret  sealed    no variable: it holds a `'`, which the kubelet's env files can't carry",
    ]);
    let said = place.run(&["pod.yaml", "--secret", "g/k=plain"]).code(0);
    said.complains(&["variable _FSEC_G_K (not in the cluster)\n"]);
}

#[test]
fn a_variable_that_can_not_be_is_refused_before_anything_starts() {
    let place = Place::new().with("pod.yaml", script("[{group: g, key: k, mount: env}]", "echo started"));
    for value in ["", "it's", "a\r\nb"] {
        let said = place.run(&["pod.yaml", "--secret", &format!("g/k={value}")]).code(125);
        assert_eq!(said.stdout, "");
        said.complains(&[
            "error: secret `g/k` was asked for as ENV_VAR, but its value can't be one: it ",
            "hint: ask for it as FILE",
        ]);
    }
}

#[test]
fn names_that_an_assignment_can_not_hold() {
    let asked = "[{group: db, key: a/b, mount: file, env_var: F}, {group: a=b, key: c, mount: file, env_var: G}, {group: -x, key: k, mount: file, env_var: H}]";
    let place = Place::new().with("pod.yaml", script(asked, "cat $F $G $H"));
    let said = place.run(&["pod.yaml"]).code(125);
    let options = said.stderr.lines().find_map(|line| line.strip_prefix("hint: give them with ")).unwrap();
    // What is proposed is what works.
    let said = place.shell(&format!("$K run pod.yaml --no-mask {options}")).code(0);
    assert_eq!(said.stdout, "VALUEVALUEVALUE");
    for wrong in
        ["{", "{\"group\": \"canary-1\"}", "{\"group\": \"g\", \"key\": \"k\", \"value\": \"canary-1\", \"x\": \"y\"}"]
    {
        place
            .run(&["pod.yaml", "--secret", wrong])
            .code(125)
            .complains(&["`--secret` number 1: it starts with `{`, but is no JSON object"])
            .never_says("canary-1");
    }
}

#[test]
fn a_value_from_stdin_and_stdin_once() {
    let place = Place::new().with("pod.yaml", script("[{group: g, key: k, mount: file, env_var: F}]", "cat $F"));
    let said = place.keybearer_reads("from-stdin", &["run", "pod.yaml", "--no-mask", "--secret-file", "g/k=-"]).code(0);
    assert_eq!(said.stdout, "from-stdin");
    place
        .keybearer_reads("", &["run", "-", "--config", "-"])
        .code(125)
        .complains(&["can't read `stdin`: stdin was read already"]);
    place.run(&["pod.yaml", "--secret-file", "g/k=."]).code(125).complains(&["it is a directory"]);
}

#[test]
fn a_limit_of_the_laptop_alone_is_said_to_be_one() {
    let place = Place::new().with("pod.yaml", script("[{group: g, key: k, mount: env}]", "true"));
    place
        .run(&["pod.yaml", "--secret", "g/k=it's"])
        .code(125)
        .complains(&["was asked for as ENV_VAR", "hint: in the cluster it comes by reference"]);
}
