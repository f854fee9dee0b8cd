//! The API server's call, from bytes to bytes.

use crate::server::Shared;
use crate::taking::{self, Taking};
use crate::turned::TurnedAway;
use crate::{body, report};
use admission::review::Answer;
use admission::{Config, Globals};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

/// The path of Flyte's registration: two hyphens, since pods have an empty API group.
pub const PATH: &str = "/mutate--v1-pod";

/// From a review's bytes to its answer.
pub(crate) type Answering = fn(&[u8], &Config, &Globals) -> Answer;

/// What every request to anything else gets.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    Router::new().route(PATH, post(mutate).fallback(not_posted)).fallback(nothing_here).with_state(shared)
}

async fn nothing_here(State(shared): State<Arc<Shared>>) -> Response {
    TurnedAway::new(StatusCode::NOT_FOUND, "path", "reviews are posted to /mutate--v1-pod").answer(&shared.metrics)
}

async fn not_posted(State(shared): State<Arc<Shared>>) -> Response {
    TurnedAway::new(StatusCode::METHOD_NOT_ALLOWED, "method", "a review is posted").answer(&shared.metrics)
}

async fn mutate(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (mut head, mut body) = request.into_parts();
    let taking = head.extensions.remove::<Arc<Taking>>().unwrap_or_default();
    let (wrong, length) = (wrong_head(&head.headers), body::declared(&head.headers));
    let waits = head.headers.contains_key(header::EXPECT);
    // Heads are counted nowhere, and a body may take its time.
    drop(head);
    let answered = match wrong {
        Some(wrong) => Err(wrong),
        None => review(&shared, length, &mut body, taking).await,
    };
    match answered {
        Ok(answer) => ([(header::CONTENT_TYPE, "application/json")], answer).into_response(),
        Err(turned) => {
            // Who waits to be asked for the body has not sent any of it yet.
            if turned.code != StatusCode::REQUEST_TIMEOUT && !waits {
                body::discard(&shared.limits, &mut body).await;
            }
            turned.answer(&shared.metrics)
        }
    }
}

/// What keeps a request from being a review, by its head alone.
fn wrong_head(headers: &HeaderMap) -> Option<TurnedAway> {
    if !is_json(headers) {
        return Some(TurnedAway::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "content_type",
            "a review's Content-Type is application/json",
        ));
    }
    // Nothing is ever unpacked, so that a small body can't become a large one.
    if headers.get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        return Some(TurnedAway::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "encoding",
            "a review is sent as it is, with no Content-Encoding",
        ));
    }
    None
}

async fn review(
    shared: &Shared,
    length: Option<usize>,
    body: &mut Body,
    taking: Arc<Taking>,
) -> Result<Bytes, TurnedAway> {
    let (bytes, held) = body::read(shared, length, body).await?;
    let started = Instant::now();
    let globals = shared.globals.load();
    // A fault in one review is that review's, never the replica's.
    let answered = catch_unwind(AssertUnwindSafe(|| (shared.answering)(&bytes, &shared.config, &globals)));
    let answer = answered.map_err(|_| {
        TurnedAway::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "panic",
            "the review could not be answered because of a fault in keybearer; please report it",
        )
    })?;
    report::report(shared, bytes.len(), &answer, started.elapsed());
    drop(bytes);
    Ok(taking::wait(answer.body, held, taking))
}

/// Content types as the API server and others spell it, with or without parameters.
fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Turned;
    use crate::settings::{ClusterUse, PodIdentity, Settings};
    use std::time::Duration;
    use tower::ServiceExt;

    fn shared(answering: Answering) -> Arc<Shared> {
        let settings = Settings {
            config: Config::default(),
            listen: ([127, 0, 0, 1], 0).into(),
            admin: ([127, 0, 0, 1], 0).into(),
            pod: PodIdentity { name: None, namespace: "default".to_owned() },
            cluster: ClusterUse::None,
            drain_delay: Duration::ZERO,
            poll: Duration::from_secs(1),
        };
        Arc::new(Shared { answering, ..Shared::new(&settings, Globals::default()) })
    }

    async fn posted(shared: &Arc<Shared>, body: &'static str) -> StatusCode {
        let request = Request::post(PATH).header("content-type", "application/json").body(Body::from(body)).unwrap();
        router(Arc::clone(shared)).oneshot(request).await.unwrap().status()
    }

    #[tokio::test]
    async fn a_fault_in_one_review_is_no_other_reviews() {
        let shared = shared(|body, config, globals| {
            assert!(body != b"a fault", "as it is meant to be");
            admission::review::answer(body, config, globals)
        });
        assert_eq!(posted(&shared, "a fault").await, 500);
        assert_eq!(posted(&shared, "{}").await, 200);
        assert_eq!(posted(&shared, "a fault").await, 500);
        assert_eq!(shared.metrics.turned_away.get_or_create(&Turned { reason: "panic" }).get(), 2);
        assert_eq!(shared.metrics.bytes_in_flight.get(), 0);
    }
}
