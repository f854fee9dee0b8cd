//! Where values are kept, and how they get to a container.
//!
//! ```text
//! [ Plan ] --fetch--> [ Values ] --deliver--> [ files, env file ]
//! ```
//!
//! [`fetch`] asks the stores for what a plan delivers sealed; [`deliver`] ([`prepare`], then write) puts it where the
//! containers look. The same two serve the init container of a pod and a laptop, so that a value meets the same limits in
//! both.
//!
//! On a laptop, [`Local`] has what the command line gives and, behind it, the [`LocalStore`]: secrets that are kept in one
//! encrypted file.

mod deliver;
mod env_file;
mod fetch;
mod globals;
mod local;
mod local_store;

pub use deliver::{DeliverError, LeftOut, MAX_FILE, Prepared, Volumes, deliver, prepare};
pub use env_file::Unfit;
pub use fetch::{FetchError, Miss, Stores, fetch};
pub use globals::{GlobalsError, load_globals};
pub use local::{Local, Managed, Origin};
pub use local_store::{Content, IDENTITY_ENV, Kept, LocalStore, Location, STORE_ENV, StoreError};
