//! The plain listener for probes and metrics. It says nothing about secrets.
//!
//! Probes come over new connections and are over at once, so what has been open longest gives way where there is no place: whoever
//! fills all of them keeps nobody's probe out.

use crate::listener::ACCEPT_PAUSE;
use crate::server::Shared;
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Request, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet, yield_now};
use tokio::time::sleep;
use tower::ServiceExt;

/// Connections at once.
const CONNECTIONS: usize = 64;
/// Time for the head of a request, and so also between two: longer than the pause between two scrapes.
const HEAD_TIME: Duration = Duration::from_secs(75);
/// Bytes of a head.
const HEAD: usize = 8 << 10;

/// Answers until it is dropped.
pub(crate) async fn serve(listener: TcpListener, router: Router) {
    let mut connections = JoinSet::new();
    let mut open: VecDeque<AbortHandle> = VecDeque::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            sleep(ACCEPT_PAUSE).await;
            continue;
        };
        while connections.try_join_next().is_some() {}
        open.retain(|connection| !connection.is_finished());
        if open.len() == CONNECTIONS
            && let Some(oldest) = open.pop_front()
        {
            oldest.abort();
        }
        open.push_back(connections.spawn(answer(stream, router.clone())));
        // Accepted in one go, a whole queue would push out a probe that was not looked at yet.
        yield_now().await;
    }
}

/// One connection. How it ends is nobody's concern.
async fn answer(stream: TcpStream, router: Router) {
    let service = service_fn(move |request: Request<Incoming>| router.clone().oneshot(request.map(Body::new)));
    let mut builder = Builder::new(TokioExecutor::new()).http1_only();
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIME).max_buf_size(HEAD);
    let _ = builder.serve_connection(TokioIo::new(stream), service).await;
}

/// `/livez`, `/readyz`, `/metrics` and `/certificate`.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/livez", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .route("/certificate", get(certificate))
        .with_state(shared)
}

async fn ready(State(shared): State<Arc<Shared>>) -> impl IntoResponse {
    let missing = shared.readiness.missing(&shared.certificates);
    if missing.is_empty() {
        (StatusCode::OK, "ok\n".to_owned())
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {}\n", missing.join(", ")))
    }
}

/// The certificate that is served, which every handshake shows, too: a rotation of the CA asks each replica for it.
async fn certificate(State(shared): State<Arc<Shared>>) -> impl IntoResponse {
    let kind = [(header::CONTENT_TYPE, "application/pem-certificate-chain")];
    match shared.certificates.shown() {
        Some(chain) => (StatusCode::OK, kind, chain),
        None => (StatusCode::NOT_FOUND, kind, "no certificate\n".to_owned()),
    }
}

async fn metrics(State(shared): State<Arc<Shared>>) -> impl IntoResponse {
    let ready = shared.readiness.missing(&shared.certificates).is_empty();
    shared.metrics.ready.set(i64::from(ready));
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], shared.shown.text(&shared.peaks))
}
