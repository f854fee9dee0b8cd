//! How a connection is answered, and how long it lives.

use crate::harness::{PATIENCE, Running, client_config, client_config_of, request, review};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

#[tokio::test]
async fn a_review_is_answered_again_and_again_on_one_connection() {
    let server = Running::start().await;
    let mut client = server.connect().await;
    for _ in 0..3 {
        let reply = client.post(&review()).await;
        assert_eq!(reply.code, 200, "{reply:?}");
        assert!(!reply.closes());
        let json = reply.json();
        assert_eq!(json["response"]["uid"], "u-1");
        assert_eq!(json["response"]["allowed"], true);
        assert_eq!(json["response"]["patchType"], "JSONPatch");
    }
    assert_eq!(server.metric("keybearer_admissions_total{outcome=\"allowed\"}").await, Some(3.0));
    assert_eq!(server.metric("keybearer_secrets_total{manager=\"K8s\"}").await, Some(3.0));
    assert_eq!(server.metric("keybearer_bytes_in_flight").await, Some(0.0));
}

#[tokio::test]
async fn http2_and_tls12_are_spoken() {
    let server = Running::start().await;
    let (mut sender, _connection) = http2(&server).await;
    assert_eq!(post(&mut sender).await["response"]["allowed"], true);

    let old = client_config_of(&[b"http/1.1"], &[&rustls::version::TLS12]);
    assert_eq!(server.connect_with(&old).await.post(&review()).await.code, 200);
}

#[tokio::test]
async fn an_old_connection_is_ended_with_an_answer_and_never_while_it_is_idle() {
    let server = Running::with("", |settings| settings.config.limits.age = Duration::from_millis(100)).await;
    let mut client = server.connect().await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let reply = client.post(&review()).await;
    assert_eq!(reply.code, 200);
    assert!(reply.closes(), "{}", reply.head);
    assert!(client.is_closed().await);
}

