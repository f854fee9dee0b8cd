//! Which secrets a pod gets and how, without any I/O.
//!
//! ```text
//! [ AdmissionReview ] -> [ PodView ] --plan--> [ Plan ] --render--> [ Patch ] -> [ answer ]
//!                            ^ Config, Policy, Globals     ^ Values (inline deliveries only)
//! ```
//!
//! One [`Plan`] stands behind the webhook's answer, `explain`, the laptop's runner and every refusal.

mod collections;
pub mod config;
pub mod denial;
pub mod dialect;
pub mod manager;
mod managers;
mod object;
pub mod patch;
pub mod plan;
mod planner;
pub mod policy;
pub mod reader;
mod render;
pub mod review;
mod text;
mod unreadable;
pub mod values;
mod variable;
pub mod view;

pub use collections::{List, Pairs};
pub use config::{Config, ConfigError};
pub use denial::Denial;
pub use dialect::Dialect;
pub use manager::Manager;
pub use object::Object;
pub use patch::Patch;
pub use plan::Plan;
pub use planner::{MAX_SECRETS, plan};
pub use policy::{Identity, Policy};
pub use render::render;
pub use text::Text;
pub use values::{Globals, Value, Values};
pub use view::PodView;
