//! Another webhook, on this machine: it comes after ours and adds a container to pods, which ours must then see.

use crate::Result;
use crate::kubectl::Kubectl;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{IpAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;

/// The name of its registration: after ours in the order of the alphabet, which is the order of the calls.
pub(crate) const NAME: &str = "keybearer-e2e-second";
/// The label of the pods that it changes.
pub(crate) const LABEL: &str = "keybearer.dev/e2e-second";
/// The container that it adds.
pub(crate) const CONTAINER: &str = "added-later";

/// Starts it and registers it; it lasts as long as this program.
pub(crate) fn start(kubectl: &Kubectl) -> Result {
    let address = own_address(kubectl)?;
    let listener = TcpListener::bind((address, 0)).map_err(|error| format!("can't listen at {address}: {error}"))?;
    let port = listener.local_addr().map_err(|error| error.to_string())?.port();
    let made = rcgen::generate_simple_self_signed([address.to_string()]).map_err(|error| error.to_string())?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let config = config(made.cert.der().clone(), key).map_err(|error| error.to_string())?;
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let config = Arc::clone(&config);
            std::thread::spawn(move || serve(stream, config));
        }
    });
    register(kubectl, &format!("https://{address}:{port}/"), &made.cert.pem())
}

/// The address of this machine on the way to the API server, by which that finds us, too.
fn own_address(kubectl: &Kubectl) -> Result<IpAddr> {
    let server = kubectl.run(["config", "view", "--minify", "-o", "jsonpath={.clusters[0].cluster.server}"])?;
    let authority = server.trim().trim_start_matches("https://").split('/').next().unwrap_or_default().to_owned();
    let authority = if authority.contains(':') { authority } else { format!("{authority}:443") };
    // Nothing is sent: connecting such a socket only asks for the way.
    let socket = UdpSocket::bind("0.0.0.0:0").and_then(|socket| socket.connect(&authority).map(|()| socket));
    let address = socket.and_then(|socket| socket.local_addr());
    address.map(|address| address.ip()).map_err(|error| format!("no way to {authority}: {error}"))
}

fn config(cert: CertificateDer<'static>, key: PrivateKeyDer<'static>) -> Result<Arc<ServerConfig>, rustls::Error> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(Arc::new(config.with_no_client_auth().with_single_cert(vec![cert], key)?))
}

fn register(kubectl: &Kubectl, url: &str, pem: &str) -> Result {
    let bundle = kubectl_bytes(pem);
    kubectl.apply(&[json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": NAME},
        "webhooks": [{
            "name": "second.e2e.keybearer.dev",
            "clientConfig": {"url": url, "caBundle": bundle},
            "objectSelector": {"matchLabels": {LABEL: "true"}},
            "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
            "admissionReviewVersions": ["v1"],
            "sideEffects": "None",
            "failurePolicy": "Fail",
        }],
    })])
}

/// Bytes in an object are base64.
fn kubectl_bytes(text: &str) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut encoded = String::new();
    for chunk in text.as_bytes().chunks(3) {
        let bits = chunk.iter().chain([&0, &0]).take(3).fold(0u32, |bits, byte| bits << 8 | u32::from(*byte));
        for (index, shift) in [18, 12, 6, 0].into_iter().enumerate() {
            let letter = LETTERS[(bits >> shift & 63) as usize];
            encoded.push(if index <= chunk.len() { letter.into() } else { '=' });
        }
    }
    encoded
}

/// Answers the requests of one connection until it ends.
fn serve(stream: TcpStream, config: Arc<ServerConfig>) {
    let Ok(tls) = ServerConnection::new(config) else { return };
    let mut stream = BufReader::new(StreamOwned::new(tls, stream));
    while let Ok(Some(review)) = request(&mut stream) {
        let body = answer(&review).to_string();
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ";
        let tls = stream.get_mut();
        if write!(tls, "{head}{}\r\n\r\n{body}", body.len()).and_then(|()| tls.flush()).is_err() {
            return;
        }
    }
}

/// The next review; `None` at the end of the connection.
fn request(stream: &mut BufReader<StreamOwned<ServerConnection, TcpStream>>) -> io::Result<Option<Value>> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let line = line.trim().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().map_err(|_| io::ErrorKind::InvalidData)?;
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok(Some(serde_json::from_slice(&body)?))
}

/// The pod with one container more, of the same image as its first.
fn answer(review: &Value) -> Value {
    let containers =
        review["request"]["object"]["spec"]["containers"].as_array().map(Vec::as_slice).unwrap_or_default();
    let there = containers.iter().any(|container| container["name"] == CONTAINER);
    let container = crate::pod::container(CONTAINER, &["env"]);
    let patch = json!([{"op": "add", "path": "/spec/containers/-", "value": container}]).to_string();
    let mut response = json!({"uid": review["request"]["uid"], "allowed": true});
    if !there {
        response["patchType"] = "JSONPatch".into();
        response["patch"] = kubectl_bytes(&patch).into();
    }
    json!({"apiVersion": review["apiVersion"], "kind": review["kind"], "response": response})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_written_as_objects_have_them() {
        for (text, encoded) in [("", ""), ("a", "YQ=="), ("ab", "YWI="), ("abc", "YWJj"), ("abcd", "YWJjZA==")] {
            assert_eq!(kubectl_bytes(text), encoded);
        }
    }

    #[test]
    fn a_container_is_added_once() {
        let review =
            |containers: Value| json!({"request": {"uid": "u", "object": {"spec": {"containers": containers}}}});
        assert!(answer(&review(json!([{"name": "main"}])))["response"]["patch"].is_string());
        assert!(answer(&review(json!([{"name": CONTAINER}])))["response"]["patch"].is_null());
    }
}
