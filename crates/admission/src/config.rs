//! The configuration: Flyte's sections by Flyte's names, ours at the top level.
//!
//! A name that nobody knows is refused with file, line and the nearest known one: a mistyped `policy` must not be lost.
//! What this build can't serve is refused here, once, and never pod by pod.

mod brought;
mod error;
mod flyte;
mod label;
mod limits;
mod place;
mod quantity;
mod section;
mod serve;
mod tree;

pub use brought::{Brought, KvVersion, Sidecar, Vault};
pub use error::ConfigError;
pub use flyte::{GlobalLookup, Server};
pub use limits::Limits;

use crate::dialect::{Dialect, KEYBEARER};
use crate::manager::Manager;
use crate::policy::{Policy, Rule};
use section::Section;
use std::time::Duration;
use tree::{Kind, Node};

/// Container names that get no secrets unless a configuration says otherwise: proxies and agents that other
/// injectors put beside the task.
pub const DEFAULT_EXCLUDED_TARGETS: [&str; 9] = [
    "istio-proxy",
    "istio-init",
    "istio-validation",
    "linkerd-proxy",
    "linkerd-init",
    "vault-agent",
    "vault-agent-init",
    "cloud-sql-proxy",
    "fluent-bit",
];

/// Everything that plan and render are told.
#[derive(Clone, Debug)]
pub struct Config {
    /// Whose pods we make.
    pub dialect: &'static Dialect,
    /// The label (with value `true`) of pods that ask for secrets.
    pub label: String,
    /// Prefix of secret environment variables.
    pub env_prefix: String,
    /// Whether Global is asked first.
    pub asks_global: bool,
    /// The managers after Global, in order.
    pub managers: Vec<Manager>,
    /// Why this build can't serve the managers that are configured: with [`Reading::on_laptop`] alone, and there are none then.
    pub unserved: Option<ConfigError>,
    /// Who may have what.
    pub policy: Policy,
    /// HTTP code of a refusal.
    pub refusal: u16,
    /// Name of the K8s Secret of a pinned version, with `{group}` and `{version}`.
    pub versioned_name: Option<String>,
    /// Container names that get nothing.
    pub excluded_targets: Vec<String>,
    /// The init container that fetches sealed secrets.
    pub fetch: Fetch,
    /// Where Global looks.
    pub global: GlobalLookup,
    /// Settings of AWS, GCP, Azure and Vault.
    pub brought: Brought,
    /// Listener, certificates, registration.
    pub server: Server,
    /// Bounds on what callers can make the server hold.
    pub limits: Limits,
    /// Lines about what was found in the file and is not used.
    pub notes: Vec<String>,
}

/// A file of the configuration.
#[derive(Clone, Copy, Debug)]
pub struct Source<'t> {
    /// Its text.
    pub text: &'t str,
    /// Its name in messages.
    pub origin: &'t str,
}

/// How a configuration is read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reading {
    /// The dialect, whatever `compat` says.
    pub compat: Option<&'static Dialect>,
    /// The dialect where `compat` says nothing, in place of our own.
    pub default_compat: Option<&'static Dialect>,
    /// Whether a name that nobody knows in Flyte's own sections is only noted: where we were started as Flyte's program,
    /// with a file that was written for another version of it.
    pub lenient: bool,
    /// Whether Local alone is going to be asked ([`Config::on_laptop`]), so that managers that this build can't serve are
    /// no error.
    pub on_laptop: bool,
}

/// The init container that fetches sealed secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetch {
    /// Its image.
    pub image: String,
    /// How long passing failures are retried.
    pub deadline: Duration,
}

impl Default for Config {
    fn default() -> Self {
        match Self::parse("", "default configuration") {
            Ok(config) => config,
            Err(error) => unreachable!("the default configuration is served: {error}"),
        }
    }
}

