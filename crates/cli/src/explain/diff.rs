//! The pod before and after, as a coloured difference of YAML.

use owo_colors::OwoColorize;
use serde_json::Value;
use similar::{ChangeTag, TextDiff};

/// The difference, or nothing where there is none.
pub(super) fn write(pod_json: &str, patched: &Value) -> Option<String> {
    let before: Value = serde_json::from_str(pod_json).ok()?;
    let (before, after) = (serde_saphyr::to_string(&before).ok()?, serde_saphyr::to_string(patched).ok()?);
    let diff = TextDiff::from_lines(&before, &after);
    let mut lines = Vec::new();
    for group in diff.grouped_ops(3) {
        lines.push(format!("  {}\n", "⋯".dimmed()));
        lines.extend(group.iter().flat_map(|op| diff.iter_changes(op)).map(|change| {
            let line = change.value().trim_end_matches('\n');
            match change.tag() {
                ChangeTag::Delete => format!("{}\n", format!("- {line}").red()),
                ChangeTag::Insert => format!("{}\n", format!("+ {line}").green()),
                ChangeTag::Equal => format!("  {line}\n"),
            }
        }));
    }
    (!lines.is_empty()).then(|| lines.concat())
}
