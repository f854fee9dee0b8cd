//! The pod before and after, as a coloured difference of YAML.

use owo_colors::OwoColorize;
use serde_json::Value;
use similar::{ChangeTag, TextDiff};

/// The difference, or nothing where the patch does not change the pod.
pub(super) fn write(pod_json: &str, patch_json: &str) -> Option<String> {
    let before: Value = serde_json::from_str(pod_json).ok()?;
    let patch: json_patch::Patch = serde_json::from_str(patch_json).ok()?;
    let mut after = before.clone();
    json_patch::patch(&mut after, &patch).ok()?;
    let (before, after) = (serde_saphyr::to_string(&before).ok()?, serde_saphyr::to_string(&after).ok()?);
    let mut text = String::new();
    let diff = TextDiff::from_lines(&before, &after);
    for group in diff.grouped_ops(3) {
        text.push_str(&format!("  {}\n", "⋯".dimmed()));
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let line = change.value().trim_end_matches('\n');
            text.push_str(&match change.tag() {
                ChangeTag::Delete => format!("{}\n", format!("- {line}").red()),
                ChangeTag::Insert => format!("{}\n", format!("+ {line}").green()),
                ChangeTag::Equal => format!("  {line}\n"),
            });
        }
    }
    (!text.is_empty()).then_some(text)
}
