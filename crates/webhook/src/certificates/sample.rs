//! What certificates are made for in the tests.

use super::{CA_LIFE, LEAF_LIFE, Spec};

pub(super) fn spec() -> Spec {
    Spec {
        secret: "flyte-pod-webhook".into(),
        namespace: "flyte".into(),
        service: "flyte-pod-webhook".into(),
        ca_life: CA_LIFE,
        leaf_life: LEAF_LIFE,
    }
}
