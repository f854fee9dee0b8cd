//! Bodies that are huge, many, slow or deep.

use super::SLACK;
use crate::harness::{Client, request, review, review_of_many};
use crate::process::Alone;
use serde_json::json;

use tokio::io::AsyncWriteExt;

const MIB: usize = 1 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_huge_bodies_is_shed_and_memory_is_bounded() {
    let server = Alone::start("limits: {bytesInFlight: 16Mi}");
    server.serves().await;
    let before = server.memory();
    let watch = server.watch();
    // Each is a review of a pod that is skipped over for the most part, as large as the server takes it.
    let body = large(&"x".repeat(7 * MIB - 2000));
    let mut clients = Vec::new();
    for _ in 0..40 {
        clients.push(server.connect().await);
    }
    let (mut taken, mut shed) = (0, 0);
    let all = std::sync::Arc::new(request(&body));
    let tasks: Vec<_> = clients
        .into_iter()
        .map(|mut client| {
            let all = std::sync::Arc::clone(&all);
            tokio::spawn(async move {
                client.send(&all).await;
                client.reply().await.code
            })
        })
        .collect();
    for task in tasks {
        match task.await.unwrap() {
            200 => taken += 1,
            503 => shed += 1,
            code => panic!("{code}"),
        }
    }
    assert!(taken > 0 && shed > 0, "{taken} taken, {shed} shed");
    let most = watch.most();
    // What is held, and as much again for what is being answered.
    assert!(most - before < 2 * (16 << 20) + SLACK, "{before} {most}");
    server.until("keybearer_bytes_in_flight ", |bytes| bytes == 0.0).await;
    server.serves().await;
}

#[tokio::test]
async fn a_length_that_is_only_announced_holds_little() {
    let server = Alone::start("limits: {bytesInFlight: 14Mi, bodyTime: 60s}");
    let mut clients: Vec<Client> = Vec::new();
    for _ in 0..300 {
        let mut client = server.connect().await;
        let head = format!(
            "POST /mutate--v1-pod HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{{",
            7 * MIB
        );
        client.send(head.as_bytes()).await;
        clients.push(client);
    }
    // All of them are there, and what was set aside for each is a page.
    server.until("keybearer_bytes_in_flight ", |bytes| bytes >= 300.0 * 4096.0).await;
    let held = server.metric("keybearer_bytes_in_flight ").await.unwrap();
    assert!(held <= 300.0 * 4096.0, "{held}");
    // Were they counted as announced, 2 GiB would be more than there is room for.
    server.serves().await;
}

#[tokio::test]
async fn bodies_that_trickle_are_turned_away_and_hold_little() {
    let server = Alone::start("limits: {bodyTime: 1s}");
    let before = server.memory();
    let all = request(&review());
    let mut clients = Vec::new();
    for _ in 0..100 {
        let mut client = server.connect().await;
        client.send(&all[..all.len() - 10]).await;
        clients.push(client);
    }
    server.serves().await;
    assert!(server.memory() - before < SLACK, "{before} {}", server.memory());
    for mut client in clients {
        let _ = client.stream.write_all(b" ").await;
        assert_eq!(client.reply().await.code, 408);
        assert!(client.is_closed().await);
    }
    server.until("keybearer_bytes_in_flight ", |bytes| bytes == 0.0).await;
}

#[tokio::test]
async fn json_that_is_nested_as_deep_as_it_is_long_is_answered() {
    let server = Alone::start("");
    server.serves().await;
    let before = server.memory();
    let watch = server.watch();
    let depth = 3 * MIB;
    let nested = |open: &str, close: &str| [open.repeat(depth), close.repeat(depth)].concat();
    for (where_, open, close) in
        [("skipped", "[", "]"), ("spec", "[", "]"), ("metadata", "{\"a\":", "}"), ("", "[", "]")]
    {
        let value =
            if open == "[" { nested(open, close) } else { [open.repeat(MIB), "1".into(), close.repeat(MIB)].concat() };
        let body = if where_.is_empty() {
            value
        } else {
            String::from_utf8(review())
                .unwrap()
                .replace("\"apiVersion\":\"v1\",\"kind\":\"Pod\"", &format!("\"{where_}\":{value}"))
        };
        let reply = server.connect().await.post(body.as_bytes()).await;
        assert_eq!(reply.code, 200, "{where_}");
        assert_eq!(
            reply.json()["response"]["allowed"],
            where_ == "skipped",
            "{where_}: {}",
            reply.json()["response"]["status"]
        );
    }
    let most = watch.most();
    assert!(most - before < 4 * 7 * (1 << 20) + SLACK, "{before} {most}");
}

