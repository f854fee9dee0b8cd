//! Prometheus's own checker, built once from its Go module and kept for the next time.

use crate::failure::Failure;
use crate::process;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The module, its version as Go counts it: 0.316 is Prometheus 3.16.
const MODULE: &str = "github.com/prometheus/prometheus/cmd/promtool@v0.316.0";

/// Where promtool is; built where it is not there yet, which takes some minutes and the network.
pub(super) fn get() -> Result<PathBuf, Failure> {
    let folder = cache(std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from), std::env::home_dir())?;
    let program = folder.join("promtool");
    if !program.is_file() {
        build(&folder)?;
    }
    Ok(program)
}

/// A folder of its own for each version.
fn cache(cache: Option<PathBuf>, home: Option<PathBuf>) -> Result<PathBuf, Failure> {
    let cache = cache.filter(|cache| cache.is_absolute()).or_else(|| home.map(|home| home.join(".cache")));
    let version = MODULE.rsplit('@').next().unwrap_or_default();
    cache
        .map(|cache| cache.join(format!("keybearer/promtool-{version}")))
        .ok_or_else(|| Failure::new("there is no home folder to keep promtool in"))
}

fn build(folder: &Path) -> Result<(), Failure> {
    println!("monitoring: promtool is built once; it takes some minutes");
    let mut go = Command::new("go");
    // Without the ways to find targets, which are most of it, and with nothing of C.
    go.args(["install", "-tags", "remove_all_sd", "-ldflags", "-s -w", MODULE])
        .current_dir(std::env::temp_dir())
        .env("GOBIN", folder)
        .env("CGO_ENABLED", "0");
    process::run(&mut go).map_err(|failure| {
        failure
            .hint("ALERTS AND DASHBOARD ARE NOT CHECKED: that takes Go (https://go.dev) and the network, once")
            .hint(format!("or put a promtool that you have at {}", folder.join("promtool").display()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_version_has_a_folder_of_its_own_in_the_users_cache() {
        let name = format!("keybearer/promtool-{}", MODULE.rsplit('@').next().expect("a version"));
        assert_eq!(cache(Some("/c".into()), Some("/h".into())), Ok(PathBuf::from("/c").join(&name)));
        assert_eq!(cache(Some("".into()), Some("/h".into())), Ok(PathBuf::from("/h/.cache").join(&name)));
        assert!(cache(None, None).is_err());
    }
}
