//! The requests of one connection, for what they come near to.

use crate::peaks::Bound;
use crate::server::Shared;
use crate::taking::Taking;
use axum::http::Request;
use hyper::body::Incoming;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// What is noted of them.
pub(crate) struct Requests {
    shared: Arc<Shared>,
    taking: Arc<Taking>,
    is_h2: bool,
    began: Instant,
    /// Microseconds from the beginning to the last answer.
    last_answer: AtomicU64,
    under_way: AtomicUsize,
}

impl Requests {
    pub(crate) fn new(shared: Arc<Shared>, taking: Arc<Taking>, is_h2: bool) -> Self {
        let (last_answer, under_way) = (AtomicU64::new(0), AtomicUsize::new(0));
        Self { shared, taking, is_h2, began: Instant::now(), last_answer, under_way }
    }

    /// A head was read.
    pub(crate) fn begin(self: &Arc<Self>, request: &mut Request<Incoming>) -> UnderWay {
        self.taking.set_asked();
        let peaks = &self.shared.peaks;
        peaks.saw(Bound::Head, request.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum());
        let streams = self.under_way.fetch_add(1, Ordering::Relaxed) + 1;
        if self.is_h2 {
            peaks.saw(Bound::Streams, streams);
        } else {
            let pause =
                self.began.elapsed().saturating_sub(Duration::from_micros(self.last_answer.load(Ordering::Relaxed)));
            peaks.took(Bound::HeadTime, pause);
        }
        request.extensions_mut().insert(Arc::clone(&self.taking));
        UnderWay(Arc::clone(self))
    }
}

/// A request that is not answered yet.
pub(crate) struct UnderWay(Arc<Requests>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        let requests = &self.0;
        requests.under_way.fetch_sub(1, Ordering::Relaxed);
        let passed = u64::try_from(requests.began.elapsed().as_micros()).unwrap_or(u64::MAX);
        requests.last_answer.store(passed, Ordering::Relaxed);
    }
}
