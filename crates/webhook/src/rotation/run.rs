//! The rotation: looks, does the next step, and looks again, until nothing is left to be done.

use super::observe::{cas, is_registered, leaving, newest, registered, secret, stage};
use super::{Lasting, Observed, Replicas, RotationError, Stage, Step, Subject, next};
use crate::certificates::{self, CA_LIFE, Kept, LEAF_LIFE, Lifetime, Written, is_trusted, lifetime};
use crate::cluster::ClusterError;
use kube::Client;
use std::collections::BTreeSet;
use std::time::{Duration, Instant, SystemTime};

/// How long each part of it may take.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How long something has to be so before it is relied on: the time that the slowest API server needs to hear of a change, and
    /// a replica to start.
    pub hold: Duration,
    /// How long is waited in one step for others to do their part.
    pub timeout: Duration,
    /// How often it is looked meanwhile.
    pub every: Duration,
}

impl Default for Options {
    /// A minute, ten minutes, two seconds.
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { hold: seconds(60), timeout: seconds(600), every: seconds(2) }
    }
}

/// What is said while it goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// A rotation that was broken off, or another command's, is gone on with.
    GoesOn(Stage),
    /// A step begins: one that waits, for so long or until something is so.
    Begins(Step),
    /// Whom is still waited for.
    Waiting(Vec<String>),
    /// Something was written.
    Written(Step),
    /// The API server is away; it is asked again.
    Away(String),
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Rotated {
    /// The CA that is the only one now, as PEM.
    pub ca: String,
    /// Its lifetime.
    pub life: Lifetime,
    /// How many replicas were seen to serve a certificate of it; 0 where none was asked, or another command did the rest.
    pub replicas: usize,
}

/// Replaces the CA of an install, and all others that it still trusts, or goes on with that.
///
/// # Errors
/// [`RotationError`]. Before the first line is said nothing was changed; after that everything goes on being trusted, and the
/// same call goes on from there.
pub async fn rotate(
    client: &Client,
    subject: &Subject,
    replicas: &impl Replicas,
    options: &Options,
    say: impl Fn(Said),
) -> Result<Rotated, RotationError> {
    let begin = secret(client, subject).await?;
    is_registered(client, subject).await?;
    // A right that is missing is better known before anything is changed.
    replicas.look(|_| true).await?;
    if stage(&begin.kept) != Stage::Resting {
        say(Said::GoesOn(stage(&begin.kept)));
    }
    let mut rotation = Rotation {
        client,
        subject,
        replicas,
        options,
        say,
        goal: leaving(&begin.kept),
        registered: Since::default(),
        served: Since::default(),
        seen: 0,
        waiting: Vec::new(),
    };
    rotation.run().await
}

struct Rotation<'a, R, S> {
    client: &'a Client,
    subject: &'a Subject,
    replicas: &'a R,
    options: &'a Options,
    say: S,
    /// The CAs that are to go.
    goal: BTreeSet<String>,
    registered: Since,
    served: Since,
    /// How many replicas were last seen with the new certificate, and whom is waited for.
    seen: usize,
    waiting: Vec<String>,
}

