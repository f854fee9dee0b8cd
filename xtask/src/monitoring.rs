//! `cargo xtask monitoring`: do alerts and dashboard hold what they promise? Prometheus itself is asked, by its `promtool`.

mod promtool;

use crate::failure::Failure;
use crate::process;
use crate::workspace::{self, Workspace};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// Where rules, their tests and the dashboard are, from the root.
const FOLDER: &str = "deploy/monitoring";
/// What Grafana puts in itself, and something that fits there.
const VARIABLES: [(&str, &str); 3] = [("$__rate_interval", "5m"), ("$namespace", "flyte"), ("${datasource}", "d")];

/// Checks the rules, tests them, and has every query of the dashboard read.
pub(crate) fn run() -> Result<(), Failure> {
    let workspace = Workspace::read()?;
    let folder = workspace.root.join(FOLDER);
    let queries = queries(&folder.join("dashboard.json"))?;
    let promtool = promtool::get()?;
    let start = || {
        let mut command = Command::new(&promtool);
        command.current_dir(&folder);
        command
    };
    process::run(start().args(["check", "rules", "--lint-fatal", "alerts.yaml"]))?;
    process::run(start().args(["test", "rules", "alerts-test.yaml"]))?;
    for query in &queries {
        process::output(start().args(["--experimental", "promql", "format", query]))?;
    }
    println!("monitoring: {} queries of the dashboard are PromQL", queries.len());
    Ok(())
}

/// Every query of the dashboard, with something for its variables.
fn queries(path: &Path) -> Result<Vec<String>, Failure> {
    let dashboard: Value = serde_json::from_str(&workspace::read(path)?)
        .map_err(|error| Failure::new(format!("{}: {error}", path.display())))?;
    let mut found = Vec::new();
    collect(&dashboard, &mut found);
    for query in &mut found {
        for (name, value) in VARIABLES {
            *query = query.replace(name, value);
        }
        if query.contains('$') {
            return Err(Failure::new(format!("{}: a variable that nobody knows in `{query}`", path.display())));
        }
    }
    if found.is_empty() {
        return Err(Failure::new(format!("{} asks for nothing", path.display())));
    }
    Ok(found)
}

/// The strings under the name `expr`, at whatever depth.
fn collect(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::String(text) if name == "expr" => found.push(text.clone()),
                    other => collect(other, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn text(name: &str) -> String {
        workspace::read(&workspace::root().join(FOLDER).join(name)).expect(name)
    }

    #[test]
    fn the_dashboard_asks_with_variables_that_are_known() {
        let queries = queries(&workspace::root().join(FOLDER).join("dashboard.json")).expect("queries");
        assert!(queries.iter().any(|query| query.contains("keybearer_ready")), "{queries:#?}");
    }

    #[test]
    fn each_alert_is_seen_firing_by_a_test() {
        let named = |text: &str, before: &str| -> BTreeSet<String> {
            let names = text.split(before).skip(1);
            names.map(|rest| rest.chars().take_while(char::is_ascii_alphanumeric).collect()).collect()
        };
        let alerts = named(&text("alerts.yaml"), "- alert: ");
        assert!(!alerts.is_empty());
        assert_eq!(named(&text("alerts-test.yaml"), "alertname=\""), alerts);
    }

    #[test]
    fn a_query_is_found_at_any_depth_and_an_unknown_variable_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("dashboard.json");
        let ask = |json: &str| {
            workspace::write(&path, json).expect("a small file");
            queries(&path)
        };
        let found = ask(r#"{"panels": [{"targets": [{"expr": "rate(a[$__rate_interval])"}]}]}"#);
        assert_eq!(found, Ok(vec!["rate(a[5m])".to_owned()]));
        assert!(ask(r#"{"expr": "a{b=\"$c\"}"}"#).expect_err("unknown").to_string().contains("$c"));
        assert!(ask("{}").is_err());
    }
}
