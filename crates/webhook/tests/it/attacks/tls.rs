//! What is no TLS, or more of it than there should be.

use super::SLACK;
use crate::harness::{PATIENCE, client_config_of, review};
use crate::process::Alone;
use aws_lc_rs::aead;
use rustls::ConnectionTrafficSecrets;
use rustls_pki_types::ServerName;
use std::io::{Read, Write};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[tokio::test]
async fn what_is_no_tls_is_ended_and_counted() {
    let server = Alone::start("");
    let before = server.memory();
    let long = [&[0x16, 3, 3, 0xff, 0xff][..], &vec![0; 70_000]].concat();
    // The start of a ClientHello of 16 MiB, in records that are fine each.
    let mut endless = Vec::new();
    for number in 0..2000 {
        endless.extend_from_slice(&[0x16, 3, 3, 0x40, 0]);
        let mut record = [0; 0x4000];
        if number == 0 {
            record[..4].copy_from_slice(&[1, 0xff, 0xff, 0xff]);
        }
        endless.extend_from_slice(&record);
    }
    let cases = [
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        vec![0; 10_000],
        vec![0xff; 10_000],
        b"SSH-2.0-x\r\n".to_vec(),
        long,
        endless,
    ];
    for case in &cases {
        let mut stream = TcpStream::connect(server.webhook).await.unwrap();
        // The server may end it before all is sent.
        let _ = stream.write_all(case).await;
        let mut said = Vec::new();
        let ended = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut said)).await;
        assert!(ended.is_ok(), "{:?}", &case[..4]);
        assert!(said.is_empty() || said[0] == 21, "an alert or nothing: {said:?}");
    }
    let count = u32::try_from(cases.len()).unwrap();
    server.until("keybearer_tls_handshake_failures_total", |failed| failed >= f64::from(count)).await;
    server.serves().await;
    assert!(server.memory() - before < SLACK, "{before} {}", server.memory());
}

/// A client of TLS 1.2 asks for a new handshake within the connection, again and again: the cheap way to have a server do
/// costly work.
#[tokio::test]
async fn a_renegotiation_is_refused() {
    let server = Alone::start("");
    let before = server.memory();
    let address = server.webhook;
    let said = tokio::task::spawn_blocking(move || renegotiate(address)).await.unwrap();
    // After the answer to a review that went before, at most an alert; no second ServerHello.
    assert!(said.iter().all(|kind| *kind == 21), "records of types {said:?}");
    server.serves().await;
    server.until("keybearer_connections ", |open| open <= 1.0).await;
    assert!(server.memory() - before < SLACK);
}

/// Types of the records that come back.
fn renegotiate(address: std::net::SocketAddr) -> Vec<u8> {
    let mut config = client_config_of(&[b"http/1.1"], &[&rustls::version::TLS12]);
    Arc::get_mut(&mut config).unwrap().enable_secret_extraction = true;
    let mut tls = rustls::ClientConnection::new(config, ServerName::try_from("localhost").unwrap()).unwrap();
    let mut tcp = std::net::TcpStream::connect(address).unwrap();
    tcp.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut stream = rustls::Stream::new(&mut tls, &mut tcp);
    stream.write_all(&crate::harness::request(&review())).unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");

    let (sequence, secrets) = tls.dangerous_extract_secrets().unwrap().tx;
    let (key, iv) = match &secrets {
        ConnectionTrafficSecrets::Aes128Gcm { key, iv } => {
            (aead::UnboundKey::new(&aead::AES_128_GCM, key.as_ref()), iv)
        }
        ConnectionTrafficSecrets::Aes256Gcm { key, iv } => {
            (aead::UnboundKey::new(&aead::AES_256_GCM, key.as_ref()), iv)
        }
        _ => panic!("another cipher"),
    };
    let key = aead::LessSafeKey::new(key.unwrap());
    // A ClientHello as far as anybody looks at it.
    let hello = [&[1, 0, 0, 43, 3, 3][..], &[7; 32], &[0, 0, 2, 0xc0, 0x2f, 1, 0, 0, 0]].concat();
    for number in 0..100 {
        let sequence = (sequence + number).to_be_bytes();
        let length = u16::try_from(hello.len()).unwrap().to_be_bytes();
        let bound = [&sequence[..], &[22, 3, 3], &length].concat();
        let explicit = sequence;
        let nonce = [&iv.as_ref()[..4], &explicit].concat();
        let mut sealed = hello.clone();
        let nonce = aead::Nonce::try_assume_unique_for_key(&nonce).unwrap();
        key.seal_in_place_append_tag(nonce, aead::Aad::from(&bound), &mut sealed).unwrap();
        let length = u16::try_from(sealed.len() + 8).unwrap().to_be_bytes();
        if tcp.write_all(&[&[22, 3, 3][..], &length, &explicit, &sealed].concat()).is_err() {
            break;
        }
    }
    let _ = tcp.shutdown(std::net::Shutdown::Write);
    let mut said = Vec::new();
    let _ = tcp.read_to_end(&mut said);
    let mut kinds = Vec::new();
    let mut rest = &said[..];
    while rest.len() >= 5 {
        kinds.push(rest[0]);
        let length = 5 + usize::from(u16::from_be_bytes([rest[3], rest[4]]));
        rest = &rest[length.min(rest.len())..];
    }
    kinds
}
