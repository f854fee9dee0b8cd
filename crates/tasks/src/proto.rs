//! Flyte's messages, as `build.rs` makes them of `proto/`.

/// The packages, as they lie within each other.
#[allow(dead_code, reason = "a message may be there for the enum in it")]
#[expect(clippy::all, clippy::pedantic, unreachable_pub, reason = "made of the messages, whose docs are Flyte's")]
pub(crate) mod flyteidl {
    pub mod core {
        include!(concat!(env!("OUT_DIR"), "/flyteidl.core.rs"));
    }
    pub mod admin {
        include!(concat!(env!("OUT_DIR"), "/flyteidl.admin.rs"));
    }
}

pub(crate) use flyteidl::{admin, core};
