//! Kept: applied at start, looked at from time to time, and made again when it is lost or changed.

use super::apply::{Applied, Ended, apply_once};
use super::{RegistrationError, Spec};
use crate::cluster::ClusterError;
use kube::Client;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::sleep;

/// How long is waited after a failure, at first and at most. One who starts while the API server is away is ready this long after
/// that is back, so this is short.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(10));

/// How one look at the registration ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pass {
    /// It is as it has to be.
    Done(Applied),
    /// We may not register anything: somebody else's business, and no reason not to serve.
    Forbidden,
    /// It is not as it has to be, or the API server is away; what was there last still counts.
    Failed,
}

/// Keeps the registration as it has to be until it is dropped. `ca` is asked each time; `seen` is told how it ended, and which
/// CAs stood there before, as far as that could be looked at. Without a CA nothing is changed: the API server keeps the one that
/// it has. `wake` has it looked at at once.
///
/// Nothing is watched: Flyte's own RBAC has no verb for that, and applying what is there changes nothing.
pub async fn keep<C>(
    client: Client,
    spec: Spec,
    ca: impl Fn() -> C,
    seen: impl Fn(Pass, Option<&str>),
    every: Duration,
    wake: Arc<Notify>,
) where
    C: Future<Output = Result<String, RegistrationError>>,
{
    let mut pause = PAUSES.0;
    let mut said = Said::default();
    loop {
        let Ended { done, before } = apply_once(&client, &spec, &ca).await;
        match done {
            Ok((applied, ownerless)) => {
                said.applied(&spec.service, applied, ownerless);
                seen(Pass::Done(applied), before.as_deref());
                pause = PAUSES.0;
                pause_for(every, &wake).await;
            }
            Err(error) => {
                said.failed(&error);
                let is_forbidden = matches!(&error, RegistrationError::Cluster(ClusterError::Forbidden { .. }));
                seen(if is_forbidden { Pass::Forbidden } else { Pass::Failed }, before.as_deref());
                pause_for(pause, &wake).await;
                pause = (pause * 2).min(PAUSES.1);
            }
        }
    }
}

async fn pause_for(pause: Duration, wake: &Notify) {
    tokio::select! {
        () = sleep(pause) => {}
        () = wake.notified() => {}
    }
}

/// What was logged last: each state is said once, not every few seconds.
#[derive(Default)]
struct Said {
    failure: Option<String>,
    ownerless: Option<String>,
}

impl Said {
    fn applied(&mut self, name: &str, applied: Applied, ownerless: Option<String>) {
        match applied {
            Applied::Made => tracing::info!(name, "registered"),
            Applied::Adopted => tracing::info!(name, "Flyte's registration was taken over"),
            Applied::BundleMended => tracing::warn!(name, "the registration had another CA and was mended"),
            Applied::Mended => tracing::warn!(name, "the registration was different and was mended"),
            Applied::Unchanged if self.failure.is_some() => tracing::info!(name, "the registration is there"),
            Applied::Unchanged => {}
        }
        self.failure = None;
        if ownerless != self.ownerless {
            if let Some(reason) = &ownerless {
                tracing::warn!(reason, "the registration has no owner: an uninstall has to delete it by its name");
            }
            self.ownerless = ownerless;
        }
    }

    fn failed(&mut self, error: &RegistrationError) {
        let text = error.to_string();
        if self.failure.as_ref() != Some(&text) {
            tracing::error!(%error, hint = error.hint(), "the registration can't be looked at or written");
            self.failure = Some(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube::Config;
    use std::sync::Mutex;

    /// How looks ended until a time, at an API server that is away.
    async fn passes(until: Duration, wake: Notify) -> Vec<Pass> {
        crate::tls::install_provider();
        let client = Client::try_from(Config::new("http://127.0.0.1:1".parse().unwrap())).unwrap();
        let spec = Spec {
            service: "flyte-pod-webhook".into(),
            namespace: "flyte".into(),
            port: 443,
            label: "inject-flyte-secrets".into(),
            namespace_selector: None,
            owner: None,
            adopt: false,
        };
        let passes = Mutex::new(Vec::new());
        let ca = || std::future::ready(Ok("ca".to_owned()));
        let keeping =
            keep(client, spec, ca, |pass, _| passes.lock().unwrap().push(pass), Duration::ZERO, Arc::new(wake));
        let _ = tokio::time::timeout(until, keeping).await;
        passes.into_inner().unwrap()
    }

    #[tokio::test]
    async fn an_api_server_that_is_away_is_asked_again_and_again() {
        assert_eq!(passes(PAUSES.0 * 3 / 2, Notify::new()).await, [Pass::Failed, Pass::Failed]);
    }

    #[tokio::test]
    async fn who_wakes_it_has_it_looked_at_without_the_pause() {
        let wake = Notify::new();
        wake.notify_one();
        assert_eq!(passes(PAUSES.0 * 3 / 4, wake).await, [Pass::Failed, Pass::Failed]);
    }
}
