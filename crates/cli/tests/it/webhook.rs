//! `keybearer webhook` as a process: its configuration, its names, what keeps it from serving, and its end.

use crate::support::{GUARD, KEYBEARER, Place, until};
use serde_json::Value;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::symlink;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};
use webhook::certificates::{CA_LIFE, LEAF_LIFE, Pair, Spec, make_authority, make_leaf};

fn pair() -> Pair {
    let spec = Spec {
        secret: "s".to_owned(),
        namespace: "n".to_owned(),
        service: "localhost".to_owned(),
        ca_life: CA_LIFE,
        leaf_life: LEAF_LIFE,
    };
    let now = SystemTime::now();
    make_leaf(&spec, &make_authority(&spec, now).unwrap(), now + CA_LIFE, now).unwrap()
}

/// A folder with certificates in `certs`, and an empty one for the configuration.
fn place() -> Place {
    let place = Place::new();
    fs::create_dir(place.path("certs")).unwrap();
    fs::create_dir(place.path("conf")).unwrap();
    let pair = pair();
    let folder = place.path("certs").display().to_string();
    place.with("certs/tls.crt", &pair.certificate).with("certs/tls.key", pair.key.as_bytes()).env("CERTS", &folder)
}

const CERTIFICATES: &str = "webhook: {certDir: $CERTS}\n";
const ALONE: [&str; 5] = ["--no-cluster", "--listen-address", "127.0.0.1:0", "--admin-address", "127.0.0.1:0"];

/// A server under way, ended when it is dropped.
struct Serving<'p> {
    child: Child,
    place: &'p Place,
}

impl<'p> Serving<'p> {
    /// Starts it under a name, and waits until it serves.
    fn start(place: &'p Place, name: &str, args: &[&str]) -> Self {
        symlink(KEYBEARER, place.path(name)).unwrap();
        let child = Command::new(place.path(name))
            .args(args)
            .args(ALONE)
            .current_dir(place.path(""))
            .env_clear()
            .env("CERTS", place.path("certs"))
            .stdin(Stdio::null())
            .stderr(File::create(place.path("log")).unwrap())
            .spawn()
            .unwrap();
        let mut serving = Self { child, place };
        until(|| {
            assert!(serving.child.try_wait().unwrap().is_none(), "{}", serving.log());
            serving.line("serving").is_some()
        });
        serving
    }

    fn log(&self) -> String {
        fs::read_to_string(self.place.path("log")).unwrap()
    }

    /// The first line with this message.
    fn line(&self, message: &str) -> Option<Value> {
        let log = self.log();
        let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.into_iter().find(|line| line["message"].as_str().is_some_and(|text| text.contains(message)))
    }

    fn get(&self, path: &str) -> String {
        let address = self.line("serving").unwrap()["admin"].as_str().unwrap().to_owned();
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(GUARD)).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    }

    /// Asks it to end, and waits.
    fn end(mut self) -> (Option<i32>, String) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        let mut status = None;
        until(|| {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        (status.unwrap().code(), self.log())
    }
}

impl Drop for Serving<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn it_serves_until_it_is_asked_to_end() {
    let place = place().with("conf/webhook.yaml", CERTIFICATES);
    let serving = Serving::start(&place, "keybearer", &["webhook", "--config", "conf/webhook.yaml"]);
    assert_eq!(serving.line("serving").unwrap()["dialect"], "keybearer");
    assert!(serving.get("/livez").starts_with("HTTP/1.1 200"));
    until(|| serving.get("/readyz").starts_with("HTTP/1.1 200"));
    assert!(serving.get("/metrics").contains("keybearer_ready 1\n"));
    let (code, log) = serving.end();
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("draining") && log.contains("\"ended\""), "{log}");
}

#[test]
fn while_it_drains_it_is_not_ready_and_serves() {
    let place = place().with("conf/webhook.yaml", CERTIFICATES);
    let args = ["webhook", "--config", "conf/webhook.yaml", "--drain-delay", "2"];
    let serving = Serving::start(&place, "keybearer", &args);
    until(|| serving.get("/readyz").starts_with("HTTP/1.1 200"));
    let id = serving.child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    until(|| serving.line("draining").is_some());
    assert!(serving.get("/readyz").starts_with("HTTP/1.1 503"));
    let listen = serving.line("serving").unwrap()["listen"].as_str().unwrap().to_owned();
    assert!(TcpStream::connect_timeout(&listen.parse().unwrap(), Duration::from_secs(1)).is_ok());
    assert_eq!(serving.end().0, Some(0));
}

