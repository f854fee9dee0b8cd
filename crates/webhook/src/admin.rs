//! The plain listener for probes and metrics. It says nothing about secrets.

use crate::server::Shared;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use std::sync::Arc;

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
