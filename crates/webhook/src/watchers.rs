//! Files that change while the server runs: certificates and global secrets. They are looked at from time to time, since
//! Secret volumes swap links, which watches of files miss (kubernetes/kubernetes#111947).

use crate::server::Shared;
use crate::settings::Settings;
use crate::tls::Files;
use std::sync::Arc;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

/// Starts watching; what is returned ends it.
pub(crate) fn start(shared: &Arc<Shared>, files: Files, settings: &Settings) -> Watching {
    let mut tasks = JoinSet::new();
    let (every, held) = (settings.poll, Arc::clone(shared));
    tasks.spawn(async move {
        let mut watch = CertificateWatch { shared: held, files: Some(files), last_failure: String::new() };
        let mut ticks = ticks(every);
        loop {
            ticks.tick().await;
            watch.look().await;
        }
    });
    if shared.config.asks_global {
        let shared = Arc::clone(shared);
        tasks.spawn(async move {
            let mut ticks = ticks(every);
            let mut last_failure = String::new();
            loop {
                ticks.tick().await;
                read_globals(&shared, &mut last_failure).await;
            }
        });
    }
    Watching(tasks)
}

/// The watching tasks.
pub(crate) struct Watching(JoinSet<()>);

impl Watching {
    pub(crate) fn abort_all(mut self) {
        self.0.abort_all();
    }
}

fn ticks(every: std::time::Duration) -> tokio::time::Interval {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

struct CertificateWatch {
    shared: Arc<Shared>,
    files: Option<Files>,
    last_failure: String,
}

impl CertificateWatch {
    async fn look(&mut self) {
        let Some(mut files) = self.files.take() else { return };
        if !files.are_there() || !self.shared.certificates.may_come_from_files() {
            self.files = Some(files);
            return;
        }
        let certificates = Arc::clone(&self.shared.certificates);
        let looked =
            tokio::task::spawn_blocking(move || (files.look(&certificates), files.ca_not_after(), files)).await;
        let Ok((looked, ca, files)) = looked else { return };
        if let Some(end) = ca {
            self.shared.metrics.ca_not_after.set(end);
        }
        self.files = Some(files);
        match looked {
            Ok(None) => self.last_failure.clear(),
            Ok(Some(end)) => {
                self.last_failure.clear();
                self.shared.metrics.certificate_not_after.set(end);
                tracing::info!(not_after = end, "a certificate was loaded from files");
            }
            Err(error) => {
                self.shared.metrics.certificate_failures.inc();
                // Said once, not every few seconds.
                let text = error.to_string();
                if text != self.last_failure {
                    tracing::error!(%error, "the certificate in files can't be used; the last good one is served");
                    self.last_failure = text;
                }
            }
        }
    }
}

async fn read_globals(shared: &Arc<Shared>, last_failure: &mut String) {
    let lookup = shared.config.global.clone();
    match tokio::task::spawn_blocking(move || stores::load_globals(&lookup)).await {
        Ok(Ok(globals)) => {
            last_failure.clear();
            shared.globals.store(Arc::new(globals));
        }
        Ok(Err(error)) => {
            shared.metrics.globals_failures.inc();
            let text = error.to_string();
            if text != *last_failure {
                tracing::error!(%error, "global secrets can't be read; the last good ones are served");
                *last_failure = text;
            }
        }
        Err(_) => {}
    }
}
