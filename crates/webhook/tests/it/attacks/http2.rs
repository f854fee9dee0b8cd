//! HTTP/2 frame by frame, as no client would send them.

use super::SLACK;
use crate::harness::{Client, PATIENCE, client_config, review};
use crate::process::Alone;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
/// `ENHANCE_YOUR_CALM`, as an error's last byte.
const CALM: u8 = 11;
/// `REFUSED_STREAM`, as an error's last byte.
const REFUSED: u8 = 7;

/// A frame as it came.
#[derive(Debug)]
struct Frame {
    kind: u8,
    flags: u8,
    stream: u32,
    payload: Vec<u8>,
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A header as it stands, in no table.
fn literal(name: &str, value: &str) -> Vec<u8> {
    let text = |text: &str| {
        assert!(text.len() < 127);
        [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat()
    };
    [&[0][..], &text(name), &text(value)].concat()
}

fn post() -> Vec<u8> {
    [
        literal(":method", "POST"),
        literal(":scheme", "https"),
        literal(":path", "/mutate--v1-pod"),
        literal(":authority", "localhost"),
        literal("content-type", "application/json"),
    ]
    .concat()
}

/// A head that is too long for one frame.
fn long_head(flags: u8, stream: u32, head: &[u8]) -> Vec<u8> {
    let mut all = Vec::new();
    let mut parts = head.chunks(16_000).peekable();
    let (mut kind, mut flags) = (HEADERS, flags);
    while let Some(part) = parts.next() {
        let end = if parts.peek().is_none() { END_HEADERS } else { 0 };
        all.extend(frame(kind, flags | end, stream, part));
        (kind, flags) = (CONTINUATION, 0);
    }
    all
}

async fn open(server: &Alone, settings: &[u8]) -> Client {
    let mut client = server.connect_with(&client_config(&[b"h2"])).await;
    client.send(&[b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &frame(SETTINGS, 0, 0, settings)[..]].concat()).await;
    client
}

/// Sends until the server has enough of it or takes no more.
async fn send(client: &mut Client, bytes: &[u8]) {
    let _ = tokio::time::timeout(Duration::from_secs(2), client.stream.write_all(bytes)).await;
    let _ = tokio::time::timeout(Duration::from_secs(1), client.stream.flush()).await;
}

/// Reads frames until one is wanted or the connection ends.
async fn frames(client: &mut Client, mut is_last: impl FnMut(&Frame) -> bool) -> Vec<Frame> {
    let read = async {
        let mut frames = Vec::new();
        let mut head = [0; 9];
        while client.stream.read_exact(&mut head).await.is_ok() {
            let mut payload = vec![0; usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2])];
            if client.stream.read_exact(&mut payload).await.is_err() {
                break;
            }
            let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
            let frame = Frame { kind: head[3], flags: head[4], stream, payload };
            let enough = is_last(&frame);
            frames.push(frame);
            if enough {
                break;
            }
        }
        frames
    };
    tokio::time::timeout(PATIENCE, read).await.expect("the server says something or ends the connection")
}

/// The error of the GOAWAY that ended the connection.
async fn gone_away(client: &mut Client) -> Option<u8> {
    let frames = frames(client, |frame| frame.kind == GOAWAY && frame.payload[7] != 0).await;
    frames.iter().rev().find(|frame| frame.kind == GOAWAY).map(|frame| frame.payload[7])
}

/// Odd numbers, as a client's streams have.
fn streams(count: u32) -> impl Iterator<Item = u32> {
    (0..count).map(|number| 2 * number + 1)
}

#[tokio::test]
async fn streams_that_are_reset_at_once_end_the_connection() {
    let server = Alone::start("");
    let before = server.memory();
    let mut client = open(&server, &[]).await;
    let mut all = Vec::new();
    for stream in streams(10_000) {
        all.extend(frame(HEADERS, END_HEADERS, stream, &post()));
        all.extend(frame(RST_STREAM, 0, stream, &[0, 0, 0, 8]));
    }
    let watch = server.watch();
    send(&mut client, &all).await;
    assert_eq!(gone_away(&mut client).await, Some(CALM));
    server.serves().await;
    let most = watch.most();
    assert!(most - before < SLACK, "{before} {most}");
}

#[tokio::test]
async fn a_head_without_an_end_ends_the_connection() {
    let server = Alone::start("");
    let before = server.memory();
    let watch = server.watch();
    let mut client = open(&server, &[]).await;
    let mut all = frame(HEADERS, 0, 1, &post());
    let part = literal("x-more", &"x".repeat(100)).repeat(140);
    for _ in 0..1000 {
        all.extend(frame(CONTINUATION, 0, 1, &part));
    }
    send(&mut client, &all).await;
    assert_eq!(gone_away(&mut client).await, Some(CALM));
    server.serves().await;
    let most = watch.most();
    assert!(most - before < SLACK, "{before} {most}");
}

