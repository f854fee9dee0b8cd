//! `kubectl proxy`, and plain HTTP to it.

use crate::Result;
use crate::kubectl::Kubectl;
use std::io::{BufRead, BufReader, Error, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Stdio};
use std::time::Duration;

/// The webhook may take ten seconds, and an API server that starts some more.
const ANSWERING: Duration = Duration::from_secs(20);

/// A proxy that ends when it is dropped.
pub(super) struct Proxy {
    child: Child,
    /// Where it listens.
    pub(super) address: SocketAddr,
}

impl Proxy {
    pub(super) fn start(kubectl: &Kubectl) -> Result<Self> {
        let mut command = kubectl.command();
        command.args(["proxy", "--port=0"]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().map_err(|error| format!("`kubectl proxy` can't be started: {error}"))?;
        let mut line = String::new();
        let read = child.stdout.take().map(|pipe| BufReader::new(pipe).read_line(&mut line));
        let address = line.trim().rsplit(' ').next().and_then(|text| text.parse().ok());
        // Made first, so that the process ends with it.
        let proxy = Self { child, address: address.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0))) };
        match (read, address) {
            (Some(Ok(_)), Some(_)) => Ok(proxy),
            _ => Err(format!("`kubectl proxy` does not say where it listens: {line}")),
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A request with a body of JSON.
pub(super) fn post(path: &str, body: &str) -> Vec<u8> {
    // As HTTP/1.0, so that an answer comes in one piece and ends with its connection.
    let head = format!("POST {path} HTTP/1.0\r\nHost: localhost\r\nContent-Type: application/json\r\n");
    format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// Sends a request; the answer's code and body.
pub(super) fn ask(address: SocketAddr, request: &[u8]) -> std::io::Result<(u16, String)> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(ANSWERING))?;
    stream.write_all(request)?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    let code = text.split(' ').nth(1).and_then(|code| code.parse().ok());
    let body = text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned());
    code.zip(body).ok_or_else(|| Error::from(ErrorKind::InvalidData))
}
