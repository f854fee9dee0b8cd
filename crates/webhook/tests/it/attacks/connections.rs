//! Connections that are many, slow, silent or half closed.

use super::SLACK;
use crate::harness::{Client, PATIENCE, client_config, request, review, review_of_much};
use crate::process::Alone;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// Connections of a flood.
const MANY: usize = 300;

#[tokio::test]
async fn heads_that_trickle_are_ended_and_hold_little() {
    let server = Alone::start("limits: {headTime: 2s}");
    let before = server.memory();
    let mut slow = Vec::new();
    for _ in 0..MANY {
        let mut client = server.connect().await;
        client.send(b"POST /mutate--v1-pod HTTP/1.1\r\nHost: x\r\nX-Slow: ").await;
        slow.push(client);
    }
    assert!(server.memory() - before < SLACK + (MANY as u64) * (64 << 10), "{before} {}", server.memory());
    server.serves().await;
    for mut client in slow {
        // One more byte now and then changes nothing.
        let _ = client.stream.write_all(b"x").await;
        assert!(client.is_closed().await);
    }
    server.until("keybearer_connections ", |open| open == 0.0).await;
}

#[tokio::test]
async fn connections_that_never_ask_give_way_and_memory_stays() {
    let server = Alone::start("limits: {connections: 50}");
    let before = server.memory();
    let config = client_config(&[b"http/1.1"]);
    let mut flood = Vec::new();
    // Half of them don't even begin a handshake.
    for number in 0..MANY {
        if number % 2 == 0 {
            flood.push((Some(TcpStream::connect(server.webhook).await.unwrap()), None));
        } else {
            flood.push((None, Some(server.connect_with(&config).await)));
        }
    }
    server.serves().await;
    assert!(server.memory() - before < SLACK, "{before} {}", server.memory());
    assert!(server.metric("keybearer_connections ").await.unwrap() <= 50.0);
    server.until("keybearer_connections_cut_total{reason=\"place\"}", |cut| cut >= 200.0).await;
    // The first that came are the first to go.
    let (mut stream, _) = flood.swap_remove(0);
    let read = tokio::time::timeout(PATIENCE, stream.as_mut().unwrap().read(&mut [0])).await.unwrap();
    assert!(!matches!(read, Ok(1..)), "{read:?}");
}

#[tokio::test]
async fn who_has_asked_keeps_the_place_in_a_flood() {
    let server = Alone::start("limits: {connections: 20}");
    let mut api_server = server.connect().await;
    assert_eq!(api_server.post(&review()).await.code, 200);
    let mut flood = Vec::new();
    for _ in 0..MANY {
        flood.push(TcpStream::connect(server.webhook).await.unwrap());
    }
    server.until("keybearer_connections_cut_total{reason=\"place\"}", |cut| cut >= 200.0).await;
    assert_eq!(api_server.post(&review()).await.code, 200);
}

#[tokio::test]
async fn a_flood_of_the_admin_port_keeps_no_probe_out() {
    let server = Alone::start("");
    server.serves().await;
    let before = server.memory();
    let mut flood = Vec::new();
    for number in 0..200 {
        let mut stream = TcpStream::connect(server.admin).await.unwrap();
        // Nothing, the half of a head, or all of one, and nothing is read.
        let head = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
        let _ = stream.write_all(&head[..[0, head.len() / 2, head.len()][number % 3]]).await;
        flood.push(stream);
        if number % 20 == 0 {
            assert_eq!(server.page("/livez").await, (200, "ok\n".to_owned()));
        }
    }
    assert_eq!(server.page("/livez").await, (200, "ok\n".to_owned()));
    assert!(server.memory() - before < SLACK, "{before} {}", server.memory());
    // The first ones have given way.
    let mut rest = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(5), flood[0].read_to_end(&mut rest)).await;
    assert!(ended.is_ok() && rest.is_empty(), "{rest:?}");
}

#[tokio::test]
async fn connections_that_come_and_go_leave_nothing() {
    let server = Alone::start("");
    server.serves().await;
    let before = server.memory();
    for _ in 0..2000 {
        let stream = TcpStream::connect(server.webhook).await.unwrap();
        // A reset, not an end.
        stream.set_zero_linger().unwrap();
    }
    server.serves().await;
    server.until("keybearer_connections ", |open| open == 0.0).await;
    assert!(server.memory().saturating_sub(before) < SLACK, "{before} {}", server.memory());
}

#[tokio::test]
async fn who_half_closes_behind_a_request_gets_the_answer_and_the_end() {
    let server = Alone::start("");
    let mut client = server.connect().await;
    client.send(&request(&review())).await;
    // TLS's end and then TCP's: nothing more will come.
    client.stream.shutdown().await.unwrap();
    assert_eq!(client.reply().await.code, 200);
    assert!(client.is_closed().await);
    server.until("keybearer_connections ", |open| open == 0.0).await;
}

#[tokio::test]
async fn who_half_closes_within_a_request_is_let_go() {
    let server = Alone::start("");
    let all = request(&review());
    for part in [0, 20, all.len() - 10] {
        let mut client = server.connect().await;
        client.send(&all[..part]).await;
        client.stream.shutdown().await.unwrap();
        let ended = tokio::time::timeout(PATIENCE, client.stream.read_to_end(&mut Vec::new())).await;
        assert!(ended.is_ok(), "after {part} bytes");
    }
    server.until("keybearer_connections ", |open| open == 0.0).await;
    server.until("keybearer_bytes_in_flight ", |bytes| bytes == 0.0).await;
}

#[tokio::test]
async fn who_reads_nothing_is_cut_and_holds_little() {
    let server = Alone::start("limits: {bodyTime: 1s}");
    let before = server.memory();
    let watch = server.watch();
    let all = request(&review_of_much());
    let answer = server.connect().await.post(&review_of_much()).await.body.len();
    assert!(answer > 50 * all.len(), "{answer}");
    let mut clients = Vec::new();
    for _ in 0..4 {
        let socket = TcpSocket::new_v4().unwrap();
        // So that little is taken for it by the kernel.
        socket.set_recv_buffer_size(4096).unwrap();
        let stream = socket.connect(server.webhook).await.unwrap();
        let (mut client, all) = (Client::over(stream, &client_config(&[b"http/1.1"])).await, all.clone());
        // As many requests as are taken, and never a look at an answer.
        clients.push(tokio::spawn(async move { while client.stream.write_all(&all).await.is_ok() {} }));
    }
    server.serves().await;
    for client in clients {
        tokio::time::timeout(PATIENCE, client).await.expect("it is cut").unwrap();
    }
    server.until("keybearer_connections_cut_total{reason=\"untaken\"}", |cut| cut >= 4.0).await;
    server.until("keybearer_bytes_in_flight ", |bytes| bytes == 0.0).await;
    let most = watch.most();
    // Four that lie there, and two that are being made: as a patch, and in the form that is sent.
    let answers = 8 * u64::try_from(answer).unwrap();
    assert!(most - before < SLACK + answers, "{before} {most}");
}
