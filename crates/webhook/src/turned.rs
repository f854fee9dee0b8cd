//! Requests that get no review's answer: what they are told, and what is counted of them.

use crate::metrics::{Metrics, Turned};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// A request that gets no review's answer.
#[derive(Debug)]
pub(crate) struct TurnedAway {
    pub(crate) code: StatusCode,
    /// The metric's label.
    pub(crate) reason: &'static str,
    message: &'static str,
}

impl TurnedAway {
    pub(crate) const fn new(code: StatusCode, reason: &'static str, message: &'static str) -> Self {
        Self { code, reason, message }
    }

    /// Counts it, and tells the caller as JSON.
    pub(crate) fn answer(self, metrics: &Metrics) -> Response {
        let Self { code, reason, message } = self;
        metrics.turned_away.get_or_create(&Turned { reason }).inc();
        let number = code.as_u16();
        // What anybody can cause as often as they like is no warning.
        match code {
            StatusCode::INTERNAL_SERVER_ERROR => tracing::error!(code = number, reason, "{message}"),
            StatusCode::SERVICE_UNAVAILABLE => tracing::warn!(code = number, reason, "{message}"),
            _ => tracing::debug!(code = number, reason, "{message}"),
        }
        let body = json!({"code": number, "error": message}).to_string();
        let mut response = (code, [(header::CONTENT_TYPE, "application/json")], body).into_response();
        let headers = response.headers_mut();
        match code {
            StatusCode::SERVICE_UNAVAILABLE => headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1")),
            StatusCode::METHOD_NOT_ALLOWED => headers.insert(header::ALLOW, HeaderValue::from_static("POST")),
            _ => None,
        };
        response
    }
}
