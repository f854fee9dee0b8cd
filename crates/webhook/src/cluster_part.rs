//! What the server does at the API server: certificates, their renewal, and the registration.

use crate::server::{ServeError, Shared};
use crate::settings::{ClusterUse, Settings};
use std::sync::Arc;

/// Runs until it is dropped, or fails where nothing can be served without it.
pub(crate) async fn run(settings: Settings, shared: Arc<Shared>) -> Result<(), ServeError> {
    match settings.cluster {
        ClusterUse::None => {
            shared.readiness.set_registered();
            Ok(())
        }
        ClusterUse::Full { .. } => Err(ServeError::Cluster { message: "not wired yet".to_owned(), hint: None }),
    }
}
