//! `docs/performance.md`: people write what stands around the figures, this program the figures.

use crate::figures::Figures;
use crate::{plot, table};
use anyhow::Context;
use std::fs;
use std::path::Path;

const BEGIN: &str = "<!-- figures: from here to the end mark written by `cargo xtask bench --write-docs` -->";
const END: &str = "<!-- figures: end -->";

/// Writes JSON and picture to a folder.
pub(crate) fn write(figures: &Figures, folder: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let json = folder.join("performance.json");
    fs::write(&json, serde_json::to_string_pretty(figures)? + "\n").with_context(|| json.display().to_string())?;
    plot::draw(figures, &folder.join("performance.svg"))
}

/// Writes the figures of a folder into its `performance.md`.
pub(crate) fn fill(figures: &Figures, folder: &Path) -> anyhow::Result<()> {
    let path = folder.join("performance.md");
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let filled = filled(&text, &table::markdown(figures)).with_context(|| path.display().to_string())?;
    Ok(fs::write(&path, filled)?)
}

fn filled(text: &str, figures: &str) -> anyhow::Result<String> {
    let (before, rest) = text.split_once(BEGIN).context("there is no begin mark of the figures")?;
    let (_, after) = rest.split_once(END).context("there is no end mark of the figures")?;
    Ok(format!("{before}{BEGIN}\n\n{}\n\n{END}{after}", figures.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_docs_have_the_figures_of_the_json_beside_them() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
        let json = fs::read_to_string(folder.join("performance.json")).expect("docs/performance.json");
        let figures: Figures = serde_json::from_str(&json).expect("figures");
        assert!(!figures.quick, "figures of a quick run are worth nothing");
        let text = fs::read_to_string(folder.join("performance.md")).expect("docs/performance.md");
        assert_eq!(
            filled(&text, &table::markdown(&figures)).expect("both marks"),
            text,
            "`cargo xtask bench --write-docs`"
        );
    }
}
