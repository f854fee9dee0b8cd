//! Pods that are created all the time, at a steady rate and without making them, through the API server; each answer is judged.
//!
//! ```text
//! kubectl proxy <── POST …/pods?dryRun=All (a lane each) ──> [ Answer ] ──> [ Seen ]
//! ```
//! `kubectl proxy` knows how to reach the cluster, whatever its `KUBECONFIG` says, and a request through it costs no process.

mod answer;
mod proxy;
mod seen;

use crate::Result;
use crate::cluster::{Cluster, TASKS, until};
use crate::pod::Pod;
use answer::Answer;
pub(crate) use answer::Verdict;
use proxy::Proxy;
pub(crate) use seen::Seen;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How many requests are under way at once, at most: one that waits for its answer must not hold up the next.
const LANES: u32 = 6;
/// How often a pod is created, all lanes together.
const EVERY: Duration = Duration::from_millis(50);
/// How long the first good answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A load that runs until it is ended.
pub(crate) struct Load {
    end: Arc<AtomicBool>,
    served: Arc<AtomicUsize>,
    answers: Arc<Mutex<Vec<Answer>>>,
    lanes: Vec<JoinHandle<()>>,
    /// Ends with it.
    _proxy: Proxy,
}

impl Load {
    /// Begins to create pods that ask for a secret, and waits until one came back with it.
    pub(crate) fn start(cluster: &Cluster) -> Result<Self> {
        Self::of(cluster, &Pod::prints_env())
    }

    /// The same with such pods.
    pub(crate) fn of(cluster: &Cluster, pod: &Pod) -> Result<Self> {
        let proxy = Proxy::start(&cluster.kubectl)?;
        let pod = pod.clone().asks("[{group: user-info, key: user_secret, mount: env}]").named(TASKS, "load");
        let path = format!("/api/v1/namespaces/{TASKS}/pods?dryRun=All");
        let request = Arc::new(proxy::post(&path, &pod.to_string()));
        let (end, served) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        let answers = Arc::<Mutex<Vec<Answer>>>::default();
        let start = Instant::now();
        let lanes: Vec<_> = (0..LANES)
            .map(|lane| {
                let (end, served, answers) = (Arc::clone(&end), Arc::clone(&served), Arc::clone(&answers));
                let (request, address) = (Arc::clone(&request), proxy.address);
                std::thread::spawn(move || {
                    let mut due = start + EVERY * lane;
                    while !end.load(Ordering::Acquire) {
                        std::thread::sleep(due.saturating_duration_since(Instant::now()));
                        let answer = Answer::of(start, proxy::ask(address, &request));
                        served.fetch_add(usize::from(answer.verdict == Verdict::Served), Ordering::AcqRel);
                        answers.lock().unwrap_or_else(PoisonError::into_inner).push(answer);
                        // What was missed is not made up for.
                        due = (due + EVERY * LANES).max(Instant::now());
                    }
                })
            })
            .collect();
        let load = Self { end, served, answers, lanes, _proxy: proxy };
        load.more(1)?;
        Ok(load)
    }

    /// Waits until so many more pods were served.
    pub(crate) fn more(&self, count: usize) -> Result {
        let before = self.served.load(Ordering::Acquire);
        until(PATIENCE, &format!("{count} more pods are served"), || {
            Ok((self.served.load(Ordering::Acquire) >= before + count).then_some(()))
        })
        .map_err(|wrong| format!("{wrong}; {}", self.so_far()))
    }

    /// How it went until now.
    pub(crate) fn so_far(&self) -> Seen {
        Seen::of(&self.answers.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Ends it.
    ///
    /// # Errors
    /// If a single pod was admitted without its secret.
    pub(crate) fn end(self) -> Result<Seen> {
        self.end.store(true, Ordering::Release);
        for lane in self.lanes {
            lane.join().map_err(|_| "a lane of the load has a fault")?;
        }
        let seen = Seen::of(&self.answers.lock().unwrap_or_else(PoisonError::into_inner));
        println!("        {seen}");
        if seen.unserved > 0 { Err(format!("pods were admitted without their secret: {seen}")) } else { Ok(seen) }
    }
}
