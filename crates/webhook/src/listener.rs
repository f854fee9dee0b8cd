//! Connections: accepted up to a bound, handshaken in time, aged, and ended without a failed request.
//!
//! API servers keep connections for as long as they are let. A connection past its age is told so with the next answer
//! (`Connection: close`, or GOAWAY in HTTP/2), never cut while it is idle: a request that is on its way would fail.

use crate::server::Shared;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, Request, Response, Version, header};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use rustls::ServerConfig;
use std::convert::Infallible;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, sleep_until, timeout};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

/// Streams of one HTTP/2 connection at once.
const MAX_STREAMS: u32 = 250;
/// Bytes of one request's head.
const MAX_HEAD: u32 = 32 << 10;
/// How long an accept that failed for want of files waits.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

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
    loop {
        // With no permit left, connections wait in the kernel's queue.
        let permit = tokio::select! {
            permit = Arc::clone(&permits).acquire_owned() => permit,
            () = ending(&mut stage) => break,
        };
        let Ok(permit) = permit else { break };
        let stream = tokio::select! {
            accepted = listener.accept() => accepted,
            () = ending(&mut stage) => break,
        };
        while connections.try_join_next().is_some() {}
        match stream {
            Ok((stream, _)) => {
                let connection = Connection { shared: Arc::clone(&shared), stage: stage.clone() };
                let (acceptor, router) = (acceptor.clone(), router.clone());
                connections.spawn(async move {
                    connection.serve(stream, acceptor, router).await;
                    drop(permit);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection can't be accepted");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn ending(stage: &mut watch::Receiver<Stage>) {
    // A sender that is gone means the same.
    let _ = stage.wait_for(|stage| *stage == Stage::Ending).await;
}

struct Connection {
    shared: Arc<Shared>,
    stage: watch::Receiver<Stage>,
}

impl Connection {
    async fn serve(mut self, stream: TcpStream, acceptor: TlsAcceptor, router: Router) {
        let open = &self.shared.metrics.connections;
        open.inc();
        let _ = stream.set_nodelay(true);
        match timeout(self.shared.limits.handshake, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => self.answer(stream, router).await,
            Ok(Err(error)) => self.handshake_failed(&error),
            Err(_) => self.handshake_failed(&io::Error::from(io::ErrorKind::TimedOut)),
        }
        self.shared.metrics.connections.dec();
    }

    fn handshake_failed(&self, error: &io::Error) {
        self.shared.metrics.handshake_failures.inc();
        // Anybody can cause this as often as they like, so it is no warning.
        tracing::debug!(%error, "a TLS handshake failed");
    }

    async fn answer(&mut self, stream: tokio_rustls::server::TlsStream<TcpStream>, router: Router) {
        let old = Instant::now() + aged(self.shared.limits.age);
        let is_h2 = Arc::new(AtomicBool::new(false));
        let (stage, seen_h2) = (self.stage.clone(), Arc::clone(&is_h2));
        let service = service_fn(move |request: Request<Incoming>| {
            let (router, stage, seen_h2) = (router.clone(), stage.clone(), Arc::clone(&seen_h2));
            async move {
                let version = request.version();
                seen_h2.store(version == Version::HTTP_2, Ordering::Relaxed);
                let Ok(mut response): Result<Response<Body>, Infallible> = router.oneshot(request.map(Body::new)).await;
                if version < Version::HTTP_2 && (Instant::now() >= old || *stage.borrow() > Stage::Serving) {
                    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
                }
                Ok::<_, Infallible>(response)
            }
        });
        let mut builder = Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(self.shared.limits.head)
            .max_buf_size(MAX_HEAD as usize);
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(MAX_STREAMS)
            .max_header_list_size(MAX_HEAD)
            .keep_alive_interval(Some(self.shared.limits.head))
            .keep_alive_timeout(self.shared.limits.handshake);
        let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
        let mut told = false;
        loop {
            tokio::select! {
                ended = connection.as_mut() => {
                    if let Err(error) = ended {
                        tracing::debug!(%error, "a connection broke");
                    }
                    return;
                }
                () = sleep_until(old.into()), if !told => {
                    told = true;
                    if is_h2.load(Ordering::Relaxed) {
                        connection.as_mut().graceful_shutdown();
                    }
                }
                () = ending(&mut self.stage) => {
                    connection.as_mut().graceful_shutdown();
                    // Once told, all that is left is to wait.
                    let _ = connection.as_mut().await;
                    return;
                }
            }
        }
    }
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
