//! The admission webhook's server.
//!
//! ```text
//!  API server ──TLS──► listener ──► admit ──► admission::review::answer
//!                         ▲            ▲
//!                tls: certificate   watchers: global secrets, certificate files
//!  probes ─────plain─► admin: /livez /readyz /metrics
//! ```
//!
//! It is stateless: everything it needs for an answer is in memory, and no request makes it ask anybody.

mod admin;
mod admit;
mod body;
pub mod certificates;
pub mod cluster;
mod cluster_part;
pub mod doctor;
mod in_flight;
mod listener;
pub mod logs;
mod metrics;
mod peaks;
mod ready;
pub mod registration;
mod report;
mod requests;
pub mod rotation;
mod server;
mod settings;
mod silent;
#[cfg(feature = "surface")]
pub mod surface;
mod taking;
mod tls;
mod turned;
mod watchers;

pub use admit::PATH;
pub use cluster_part::init_certificates;
pub use server::{ServeError, Server};
pub use settings::{ClusterUse, Pace, PodIdentity, Settings};
pub use tls::{Certificates, Files, TlsError};
