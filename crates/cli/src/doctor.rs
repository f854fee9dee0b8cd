//! `keybearer doctor`: what is wrong with an install of the webhook, and what mends it.

#[cfg(feature = "webhook")]
mod look;

use crate::output::Output;
use admission::Dialect;
use clap::builder::PossibleValuesParser;

/// Look at an install of the webhook in a cluster, and say what is wrong with it and what mends it
///
/// Configuration, certificates, registration, Service, rights and versions are read, and a pod that asks for a secret is
/// made as a dry run. Nothing is changed. The cluster is that of KUBECONFIG, and your own rights are used.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  keybearer doctor --namespace flyte
  keybearer doctor -n flyte --config webhook.yaml --output json

Exit codes:
  0  nothing has failed; there may be warnings, and things that you may not look at
  1  something has failed
  2  the command line, the configuration file or the cluster can't be used")]
pub(crate) struct Args {
    /// The namespace of the install
    #[arg(short, long, value_name = "NAMESPACE", default_value = "flyte")]
    namespace: String,

    /// The webhook's configuration (YAML); without it, that of the install's `ConfigMap`
    #[arg(long, value_name = "FILE")]
    config: Option<String>,

    /// The `ConfigMap` that has the configuration, in files that end with `.yaml`
    #[arg(long, value_name = "NAME", default_value = "flyte-pod-webhook", conflicts_with = "config")]
    config_map: String,

    /// Whose pods are made; overrides `compat` of the configuration
    #[arg(long, value_name = "DIALECT", value_parser = PossibleValuesParser::new(Dialect::ALL.map(|d| d.name)))]
    compat: Option<String>,

    /// The webhook's service account
    #[arg(long, value_name = "NAME", default_value = "flyte-pod-webhook")]
    service_account: String,

    /// The cluster role that owns the registration
    #[arg(long, value_name = "NAME", default_value = "flyte-pod-webhook")]
    owner: String,

    /// The namespace in which a pod is tried
    #[arg(long, value_name = "NAMESPACE", default_value = "default")]
    probe_namespace: String,

    /// What to print
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

#[cfg(feature = "webhook")]
pub(crate) use look::execute;

#[cfg(not(feature = "webhook"))]
pub(crate) fn execute(_: &Args) -> Result<std::process::ExitCode, crate::fault::Fault> {
    Err(crate::webhook::not_built())
}
