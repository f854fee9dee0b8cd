//! What a rotation of the CA writes, one function a step; `rotation` says which is next.
//!
//! ```text
//!            ca.crt        ca.key  tls.crt by  beside these
//! resting    A             a       A
//! published  A, B          a       A           ca-next.crt B, ca-next.key b
//! switched   B, A          b       B           ca-leaving.crt A
//! resting    B             b       B
//! ```
//!
//! The CA in use always stands first, so that a replica of any version renews with it.

use super::make::{make_authority, make_leaf};
use super::read::{bundle, each, lifetime};
use super::secret::{Kept, foreign};
use super::{CA_CERTIFICATE, CertificateError, Spec};
use std::time::SystemTime;

/// A new CA beside those that are there. It signs nothing yet.
pub(crate) fn published(spec: &Spec, kept: &Kept, now: SystemTime) -> Result<Kept, CertificateError> {
    let next = make_authority(spec, now)?;
    let mut published = kept.clone();
    published.pair.ca = bundle(&kept.pair.ca, &next.certificate, now);
    published.next = Some(next);
    published.leaving = None;
    Ok(published)
}

/// A leaf of the next CA, which is the one in use from now on; none where there is no next CA. All others are still trusted.
pub(crate) fn switched(spec: &Spec, kept: &Kept, now: SystemTime) -> Result<Option<Kept>, CertificateError> {
    let Some(next) = &kept.next else { return Ok(None) };
    let life = lifetime(&next.certificate).map_err(|reason| foreign(spec, CA_CERTIFICATE, reason))?;
    let mut pair = make_leaf(spec, next, life.not_after, now)?;
    pair.ca = bundle(&next.certificate, &kept.pair.ca, now);
    let leaving = each(&pair.ca).skip(1).flat_map(|ca| [ca, "\n"]).collect::<String>();
    let leaving = Some(leaving).filter(|leaving| !leaving.is_empty());
    Ok(Some(Kept { pair, ca_key: Some(next.key.clone()), next: None, leaving }))
}

/// Nothing but the CA in use.
pub(crate) fn dropped(kept: &Kept) -> Kept {
    let mut dropped = Kept { next: None, leaving: None, ..kept.clone() };
    dropped.pair.ca = each(&kept.pair.ca).take(1).flat_map(|ca| [ca, "\n"]).collect();
    dropped
}

#[cfg(test)]
mod tests;
