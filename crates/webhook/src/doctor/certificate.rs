//! The serving certificate in its Secret.

use super::Subject;
use super::finding::Finding;
use crate::certificates::{CA_CERTIFICATE, CERTIFICATE, CertificateError, Distrust, Found, KEY, Pair, Spec};
use crate::certificates::{found, lifetime, trusts};
use crate::cluster::ClusterError;
use k8s_openapi::api::core::v1::Secret;
use kube::{Api, Client};
use std::time::{Duration, SystemTime};
use zeroize::Zeroizing;

const CERTIFICATE_CHECK: &str = "certificate";
const CA_CHECK: &str = "ca";
const DAY: Duration = Duration::from_secs(24 * 3600);

/// What is wrong with it, and the certificate itself if there is one.
pub(super) async fn look(client: &Client, subject: &Subject) -> (Vec<Finding>, Option<Pair>) {
    let spec = subject.certificates();
    let secrets: Api<Secret> = Api::namespaced(client.clone(), &spec.namespace);
    let secret = match secrets.get_opt(&spec.secret).await {
        Ok(Some(secret)) => secret,
        Ok(None) => return (vec![nothing(&spec, "is not there")], None),
        Err(error) => {
            let error = ClusterError::asked("get", "secrets", &spec.secret, Some(&spec.namespace), &error);
            return (vec![Finding::not_seen(CERTIFICATE_CHECK, &error)], None);
        }
    };
    let now = SystemTime::now();
    match found(&secret, &spec, now) {
        Ok(Found::Nothing) => (vec![nothing(&spec, "holds no certificate")], None),
        Ok(Found::Kept(kept)) => {
            let mut findings = lifetimes(&kept.pair, &spec, now, true);
            if kept.next.is_some() || kept.leaving.is_some() {
                let message =
                    format!("a rotation of the CA is under way in {}: more than one is trusted", spec.place());
                let hint = format!("`keybearer webhook rotate-ca --namespace {}` goes on with it", spec.namespace);
                findings.push(Finding::warning(CA_CHECK, message).hint(hint));
            }
            (findings, Some(kept.pair))
        }
        Ok(Found::ForOthers(kept)) => {
            let name = &spec.names()[2];
            let message = format!("the certificate in {} is not for `{name}`", spec.place());
            let hint = "the webhook makes one for it when it starts: restart it";
            (vec![Finding::failed(CERTIFICATE_CHECK, message).hint(hint)], Some(kept.pair))
        }
        // That of cert-manager, or one made by hand: the webhook serves it from files.
        Err(CertificateError::Type { .. }) => of_others(&secret, &spec, now),
        Err(error) => {
            let mut finding = Finding::failed(CERTIFICATE_CHECK, error.to_string());
            finding.hint = error.hint();
            (vec![finding], None)
        }
    }
}

fn nothing(spec: &Spec, what: &str) -> Finding {
    Finding::failed(CERTIFICATE_CHECK, format!("{} {what}", spec.place()))
        .hint("run `keybearer webhook init-certs` with the webhook's configuration, or restart the webhook, which does the same")
}

fn of_others(secret: &Secret, spec: &Spec, now: SystemTime) -> (Vec<Finding>, Option<Pair>) {
    let get = |key: &str| {
        let bytes = secret.data.as_ref().and_then(|data| data.get(key));
        bytes.and_then(|bytes| String::from_utf8(bytes.0.clone()).ok()).filter(|text| !text.is_empty())
    };
    let (Some(certificate), Some(key)) = (get(CERTIFICATE), get(KEY)) else {
        return (vec![nothing(spec, "holds no certificate and key")], None);
    };
    let Some(ca) = get(CA_CERTIFICATE) else {
        let message = format!(
            "{} has no `{CA_CERTIFICATE}`, so that it can't be said whether the API server trusts it",
            spec.place()
        );
        return (vec![Finding::unknown(CERTIFICATE_CHECK, message)], None);
    };
    let pair = Pair { ca, certificate, key: Zeroizing::new(key) };
    let name = &spec.names()[2];
    let why = match trusts(&pair, name, now) {
        Ok(()) => return (lifetimes(&pair, spec, now, false), Some(pair)),
        Err(Distrust::OtherCa) => "no CA in `ca.crt` has signed it".to_owned(),
        Err(Distrust::OtherName) => format!("it is not for `{name}`"),
        Err(Distrust::Other(reason)) => reason,
    };
    let message = format!("the certificate in {} can't be used: {why}", spec.place());
    (vec![Finding::failed(CERTIFICATE_CHECK, message).hint("have whoever makes it make another one")], Some(pair))
}

/// How long the certificate and its CA are valid. Those of others are renewed by others.
fn lifetimes(pair: &Pair, spec: &Spec, now: SystemTime, is_ours: bool) -> Vec<Finding> {
    let judge = |check, what: &str, pem: &str, mends: &str| match lifetime(pem) {
        Err(reason) => Finding::failed(check, format!("{what} in {} can't be read: {reason}", spec.place())),
        Ok(life) if life.left(now).is_zero() => {
            Finding::failed(check, format!("{what} in {} is over", spec.place())).hint(mends)
        }
        Ok(life) if life.not_before > now => {
            Finding::failed(check, format!("{what} in {} is not valid yet", spec.place()))
                .hint("is the clock of the machine that made it right?")
        }
        Ok(life) => {
            let days = life.left(now).as_secs() / DAY.as_secs();
            let said = format!("{what} in {} is valid for {days} more days", spec.place());
            // It should have been renewed within a minute of this, if the API server answered.
            let is_late = life.left(now) + DAY < life.third();
            if is_late { Finding::warning(check, said).hint(mends) } else { Finding::ok(check, said) }
        }
    };
    let renews = if is_ours {
        "the webhook renews it at a third of its life: look in its log, and restart it"
    } else {
        "whoever makes it has to renew it: look at its Certificate, if it is cert-manager"
    };
    vec![
        judge(CERTIFICATE_CHECK, "the certificate", &pair.certificate, renews),
        judge(CA_CHECK, "the CA", &pair.ca, renews),
    ]
}
