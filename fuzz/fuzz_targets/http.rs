//! Whatever bytes come in on a connection, HTTP/1.1 or HTTP/2, are answered with whole answers or none, each time alike, the
//! connection ends when its caller has said all, and nothing stays in hand.
//!
//! The first byte says which protocol, whether the bytes come in pieces, and whether a preface stands before them. Time is
//! not waited for: it passes at once where nothing else happens.

#![no_main]

use admission::Config;
use libfuzzer_sys::fuzz_target;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::runtime::{Builder, Runtime};
use webhook::surface::Surface;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

thread_local! {
    static SERVER: (Runtime, Surface) = {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
        // The least there can be, so that limits are met.
        let config = "limits: {body: 16Ki, bytesInFlight: 64Ki, head: 8Ki, streams: 4, bodyTime: 2s, headTime: 100s}";
        (runtime, Surface::new(Config::parse(config, "fuzz").expect("it is served")))
    };
}

fuzz_target!(|input: &[u8]| {
    let Some((kind, input)) = input.split_first() else { return };
    let is_h2 = kind & 1 == 1;
    let piece = if kind & 2 == 2 { 7 } else { 1 << 20 };
    let preface = if is_h2 && kind & 4 == 0 { PREFACE } else { b"" };
    let bytes = [preface, input].concat();
    let first = said(&bytes, piece, is_h2);
    if is_h2 {
        frames(&first);
    } else {
        assert_eq!(undated(&first), undated(&said(&bytes, piece, is_h2)), "the same answers each time");
        answers(&first);
    }
});

/// All that the server says.
fn said(bytes: &[u8], piece: usize, is_h2: bool) -> Vec<u8> {
    SERVER.with(|(runtime, surface)| {
        runtime.block_on(async {
            let (caller, stream) = duplex(64 << 10);
            let (mut from, mut to) = tokio::io::split(caller);
            let ask = async {
                for piece in bytes.chunks(piece) {
                    if to.write_all(piece).await.is_err() {
                        break;
                    }
                }
                let _ = to.shutdown().await;
            };
            let mut said = Vec::new();
            let all = async {
                tokio::join!(ask, surface.answer(stream, is_h2), from.read_to_end(&mut said))
                    .2
                    .expect("memory has no errors");
            };
            tokio::time::timeout(Duration::from_secs(1000), all).await.expect("the connection ends");
            assert_eq!(surface.bytes_in_flight(), 0, "nothing stays in hand");
            said
        })
    })
}

/// Without the dates, which go on by themselves.
fn undated(said: &[u8]) -> Vec<&[u8]> {
    said.split(|byte| *byte == b'\n').filter(|line| !line.starts_with(b"date: ")).collect()
}

/// Whole answers, one behind the other.
fn answers(mut said: &[u8]) {
    while !said.is_empty() {
        let end = said.windows(4).position(|bytes| bytes == b"\r\n\r\n").expect("a head has an end");
        let head = std::str::from_utf8(&said[..end]).expect("a head is text");
        let code = head.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5)).expect("a status line");
        let code: u16 = code.parse().expect("a code");
        said = &said[end + 4..];
        if code == 100 {
            continue;
        }
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .map_or(0, |length| length.parse().expect("a length"));
        // A HEAD has the length of a body that is not there.
        if said.len() < length || (length > 0 && said[0] != b'{') {
            assert_ne!(code, 200);
            continue;
        }
        let (body, rest) = said.split_at(length);
        said = rest;
        if length > 0 {
            let answer: serde_json::Value = serde_json::from_slice(body).expect("an answer is JSON");
            assert_eq!(code == 200, answer["response"]["uid"].is_string(), "{code} {answer}");
        }
        assert!(matches!(code, 200 | 400 | 404 | 405 | 408 | 413 | 415 | 431 | 503), "{code}");
    }
}

/// Whole frames, one behind the other.
fn frames(mut said: &[u8]) {
    while !said.is_empty() {
        assert!(said.len() >= 9, "a frame's head");
        let length = usize::from(said[0]) << 16 | usize::from(said[1]) << 8 | usize::from(said[2]);
        assert!(said.len() >= 9 + length, "a frame of {length} bytes");
        said = &said[9 + length..];
    }
}
