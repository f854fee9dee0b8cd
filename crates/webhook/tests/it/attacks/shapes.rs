//! Requests of a shape that two readers might read differently, and bodies in disguise. No proxy stands before the server
//! that could be fooled; still nothing is read as a second request that its sender did not mean as one.

use crate::harness::{PATIENCE, Running, review};
use tokio::io::AsyncReadExt;

/// The start of a second request, hidden in what may be the body of the first.
const HIDDEN: &str = "GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n";

/// Every status line of all that the server says before it ends the connection.
async fn answers(server: &Running, bytes: &[u8]) -> Vec<u16> {
    let mut client = server.connect().await;
    client.send(bytes).await;
    let mut said = Vec::new();
    // An end with or without TLS's own.
    let _ = tokio::time::timeout(PATIENCE, client.stream.read_to_end(&mut said)).await.expect("the connection ends");
    let said = String::from_utf8_lossy(&said).into_owned();
    said.split("HTTP/1.1 ").skip(1).map(|answer| answer[..3].parse().unwrap()).collect()
}

fn head(headers: &str) -> String {
    format!("POST /mutate--v1-pod HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{headers}\r\n\r\n")
}

#[tokio::test]
async fn a_request_of_two_lengths_is_refused_and_its_connection_ends() {
    let server = Running::start().await;
    let (short, long) = (HIDDEN.len(), HIDDEN.len() + 5);
    for headers in [
        format!("Content-Length: {long}\r\nTransfer-Encoding: chunked"),
        format!("Transfer-Encoding: chunked\r\nContent-Length: {long}"),
        format!("Content-Length: {short}\r\nContent-Length: {long}"),
        format!("Content-Length: {short}, {long}"),
        "Content-Length: +5".to_owned(),
        "Content-Length: -5".to_owned(),
        "Content-Length: 0x5".to_owned(),
        "Content-Length: 99999999999999999999999".to_owned(),
        "Content-Length : 5".to_owned(),
        "Content-Length: 5\r\n folded: x".to_owned(),
        "Transfer-Encoding: chunked, identity".to_owned(),
        "Transfer-Encoding: identity".to_owned(),
        "Transfer-Encoding: xchunked".to_owned(),
        "Transfer-Encoding : chunked".to_owned(),
    ] {
        let bytes = [head(&headers), "0\r\n\r\n".to_owned(), HIDDEN.to_owned()].concat();
        let said = answers(&server, bytes.as_bytes()).await;
        assert_eq!(said, [400], "{headers}");
    }
    assert_eq!(server.connect().await.post(&review()).await.code, 200);
}

#[tokio::test]
async fn chunks_that_are_none_end_the_connection() {
    let server = Running::start().await;
    let long = format!("5;{}\r\n", "x".repeat(64 << 10));
    let trailers = format!("0\r\n{}\r\n", "X-Trailer: y\r\n".repeat(10_000));
    for chunks in [
        "zz\r\n",
        "-1\r\n",
        "FFFFFFFFFFFFFFFFF\r\n",
        "5\r\n{}   \r\rx",
        "1\nx\n0\n\n",
        long.as_str(),
        trailers.as_str(),
    ] {
        let bytes = [head("Transfer-Encoding: chunked"), chunks.to_owned(), HIDDEN.to_owned()].concat();
        let said = answers(&server, bytes.as_bytes()).await;
        assert!(said.iter().all(|code| *code == 400) && said.len() <= 1, "{said:?} for {:?}", &chunks[..4]);
    }
}

#[tokio::test]
async fn what_is_packed_is_not_unpacked() {
    let server = Running::start().await;
    let body = review();
    for encoding in ["gzip", "deflate", "br", "zstd", "identity, gzip"] {
        let head = head(&format!("Content-Encoding: {encoding}\r\nContent-Length: {}", body.len()));
        let mut client = server.connect().await;
        client.send(&[head.as_bytes(), &body].concat()).await;
        assert_eq!(client.reply().await.code, 415, "{encoding}");
    }
    assert_eq!(server.metric("keybearer_turned_away_total{reason=\"encoding\"}").await, Some(5.0));
    let plain = head(&format!("Content-Encoding: identity\r\nContent-Length: {}", body.len()));
    let mut client = server.connect().await;
    client.send(&[plain.as_bytes(), &body].concat()).await;
    assert_eq!(client.reply().await.code, 200);
}

#[tokio::test]
async fn a_head_that_is_none_is_refused_and_its_connection_ends() {
    let server = Running::start().await;
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(200));
    for bytes in [
        &b"\x00\x01\x02\x03\r\n\r\n"[..],
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost\x00: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: a\x00b\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        many.as_bytes(),
    ] {
        let said = answers(&server, bytes).await;
        assert!(said.len() <= 1 && said.iter().all(|code| matches!(code, 400 | 431)), "{said:?} for {bytes:?}");
    }
    // A method that is taken on no connection that goes on as something else.
    let connect = b"CONNECT x:443 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    assert!(answers(&server, connect).await.iter().all(|code| (400..500).contains(code)));
    let upgrade = b"GET /mutate--v1-pod HTTP/1.1\r\nHost: x\r\nConnection: upgrade, close\r\nUpgrade: h2c\r\n\r\n";
    assert_eq!(answers(&server, upgrade).await, [405]);
}