impl<R: Replicas, S: Fn(Said)> Rotation<'_, R, S> {
    async fn run(&mut self) -> Result<Rotated, RotationError> {
        let (mut last, mut since) = (None, Instant::now());
        loop {
            let (written, observed) = match self.observe().await {
                Ok(seen) => seen,
                Err(RotationError::Cluster(ClusterError::Away { reason, .. }))
                    if since.elapsed() < self.options.timeout =>
                {
                    (self.say)(Said::Away(reason));
                    tokio::time::sleep(self.options.every).await;
                    continue;
                }
                Err(error) => return Err(error),
            };
            let step = next(&observed);
            if last != Some(step) {
                (last, since) = (Some(step), Instant::now());
                if !matches!(step, Step::Done) {
                    (self.say)(Said::Begins(step));
                }
            }
            match step {
                Step::Publish | Step::Switch | Step::Drop => self.write(step, written).await?,
                Step::Hold | Step::Settle => tokio::time::sleep(self.options.every.min(self.options.hold)).await,
                Step::AwaitRegistration | Step::AwaitReplicas if since.elapsed() >= self.options.timeout => {
                    return Err(self.given_up(step));
                }
                Step::AwaitRegistration | Step::AwaitReplicas => tokio::time::sleep(self.options.every).await,
                Step::Done => return self.done(&written.kept),
            }
        }
    }

    /// Looks at everything that the next step depends on.
    async fn observe(&mut self) -> Result<(Written, Observed), RotationError> {
        let written = secret(self.client, self.subject).await?;
        let kept = &written.kept;
        let (stage, there) = (stage(kept), cas(&kept.pair.ca));
        // What was seen of another state of the Secret says nothing of this one.
        let of = format!("{stage:?} {}", newest(kept));
        let is_registered = registered(self.client, self.subject).await?.is_some_and(|registered| registered == there);
        let registered = self.registered.lasting(&of, is_registered, self.options.hold);
        let served = if stage == Stage::Switched && is_registered {
            let (spec, ca) = (self.subject.spec(), newest(kept));
            let is_new = |shown: &str| {
                is_trusted(&certificates::Pair { certificate: shown.to_owned(), ..kept.pair.clone() }, ca, &spec)
            };
            let looked = self.replicas.look(is_new).await?;
            if !looked.waiting.is_empty() && looked.waiting != self.waiting {
                (self.say)(Said::Waiting(looked.waiting.clone()));
            }
            let is_served = looked.waiting.is_empty();
            (self.seen, self.waiting) = (looked.new, looked.waiting);
            self.served.lasting(&of, is_served, self.options.hold)
        } else {
            self.served.lasting(&of, false, self.options.hold)
        };
        let is_gone = self.goal.is_disjoint(&there);
        Ok((written, Observed { stage, is_gone, registered, served }))
    }

    /// Writes what a step writes, unless somebody else wrote meanwhile: then it is looked again.
    async fn write(&mut self, step: Step, written: Written) -> Result<(), RotationError> {
        let (now, mut spec) = (SystemTime::now(), self.subject.spec());
        let kept = match step {
            Step::Publish => Some(certificates::published(&spec, &written.kept, now)?),
            Step::Switch => {
                spec.leaf_life = leaf_life(&written.kept);
                certificates::switched(&spec, &written.kept, now)?
            }
            _ => Some(certificates::dropped(&written.kept)),
        };
        let Some(kept) = kept else { return Ok(()) };
        match certificates::write_back(self.client, &spec, written, &kept).await {
            Ok(true) => (self.say)(Said::Written(step)),
            // Somebody was faster, or the answer was lost: what is there now says which.
            Ok(false) => tokio::time::sleep(Duration::from_millis(50)).await,
            Err(certificates::CertificateError::Cluster(ClusterError::Away { reason, .. })) => {
                (self.say)(Said::Away(reason));
                tokio::time::sleep(self.options.every).await;
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    fn given_up(&self, step: Step) -> RotationError {
        let after = self.options.timeout;
        let Subject { secret, namespace, service } = self.subject.clone();
        match step {
            Step::AwaitReplicas => RotationError::NotServed { waiting: self.waiting.clone(), after },
            _ => RotationError::NotRegistered {
                name: service,
                place: self.subject.spec().place(),
                namespace,
                secret,
                after,
            },
        }
    }

    fn done(&self, kept: &Kept) -> Result<Rotated, RotationError> {
        let ca = newest(kept).to_owned();
        let life = lifetime(&ca).map_err(|reason| certificates::CertificateError::Untrusted { reason })?;
        Ok(Rotated { ca, life, replicas: self.seen })
    }
}

/// As long as the one before: a leaf that lasts as long as its CA is for going back to Flyte's image, which renews nothing.
fn leaf_life(kept: &Kept) -> Duration {
    let whole = lifetime(&kept.pair.certificate).map_or(LEAF_LIFE, |life| life.third() * 3);
    if whole > LEAF_LIFE * 2 { CA_LIFE } else { LEAF_LIFE }
}

/// Since when something has been so.
#[derive(Default)]
struct Since {
    of: String,
    since: Option<Instant>,
}

impl Since {
    fn lasting(&mut self, of: &str, is_so: bool, long: Duration) -> Lasting {
        if !is_so || self.of != of {
            self.since = None;
            of.clone_into(&mut self.of);
        }
        if !is_so {
            return Lasting::No;
        }
        if self.since.get_or_insert_with(Instant::now).elapsed() >= long { Lasting::Long } else { Lasting::Short }
    }
}
