//! Requests: one after the other on every connection, or at a steady rate.

use crate::server::HOST;
use anyhow::{Context, bail};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::{http1, http2};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::task::{JoinSet, yield_now};
use tokio_rustls::TlsConnector;

/// How requests get to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Over connections of HTTP/1.1 that are kept, as API servers do.
    Http1,
    /// Over one connection of HTTP/2, in as many streams.
    Http2,
    /// Over a new connection each, with a full handshake.
    NewConnections,
}

/// What connects to a server.
#[derive(Clone)]
pub(crate) struct Target {
    address: SocketAddr,
    tls: TlsConnector,
    way: Way,
}

/// What was seen in a while.
#[derive(Default)]
pub(crate) struct Seen {
    /// How long each request took.
    pub(crate) took: Vec<Duration>,
    /// How long all of it took.
    pub(crate) elapsed: Duration,
}

/// A connection, or a stream of it, that one request at a time is sent over.
pub(crate) enum Lane {
    Http1(http1::SendRequest<Full<Bytes>>),
    Http2(http2::SendRequest<Full<Bytes>>),
    New(Target),
}

impl Target {
    /// Trusts this CA.
    pub(crate) fn new(address: SocketAddr, ca: &str, way: Way) -> anyhow::Result<Self> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(ca.as_bytes())?)?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let mut config = builder.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![if way == Way::Http2 { b"h2".to_vec() } else { b"http/1.1".to_vec() }];
        config.resumption = rustls::client::Resumption::disabled();
        Ok(Self { address, tls: TlsConnector::from(Arc::new(config)), way })
    }

    async fn tls(&self) -> anyhow::Result<TokioIo<tokio_rustls::client::TlsStream<TcpStream>>> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        Ok(TokioIo::new(self.tls.connect(ServerName::try_from(HOST)?, stream).await?))
    }

    async fn http1(&self) -> anyhow::Result<http1::SendRequest<Full<Bytes>>> {
        let (sender, connection) = http1::handshake(self.tls().await?).await?;
        tokio::spawn(connection);
        Ok(sender)
    }

    /// So many lanes.
    pub(crate) async fn lanes(&self, count: usize) -> anyhow::Result<Vec<Lane>> {
        let mut lanes = Vec::new();
        let shared = if self.way == Way::Http2 {
            let (sender, connection) = http2::handshake(TokioExecutor::new(), self.tls().await?).await?;
            tokio::spawn(connection);
            Some(sender)
        } else {
            None
        };
        for _ in 0..count {
            lanes.push(match (&shared, self.way) {
                (Some(sender), _) => Lane::Http2(sender.clone()),
                (None, Way::NewConnections) => Lane::New(self.clone()),
                (None, _) => Lane::Http1(self.http1().await?),
            });
        }
        Ok(lanes)
    }
}

impl Lane {
    /// Sends a review, and returns the answer's body.
    pub(crate) async fn post(&mut self, review: &Bytes) -> anyhow::Result<Bytes> {
        let answer = match self {
            Self::Http1(sender) => {
                sender.ready().await?;
                sender.send_request(request("/mutate--v1-pod", review)?).await?
            }
            Self::Http2(sender) => {
                sender.ready().await?;
                sender.send_request(request(&format!("https://{HOST}/mutate--v1-pod"), review)?).await?
            }
            Self::New(target) => {
                let mut sender = target.http1().await?;
                let answer = sender.send_request(request("/mutate--v1-pod", review)?).await?;
                return whole(answer).await;
            }
        };
        whole(answer).await
    }
}

fn request(uri: &str, review: &Bytes) -> anyhow::Result<Request<Full<Bytes>>> {
    let request = Request::post(uri).header("host", HOST).header("content-type", "application/json");
    Ok(request.body(Full::new(review.clone()))?)
}

async fn whole(answer: Response<Incoming>) -> anyhow::Result<Bytes> {
    let status = answer.status();
    let body = answer.into_body().collect().await?.to_bytes();
    if status != StatusCode::OK {
        bail!("a review was answered with {status}: {}", String::from_utf8_lossy(&body));
    }
    Ok(body)
}

/// Sends a review over every lane, again and again, for a while.
///
/// The load never sleeps meanwhile: waking a process on another core costs the server as much as answering does, and the
/// faster of two servers, which the load can hardly follow, would be spared that.
pub(crate) async fn busy(lanes: &mut Vec<Lane>, review: &Bytes, time: Duration) -> anyhow::Result<Seen> {
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    let awake = tokio::spawn(async {
        loop {
            yield_now().await;
        }
    });
    for mut lane in lanes.drain(..) {
        let review = review.clone();
        tasks.spawn(async move {
            let mut took = Vec::new();
            while start.elapsed() < time {
                let sent = Instant::now();
                lane.post(&review).await?;
                took.push(sent.elapsed());
            }
            Ok((lane, took))
        });
    }
    let seen = gather(tasks, lanes, start).await;
    awake.abort();
    seen
}

/// Sends so many reviews a second for a while. Each has its time, and waiting for the one before it on its lane counts: a server that
/// stops for a moment would otherwise be asked less.
pub(crate) async fn steady(lanes: &mut Vec<Lane>, review: &Bytes, time: Duration, rate: u32) -> anyhow::Result<Seen> {
    let start = Instant::now();
    let every = Duration::from_secs(1) / rate;
    let count = u32::try_from(lanes.len())?;
    let mut tasks = JoinSet::new();
    for (mut lane, first) in lanes.drain(..).zip(0..) {
        let review = review.clone();
        tasks.spawn(async move {
            let mut took = Vec::new();
            for turn in (first..).step_by(usize::try_from(count)?) {
                let due = start + every * turn;
                if due - start >= time {
                    break;
                }
                // Timers are good to a millisecond, which is what is measured.
                while Instant::now() < due {
                    yield_now().await;
                }
                lane.post(&review).await?;
                took.push(due.elapsed());
            }
            Ok((lane, took))
        });
    }
    gather(tasks, lanes, start).await
}

async fn gather(
    mut tasks: JoinSet<anyhow::Result<(Lane, Vec<Duration>)>>,
    lanes: &mut Vec<Lane>,
    start: Instant,
) -> anyhow::Result<Seen> {
    let mut seen = Seen::default();
    while let Some(done) = tasks.join_next().await {
        let (lane, mut took) = done?.context("a connection of the load")?;
        lanes.push(lane);
        seen.took.append(&mut took);
    }
    seen.elapsed = start.elapsed();
    Ok(seen)
}
