//! What is tried, and how it went.

use crate::Result;
use crate::cluster::Cluster;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// How many cases run at once: the node starts their pods, and has other work too.
const AT_ONCE: usize = 4;

/// One promise, with the code that tries it.
#[derive(Clone, Copy)]
pub(crate) struct Case {
    /// The promise, in words.
    pub(crate) name: &'static str,
    /// Tries it.
    pub(crate) run: fn(&Cluster) -> Result,
}

/// Makes cases of functions by their names.
#[macro_export]
macro_rules! cases {
    ($($name:ident),* $(,)?) => { &[$($crate::case::Case { name: stringify!($name), run: $name }),*] };
}

/// How all of them went.
#[derive(Default)]
pub(crate) struct Report {
    passed: usize,
    failed: Vec<String>,
}

impl Report {
    /// Tries those that the filter leaves, several at once; `suite` is the first part of their names.
    pub(crate) fn together(&mut self, cluster: &Cluster, suite: &str, cases: &[Case], filter: &str) {
        self.tried(cluster, suite, cases, filter, AT_ONCE);
    }

    /// Tries them one after another, in their order.
    pub(crate) fn in_order(&mut self, cluster: &Cluster, suite: &str, cases: &[Case], filter: &str) {
        self.tried(cluster, suite, cases, filter, 1);
    }

    fn tried(&mut self, cluster: &Cluster, suite: &str, cases: &[Case], filter: &str, at_once: usize) {
        let cases: Vec<_> = wanted(suite, cases, filter).collect();
        let next = AtomicUsize::new(0);
        let report = Mutex::new(self);
        std::thread::scope(|scope| {
            for _ in 0..at_once.min(cases.len()) {
                scope.spawn(|| {
                    while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let name = format!("{suite}::{}", case.name);
                        let start = Instant::now();
                        let result = (case.run)(cluster);
                        let took = start.elapsed().as_secs_f64();
                        let Ok(mut report) = report.lock() else { return };
                        report.note(&name, took, result);
                    }
                });
            }
        });
    }

    fn note(&mut self, name: &str, took: f64, result: Result) {
        match result {
            Ok(()) => {
                println!("ok      {took:>5.1} s  {name}");
                self.passed += 1;
            }
            Err(wrong) => {
                println!("FAILED  {took:>5.1} s  {name}\n        {}", wrong.trim().replace('\n', "\n        "));
                self.failed.push(name.to_owned());
            }
        }
    }

    /// Notes something that is no case: an install that did not come up, for one.
    pub(crate) fn stage(&mut self, cluster: &Cluster, name: &str, run: impl FnOnce() -> Result) -> bool {
        println!("\n--- {name}");
        let start = Instant::now();
        let result = run();
        let fine = result.is_ok();
        if !fine {
            cluster.tell_about_the_webhook();
        }
        self.note(name, start.elapsed().as_secs_f64(), result);
        fine
    }

    /// Says how it went.
    pub(crate) fn verdict(&self) -> Result {
        println!("\n{} passed, {} failed", self.passed, self.failed.len());
        if self.passed + self.failed.len() == 0 {
            return Err("no case has that in its name".to_owned());
        }
        if self.failed.is_empty() { Ok(()) } else { Err(format!("failed: {}", self.failed.join(", "))) }
    }
}

/// Those whose full name contains the filter.
pub(crate) fn wanted<'a>(suite: &str, cases: &'a [Case], filter: &str) -> impl Iterator<Item = &'a Case> {
    cases.iter().filter(move |case| format!("{suite}::{}", case.name).contains(filter))
}