impl Config {
    /// Reads one YAML document; `origin` is its name in messages.
    ///
    /// # Errors
    /// [`ConfigError`] with place and remedy.
    pub fn parse(text: &str, origin: &str) -> Result<Self, ConfigError> {
        Self::read(&[Source { text, origin }], &Reading::default())
    }

    /// Reads files, later ones laid over earlier ones.
    ///
    /// # Errors
    /// [`ConfigError`] with place and remedy.
    pub fn read(sources: &[Source<'_>], reading: &Reading) -> Result<Self, ConfigError> {
        let mut tree = Node::parse("", sources.last().map_or("configuration", |source| source.origin))?;
        for source in sources {
            tree = tree.overlaid(Node::parse(source.text, source.origin)?);
        }
        let mut notes = Vec::new();
        let mut top = Section::of(tree, "the configuration")?;
        let names = Dialect::ALL.map(|dialect| format!("`{}`", dialect.name)).join(", ");
        let written = top.parsed("compat", &format!("one of {names}"), Dialect::from_name)?;
        let dialect = reading.compat.or(written).or(reading.default_compat).unwrap_or(&KEYBEARER);

        let webhook = flyte::webhook(top.section("webhook")?, reading.lenient, &mut notes)?;
        let secrets = top.section("secrets")?;
        let has_secrets_section = secrets.is_some();
        let global = flyte::secrets(secrets, reading.lenient, &mut notes)?;

        let label = top.scalar("label")?;
        let label = label::read(label)?;
        let policy = read_policy(&mut top)?;
        let refusal = top.parsed("refusalStatus", "400 or 403", |text| match text {
            "400" => Some(400),
            "403" => Some(403),
            _ => None,
        })?;
        let verify = top.scalar("verify")?;
        let versioned_name = top.scalar("versionedName")?;
        let excluded_targets = read_targets(top.section("targets")?)?;
        let fetch = read_fetch(top.section("fetch")?)?;
        let limits = limits::read(top.section("limits")?, &mut notes)?;

        for entry in top.rest() {
            if flyte::OTHER_SECTIONS.iter().any(|name| entry.name.eq_ignore_ascii_case(name)) {
                notes.push(format!("section `{}` is for other parts of Flyte and is ignored", entry.name));
            } else {
                return Err(top.unknown(&entry));
            }
        }

        serve::verify(verify)?;
        let env_prefix = serve::env_prefix(webhook.env_prefix, dialect, &mut notes)?;
        let chain = serve::chain(webhook.managers, dialect, &top)?;
        let (asks_global, managers, unserved) = match serve::served(&chain, dialect, has_secrets_section, &top) {
            Ok((asks_global, managers)) => (asks_global, managers, None),
            Err(error) if reading.on_laptop => (false, Vec::new(), Some(error)),
            Err(error) => return Err(error),
        };
        for (section, manager) in webhook.brought_sections {
            if !managers.contains(&manager) {
                notes.push(format!("`webhook.{section}` is not used: `{manager}` is none of the managers"));
            }
        }
        Ok(Self {
            dialect,
            label,
            env_prefix,
            asks_global,
            managers,
            unserved,
            policy,
            refusal: refusal.unwrap_or(dialect.refusal),
            versioned_name: serve::versioned_name(versioned_name)?,
            excluded_targets,
            fetch,
            global,
            brought: webhook.brought,
            server: webhook.server,
            limits,
            notes,
        })
    }

    /// The same configuration on a laptop, where Local alone is asked.
    pub fn on_laptop(&self) -> Self {
        Self { asks_global: false, managers: vec![Manager::Local], unserved: None, ..self.clone() }
    }

    /// The managers in the order in which they are asked.
    pub fn chain(&self) -> impl Iterator<Item = Manager> {
        self.asks_global.then_some(Manager::Global).into_iter().chain(self.managers.iter().copied())
    }
}

fn read_targets(section: Option<Section>) -> Result<Vec<String>, ConfigError> {
    let default = || DEFAULT_EXCLUDED_TARGETS.map(str::to_owned).to_vec();
    let Some(mut section) = section else { return Ok(default()) };
    let exclude = section.texts("exclude")?;
    section.finish()?;
    Ok(exclude.map_or_else(default, |list| list.into_iter().map(|scalar| scalar.text).collect()))
}

fn read_fetch(section: Option<Section>) -> Result<Fetch, ConfigError> {
    let mut fetch = Fetch {
        image: concat!("keybearer:", env!("CARGO_PKG_VERSION")).to_owned(),
        deadline: Duration::from_secs(120),
    };
    let Some(mut section) = section else { return Ok(fetch) };
    if let Some(image) = section.text("image")? {
        fetch.image = image;
    }
    if let Some(deadline) = section.parsed("deadline", "a duration such as `90s` or `2m`", duration)? {
        fetch.deadline = deadline;
    }
    section.finish()?;
    Ok(fetch)
}

/// Whole hours, minutes and seconds in Go's form: `1h`, `2m30s`, `90s`.
fn duration(text: &str) -> Option<Duration> {
    let (mut total, mut number) = (0_u64, String::new());
    for c in text.chars() {
        let unit = match c {
            '0'..='9' => {
                number.push(c);
                continue;
            }
            'h' => 3600,
            'm' => 60,
            's' => 1,
            _ => return None,
        };
        total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(unit)?)?;
        number.clear();
    }
    (number.is_empty() && total > 0).then(|| Duration::from_secs(total))
}

