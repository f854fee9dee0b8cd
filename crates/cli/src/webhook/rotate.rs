//! `keybearer webhook rotate-ca`: another CA, and no pod refused meanwhile.

#[cfg(feature = "webhook")]
mod tell;

use crate::output::Output;

/// Replace the webhook's CA by a new one, without refusing any pod
///
/// A new CA is published beside the old one and read back; once every API server has heard of it, the certificate is switched to
/// one of the new CA; once each replica serves that, the old CA is dropped, and that is read back, too. Broken off anywhere, the
/// same command goes on from there; two at once do one rotation. The cluster is that of KUBECONFIG, or that of the pod that this
/// runs in.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  keybearer webhook rotate-ca --namespace flyte
  keybearer webhook rotate-ca -n flyte --hold 120 --output json

Needed: to get and update the Secret; to get the registration and the Service; to list pods; to get pods/proxy.

Exit codes:
  0  the old CA is gone
  1  it was not begun, or broken off: stderr says why, and the same command goes on
  2  the command line can't be read")]
pub(crate) struct Args {
    /// The namespace of the install [default: `POD_NAMESPACE`, else flyte]
    #[arg(short, long, value_name = "NAMESPACE")]
    namespace: Option<String>,

    /// The `ConfigMap` that has the configuration, unless --config is given
    #[arg(long, value_name = "NAME", default_value = "flyte-pod-webhook")]
    config_map: String,

    /// Seconds for which both CAs are published, and for which all replicas serve the new certificate, before that is relied on
    #[arg(long, value_name = "SECONDS", default_value = "60")]
    hold: u64,

    /// Seconds to wait, in one step, for the webhook to do its part
    #[arg(long, value_name = "SECONDS", default_value = "600")]
    timeout: u64,

    /// Look at no replica, but wait so many seconds for all of them; for those who may not list pods or get pods/proxy
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(180..))]
    unseen: Option<u64>,

    /// What to print at the end
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

#[cfg(feature = "webhook")]
pub(super) use tell::execute;
