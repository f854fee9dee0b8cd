//! How does a task read a secret that it asked for?
//!
//! ```no_run
//! let password = runtime::Secrets::from_env().get("db", "password")?;
//! connect("postgres://app@db", password.expose());
//! # fn connect(_: &str, _: &str) {}
//! # Ok::<(), runtime::GetError>(())
//! ```
//!
//! The look-up is that of flytekit's `SecretsManager`, so the same pod serves a Rust and a Python task: an environment
//! variable first, then a file, under the names that [`secret::places`] gives, which are those that admission made.
//!
//! ```text
//!            FLYTE_SECRETS_ENV_PREFIX            FLYTE_SECRETS_DEFAULT_DIR, FLYTE_SECRETS_FILE_PREFIX
//!                       │                                              │
//! get(group, key) ──► _FSEC_GROUP_KEY ──► (local: GROUP_KEY) ──► <dir>/group/key ──► <dir>/Group/Key ──► GetError
//! ```
//!
//! It depends on nothing but the standard library and `secret` without its features.

mod error;
mod secrets;
mod value;

pub use error::{GetError, NotFound};
pub use secrets::{DEFAULT_DIR, DEFAULT_ENV_PREFIX, Secrets};
pub use value::{SecretBytes, SecretString};
