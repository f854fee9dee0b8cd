//! Certificates and the registration on a real API server: the cluster of `KUBECONFIG`.
//!
//! Not among the tests of `cargo test`, which has no cluster: `cargo xtask e2e` runs them.

mod certificates;
mod doctor;
#[expect(dead_code, reason = "the other tests use the rest of it")]
#[path = "../it/harness.rs"]
mod harness;
mod registration;
mod renewal;
mod share;
mod support;
