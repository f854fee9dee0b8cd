//! Objects of a cluster. `kubectl` is a script here that says what the real one says; the end-to-end tests ask the real one.

use crate::support::{Place, pod};
use std::fs;
use std::os::unix::fs::PermissionsExt;

fn with_kubectl(script: &str) -> Place {
    let place = Place::new().with("kubectl", format!("#!/bin/sh\n{script}\n"));
    let kubectl = place.path("kubectl");
    fs::set_permissions(&kubectl, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", kubectl.parent().unwrap().display(), std::env::var("PATH").unwrap());
    place.env("PATH", &path)
}

#[test]
fn an_object_of_the_cluster_is_got_and_explained() {
    let place = with_kubectl(
        "echo \"$@\" >> asked; cat object.yaml | python3 -c 'import sys; print(sys.stdin.read())'",
    )
    .with("object.yaml", pod("[{group: db, key: password, mount: file}]", "containers: [{name: main, image: i}]"));
    place.keybearer(&["explain", "pod/task", "-n", "team"]).code(0).says(&["secret db/password", "namespace team"]);
    place.keybearer(&["explain", "deployment.apps/web"]).code(0);
    let asked = fs::read_to_string(place.path("asked")).unwrap();
    assert_eq!(asked, "get pod/task --output json --namespace team\nget deployment.apps/web --output json\n");
}

#[test]
fn what_kubectl_says_against_it_is_told() {
    let place = with_kubectl("echo 'Error from server (NotFound): pods \"task\" not found' >&2; exit 1");
    place.keybearer(&["explain", "pod/task"]).code(2).complains(&["can't get `pod/task`", "NotFound"]);
}

#[test]
fn without_kubectl_the_remedy_is_told() {
    let place = Place::new().env("PATH", "/nowhere");
    place.keybearer(&["explain", "pod/task"]).code(2).complains(&["`pod/task` is no file", "hint: name a file"]);
}

#[test]
fn without_the_feature_the_webhook_says_how_to_get_it() {
    let said = Place::new().keybearer(&["webhook", "--no-cluster", "--config", "none.yaml"]);
    if cfg!(feature = "webhook") {
        said.code(1).complains(&["none.yaml"]);
    } else {
        said.code(1).complains(&["built without `webhook`", "--features webhook"]);
    }
}