/// A connection in HTTP/2, and the task that ends as it does.
async fn http2(server: &Running) -> (SendRequest<Full<Bytes>>, JoinHandle<hyper::Result<()>>) {
    let client = server.connect_with(&client_config(&[b"h2"])).await;
    let io = TokioIo::new(client.stream);
    let (sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.unwrap();
    (sender, tokio::spawn(connection))
}

async fn post(sender: &mut SendRequest<Full<Bytes>>) -> serde_json::Value {
    let request = hyper::Request::post("https://localhost/mutate--v1-pod")
        .header("content-type", "application/json; charset=utf-8")
        .body(Full::new(Bytes::from(review())))
        .unwrap();
    let response = sender.send_request(request).await.unwrap();
    assert_eq!(response.status(), 200);
    serde_json::from_slice(&response.into_body().collect().await.unwrap().to_bytes()).unwrap()
}

#[tokio::test]
async fn an_old_http2_connection_is_told_to_go_away_used_or_not() {
    let server = Running::with("", |settings| settings.config.limits.age = Duration::from_millis(100)).await;
    let (mut sender, used) = http2(&server).await;
    assert_eq!(post(&mut sender).await["response"]["allowed"], true);
    let (_sender, unused) = http2(&server).await;
    for connection in [used, unused] {
        tokio::time::timeout(PATIENCE, connection).await.unwrap().unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_head_that_trickles_is_ended_and_an_idle_connection_lives_as_long() {
    let server = Running::with("", |settings| settings.config.limits.head = Duration::from_millis(150)).await;
    let mut slow = server.connect().await;
    slow.send(b"POST /mutate--v1-pod HTTP/1.1\r\nHost: ").await;
    assert!(slow.is_closed().await);
    let mut idle = server.connect().await;
    let since = Instant::now();
    assert_eq!(idle.post(&review()).await.code, 200);
    assert!(idle.is_closed().await, "hyper's limit on the head also ends idle connections");
    assert!(since.elapsed() > Duration::from_millis(100), "and not before: {:?}", since.elapsed());
}

#[tokio::test]
async fn a_body_that_trickles_is_turned_away() {
    let server = Running::with("", |settings| settings.config.limits.body_time = Duration::from_millis(100)).await;
    let mut client = server.connect().await;
    let all = request(&review());
    client.send(&all[..all.len() - 10]).await;
    assert_eq!(client.reply().await.code, 408);
    assert_eq!(server.metric("keybearer_turned_away_total{reason=\"slow\"}").await, Some(1.0));
}

#[tokio::test]
async fn connections_past_the_limit_wait_for_a_place() {
    let server = Running::with("", |settings| settings.config.limits.connections = 1).await;
    let mut first = server.connect().await;
    assert_eq!(first.post(&review()).await.code, 200);
    let config = client_config(&[b"http/1.1"]);
    let mut second = Box::pin(server.connect_with(&config));
    let waited = tokio::time::timeout(Duration::from_millis(200), &mut second).await;
    assert!(waited.is_err(), "there was no place for it");
    drop(first);
    let mut second = tokio::time::timeout(PATIENCE, second).await.unwrap();
    assert_eq!(second.post(&review()).await.code, 200);
}

#[tokio::test]
async fn too_many_bytes_at_once_are_turned_away_and_not_held() {
    let body = review();
    let server = Running::with("", |settings| settings.config.limits.in_flight = body.len()).await;
    let mut holding = server.connect().await;
    let all = request(&body);
    holding.send(&all[..all.len() - 1]).await;
    while server.metric("keybearer_bytes_in_flight").await == Some(0.0) {
        tokio::task::yield_now().await;
    }
    let turned = server.connect().await.post(&body).await;
    assert_eq!(turned.code, 503);
    assert!(turned.head.to_ascii_lowercase().contains("retry-after: 1"));
    holding.send(&all[all.len() - 1..]).await;
    assert_eq!(holding.reply().await.code, 200);
}

#[tokio::test]
async fn a_connection_that_says_nothing_is_ended() {
    for alpn in [&b"http/1.1"[..], b"h2"] {
        let server = Running::with("", |settings| {
            settings.config.limits.head = Duration::from_millis(50);
            settings.config.limits.age = Duration::from_millis(50);
            settings.config.limits.body_time = Duration::from_millis(50);
        })
        .await;
        let mut silent = server.connect_with(&client_config(&[alpn])).await;
        assert!(silent.ends().await, "{}", String::from_utf8_lossy(alpn));
    }
}

#[tokio::test]
async fn a_handshake_that_trickles_is_ended() {
    let server = Running::with("", |settings| settings.config.limits.handshake = Duration::from_millis(50)).await;
    let mut stream = TcpStream::connect(server.webhook).await.unwrap();
    stream.write_all(&[0x16, 0x03, 0x01]).await.unwrap();
    let mut rest = Vec::new();
    assert!(tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest)).await.is_ok());
    while server.metric("keybearer_tls_handshake_failures_total").await != Some(1.0) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn how_near_each_limit_is_can_be_seen() {
    let server = Running::with("limits: {secrets: 10, body: 1Mi, connectionAge: 1m}", |_| {}).await;
    let body = review();
    assert_eq!(server.connect().await.post(&body).await.code, 200);
    for (limit, value) in [("secrets", 10.0), ("body_bytes", 1_048_576.0), ("connection_age_seconds", 60.0)] {
        assert_eq!(server.metric(&format!("keybearer_limit{{limit=\"{limit}\"}}")).await, Some(value), "{limit}");
    }
    let peak = async |limit: &str| server.metric(&format!("keybearer_limit_peak{{limit=\"{limit}\"}}")).await.unwrap();
    let length = u32::try_from(body.len()).unwrap();
    assert_eq!((peak("secrets").await, peak("body_bytes").await), (1.0, length.into()));
    let head = peak("head_bytes").await;
    assert!((1.0..500.0).contains(&head), "{head}");
    while peak("connection_age_seconds").await == 0.0 {
        tokio::task::yield_now().await;
    }
    for time in ["handshake_seconds", "head_seconds", "body_seconds"] {
        let seen = peak(time).await;
        assert!(seen > 0.0 && seen < PATIENCE.as_secs_f64(), "{time}: {seen}");
    }
}

#[tokio::test]
async fn a_pod_that_asks_for_more_secrets_than_the_limit_is_refused() {
    let server = Running::with("limits: {secrets: 1}", |_| {}).await;
    let two = String::from_utf8(review())
        .unwrap()
        .replace("\"annotations\":{", "\"annotations\":{\"keybearer.dev/secrets\":\"[{group: a, key: b}]\",");
    let answer = server.connect().await.post(two.as_bytes()).await.json();
    assert_eq!(answer["response"]["allowed"], false);
    assert!(answer["response"]["status"]["message"].as_str().unwrap().contains("asks for 2 secrets; 1 is the limit"));
}