fn read_policy(top: &mut Section) -> Result<Policy, ConfigError> {
    let Some(entry) = top.take("policy") else { return Ok(Policy::default()) };
    let rules = match entry.node.kind {
        Kind::Null => Vec::new(),
        Kind::List(rules) => rules,
        Kind::Scalar(_) | Kind::Map(_) => {
            return Err(ConfigError::at(
                &entry.node.at,
                format!("`policy` has to be a list of rules, not {}", entry.node.kind_name()),
            )
            .with_hint("policy: [{allow: {manager: Global, group: shared}}, {deny: {manager: Global}}]"));
        }
    };
    let rules = rules.into_iter().enumerate().map(|(index, node)| read_rule(index, node));
    Ok(Policy::new(rules.collect::<Result<_, _>>()?))
}

fn read_rule(index: usize, node: Node) -> Result<Rule, ConfigError> {
    let number = index + 1;
    let at = node.at.clone();
    let mut section = Section::of(node, format!("rule {number} of `policy`"))?;
    let name = section.text("name")?;
    let (allow, deny) = (section.take("allow"), section.take("deny"));
    let (allows, entry) = match (allow, deny) {
        (Some(entry), None) => (true, entry),
        (None, Some(entry)) => (false, entry),
        (None, None) | (Some(_), Some(_)) => {
            section.finish()?;
            return Err(ConfigError::at(
                &at,
                format!("rule {number} of `policy` needs exactly one of `allow` and `deny`"),
            ));
        }
    };
    section.finish()?;
    let verb = if allows { "allow" } else { "deny" };
    let mut body = Section::of(entry.node, format!("`{verb}` of rule {number} of `policy`"))?;
    let mut rule = Rule::new(name.unwrap_or_else(|| format!("policy {number}")), allows);
    for scalar in body.texts("manager")?.unwrap_or_default() {
        let manager = Manager::from_name(&scalar.text).ok_or_else(|| serve::no_such_manager(&scalar))?;
        rule.managers.push(manager);
    }
    let mut globs = |name| -> Result<Vec<String>, ConfigError> {
        Ok(body.texts(name)?.unwrap_or_default().into_iter().map(|scalar| scalar.text).collect())
    };
    rule.namespaces = globs("namespace")?;
    rule.service_accounts = globs("serviceAccount")?;
    rule.groups = globs("group")?;
    rule.keys = globs("key")?;
    body.finish()?;
    Ok(rule)
}
