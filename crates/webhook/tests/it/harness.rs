//! A running server, and a client that says exactly what it is told to.

use admission::Config;
use rcgen::{CertificateParams, KeyPair};
use rustls_pki_types::ServerName;
use rustls_pki_types::pem::PemObject;
use secret::{Mount, Secret};
use serde_json::{Value, json};
use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use webhook::{ClusterUse, PodIdentity, ServeError, Server, Settings};

/// Nothing here should take this long; it only keeps a fault from hanging a test.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A certificate and its key, as PEM.
pub(crate) struct Pair {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

pub(crate) fn pair() -> Pair {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    Pair { certificate: params.self_signed(&key).unwrap().pem(), key: key.serialize_pem() }
}

/// Where a server listens.
pub(crate) struct At {
    pub(crate) webhook: SocketAddr,
    pub(crate) admin: SocketAddr,
}

pub(crate) struct Running {
    at: At,
    pub(crate) folder: TempDir,
    end: Option<oneshot::Sender<()>>,
    task: JoinHandle<Result<(), ServeError>>,
}

pub(crate) fn settings(folder: &TempDir, config: &str) -> Settings {
    let mut config = Config::parse(config, "test").unwrap();
    config.server.cert_dir = folder.path().display().to_string();
    Settings {
        config,
        listen: ([127, 0, 0, 1], 0).into(),
        admin: ([127, 0, 0, 1], 0).into(),
        pod: PodIdentity { name: None, namespace: "default".to_owned() },
        cluster: ClusterUse::None,
        drain_delay: Duration::ZERO,
        poll: Duration::from_millis(20),
    }
}

pub(crate) fn write(folder: &TempDir, pair: &Pair) {
    fs::write(folder.path().join("tls.crt"), &pair.certificate).unwrap();
    fs::write(folder.path().join("tls.key"), &pair.key).unwrap();
}

impl Running {
    pub(crate) async fn start() -> Self {
        Self::with("", |_| {}).await
    }

    pub(crate) async fn with(config: &str, change: impl FnOnce(&mut Settings)) -> Self {
        let folder = TempDir::new().unwrap();
        write(&folder, &pair());
        let mut settings = settings(&folder, config);
        change(&mut settings);
        let server = Server::bind(settings).await.unwrap();
        let (webhook, admin) = (server.webhook_address().unwrap(), server.admin_address().unwrap());
        let (end, ended) = oneshot::channel();
        let task = tokio::spawn(server.serve(async {
            let _ = ended.await;
        }));
        Self { at: At { webhook, admin }, folder, end: Some(end), task }
    }

    /// Asks it to end.
    pub(crate) fn ask_to_end(&mut self) {
        self.end.take().unwrap().send(()).unwrap();
    }

    /// Waits for its end.
    pub(crate) async fn ended(self) {
        tokio::time::timeout(PATIENCE, self.task).await.unwrap().unwrap().unwrap();
    }
}

impl std::ops::Deref for Running {
    type Target = At;
    fn deref(&self) -> &At {
        &self.at
    }
}

impl At {
    pub(crate) async fn connect(&self) -> Client {
        self.connect_with(&client_config(&[b"http/1.1"])).await
    }

    pub(crate) async fn connect_with(&self, config: &Arc<rustls::ClientConfig>) -> Client {
        Client::over(TcpStream::connect(self.webhook).await.unwrap(), config).await
    }

    /// The body of a page of the admin listener, and its code.
    pub(crate) async fn page(&self, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.admin).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        let code = text.split(' ').nth(1).unwrap().parse().unwrap();
        (code, text.split_once("\r\n\r\n").unwrap().1.to_owned())
    }

    /// The value of a metric's line.
    pub(crate) async fn metric(&self, line: &str) -> Option<f64> {
        let (_, text) = self.page("/metrics").await;
        text.lines().find_map(|l| l.strip_prefix(line)?.trim().parse().ok())
    }
}

pub(crate) struct Client {
    pub(crate) stream: TlsStream<TcpStream>,
}

/// An answer as it came.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) code: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The patch of an answer, as the text that it is.
    pub(crate) fn patch(&self) -> String {
        let patch = self.json()["response"]["patch"].as_str().unwrap_or_default().to_owned();
        String::from_utf8(data_encoding::BASE64.decode(patch.as_bytes()).unwrap()).unwrap()
    }

    pub(crate) fn closes(&self) -> bool {
        self.head.to_ascii_lowercase().contains("connection: close")
    }
}

