//! Certificates, the registration, and pods of Flyte's managers on a real cluster, that of `KUBECONFIG`.
//!
//! Not among the tests of `cargo test`, which has no cluster: `cargo xtask e2e` runs them.

mod certificates;
mod doctor;
#[expect(dead_code, reason = "the other tests use the rest of it")]
#[path = "../it/harness.rs"]
mod harness;
mod managers;
mod of_others;
mod registration;
mod renewal;
mod rotation;
mod share;
mod support;
mod trouble;
