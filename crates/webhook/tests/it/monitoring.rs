//! What alerts, dashboard and docs say of metrics is what a server shows, from its start: an alert on a counter that is not there yet
//! would miss the first time.

use crate::harness::Running;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// A server's metrics that has not been asked anything yet.
struct Scrape {
    text: String,
}

impl Scrape {
    async fn of_a_new_server() -> Self {
        let (code, text) = Running::start().await.page("/metrics").await;
        assert_eq!(code, 200);
        Self { text }
    }

    /// Names as queries have them.
    fn samples(&self) -> BTreeSet<&str> {
        let lines = self.text.lines().filter(|line| !line.starts_with('#'));
        lines.map(|line| line.split(['{', ' ']).next().unwrap()).collect()
    }

    /// Names as people have them: a histogram is one.
    fn metrics(&self) -> BTreeSet<String> {
        let types = self.text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
        types.map(|(name, kind)| if kind == "counter" { format!("{name}_total") } else { name.to_owned() }).collect()
    }

    /// The values of a metric's label.
    fn values(&self, metric: &str, label: &str) -> BTreeSet<&str> {
        let lines = self.text.lines().filter_map(|line| line.strip_prefix(metric)?.strip_prefix('{'));
        lines.filter_map(|line| line.split_once(&format!("{label}=\""))?.1.split('"').next()).collect()
    }
}

fn read(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    fs::read_to_string(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every word of a text that is a metric's name.
fn named(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("keybearer_")).collect()
}

/// The metrics of the docs' table: name, and label with its values.
fn documented(text: &str) -> BTreeMap<&str, Option<(&str, BTreeSet<&str>)>> {
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `keybearer_"));
    rows.map(|row| {
        let cells: Vec<_> = row.split('|').collect();
        let mut words = cells[2].split('`').skip(1).step_by(2);
        let label = words.next().map(|label| (label, words.collect()));
        (row.split('`').next().unwrap(), label)
    })
    .collect()
}

#[tokio::test]
async fn alerts_and_dashboard_ask_for_what_is_there() {
    let scrape = Scrape::of_a_new_server().await;
    let there = scrape.samples();
    for file in ["alerts.yaml", "alerts-test.yaml", "dashboard.json"] {
        let text = read(&format!("deploy/monitoring/{file}"));
        let missing: Vec<_> = named(&text).into_iter().filter(|name| !there.contains(name)).collect();
        assert!(!named(&text).is_empty() && missing.is_empty(), "{file}: {missing:?} not in {there:#?}");
    }
}

#[tokio::test]
async fn the_docs_have_every_metric_and_no_other() {
    let scrape = Scrape::of_a_new_server().await;
    let text = read("docs/metrics.md");
    let documented = documented(&text);
    let names: BTreeSet<_> = documented.keys().map(|name| format!("keybearer_{name}")).collect();
    assert_eq!(names, scrape.metrics());
    for (name, label) in documented {
        let Some((label, values)) = label else { continue };
        let there = scrape.values(&format!("keybearer_{name}"), label);
        assert!(!there.is_empty(), "{name} has no `{label}`");
        assert!(values.is_empty() || values == there, "{name}: {values:?} in the docs, {there:?} there");
    }
}