#[test]
fn files_of_a_pattern_are_laid_over_each_other_by_name() {
    let place = place()
        .with("conf/b.yaml", "compat: flyte-v1\nwebhook: {serviceName: b}\n")
        .with("conf/a.yaml", format!("compat: keybearer\n{CERTIFICATES}"))
        .with("conf/c.yml", "polcy: this one is not meant\n");
    let serving = Serving::start(&place, "keybearer", &["webhook", "--config", "conf/*.yaml"]);
    assert_eq!(serving.line("serving").unwrap()["dialect"], "flyte-v1");
    assert_eq!(serving.end().0, Some(0));
}

#[test]
fn flytes_program_with_flytes_file_is_dialect_flyte_v1() {
    let place = place().with(
        "conf/core.yaml",
        format!("propeller: {{rawoutput-prefix: s3://x}}\n{CERTIFICATES}  # a name of another version of Flyte:\n"),
    );
    let place = place.with("conf/webhook.yaml", "webhook: {notYetThere: 1, SERVICENAME: flyte-pod-webhook}\n");
    let serving = Serving::start(&place, "flytepropeller", &["webhook", "--config", "conf/*.yaml"]);
    assert_eq!(serving.line("serving").unwrap()["dialect"], "flyte-v1");
    for noted in ["section `propeller`", "notYetThere"] {
        assert!(serving.line(noted).is_some(), "{noted}: {}", serving.log());
    }
    assert_eq!(serving.end().0, Some(0));
    // Under our own name that is a mistake.
    let said = place.keybearer(&["webhook", "--config", "conf/*.yaml"]).code(1);
    said.complains(&["conf/webhook.yaml:1:11: unknown name `notYetThere`"]);
}

#[test]
fn flytes_aliases_are_known_and_no_way_to_a_cluster_is_said() {
    let place = place().env("KUBECONFIG", "nowhere").with("conf/a.yaml", "compat: flyte-v1\n");
    for args in [
        &["webhooks", "init-cert"][..],
        &["webhook", "init-certs", "--config", "conf/*.yaml"],
        &["webhook", "--listen-address", "127.0.0.1:0", "--admin-address", "127.0.0.1:0"],
    ] {
        place.keybearer(args).code(1).complains(&[
            "error: there is no way to an API server: KUBECONFIG is set, and",
            "nowhere",
            "hint: let KUBECONFIG name a file",
        ]);
    }
}

#[test]
fn what_this_build_can_not_serve_is_named_at_start() {
    let place = place().with("aws.yaml", "webhook:\n  secretManagerType: AWS\n");
    for args in [&["webhook", "--config", "aws.yaml"][..], &["webhook", "init-certs", "--config", "aws.yaml"]] {
        let said = place.keybearer(args).code(1);
        said.complains(&["error: aws.yaml:2:22: manager `AWS` is not served by this build", "hint: "]);
    }
    let said = place.keybearer(&["webhook", "--config", "none/*.yaml"]).code(1);
    said.complains(&["can't read the folder of `none/*.yaml`"]);
    let said = place.keybearer(&["webhook", "--config", "conf/*.yaml"]).code(1);
    said.complains(&["no file fits `conf/*.yaml`"]);
    let said = place.keybearer(&["webhook", "--config", "none.yaml"]).code(1);
    said.complains(&["can't read configuration `none.yaml`"]);
}

#[test]
fn certificates_that_can_not_be_served_are_an_error_at_start() {
    let serve = ["webhook", "--config", "c.yaml", "--no-cluster", "--admin-address", "127.0.0.1:0"];
    let place = place().with("c.yaml", CERTIFICATES).with("certs/tls.key", pair().key.as_bytes());
    let said = place.keybearer(&serve).code(1);
    said.complains(&["certs/tls.crt` does not match the key in", "hint: "]).never_says("PRIVATE");
    fs::remove_file(place.path("certs/tls.crt")).unwrap();
    place.keybearer(&serve).code(1).complains(&["can't read", "tls.crt", "hint: `keybearer webhook init-certs`"]);
}

#[test]
fn a_port_that_is_taken_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let place = place().with("c.yaml", CERTIFICATES);
    let serve = ["webhook", "--config", "c.yaml", "--no-cluster", "--listen-address", &address];
    place.keybearer(&serve).code(1).complains(&[&format!("error: can't listen on {address}: "), "hint: "]);
}
