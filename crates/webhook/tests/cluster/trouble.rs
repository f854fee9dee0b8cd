//! What others do to the Secret and to the registration, what time does to certificates, clocks that are off and connections that
//! nobody uses: two replicas, called by the API server meanwhile.

use crate::rotation::{Install, SECRET, spec};
use crate::share::Load;
use crate::support::until;
use k8s_openapi::ByteString;
use kube::api::{DeleteParams, PostParams};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};
use webhook::certificates::{Authority, CA_LIFE, Pair, make_authority, make_leaf};

const DAY: Duration = Duration::from_secs(24 * 3600);

impl Install {
    async fn data(&self) -> BTreeMap<String, ByteString> {
        let there = self.secrets().get_opt(SECRET).await.unwrap();
        there.and_then(|secret| secret.data).unwrap_or_default()
    }

    /// Puts such data into the Secret.
    async fn put(&self, data: &[(&str, &[u8])]) {
        let mut there = self.secrets().get(SECRET).await.unwrap();
        let data = data.iter().map(|(key, value)| ((*key).to_owned(), ByteString(value.to_vec())));
        there.data.get_or_insert_default().extend(data);
        self.secrets().replace(SECRET, &PostParams::default(), &there).await.unwrap();
    }

    async fn put_pair(&self, pair: &Pair, ca_key: &str) {
        let data = [("ca.crt", pair.ca.as_bytes()), ("tls.crt", pair.certificate.as_bytes())];
        self.put(&[&data[..], &[("tls.key", pair.key.as_bytes()), ("ca.key", ca_key.as_bytes())]].concat()).await;
    }

    /// A counter of both replicas.
    async fn count(&self, line: &str) -> f64 {
        let mut sum = 0.0;
        for replica in &self.replicas {
            sum += replica.metric(line).await.unwrap();
        }
        sum
    }

    async fn mended(&self, what: &str) -> f64 {
        self.count(&format!("keybearer_certificates_mended_total{{what=\"{what}\"}}")).await
    }

