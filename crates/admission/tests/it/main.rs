//! Admission against what Flyte does, what Kubernetes accepts and what bad input asks for.
//!
//! ```text
//! testdata/vectors.json ───► vectors ──┐
//! testdata/observed.jsonl ─► observed ─┤► admit ► review::answer ► json-patch ► oracle (k8s-openapi, api_server)
//! proptest ────────────────► generated ┘
//! ```

mod admit;
mod agent;
mod api_server;
mod ask;
mod brought;
mod brought_chance;
mod cases;
mod compare;
mod deviations;
mod generated;
mod observed;
mod oracle;
mod ours;
mod review;
mod shown;
mod two_installs;
mod vectors;
