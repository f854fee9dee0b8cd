//! What is no review, and who is no API server.

use crate::harness::{Running, request, review};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[tokio::test]
async fn a_wrong_content_type_is_turned_away() {
    let server = Running::start().await;
    let body = review();
    for kind in ["text/plain", "application/jsonx", ""] {
        let head = format!(
            "POST /mutate--v1-pod HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let mut client = server.connect().await;
        client.send(&[head.as_bytes(), &body].concat()).await;
        assert_eq!(client.reply().await.code, 415, "{kind}");
    }
}

#[tokio::test]
async fn another_path_or_method_is_not_served() {
    let server = Running::start().await;
    for (line, code) in [("POST /mutate HTTP/1.1", 404), ("GET / HTTP/1.1", 404), ("GET /mutate--v1-pod HTTP/1.1", 405)]
    {
        let mut client = server.connect().await;
        client.send(format!("{line}\r\nHost: x\r\nContent-Length: 0\r\n\r\n").as_bytes()).await;
        let reply = client.reply().await;
        assert_eq!(reply.code, code, "{line}");
        assert_eq!(reply.json()["code"], code);
        assert_eq!(reply.head.to_ascii_lowercase().contains("allow: post\r\n"), code == 405);
    }
    assert_eq!(server.metric("keybearer_turned_away_total{reason=\"path\"}").await, Some(2.0));
    assert_eq!(server.metric("keybearer_turned_away_total{reason=\"method\"}").await, Some(1.0));
}

#[tokio::test]
async fn a_body_over_the_limit_is_413_by_its_length_and_as_it_comes() {
    let server = Running::with("", |settings| settings.config.limits.body = 1000).await;
    let head = "POST /mutate--v1-pod HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
    // All that is sent, with and without a wait for what the server says.
    let length = format!("{head}Content-Length: 1001\r\n\r\n");
    let expecting = format!("{head}Expect: 100-continue\r\nContent-Length: 1001\r\n\r\n");
    let chunked = format!("{head}Transfer-Encoding: chunked\r\n\r\n3e9\r\n");
    let cases = [
        [length.as_bytes(), &[b' '; 1001]].concat(),
        expecting.into_bytes(),
        [chunked.as_bytes(), &[b' '; 1001], b"\r\n0\r\n\r\n"].concat(),
    ];
    for case in &cases {
        let mut client = server.connect().await;
        client.send(case).await;
        let reply = client.reply().await;
        assert_eq!(reply.code, 413);
        assert!(reply.head.contains("content-type: application/json"), "{}", reply.head);
        assert_eq!(reply.json()["code"], 413);
        assert!(reply.json().get("response").is_none(), "it is no review's answer");
    }
    assert_eq!(server.metric("keybearer_turned_away_total{reason=\"too_large\"}").await, Some(3.0));
}

#[tokio::test]
async fn who_sends_all_of_a_body_over_the_limit_still_reads_the_answer() {
    let server = Running::with("", |settings| settings.config.limits.body = 16 << 20).await;
    // More than the kernel keeps for a connection that nobody reads.
    let body = vec![b' '; 24 << 20];
    assert_eq!(server.connect().await.post(&body).await.code, 413);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_let_go() {
    let server = Running::start().await;
    let mut client = server.connect().await;
    let all = request(&review());
    client.send(&all[..all.len() - 10]).await;
    drop(client);
    while server.metric("keybearer_connections").await != Some(0.0) {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    assert_eq!(server.metric("keybearer_bytes_in_flight").await, Some(0.0));
    assert_eq!(server.connect().await.post(&review()).await.code, 200);
}

#[tokio::test]
async fn what_is_no_review_is_refused_in_a_reviews_answer() {
    let server = Running::start().await;
    let mut client = server.connect().await;
    assert_eq!(client.post(b"").await.code, 400);
    for body in [&b"{"[..], b"[]", b"null", b"{\"kind\":\"AdmissionReview\"}", b"\xff\xfe"] {
        let reply = client.post(body).await;
        assert_eq!(reply.code, 200, "{body:?}");
        assert_eq!(reply.json()["response"]["allowed"], false);
        assert_eq!(reply.json()["response"]["status"]["code"], 400);
    }
    let without_uid = String::from_utf8(review()).unwrap().replace("\"uid\":\"u-1\"", "\"x\":1");
    let reply = client.post(without_uid.as_bytes()).await;
    assert!(reply.json()["response"]["status"]["message"].as_str().unwrap().contains("uid"));
    assert_eq!(server.metric("keybearer_admissions_total{outcome=\"unreadable\"}").await, Some(6.0));
}

#[tokio::test]
async fn a_refusal_is_no_unreadable_review_whatever_its_code_is() {
    let server = Running::with("refusalStatus: 400", |_| {}).await;
    let mut client = server.connect().await;
    let versioned = secret::Secret {
        group: "db".to_owned(),
        group_version: "7".to_owned(),
        key: "password".to_owned(),
        ..secret::Secret::default()
    };
    let mut review: serde_json::Value = serde_json::from_slice(&review()).unwrap();
    review["request"]["object"]["metadata"]["annotations"]["flyte.secrets/s0"] = secret::encode(&versioned).into();
    for body in [review.to_string().as_bytes(), b"{"] {
        assert_eq!(client.post(body).await.json()["response"]["status"]["code"], 400);
    }
    for outcome in ["refused", "unreadable"] {
        let metric = format!("keybearer_admissions_total{{outcome=\"{outcome}\"}}");
        assert_eq!(server.metric(&metric).await, Some(1.0), "{outcome}");
    }
}

#[tokio::test]
async fn plain_http_on_the_tls_port_is_ended_and_counted() {
    let server = Running::start().await;
    let mut stream = TcpStream::connect(server.webhook).await.unwrap();
    stream.write_all(&request(&review())).await.unwrap();
    let mut bytes = Vec::new();
    // Ended by an alert or by a reset, as the kernel has it.
    let _ = stream.read_to_end(&mut bytes).await;
    assert!(!bytes.starts_with(b"HTTP"));
    assert_eq!(server.metric("keybearer_tls_handshake_failures_total").await, Some(1.0));
    assert_eq!(server.connect().await.post(&review()).await.code, 200);
}

#[tokio::test]
async fn a_head_over_the_limit_is_431() {
    let server = Running::start().await;
    let mut client = server.connect().await;
    let head = format!("POST /mutate--v1-pod HTTP/1.1\r\nHost: x\r\nX: {}", "x".repeat(32 << 10));
    client.send(head.as_bytes()).await;
    assert_eq!(client.reply().await.code, 431);
}
