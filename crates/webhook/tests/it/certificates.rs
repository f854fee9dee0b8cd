//! Certificates in files: at start, and changed under a running server.

use crate::harness::{Pair, Running, der, pair, review, settings, shown, write};
use std::fs;
use std::time::Duration;
use tempfile::TempDir;
use webhook::{ClusterUse, Pace, Server};

#[tokio::test]
async fn a_new_certificate_is_served_and_an_open_connection_goes_on() {
    let server = Running::start().await;
    let mut open = server.connect().await;
    let before = shown(&open);
    assert_eq!(open.post(&review()).await.code, 200);
    let new = pair();
    write(&server.folder, &new);
    loop {
        let mut client = server.connect().await;
        assert_eq!(client.post(&review()).await.code, 200, "no request fails meanwhile");
        if shown(&client) == der(&new) {
            break;
        }
        assert_eq!(shown(&client), before);
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    assert_eq!(open.post(&review()).await.code, 200);
}

#[tokio::test]
async fn a_secret_volumes_swapped_link_is_seen() {
    let server = Running::start().await;
    let (folder, new) = (server.folder.path(), pair());
    fs::create_dir(folder.join("..2026")).unwrap();
    fs::write(folder.join("..2026/tls.crt"), &new.certificate).unwrap();
    fs::write(folder.join("..2026/tls.key"), &new.key).unwrap();
    for name in ["tls.crt", "tls.key"] {
        std::os::unix::fs::symlink(format!("..2026/{name}"), folder.join("link")).unwrap();
        fs::rename(folder.join("link"), folder.join(name)).unwrap();
    }
    while shown(&server.connect().await) != der(&new) {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_pair_that_does_not_match_is_not_served_and_the_last_one_is() {
    let server = Running::start().await;
    let before = shown(&server.connect().await);
    let (one, two) = (pair(), pair());
    write(&server.folder, &Pair { certificate: one.certificate, key: two.key });
    while server.metric("keybearer_certificate_load_failures_total").await == Some(0.0) {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let mut client = server.connect().await;
    assert_eq!(shown(&client), before);
    assert_eq!(client.post(&review()).await.code, 200);
    assert_eq!(server.page("/readyz").await.0, 200);
}

#[tokio::test]
async fn at_start_a_bad_certificate_is_an_error_that_names_it() {
    let (one, two) = (pair(), pair());
    let cases = [
        (Pair { certificate: one.certificate.clone(), key: two.key }, "does not match"),
        (Pair { certificate: one.key.clone(), key: one.key.clone() }, "tls.crt"),
        (Pair { certificate: one.certificate.clone(), key: one.certificate }, "tls.key"),
    ];
    for (pair, part) in cases {
        let folder = TempDir::new().unwrap();
        write(&folder, &pair);
        let Err(error) = Server::bind(settings(&folder, "")).await else { panic!("{part}") };
        assert!(error.to_string().contains(part), "{error}");
        assert!(error.hint().is_some());
        assert!(!error.to_string().contains("PRIVATE"), "{error}");
        // Where the cluster has certificates, too, that is asked.
        let mut settings = settings(&folder, "");
        let (certificate_life, pace) = (Duration::from_secs(3600), Pace::default());
        settings.cluster = ClusterUse::Full { adopt: false, owner: None, certificate_life, pace };
        assert!(Server::bind(settings).await.is_ok());
    }
    let empty = TempDir::new().unwrap();
    let Err(error) = Server::bind(settings(&empty, "")).await else { panic!("no certificate") };
    assert!(error.to_string().contains("tls.crt"), "{error}");
    assert!(error.hint().unwrap().contains("init-certs"));
}
