//! Rotating, and saying how it goes on: progress on stderr, what came of it on stdout.

use super::Args;
use crate::fault::Fault;
use crate::output::Output;
use crate::terminal;
use admission::Config;
use admission::config::Source;
use serde::Serialize;
use std::cell::RefCell;
use std::process::ExitCode;
use std::time::Duration;
use webhook::certificates::fingerprint;
use webhook::cluster::{self, Client, ClusterError};
use webhook::doctor::config_map;
use webhook::rotation::{Options, Pods, Rotated, RotationError, Said, Stage, Step, Subject, Unseen, rotate};

pub(crate) fn execute(webhook: &super::super::Args, args: &Args, as_flytepropeller: bool) -> Result<ExitCode, Fault> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Fault::new(format!("can't start: {error}")))?;
    runtime.block_on(run(webhook, args, as_flytepropeller))
}

async fn run(webhook: &super::super::Args, args: &Args, as_flytepropeller: bool) -> Result<ExitCode, Fault> {
    let client = cluster::connect().await.map_err(|error| Fault::new(&error).maybe_hint(error.hint()))?;
    let of_pod = || std::env::var("POD_NAMESPACE").ok().filter(|namespace| !namespace.is_empty());
    let namespace = args.namespace.clone().or_else(of_pod).unwrap_or_else(|| "flyte".to_owned());
    let config = if webhook.config.is_empty() {
        of_cluster(&client, webhook, args, &namespace, as_flytepropeller).await?
    } else {
        webhook.load(as_flytepropeller)?
    };
    let (secret, service) = (config.server.secret_name, config.server.service_name);
    let subject = Subject { secret, namespace: namespace.clone(), service: service.clone() };
    let seconds = Duration::from_secs;
    let (hold, timeout) = (seconds(args.hold), seconds(args.timeout));
    let options = Options {
        hold,
        timeout: args.unseen.map_or(timeout, |wait| timeout.max(seconds(wait * 2))),
        ..Options::default()
    };
    let last = RefCell::new(String::new());
    let say = |said: Said| {
        let Some(line) = line(&said, &subject, &options) else { return };
        if *last.borrow() != line {
            terminal::note(&line);
            *last.borrow_mut() = line;
        }
    };
    let rotated = match args.unseen {
        Some(wait) => rotate(&client, &subject, &Unseen::new(seconds(wait)), &options, say).await,
        None => {
            let pods = Pods { client: client.clone(), namespace, service };
            rotate(&client, &subject, &pods, &options, say).await
        }
    };
    let rotated = rotated.map_err(|error| fault(&error, args))?;
    tell(&rotated, &subject, args.output)?;
    Ok(ExitCode::SUCCESS)
}

/// The install's own configuration; the defaults where there is none.
async fn of_cluster(
    client: &Client,
    webhook: &super::super::Args,
    args: &Args,
    namespace: &str,
    as_flytepropeller: bool,
) -> Result<Config, Fault> {
    let name = &args.config_map;
    let found = config_map(client, namespace, name).await;
    let files = found.map_err(|error| {
        let fault = Fault::new(&error).maybe_hint(error.hint());
        let is_forbidden = matches!(error, ClusterError::Forbidden { .. });
        if is_forbidden { fault.hint("or give the webhook's configuration with --config") } else { fault }
    })?;
    let files = files.unwrap_or_else(|| {
        terminal::warning(format!(
            "there is no ConfigMap `{name}` in namespace `{namespace}`: the defaults are taken; name the install's with \
             --namespace and --config-map, or give a file with --config"
        ));
        Vec::new()
    });
    let sources: Vec<_> = files.iter().map(|(origin, text)| Source { text, origin }).collect();
    Ok(Config::read(&sources, &webhook.reading(as_flytepropeller))?)
}

fn line(said: &Said, subject: &Subject, options: &Options) -> Option<String> {
    let place = format!("Secret `{}` in namespace `{}`", subject.secret, subject.namespace);
    let registration = format!("MutatingWebhookConfiguration `{}`", subject.service);
    let hold = options.hold.as_secs();
    Some(match said {
        Said::GoesOn(Stage::Switched) => {
            format!("a rotation is under way in {place}: the certificate is the new CA's already")
        }
        Said::GoesOn(_) => format!("a rotation is under way in {place}: both CAs are published"),
        Said::Written(Step::Publish) => format!("published: a new CA stands beside the old one in {place}"),
        Said::Written(Step::Switch) => format!("switched: the certificate in {place} is one of the new CA"),
        Said::Written(_) => format!("dropped: the old CA is no longer in {place}"),
        Said::Begins(Step::AwaitRegistration) => format!("waiting until {registration} has the CAs of the Secret"),
        Said::Begins(Step::Hold) => format!("read back; holding for {hold} s, until every API server has heard of it"),
        Said::Begins(Step::AwaitReplicas) => "waiting until every replica serves the new certificate".to_owned(),
        Said::Begins(Step::Settle) => format!("every replica serves the new certificate; holding for {hold} s"),
        Said::Begins(_) => return None,
        Said::Waiting(pods) => format!("still waiting: {}", pods.join("; ")),
        Said::Away(reason) => format!("the API server is away, and asked again: {reason}"),
    })
}

fn fault(error: &RotationError, args: &Args) -> Fault {
    let fault = Fault::new(error).maybe_hint(error.hint());
    let is_look = |error: &ClusterError| match error {
        ClusterError::Forbidden { resource, .. } => ["pods", "pods/proxy", "services"].contains(resource),
        _ => false,
    };
    if matches!(error, RotationError::Cluster(error) if is_look(error)) && args.unseen.is_none() {
        return fault.hint("or look at no replica, and wait for them instead: `--unseen 300`");
    }
    fault
}

#[derive(Serialize)]
struct Report<'a> {
    secret: &'a str,
    namespace: &'a str,
    registration: &'a str,
    ca: Ca,
    /// How many were seen to serve a certificate of it.
    replicas: usize,
}

#[derive(Serialize)]
struct Ca {
    /// SHA-256 of its DER, in hexadecimal.
    sha256: String,
    /// When it ends, as Unix time.
    not_after: u64,
}

fn tell(rotated: &Rotated, subject: &Subject, output: Output) -> Result<(), Fault> {
    let Subject { secret, namespace, service } = subject;
    let since_1970 = rotated.life.not_after.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let ca = Ca { sha256: fingerprint(&rotated.ca).unwrap_or_default(), not_after: since_1970.as_secs() };
    match output {
        Output::Json => {
            terminal::json(&Report { secret, namespace, registration: service, ca, replicas: rotated.replicas })
        }
        Output::Text => terminal::out(&format!(
            "rotated: the CA with SHA-256 {} is the only one in Secret `{secret}` in namespace `{namespace}`, and in \
             MutatingWebhookConfiguration `{service}`\n",
            ca.sha256
        )),
    }
}
