//! Connections: accepted up to a bound, handshaken in time, aged, and ended without a failed request.
//!
//! API servers keep connections for as long as they are let. A connection past its age is told so with the next answer
//! (`Connection: close`, or GOAWAY in HTTP/2), never cut while it is idle: a request that is on its way would fail.

use crate::metrics::Cut;
use crate::peaks::Bound;
use crate::requests::Requests;
use crate::server::Shared;
use crate::silent::Silent;
use crate::taking::Taking;
use admission::config::Limits;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, Request, Response, header};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use prometheus_client::metrics::gauge::Gauge;
use rustls::ServerConfig;
use std::convert::Infallible;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

/// Bytes of one HTTP/2 connection that may wait to be read: they are held before they are counted.
const WINDOW: u32 = 256 << 10;
/// How long an accept that failed for want of files waits.
pub(crate) const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Stages of a server's end, as its connections see them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// Serving.
    Serving,
    /// Still serving, but each answer ends its connection.
    Draining,
    /// Idle connections are ended, too.
    Ending,
}

/// Accepts connections until the last stage, then waits for those that are open.
pub(crate) async fn accept(
    listener: TcpListener,
    tls: Arc<ServerConfig>,
    router: Router,
    shared: Arc<Shared>,
    mut stage: watch::Receiver<Stage>,
) {
    let acceptor = TlsAcceptor::from(tls);
    let permits = Arc::new(Semaphore::new(shared.limits.connections));
    let mut connections = JoinSet::new();
    let mut silent = Silent::default();
    let mut fails = false;
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => accepted,
            () = reached(&mut stage, Stage::Ending) => break,
        };
        while connections.try_join_next().is_some() {}
        let stream = match stream {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Said once, not twenty times a second.
                if !std::mem::replace(&mut fails, true) {
                    tracing::warn!(%error, "connections can't be accepted");
                }
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        fails = false;
        if permits.available_permits() == 0 && silent.make_room() {
            shared.metrics.connections_cut.get_or_create(&Cut { reason: "place" }).inc();
        }
        // Where nobody gave way, this one waits here and more of them in the kernel's queue.
        let permit = tokio::select! {
            permit = Arc::clone(&permits).acquire_owned() => permit,
            () = reached(&mut stage, Stage::Ending) => break,
        };
        let Ok(permit) = permit else { break };
        let connection = Connection { shared: Arc::clone(&shared), stage: stage.clone(), taking: Arc::default() };
        let (acceptor, router, taking) = (acceptor.clone(), router.clone(), Arc::clone(&connection.taking));
        let task = connections.spawn(async move {
            let _permit = permit;
            connection.serve(stream, acceptor, router).await;
        });
        silent.push(taking, task);
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// One connection.
pub(crate) struct Connection {
    pub(crate) shared: Arc<Shared>,
    pub(crate) stage: watch::Receiver<Stage>,
    pub(crate) taking: Arc<Taking>,
}

/// A connection that is counted as open until this is dropped.
struct Open(Gauge);

impl Open {
    fn new(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Connection {
    async fn serve(self, stream: TcpStream, acceptor: TlsAcceptor, router: Router) {
        let _open = Open::new(&self.shared.metrics.connections);
        let _ = stream.set_nodelay(true);
        let began = Instant::now();
        match timeout(self.shared.limits.handshake, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => {
                self.shared.peaks.took(Bound::HandshakeTime, began.elapsed());
                let is_h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                self.answer(stream, is_h2, router).await;
            }
            Ok(Err(error)) => self.handshake_failed(&error),
            Err(_) => self.handshake_failed(&io::Error::from(io::ErrorKind::TimedOut)),
        }
    }

    fn handshake_failed(&self, error: &io::Error) {
        self.shared.metrics.handshake_failures.inc();
        // Anybody can cause this as often as they like, so it is no warning.
        tracing::debug!(%error, "a TLS handshake failed");
    }

    /// Answers what comes in on a stream until it ends.
    pub(crate) async fn answer(
        self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        is_h2: bool,
        router: Router,
    ) {
        let Self { shared, stage, taking } = self;
        let limits = shared.limits;
        let began = Instant::now();
        let old = began + aged(limits.age);
        // Whoever sends a request in time has long had the answer that ends the connection by then.
        let end = old + limits.head + 3 * limits.body_time;
        let requests = Arc::new(Requests::new(Arc::clone(&shared), Arc::clone(&taking), is_h2));
        let staged = stage.clone();
        let service = service_fn(move |mut request: Request<Incoming>| {
            let (router, stage, requests) = (router.clone(), staged.clone(), Arc::clone(&requests));
            let under_way = requests.begin(&mut request);
            async move {
                let Ok(mut response): Result<Response<Body>, Infallible> = router.oneshot(request.map(Body::new)).await;
                drop(under_way);
                if !is_h2 && (Instant::now() >= old || *stage.borrow() > Stage::Serving) {
                    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
                }
                Ok::<_, Infallible>(response)
            }
        });
        // Left to guess the protocol, it would wait for the first bytes without a limit.
        let builder = http(&limits);
        let builder = if is_h2 { builder.http2_only() } else { builder.http1_only() };
        let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
        let mut leave = pin!(time_to_leave(is_h2, old, stage));
        let mut told = false;
        let cut = loop {
            tokio::select! {
                ended = connection.as_mut() => {
                    if let Err(error) = ended {
                        tracing::debug!(%error, "a connection broke");
                    }
                    break None;
                }
                () = leave.as_mut(), if !told => {
                    told = true;
                    connection.as_mut().graceful_shutdown();
                }
                () = sleep(limits.body_time / 2) => {
                    if taking.oldest().is_some_and(|waiting| waiting > limits.body_time) {
                        break Some("untaken");
                    }
                    if Instant::now() >= end {
                        break Some("stopped");
                    }
                }
            }
        };
        if let Some(reason) = cut {
            shared.metrics.connections_cut.get_or_create(&Cut { reason }).inc();
            tracing::debug!(reason, "a connection was cut");
        }
        shared.peaks.took(Bound::ConnectionAge, began.elapsed());
    }
}

/// HTTP within the limits.
fn http(limits: &Limits) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .max_buf_size(limits.head_bytes)
        .half_close(true);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams)
        .max_header_list_size(u32::try_from(limits.head_bytes).unwrap_or(u32::MAX))
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOW)
        .keep_alive_interval(Some(limits.head))
        .keep_alive_timeout(limits.handshake);
    builder
}

