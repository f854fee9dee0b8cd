//! Probes, and the end: nothing that was asked stays without an answer.

use crate::harness::{At, PATIENCE, Pair, Running, pair, request, review, write};
use rcgen::{CertificateParams, KeyPair};
use std::time::Duration;
use tokio::net::TcpStream;

#[tokio::test]
async fn alive_and_ready_are_said_apart() {
    let server = Running::start().await;
    assert_eq!(server.page("/livez").await, (200, "ok\n".to_owned()));
    while server.page("/readyz").await.0 != 200 {
        tokio::task::yield_now().await;
    }
    assert_eq!(server.metric("keybearer_ready").await, Some(1.0));
    assert!(server.metric("keybearer_certificate_not_after_seconds").await.unwrap() > 1.7e9);
}

#[tokio::test]
async fn with_a_certificate_that_has_ended_it_is_alive_and_not_ready() {
    let server = Running::start().await;
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.not_after = rcgen::date_time_ymd(2020, 1, 1);
    let ended = Pair { certificate: params.self_signed(&key).unwrap().pem(), key: key.serialize_pem() };
    write(&server.folder, &ended);
    until_ready_is(&server, 503).await;
    assert!(server.page("/readyz").await.1.contains("certificate"));
    assert_eq!(server.page("/livez").await.0, 200);
    write(&server.folder, &pair());
    until_ready_is(&server, 200).await;
}

async fn until_ready_is(server: &Running, code: u16) {
    let is_so = async {
        while server.page("/readyz").await.0 != code {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, is_so).await.unwrap();
}

#[tokio::test]
async fn while_draining_requests_are_answered_and_told_to_go() {
    let mut server = Running::with("", |settings| settings.drain_delay = Duration::from_millis(500)).await;
    let mut open = server.connect().await;
    assert_eq!(open.post(&review()).await.code, 200);
    server.ask_to_end();
    while server.page("/readyz").await.0 == 200 {
        tokio::task::yield_now().await;
    }
    assert!(server.page("/readyz").await.1.contains("draining"));
    let reply = open.post(&review()).await;
    assert_eq!(reply.code, 200);
    assert!(reply.closes());
    let reply = server.connect().await.post(&review()).await;
    assert_eq!((reply.code, reply.closes()), (200, true));
    server.ended().await;
}

#[tokio::test]
async fn a_request_in_hand_is_answered_before_the_end() {
    let mut server = Running::start().await;
    let address = server.webhook;
    let mut client = server.connect().await;
    let all = request(&review());
    client.send(&all[..all.len() / 2]).await;
    while server.metric("keybearer_bytes_in_flight").await == Some(0.0) {
        tokio::task::yield_now().await;
    }
    server.ask_to_end();
    while TcpStream::connect(address).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    client.send(&all[all.len() / 2..]).await;
    assert_eq!(client.reply().await.code, 200);
    server.ended().await;
}

#[tokio::test]
async fn a_connection_that_never_asked_does_not_keep_the_server() {
    let mut server = Running::start().await;
    let mut unused = server.connect().await;
    let mut idle = server.connect().await;
    assert_eq!(idle.post(&review()).await.code, 200);
    server.ask_to_end();
    assert!(unused.ends().await && idle.ends().await);
    server.ended().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_load_a_drain_fails_no_request() {
    let mut server = Running::with("", |settings| settings.drain_delay = Duration::from_secs(3)).await;
    let callers: Vec<_> = (0..4)
        .map(|_| {
            let at = At { webhook: server.webhook, admin: server.admin };
            tokio::spawn(async move {
                let (mut client, mut told) = (at.connect().await, 0);
                // As an API server: on a connection that is kept for as long as the answers let it be.
                while told < 5 {
                    let reply = client.post(&review()).await;
                    assert_eq!(reply.code, 200);
                    if reply.closes() {
                        told += 1;
                        client = at.connect().await;
                    }
                }
            })
        })
        .collect();
    while server.metric("keybearer_admissions_total{outcome=\"allowed\"}").await < Some(20.0) {
        tokio::task::yield_now().await;
    }
    server.ask_to_end();
    for caller in callers {
        tokio::time::timeout(PATIENCE, caller).await.unwrap().unwrap();
    }
    server.ended().await;
}
