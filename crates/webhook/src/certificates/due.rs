//! What has to be done about what is there, without asking anybody.
//!
//! ```text
//! nothing ─────────────────────────────────────────► a CA and a leaf of it        Completed
//! leaf with a third of its life left ──────────────► that leaf                    Unchanged
//! leaf near its end, CA that lasts longer, its key ► a new leaf, the same CA      Renewed
//! leaf near its end, CA that does not, or no key ──► both new, old CA trusted too Replaced
//! ```
//!
//! Where a CA is being replaced (`rotation`), a renewal changes nothing of that: the leaf is again one of the CA in use, and
//! where that can't sign any more, one of the next, which is published already.

use super::make::{Authority, make_authority, make_leaf};
use super::read::{Distrust, bundle, lifetime, trusts};
use super::rotate::switched;
use super::secret::{Found, Kept, foreign};
use super::{CA_CERTIFICATE, CERTIFICATE, CertificateError, Outcome, Pair, Spec};
use std::time::SystemTime;

/// What has to be done.
pub(super) enum Due {
    Nothing(Pair),
    Write(Outcome, Kept),
}

/// Decides it, and makes what has to be written.
pub(super) fn due(found: Found, spec: &Spec, now: SystemTime) -> Result<Due, CertificateError> {
    let (outcome, kept) = match found {
        Found::Nothing => (Outcome::Completed, fresh(spec, now)?),
        Found::ForOthers(kept) => renewed(spec, &kept, now)?,
        Found::Kept(kept) => {
            let life = lifetime(&kept.pair.certificate).map_err(|reason| foreign(spec, CERTIFICATE, reason))?;
            if !life.is_near_its_end(now) {
                return Ok(Due::Nothing(kept.pair));
            }
            renewed(spec, &kept, now)?
        }
    };
    // A webhook with a certificate that nobody trusts is an outage, so this is looked at before it is written.
    match trusts(&kept.pair, &spec.names()[2], now) {
        Ok(()) => Ok(Due::Write(outcome, kept)),
        Err(distrust) => Err(CertificateError::Untrusted { reason: describe(distrust) }),
    }
}

fn describe(distrust: Distrust) -> String {
    match distrust {
        Distrust::OtherCa => "its CA has not signed it".to_owned(),
        Distrust::OtherName => "it is not for the Service".to_owned(),
        Distrust::Other(reason) => reason,
    }
}

/// A new CA and a leaf of it.
pub(super) fn fresh(spec: &Spec, now: SystemTime) -> Result<Kept, CertificateError> {
    let authority = make_authority(spec, now)?;
    let pair = make_leaf(spec, &authority, now + spec.ca_life, now)?;
    Ok(Kept { pair, ca_key: Some(authority.key), next: None, leaving: None })
}

fn renewed(spec: &Spec, old: &Kept, now: SystemTime) -> Result<(Outcome, Kept), CertificateError> {
    let ca = lifetime(&old.pair.ca).map_err(|reason| foreign(spec, CA_CERTIFICATE, reason))?;
    // As long as a whole leaf fits into what is left of it; one that is to last as long as its CA never does.
    let lasts = ca.left(now) >= spec.leaf_life.min(ca.third());
    match &old.ca_key {
        Some(key) if lasts => {
            let authority = Authority { certificate: old.pair.ca.clone(), key: key.clone() };
            let mut pair = make_leaf(spec, &authority, ca.not_after, now)?;
            pair.ca = bundle(&old.pair.ca, "", now);
            Ok((Outcome::Renewed, Kept { pair, ..old.clone() }))
        }
        Some(_) | None => {
            if let Some(switched) = switched(spec, old, now)? {
                return Ok((Outcome::Replaced, switched));
            }
            let mut kept = fresh(spec, now)?;
            kept.leaving.clone_from(&old.leaving);
            // The certificates of other replicas stay trusted until they have the new one.
            kept.pair.ca = bundle(&kept.pair.ca, &old.pair.ca, now);
            Ok((Outcome::Replaced, kept))
        }
    }
}

#[cfg(test)]
mod tests;
