//! What has to be done about what is there, without asking anybody.
//!
//! ```text
//! nothing ─────────────────────────────────────────► a CA and a leaf of it        Completed
//! leaf with a third of its life left ──────────────► that leaf                    Unchanged
//! leaf near its end, CA that lasts longer, its key ► a new leaf, the same CA      Renewed
//! leaf near its end, CA that does not, or no key ──► both new, old CA trusted too Replaced
//! nothing or nonsense, while a pair is served ─────► that pair again              Restored
//! nonsense in one of ours, while nothing is served ► a CA and a leaf of it        Remade
//! a pair of a CA that has not signed what is served  both CAs                     Joined
//! ```
//!
//! Where a CA is being replaced (`rotation`), a renewal changes nothing of that: the leaf is again one of the CA in use, and
//! where that can't sign any more, one of the next, which is published already.

use super::make::{Authority, make_authority, make_leaf};
use super::read::{Distrust, bundle, each, is_key_of, lifetime, trusts};
use super::rotate::switched;
use super::secret::{Found, Kept, Remains, foreign};
use super::{CA_CERTIFICATE, CERTIFICATE, CertificateError, Known, Outcome, Pair, Spec};
use std::time::SystemTime;

/// What has to be done.
pub(super) enum Due {
    Nothing(Pair),
    Write(Outcome, Kept),
}

/// Decides it, and makes what has to be written.
pub(super) fn due(found: Found, spec: &Spec, known: Known<'_>, now: SystemTime) -> Result<Due, CertificateError> {
    let (outcome, kept) = match found {
        Found::Nothing => lost(spec, known, None, Outcome::Completed, now)?,
        Found::ForOthers(kept) => renewed(spec, &kept, now)?,
        Found::Kept(kept) => {
            let life = lifetime(&kept.pair.certificate).map_err(|reason| foreign(spec, CERTIFICATE, reason))?;
            if let Some(joined) = joined(&kept, spec, known, now) {
                (Outcome::Joined, joined)
            } else if life.is_near_its_end(now) {
                renewed(spec, &kept, now)?
            } else {
                return Ok(Due::Nothing(kept.pair));
            }
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

/// What takes the place of what is not there or can't be used: what is served, or else something new.
pub(super) fn lost(
    spec: &Spec,
    known: Known<'_>,
    remains: Option<Remains>,
    new: Outcome,
    now: SystemTime,
) -> Result<(Outcome, Kept), CertificateError> {
    let Some(served) = known.served else {
        let mut kept = fresh(spec, now)?;
        let trusted = remains.map_or_else(String::new, |remains| remains.ca) + known.published;
        kept.pair.ca = bundle(&kept.pair.ca, &trusted, now);
        return Ok((new, kept));
    };
    let is_its = |key: &str| is_key_of(key, &served.ca).unwrap_or(false);
    let ca_key = remains.and_then(|remains| remains.ca_key).filter(|key| is_its(key));
    let kept = Kept { pair: served.clone(), ca_key, next: None, leaving: None };
    let life = lifetime(&served.certificate).map_err(|reason| foreign(spec, CERTIFICATE, reason))?;
    if life.is_near_its_end(now) { renewed(spec, &kept, now) } else { Ok((Outcome::Restored, kept)) }
}

/// What has to be trusted so that what is served is, too: a bundle as it is, or with the CAs of what is served behind it.
pub(crate) fn with_that_of(trusted: &str, served: &Pair, spec: &Spec, now: SystemTime) -> String {
    let is_enough = trusts(&Pair { ca: trusted.to_owned(), ..served.clone() }, &spec.names()[2], now).is_ok();
    if is_enough { trusted.to_owned() } else { bundle(trusted, &served.ca, now) }
}

/// The pair of another CA, with that of what is served behind it: until everybody serves the new one, both have to be trusted.
/// It is one to go, which a rotation would do. None where what is served is trusted anyway, or could not be.
fn joined(kept: &Kept, spec: &Spec, known: Known<'_>, now: SystemTime) -> Option<Kept> {
    let served = known.served?;
    let ca = with_that_of(&kept.pair.ca, served, spec, now);
    let helps = || trusts(&Pair { ca: ca.clone(), ..served.clone() }, &spec.names()[2], now).is_ok();
    if ca == kept.pair.ca || !helps() {
        return None;
    }
    let mut joined = kept.clone();
    if kept.next.is_none() {
        joined.leaving = Some(each(&ca).skip(1).flat_map(|ca| [ca, "\n"]).collect());
    }
    joined.pair.ca = ca;
    Some(joined)
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
