//! A part of a server, for the tests.

use super::{Part, certificate_spec};
use crate::certificates::{CA_LIFE, LEAF_LIFE, Pair, make_authority, make_leaf};
use crate::server::Shared;
use crate::settings::{ClusterUse, Pace, PodIdentity, Settings};
use crate::tls;
use admission::Globals;
use arc_swap::ArcSwapOption;
use kube::Client;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// The part of a server that serves a CA or none, at an API server that is away.
pub(super) fn part(served: Option<&str>, cert_dir: &str) -> Part {
    tls::install_provider();
    let mut config = admission::Config::default();
    cert_dir.clone_into(&mut config.server.cert_dir);
    let pace = Pace::default();
    let settings = Settings {
        config,
        listen: ([127, 0, 0, 1], 0).into(),
        admin: ([127, 0, 0, 1], 0).into(),
        pod: PodIdentity { name: None, namespace: "flyte".to_owned() },
        cluster: ClusterUse::Full { adopt: false, owner: None, certificate_life: LEAF_LIFE, pace },
        drain_delay: Duration::ZERO,
        poll: Duration::ZERO,
    };
    Part {
        client: Client::try_from(kube::Config::new("http://127.0.0.1:1".parse().unwrap())).unwrap(),
        spec: certificate_spec(&settings),
        pace,
        shared: Arc::new(Shared::new(&settings, Globals::default())),
        settings,
        taken: Arc::new(ArcSwapOption::from_pointee(served.map(|ca| Pair {
            ca: ca.to_owned(),
            certificate: String::new(),
            key: String::new().into(),
        }))),
    }
}

/// A CA and a certificate of it.
pub(super) fn made(part: &Part) -> Pair {
    let now = SystemTime::now();
    make_leaf(&part.spec, &make_authority(&part.spec, now).unwrap(), now + CA_LIFE, now).unwrap()
}