    /// Waits until every replica serves what is in the Secret, and that is not this certificate.
    async fn serves_another_than(&self, certificate: &str) {
        until("another certificate is served", async || {
            let there = self.data().await;
            let there = String::from_utf8_lossy(&there["tls.crt"].0).into_owned();
            let mut all = there != certificate;
            for replica in &self.replicas {
                all &= replica.page("/certificate").await.1.trim() == there.trim();
            }
            all
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_is_lost_or_holds_nonsense_gets_what_is_served_again() {
    let it = Install::called().await;
    let load = Load::start(&it.place, 4, "ask");
    load.more(20).await;
    let good = it.data().await;
    let now = SystemTime::now();
    let other = make_authority(&spec(&it.place), now).unwrap();
    let others = make_leaf(&spec(&it.place), &other, now + CA_LIFE, now).unwrap();
    let half = &good["tls.crt"].0[..good["tls.crt"].0.len() / 2];
    let nonsense: [&[(&str, &[u8])]; 6] = [
        &[("tls.crt", half)],
        &[("tls.key", others.key.as_bytes())],
        &[("ca.crt", other.certificate.as_bytes())],
        &[("ca.key", other.key.as_bytes())],
        &[("tls.crt", others.certificate.as_bytes()), ("tls.key", others.key.as_bytes())],
        &[("ca.crt", b""), ("ca.key", b""), ("tls.crt", b""), ("tls.key", b"")],
    ];
    let is_good_again = async |before: f64| {
        until("the Secret is mended", async || {
            let there = it.data().await;
            let is_good = ["ca.crt", "tls.crt", "tls.key"].iter().all(|key| there.get(*key) == good.get(*key));
            is_good && it.mended("restored").await > before
        })
        .await;
    };
    for data in nonsense {
        let before = it.mended("restored").await;
        it.put(data).await;
        is_good_again(before).await;
    }
    let before = it.mended("restored").await;
    it.secrets().delete(SECRET, &DeleteParams::default()).await.unwrap();
    is_good_again(before).await;
    load.more(20).await;
    load.end().await;
    it.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pair_of_another_ca_put_there_by_hand_is_served_and_nobody_is_refused() {
    let it = Install::called().await;
    let load = Load::start(&it.place, 4, "ask");
    load.more(20).await;
    let before = it.data().await;
    let now = SystemTime::now();
    let authority = make_authority(&spec(&it.place), now).unwrap();
    let pair = make_leaf(&spec(&it.place), &authority, now + CA_LIFE, now).unwrap();
    it.put_pair(&pair, &authority.key).await;
    it.serves_another_than(&String::from_utf8_lossy(&before["tls.crt"].0)).await;
    load.more(20).await;
    load.end().await;
    assert!(it.mended("joined").await >= 1.0);
    let bundle = String::from_utf8(it.registered_bundle().await).unwrap();
    let before = String::from_utf8(before["ca.crt"].0.clone()).unwrap();
    assert!(bundle.contains(before.trim()) && bundle.starts_with(authority.certificate.trim()), "{bundle}");
    it.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leaf_and_then_a_ca_near_their_end_are_renewed_and_nobody_is_refused() {
    let it = Install::called().await;
    let load = Load::start(&it.place, 4, "ask");
    load.more(20).await;
    let (now, of) = (SystemTime::now(), spec(&it.place));
    let text = |data: &BTreeMap<String, ByteString>, key: &str| String::from_utf8(data[key].0.clone()).unwrap();
    let there = it.data().await;
    let (ca, ca_key) = (text(&there, "ca.crt"), text(&there, "ca.key"));
    // Made three weeks ago by the same CA.
    let authority = Authority { certificate: ca.clone(), key: ca_key.clone().into() };
    let old = make_leaf(&of, &authority, now + CA_LIFE, now - 21 * DAY).unwrap();
    it.put_pair(&Pair { ca: ca.clone(), ..old.clone() }, &ca_key).await;
    it.serves_another_than(&old.certificate).await;
    let renewed = it.data().await;
    assert_eq!((text(&renewed, "ca.crt").trim(), text(&renewed, "ca.key")), (ca.trim(), ca_key));
    // A CA of which two weeks are left, and its last leaf.
    let ending = make_authority(&of, now - CA_LIFE + 15 * DAY).unwrap();
    let last = make_leaf(&of, &ending, now + 15 * DAY, now - 21 * DAY).unwrap();
    it.put_pair(&last, &ending.key).await;
    it.serves_another_than(&text(&renewed, "tls.crt")).await;
    it.serves_another_than(&last.certificate).await;
    until("there is a new CA", async || {
        let there = text(&it.data().await, "ca.crt");
        !there.starts_with(ending.certificate.trim()) && there.contains(ending.certificate.trim())
    })
    .await;
    it.serves_another_than(&last.certificate).await;
    load.more(20).await;
    load.end().await;
    it.end().await;
}

/// What somebody does to the registration's entry.
type Edit = fn(&mut Value);

#[tokio::test(flavor = "multi_thread")]
async fn a_registration_that_is_edited_is_as_it_was_again_and_that_is_counted() {
    let it = Install::called().await;
    let name = it.place.namespace.clone();
    let entry = async || {
        let there = it.registrations().get_opt(&name).await.unwrap()?;
        Some(serde_json::to_value(&there.webhooks?[0]).unwrap())
    };
    let good = entry().await;
    let edits: [(&str, Edit); 5] = [
        ("bundle", |entry| entry["clientConfig"]["caBundle"] = "".into()),
        ("other", |entry| entry["failurePolicy"] = "Ignore".into()),
        ("other", |entry| entry["rules"] = json!([])),
        ("other", |entry| entry["objectSelector"] = json!({"matchLabels": {"no": "pod"}})),
        ("other", |entry| entry["rules"][0]["operations"] = json!(["UPDATE"])),
    ];
    for (what, edit) in edits {
        let line = format!("keybearer_registration_mended_total{{what=\"{what}\"}}");
        let before = it.count(&line).await;
        let mut there = serde_json::to_value(it.registrations().get(&name).await.unwrap()).unwrap();
        edit(&mut there["webhooks"][0]);
        let there = serde_json::from_value(there).unwrap();
        it.registrations().replace(&name, &PostParams::default(), &there).await.unwrap();
        until("it is as it was", async || entry().await == good && it.count(&line).await > before).await;
    }
    // Deleted between a replica's look and its write it is not made but mended, as far as that replica can tell.
    let written = async || {
        let mut sum = 0.0;
        for what in ["made", "bundle", "other"] {
            sum += it.count(&format!("keybearer_registration_mended_total{{what=\"{what}\"}}")).await;
        }
        sum
    };
    let before = written().await;
    it.registrations().delete(&name, &DeleteParams::default()).await.unwrap();
    until("it is there again", async || entry().await == good && written().await > before).await;
    it.end().await;
}

/// A replica whose clock is off makes the certificates; the API server has the right time.
async fn with_a_clock_that_shows(now: SystemTime) {
    let it = Install::called_at(now).await;
    let load = Load::start(&it.place, 4, "ask");
    load.more(50).await;
    load.end().await;
    it.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_five_minutes_off_either_way_refuses_nobody() {
    let (now, off) = (SystemTime::now(), Duration::from_secs(300));
    tokio::join!(with_a_clock_that_shows(now + off), with_a_clock_that_shows(now - off));
}

/// Nobody asks for so long; then nobody is refused. An API server gives up a connection after 90 s, we later.
async fn after_a_gap_of(seconds: u64) {
    let it = Install::called().await;
    let load = Load::start(&it.place, 4, "ask");
    load.more(50).await;
    load.end().await;
    let open = it.count("keybearer_connections").await;
    assert!(open >= 1.0, "the API server keeps no connection");
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    if seconds < 80 {
        assert!(it.count("keybearer_connections").await >= open, "connections did not last for {seconds} s");
    }
    let load = Load::start(&it.place, 4, "ask");
    load.more(50).await;
    load.end().await;
    it.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_refused_after_a_time_in_which_nobody_asked() {
    // One after the other they would take minutes.
    tokio::join!(after_a_gap_of(20), after_a_gap_of(60), after_a_gap_of(95), after_a_gap_of(100));
}
