//! A CA is replaced by another one while pods are admitted, and none is refused (`keybearer webhook rotate-ca`).
//!
//! ```text
//! publish old + new ─► read it back ─► hold ─► switch the leaf ─► all replicas serve it ─► settle ─► drop old ─► read it back
//!     Secret          registration     time        Secret             each replica          time      Secret    registration
//! ```
//!
//! Nothing is kept but what the Secret says, and the Secret is written only under the version that was read. So a command that
//! was broken off anywhere is gone on with by the next, and two at once do one rotation. Which step is next is said by [`next`],
//! which `tests/it/rotation_model.rs` checks for every order of what may happen.

mod error;
mod next;
mod observe;
mod replicas;
mod run;

pub use error::RotationError;
pub use next::{Lasting, Observed, Stage, Step, next};
pub use replicas::{Pods, Replicas, Served, Unseen};
pub use run::{Options, Rotated, Said, rotate};

use crate::certificates;

/// The install whose CA is rotated.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The Secret of its certificates.
    pub secret: String,
    /// Its namespace.
    pub namespace: String,
    /// Its Service, which is also its registration's name.
    pub service: String,
}

impl Subject {
    fn spec(&self) -> certificates::Spec {
        certificates::Spec {
            secret: self.secret.clone(),
            namespace: self.namespace.clone(),
            service: self.service.clone(),
            ca_life: certificates::CA_LIFE,
            leaf_life: certificates::LEAF_LIFE,
        }
    }
}