#[tokio::test]
async fn thousands_of_containers_are_answered_in_bounds() {
    let server = Alone::start("");
    server.serves().await;
    let before = server.memory();
    let watch = server.watch();
    let mut review: serde_json::Value = serde_json::from_slice(&review()).unwrap();
    let containers: Vec<_> =
        (0..5_000).map(|number| json!({"name": format!("c{number}"), "env": [{"name": "A", "value": "b"}]})).collect();
    review["request"]["object"]["spec"]["containers"] = containers.into();
    let reply = server.connect().await.post(review.to_string().as_bytes()).await;
    assert_eq!((reply.code, &reply.json()["response"]["allowed"]), (200, &true.into()));
    let most = watch.most();
    assert!(most - before < 48 << 20, "{before} {most}");
}

#[tokio::test]
async fn a_small_pod_that_would_become_a_huge_one_is_refused() {
    let server = Alone::start("");
    server.serves().await;
    let before = server.memory();
    let watch = server.watch();
    // Two hundred kilobytes, of which a million variables would be made.
    let keys = |count: usize| (0..count).map(|number| format!("k{number}"));
    let body = review_of_many(1_000, keys(1_000));
    assert!(body.len() < 200_000, "{}", body.len());
    for _ in 0..5 {
        let reply = server.connect().await.post(&body).await;
        let response = &reply.json()["response"];
        assert_eq!((reply.code, &response["allowed"]), (200, &false.into()));
        let message = response["status"]["message"].as_str().unwrap();
        assert!(message.contains("more than 4 MiB") && message.contains("fewer secrets"), "{message}");
    }
    // Nearly as large as it may be.
    let reply = server.connect().await.post(&review_of_many(100, keys(400))).await;
    assert_eq!((reply.code, &reply.json()["response"]["allowed"]), (200, &true.into()));
    assert!(reply.patch().len() > 3 * MIB, "{}", reply.patch().len());
    let most = watch.most();
    assert!(most - before < 4 * 4 * (1 << 20) + SLACK, "{before} {most}");
}

#[tokio::test]
async fn lists_longer_than_any_pods_are_refused_and_memory_is_bounded() {
    let server = Alone::start("");
    server.serves().await;
    let before = server.memory();
    let watch = server.watch();
    let text = String::from_utf8(review()).unwrap();
    // Two million containers of three bytes each, as many mounts in many containers, as many words of a command.
    let containers = format!("[{{}}{}]", ",{}".repeat(2_300_000));
    let mounts = format!("{{\"volumeMounts\":[{{}}{}]}},", ",{}".repeat(60_000)).repeat(38);
    let words = format!("{{\"command\":[\"\"{}]}}", ",\"\"".repeat(2_000_000));
    for containers in [containers, format!("[{mounts}{{}}]"), format!("[{words}]")] {
        // The second one is not as API servers write, and so read in another way.
        for name in ["containers", "contain\\u0065rs"] {
            let there = r#""containers":[{"image":"i","name":"main"}]"#;
            let body = text.replace(there, &format!(r#""{name}":{containers}"#));
            assert!((5 * MIB..7 * MIB).contains(&body.len()), "{}", body.len());
            let reply = server.connect().await.post(body.as_bytes()).await;
            let message = reply.json()["response"]["status"]["message"].to_string();
            assert!(message.contains("entries, and is not as API servers write it"), "{message}");
        }
    }
    let most = watch.most();
    assert!(most - before < 2 * 7 * (1 << 20) + (30 << 20) + SLACK, "{before} {most}");
}

/// A review of a pod with one long text that nobody reads.
fn large(text: &str) -> Vec<u8> {
    let mut review: serde_json::Value = serde_json::from_slice(&review()).unwrap();
    review["request"]["object"]["status"] = json!({"message": text});
    let body = review.to_string().into_bytes();
    assert!(body.len() <= 7 * MIB);
    body
}

#[tokio::test]
async fn one_byte_at_a_time_is_a_body_too() {
    let server = Alone::start("");
    let before = server.memory();
    let mut client = server.connect().await;
    client
        .send(b"POST /mutate--v1-pod HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
        .await;
    let mut chunks = Vec::new();
    for byte in &review() {
        chunks.extend_from_slice(b"1\r\n");
        chunks.push(*byte);
        chunks.extend_from_slice(b"\r\n");
    }
    chunks.extend_from_slice(b"0\r\n\r\n");
    client.send(&chunks).await;
    assert_eq!(client.reply().await.code, 200);
    assert!(server.memory() - before < SLACK);
}
