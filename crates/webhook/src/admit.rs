//! The API server's call, from bytes to bytes.

use crate::in_flight::Held;
use crate::metrics::{ByManager, Ended, Turned};
use crate::server::Shared;
use admission::review::{Answer, answer};
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use http_body_util::LengthLimitError;
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// The path of Flyte's registration: two hyphens, since pods have an empty API group.
pub const PATH: &str = "/mutate--v1-pod";

/// What every request to anything else gets.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    Router::new().route(PATH, post(mutate)).fallback(nothing_here).with_state(shared)
}

/// A request that gets no review's answer.
struct TurnedAway {
    code: StatusCode,
    reason: &'static str,
    message: &'static str,
}

async fn nothing_here(State(shared): State<Arc<Shared>>) -> Response {
    let reason = Turned { reason: "path" };
    shared.metrics.turned_away.get_or_create(&reason).inc();
    (StatusCode::NOT_FOUND, "reviews are posted to /mutate--v1-pod\n").into_response()
}

async fn mutate(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    match review(&shared, request).await {
        Ok(body) => ([(header::CONTENT_TYPE, "application/json")], body).into_response(),
        Err(turned) => {
            shared.metrics.turned_away.get_or_create(&Turned { reason: turned.reason }).inc();
            tracing::warn!(code = turned.code.as_u16(), reason = turned.reason, "{}", turned.message);
            let mut response = (turned.code, format!("{}\n", turned.message)).into_response();
            if turned.code == StatusCode::SERVICE_UNAVAILABLE {
                response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("1"));
            }
            response
        }
    }
}

async fn review(shared: &Shared, request: Request) -> Result<Vec<u8>, TurnedAway> {
    let (head, body) = request.into_parts();
    if !is_json(&head.headers) {
        return Err(TurnedAway {
            code: StatusCode::UNSUPPORTED_MEDIA_TYPE,
            reason: "content_type",
            message: "a review's Content-Type is application/json",
        });
    }
    // Held until the answer is there.
    let (body, _held) = read(shared, &head.headers, body).await?;
    let started = Instant::now();
    let globals = shared.globals.load();
    // A fault in one review is that review's, never the replica's.
    let answered = catch_unwind(AssertUnwindSafe(|| answer(&body, &shared.config, &globals)));
    let answer = answered.map_err(|_| TurnedAway {
        code: StatusCode::INTERNAL_SERVER_ERROR,
        reason: "panic",
        message: "the review could not be answered because of a fault in keybearer; please report it",
    })?;
    report(shared, &answer, body.len(), started.elapsed());
    Ok(answer.body)
}

/// Content types as the API server and others spell it, with or without parameters.
fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
}

async fn read(shared: &Shared, headers: &HeaderMap, body: Body) -> Result<(Bytes, Held), TurnedAway> {
    let too_large = || TurnedAway {
        code: StatusCode::PAYLOAD_TOO_LARGE,
        reason: "body",
        message: "the review is larger than this webhook takes",
    };
    let limits = &shared.limits;
    let length = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.parse::<usize>().ok());
    if length.is_some_and(|length| length > limits.body) {
        return Err(too_large());
    }
    let counted = length.unwrap_or(limits.body).clamp(1, limits.in_flight);
    let held = shared.in_flight.hold(counted).ok_or(TurnedAway {
        code: StatusCode::SERVICE_UNAVAILABLE,
        reason: "overload",
        message: "too many reviews at once; try again",
    })?;
    match timeout(limits.body_time, to_bytes(body, limits.body)).await {
        Err(_) => Err(TurnedAway {
            code: StatusCode::REQUEST_TIMEOUT,
            reason: "slow",
            message: "the review did not arrive in time",
        }),
        Ok(Err(error)) if error.source().is_some_and(<dyn Error>::is::<LengthLimitError>) => Err(too_large()),
        Ok(Err(_)) => Err(TurnedAway {
            code: StatusCode::BAD_REQUEST,
            reason: "body",
            message: "the connection broke before the review was there",
        }),
        Ok(Ok(bytes)) if bytes.is_empty() => {
            Err(TurnedAway { code: StatusCode::BAD_REQUEST, reason: "body", message: "the request has no body" })
        }
        Ok(Ok(bytes)) => Ok((bytes, held)),
    }
}

fn report(shared: &Shared, answer: &Answer, bytes: usize, took: Duration) {
    let metrics = &shared.metrics;
    shared.shown.duration.observe(took.as_secs_f64());
    let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    let (namespace, pod, dialect) = (answer.namespace.as_str(), answer.pod.as_str(), shared.config.dialect.name);
    match &answer.outcome {
        Ok(plan) => {
            metrics.admissions.get_or_create(&Ended { outcome: "allowed" }).inc();
            for request in &plan.requests {
                metrics.secrets.get_or_create(&ByManager { manager: request.manager.name() }).inc();
            }
            let (secrets, warnings) = (plan.requests.len(), plan.warnings.len());
            tracing::info!(
                namespace,
                pod,
                dialect,
                allowed = true,
                code = 200,
                secrets,
                warnings,
                bytes,
                micros,
                "admission"
            );
        }
        Err(denial) => {
            let outcome = if denial.code == shared.config.refusal { "refused" } else { "unreadable" };
            metrics.admissions.get_or_create(&Ended { outcome }).inc();
            let reason = denial.message.as_str();
            tracing::info!(
                namespace,
                pod,
                dialect,
                allowed = false,
                code = denial.code,
                reason,
                bytes,
                micros,
                "admission"
            );
        }
    }
}
