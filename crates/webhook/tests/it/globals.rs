//! Global secrets in files: changed under a running server.

use crate::harness::{PATIENCE, Running, review_of};
use secret::Mount;
use std::fs;
use std::time::Duration;
use tempfile::TempDir;

/// A folder with the global secret `db/password`, and the configuration that has it looked for there.
pub(crate) fn folder(value: &str) -> (TempDir, String) {
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("db")).unwrap();
    fs::write(folder.path().join("db/password"), value).unwrap();
    let config = format!("compat: flyte-v1\nsecrets:\n  secrets-prefix: {}\n", folder.path().display());
    (folder, config)
}

/// What a pod that asks for the secret gets.
async fn given(server: &Running) -> String {
    server.connect().await.post(&review_of(Mount::EnvVar)).await.patch()
}

#[tokio::test]
async fn a_file_that_changes_is_given_without_a_restart() {
    let (folder, config) = folder("first-value");
    let server = Running::with(&config, |_| {}).await;
    assert!(given(&server).await.contains("first-value"));
    fs::write(folder.path().join("new"), "second-value").unwrap();
    fs::rename(folder.path().join("new"), folder.path().join("db/password")).unwrap();
    let changed = async {
        while !given(&server).await.contains("second-value") {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, changed).await.unwrap();
}

#[tokio::test]
async fn a_folder_that_can_not_be_read_leaves_the_last_good_values() {
    let (folder, config) = folder("first-value");
    let server = Running::with(&config, |_| {}).await;
    // A link to itself can be read by nobody, not even by root.
    std::os::unix::fs::symlink("loop", folder.path().join("loop")).unwrap();
    fs::write(folder.path().join("db/password"), "second-value").unwrap();
    let failed = async {
        while server.metric("keybearer_globals_load_failures_total").await == Some(0.0) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, failed).await.unwrap();
    assert!(given(&server).await.contains("first-value"));
}