#[tokio::test]
async fn a_head_over_the_limit_is_431_also_where_a_table_makes_it_large() {
    let server = Alone::start("");
    let before = server.memory();
    // As it stands, and as one entry of the table that is meant four hundred times.
    let plain = literal("x-more", &"x".repeat(100)).repeat(400);
    let mut entry = literal("x-more", &"x".repeat(120));
    entry[0] = 0x40;
    let table = [entry, vec![0xbe; 400]].concat();
    for large in [plain, table] {
        let mut client = open(&server, &[]).await;
        client.send(&long_head(END_STREAM, 1, &[post(), large].concat())).await;
        let frames = frames(&mut client, |frame| matches!(frame.kind, HEADERS | GOAWAY | RST_STREAM)).await;
        let last = frames.last().unwrap();
        assert_eq!((last.kind, last.stream, last.flags & END_STREAM), (HEADERS, 1, END_STREAM), "{last:?}");
        // `:status: 431` in HPACK's own compression.
        assert_eq!(last.payload, [0x48, 0x83, 0x69, 0x90, 0xff]);
    }
    server.serves().await;
    assert!(server.memory() - before < SLACK);
}

#[tokio::test]
async fn floods_of_settings_pings_and_empty_data_hold_nothing() {
    let server = Alone::start("limits: {headTime: 2s, handshakeTime: 2s}");
    let before = server.memory();
    let watch = server.watch();
    let opened = frame(HEADERS, END_HEADERS, 1, &post());
    for flood in [
        frame(SETTINGS, 0, 0, &[]).repeat(50_000),
        frame(PING, 0, 0, &[7; 8]).repeat(50_000),
        [opened, frame(DATA, 0, 1, &[]).repeat(50_000)].concat(),
    ] {
        // Whoever also reads nothing is waited for, and ended when it does not answer a ping.
        let mut client = open(&server, &[]).await;
        send(&mut client, &flood).await;
        server.serves().await;
        let ended = tokio::time::timeout(PATIENCE, client.stream.read_to_end(&mut Vec::new())).await;
        assert!(ended.is_ok());
    }
    let most = watch.most();
    assert!(most - before < SLACK, "{before} {most}");
    server.until("keybearer_connections ", |open| open == 0.0).await;
}

#[tokio::test]
async fn heads_are_not_held_while_their_bodies_are_awaited() {
    let server = Alone::start("");
    server.serves().await;
    let before = server.memory();
    let watch = server.watch();
    // In all 30 MiB of heads, none of which is in any table.
    let rest: Vec<u8> =
        (0..200).flat_map(|number| literal("x-more", &format!("{number}{}", "x".repeat(100)))).collect();
    let head = [post(), rest].concat();
    let mut clients = Vec::new();
    for _ in 0..6 {
        let mut client = open(&server, &[]).await;
        for stream in streams(200) {
            client.send(&long_head(0, stream, &head)).await;
        }
        clients.push(client);
    }
    server.until("keybearer_limit_peak{limit=\"streams\"}", |streams| streams >= 200.0).await;
    server.serves().await;
    let most = watch.most();
    assert!(most - before < SLACK, "{before} {most}");
    drop(clients);
}

#[tokio::test]
async fn streams_past_the_limit_are_refused() {
    let server = Alone::start("limits: {streams: 10}");
    let mut client = open(&server, &[]).await;
    let all: Vec<u8> = streams(12).flat_map(|stream| frame(HEADERS, END_HEADERS, stream, &post())).collect();
    client.send(&all).await;
    let mut refused = Vec::new();
    frames(&mut client, |frame| {
        if frame.kind == RST_STREAM {
            refused.push((frame.stream, frame.payload[3]));
        }
        refused.len() == 2
    })
    .await;
    assert_eq!(refused, [(21, REFUSED), (23, REFUSED)]);
    server.until("keybearer_limit_peak{limit=\"streams\"}", |streams| streams >= 10.0).await;
    server.serves().await;
}

#[tokio::test]
async fn answers_for_which_there_is_no_window_are_counted_and_the_connection_is_cut() {
    let server = Alone::start("limits: {bodyTime: 1s}");
    let before = server.memory();
    let watch = server.watch();
    // `INITIAL_WINDOW_SIZE` 0: not one byte of an answer may be sent.
    let mut client = open(&server, &[0, 4, 0, 0, 0, 0]).await;
    let body = review();
    let all: Vec<u8> = streams(100)
        .flat_map(|stream| {
            [frame(HEADERS, END_HEADERS, stream, &post()), frame(DATA, END_STREAM, stream, &body)].concat()
        })
        .collect();
    send(&mut client, &all).await;
    server.until("keybearer_bytes_in_flight ", |bytes| bytes > 100.0 * 200.0).await;
    server.serves().await;
    let ended = tokio::time::timeout(PATIENCE, client.stream.read_to_end(&mut Vec::new())).await;
    assert!(ended.is_ok());
    server.until("keybearer_connections_cut_total{reason=\"untaken\"}", |cut| cut >= 1.0).await;
    server.until("keybearer_bytes_in_flight ", |bytes| bytes == 0.0).await;
    let most = watch.most();
    assert!(most - before < SLACK, "{before} {most}");
}