impl Client {
    pub(crate) async fn over(stream: TcpStream, config: &Arc<rustls::ClientConfig>) -> Self {
        let name = ServerName::try_from("localhost").unwrap();
        Self { stream: TlsConnector::from(Arc::clone(config)).connect(name, stream).await.unwrap() }
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    pub(crate) async fn post(&mut self, body: &[u8]) -> Reply {
        self.send(&request(body)).await;
        self.reply().await
    }

    /// Reads one answer with a Content-Length.
    pub(crate) async fn reply(&mut self) -> Reply {
        tokio::time::timeout(PATIENCE, self.read_reply()).await.unwrap()
    }

    async fn read_reply(&mut self) -> Reply {
        let mut bytes = Vec::new();
        loop {
            let mut byte = [0];
            assert_eq!(self.stream.read(&mut byte).await.unwrap(), 1, "{}", String::from_utf8_lossy(&bytes));
            bytes.push(byte[0]);
            if bytes.ends_with(b"\r\n\r\n") {
                break;
            }
        }
        let head = String::from_utf8(bytes).unwrap();
        let code = head.split(' ').nth(1).unwrap().parse().unwrap();
        let length = head
            .lines()
            .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok())
            .unwrap_or(0);
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await.unwrap();
        Reply { code, head, body }
    }

    /// Whether the server ends the connection, whatever it says before.
    pub(crate) async fn ends(&mut self) -> bool {
        let mut rest = Vec::new();
        tokio::time::timeout(PATIENCE, self.stream.read_to_end(&mut rest)).await.is_ok()
    }

    /// Whether the server has ended the connection.
    pub(crate) async fn is_closed(&mut self) -> bool {
        let mut byte = [0];
        let read = tokio::time::timeout(PATIENCE, self.stream.read(&mut byte)).await.unwrap();
        !matches!(read, Ok(1))
    }
}

pub(crate) fn request(body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST /mutate--v1-pod HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// A review of a pod that asks for one secret of its own namespace.
pub(crate) fn review() -> Vec<u8> {
    review_of(Mount::Any)
}

/// A review of a pod that asks for `db/password` in this way.
pub(crate) fn review_of(mount: Mount) -> Vec<u8> {
    let secret = Secret { group: "db".into(), key: "password".into(), mount, ..Secret::default() };
    json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
        "uid": "u-1", "kind": {"group": "", "version": "v1", "kind": "Pod"}, "operation": "CREATE", "namespace": "n",
        "object": {"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "p", "annotations": {"flyte.secrets/s0": secret::encode(&secret)}},
            "spec": {"containers": [{"name": "main", "image": "i"}]}}}})
    .to_string()
    .into_bytes()
}

/// A review whose answer is far larger than itself: long names of variables, in each of many containers.
pub(crate) fn review_of_much() -> Vec<u8> {
    review_of_many(100, (0..20).map(|number| format!("k{number}-{}", "x".repeat(200))))
}

/// A review of a pod of so many containers that asks for these keys of a group as variables.
pub(crate) fn review_of_many(containers: usize, keys: impl Iterator<Item = String>) -> Vec<u8> {
    let list: Vec<Value> = keys.map(|key| json!({"group": "g", "key": key, "mount": "env"})).collect();
    let containers: Vec<Value> = (0..containers).map(|number| json!({"name": format!("c{number}")})).collect();
    let mut review: Value = serde_json::from_slice(&review()).unwrap();
    review["request"]["object"]["metadata"]["annotations"] = json!({"keybearer.dev/secrets": json!(list).to_string()});
    review["request"]["object"]["spec"]["containers"] = containers.into();
    review.to_string().into_bytes()
}

/// A client that trusts anybody: what is tested is not whom the API server trusts.
pub(crate) fn client_config(alpn: &[&[u8]]) -> Arc<rustls::ClientConfig> {
    client_config_of(alpn, rustls::ALL_VERSIONS)
}

pub(crate) fn client_config_of(
    alpn: &[&[u8]],
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> Arc<rustls::ClientConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody))
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    config.resumption = rustls::client::Resumption::disabled();
    Arc::new(config)
}

/// The certificate that the server showed.
pub(crate) fn shown(client: &Client) -> Vec<u8> {
    let (_, connection) = client.stream.get_ref();
    connection.peer_certificates().unwrap()[0].to_vec()
}

pub(crate) fn der(pair: &Pair) -> Vec<u8> {
    rustls_pki_types::CertificateDer::from_pem_slice(pair.certificate.as_bytes()).unwrap().to_vec()
}

#[derive(Debug)]
struct Anybody;

impl rustls::client::danger::ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &rustls_pki_types::CertificateDer<'_>,
        _: &[rustls_pki_types::CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: rustls_pki_types::UnixTime,
    ) -> Result<rustls::client::danger::ServerCertVerified, rustls::Error> {
        Ok(rustls::client::danger::ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &rustls_pki_types::CertificateDer<'_>,
        _: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        Ok(rustls::client::danger::HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &rustls_pki_types::CertificateDer<'_>,
        _: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        Ok(rustls::client::danger::HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms.supported_schemes()
    }
}