/// Waits until a connection is to end with what it is doing. HTTP/2 can say so at any time without losing a request;
/// HTTP/1.1 only with an answer, so an idle connection is left alone until the server itself ends.
async fn time_to_leave(is_h2: bool, old: Instant, mut stage: watch::Receiver<Stage>) {
    if is_h2 {
        tokio::select! {
            () = sleep_until(old) => {}
            () = reached(&mut stage, Stage::Draining) => {}
        }
    } else {
        reached(&mut stage, Stage::Ending).await;
    }
}

/// Waits for a stage. A sender that is gone means the last one.
async fn reached(stage: &mut watch::Receiver<Stage>, awaited: Stage) {
    let _ = stage.wait_for(|stage| *stage >= awaited).await;
}

/// An age, 20 % more or less, so that connections that began together do not end together.
fn aged(age: Duration) -> Duration {
    let random = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), Instant::now());
    let per_mille = u32::try_from(800 + random % 401).unwrap_or(1000);
    age * per_mille / 1000
}

#[cfg(test)]
mod tests {
    use super::aged;
    use std::time::Duration;

    #[test]
    fn ages_differ_by_a_fifth() {
        for _ in 0..1000 {
            let age = aged(Duration::from_secs(300));
            assert!((Duration::from_secs(240)..=Duration::from_secs(360)).contains(&age), "{age:?}");
        }
    }
}
