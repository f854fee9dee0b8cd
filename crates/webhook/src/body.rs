//! A request's body: read within limits, or thrown away so that the caller hears why.

use crate::in_flight::Held;
use crate::peaks::Bound;
use crate::server::Shared;
use crate::turned::TurnedAway;
use admission::config::Limits;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, StatusCode, header};
use http_body_util::BodyExt;
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// How long the next part of a body that nobody wants is waited for.
const LINGER: Duration = Duration::from_secs(1);
/// What is set aside for a body of which something is there.
const FIRST: usize = 4 << 10;
/// So many times what is there of it is set aside for more: a large body is then moved a few times and not often.
const AHEAD: usize = 4;

/// Reads a body of this length, where one is announced. Its bytes are counted for as long as the second value lives.
pub(crate) async fn read(
    shared: &Shared,
    length: Option<usize>,
    body: &mut Body,
) -> Result<(Vec<u8>, Held), TurnedAway> {
    let limits = &shared.limits;
    if length.is_some_and(|length| length > limits.body) {
        return Err(too_large());
    }
    let started = Instant::now();
    let mut held = shared.in_flight.hold();
    let collected = timeout(limits.body_time, collect(body, length, limits.body, &mut held)).await;
    let bytes = collected.unwrap_or(Err(TurnedAway::new(
        StatusCode::REQUEST_TIMEOUT,
        "slow",
        "the review did not arrive in time",
    )))?;
    if bytes.is_empty() {
        return Err(TurnedAway::new(StatusCode::BAD_REQUEST, "body", "the request has no body"));
    }
    shared.peaks.saw(Bound::Body, bytes.len());
    shared.peaks.took(Bound::BodyTime, started.elapsed());
    Ok((bytes, held))
}

/// What is counted is what is set aside, by what is there and not by what was announced: whoever announces much and sends
/// little holds little.
async fn collect(body: &mut Body, length: Option<usize>, limit: usize, held: &mut Held) -> Result<Vec<u8>, TurnedAway> {
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let broken =
            |_| TurnedAway::new(StatusCode::BAD_REQUEST, "body", "the connection broke before the review was there");
        let Ok(data) = frame.map_err(broken)?.into_data() else { continue };
        let needed = bytes.len() + data.len();
        if needed > limit {
            return Err(too_large());
        }
        if needed > bytes.capacity() {
            let room = length.map_or(2 * bytes.capacity(), |length| length.min(FIRST.max(AHEAD * needed)));
            let room = room.max(needed).min(limit);
            // While it is moved, both are there.
            if !held.grow(bytes.capacity() + room) {
                return Err(overload());
            }
            bytes.reserve_exact(room - bytes.len());
            held.be(bytes.capacity());
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}

/// Takes what is still coming of a body, up to twice what would be taken of one that is wanted. A connection that is closed with bytes unread is reset, and a
/// caller that is still sending then never reads the answer.
pub(crate) async fn discard(limits: &Limits, body: &mut Body) {
    let taken = async {
        let mut bytes = 0;
        while let Ok(Some(Ok(frame))) = timeout(LINGER, body.frame()).await {
            bytes += frame.data_ref().map_or(0, Bytes::len);
            if bytes > 2 * limits.body {
                break;
            }
        }
    };
    let _ = timeout(limits.body_time, taken).await;
}

/// The length that is announced.
pub(crate) fn declared(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn too_large() -> TurnedAway {
    TurnedAway::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "the review is larger than this webhook takes")
}

fn overload() -> TurnedAway {
    TurnedAway::new(StatusCode::SERVICE_UNAVAILABLE, "overload", "too many reviews at once; try again")
}
