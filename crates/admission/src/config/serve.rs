//! What this build can't serve is a configuration error that names it.

use super::error::{ConfigError, nearest};
use super::place::Place;
use super::section::{Scalar, Section};
use crate::dialect::{BringRule, Dialect, GlobalRule};
use crate::manager::Manager;

const NO_SEALED: &str = "needs sealed delivery from the cluster, which this build does not have";

/// The managers after Global, in order, and where each is named.
pub(super) struct Chain {
    managers: Vec<(Manager, Place)>,
    is_default: bool,
}

/// Reads the list of managers.
pub(super) fn chain(
    written: Option<Vec<Scalar>>,
    dialect: &'static Dialect,
    top: &Section,
) -> Result<Chain, ConfigError> {
    let written = written.unwrap_or_default();
    let mut managers = Vec::new();
    for scalar in &written {
        let manager = Manager::from_name(&scalar.text).ok_or_else(|| no_such_manager(scalar))?;
        managers.push((manager, scalar.at.clone()));
    }
    if managers.is_empty() {
        managers = dialect.default_managers.iter().map(|manager| (*manager, top.at().clone())).collect();
    }
    Ok(Chain { managers, is_default: written.is_empty() })
}

/// Checks that each manager can be served where it stands. Gives whether Global is asked, too, and the managers.
pub(super) fn served(
    chain: &Chain,
    dialect: &'static Dialect,
    has_secrets_section: bool,
    top: &Section,
) -> Result<(bool, Vec<Manager>), ConfigError> {
    let sealed_global = dialect.global == GlobalRule::Sealed;
    if sealed_global && has_secrets_section {
        return Err(ConfigError::at(
            top.at(),
            format!("`secrets` sets up Global, which in dialect `{}` {NO_SEALED}", dialect.name),
        )
        .with_hint(
            "remove `secrets`, or set `compat: flyte-v1` or `flyte-v2`, which write Global's values into the pod",
        ));
    }
    for (index, (manager, at)) in chain.managers.iter().enumerate() {
        servable(*manager, at, dialect, chain.is_default)?;
        if sealed_global && let Some((next, at)) = chain.managers.get(index + 1) {
            return Err(ConfigError::at(
                at,
                format!("`{next}` stands after `{manager}`, which by reference always answers and ends the chain"),
            )
            .with_hint(format!("remove `{next}`; `{manager}` before others {NO_SEALED}")));
        }
    }
    Ok((!sealed_global, chain.managers.iter().map(|(manager, _)| *manager).collect()))
}

fn servable(manager: Manager, at: &Place, dialect: &Dialect, is_default: bool) -> Result<(), ConfigError> {
    let why = match manager {
        Manager::K8s => return Ok(()),
        Manager::Global if dialect.global != GlobalRule::Sealed => return Ok(()),
        Manager::Aws | Manager::Vault | Manager::Gcp | Manager::Azure if dialect.brings == BringRule::AsFlyte => {
            return Ok(());
        }
        Manager::Aws | Manager::Vault | Manager::Gcp | Manager::Azure => {
            return Err(ConfigError::at(at, format!("manager `{manager}` is not served by this build")).with_hint(
                "set `webhook.secretManagerType: K8s`; with `compat: flyte-v1` or `flyte-v2` it is served as Flyte does it",
            ));
        }
        Manager::Global | Manager::Embedded => NO_SEALED,
        Manager::Confidant | Manager::Exec | Manager::Local => "is not served by this build",
    };
    let default = if is_default { format!(", the default of dialect `{}`,", dialect.name) } else { String::new() };
    let hint = match dialect.global {
        GlobalRule::Sealed => "set `webhook.secretManagerType: K8s`",
        GlobalRule::InlineOrNext | GlobalRule::InlineOrRefuse => {
            "set `webhook.secretManagerType` to `AWS`, `GCP`, `Azure`, `Vault`, `K8s` or `Global`"
        }
    };
    Err(ConfigError::at(at, format!("manager `{manager}`{default} {why}")).with_hint(hint))
}

/// The error for a manager that does not exist.
pub(super) fn no_such_manager(scalar: &Scalar) -> ConfigError {
    let names = Manager::CONFIGURABLE.map(Manager::name);
    let error = ConfigError::at(&scalar.at, format!("there is no manager `{}`", scalar.text));
    match nearest(&scalar.text, names) {
        Some(name) => error.with_hint(format!("did you mean `{name}`?")),
        None => error.with_hint(format!("managers are {}", names.join(", "))),
    }
}

pub(super) fn verify(written: Option<Scalar>) -> Result<(), ConfigError> {
    match written {
        Some(scalar) if scalar.text.eq_ignore_ascii_case("admission") => Err(ConfigError::at(
            &scalar.at,
            "`verify: admission` looks Secrets up in the cluster, which this build does not do",
        )
        .with_hint("set `verify: none`")),
        Some(scalar) if !scalar.text.eq_ignore_ascii_case("none") => {
            Err(ConfigError::at(&scalar.at, format!("`verify` has to be `none` or `admission`, not `{}`", scalar.text)))
        }
        Some(_) | None => Ok(()),
    }
}

pub(super) fn env_prefix(
    written: Option<Scalar>,
    dialect: &'static Dialect,
    notes: &mut Vec<String>,
) -> Result<String, ConfigError> {
    match written {
        Some(scalar) if !dialect.env_prefix_configurable => {
            if scalar.text != dialect.env_prefix {
                notes.push(format!(
                    "`webhook.secretEnvVarPrefix` has no effect in dialect `{}`: the prefix is `{}`",
                    dialect.name, dialect.env_prefix
                ));
            }
            Ok(dialect.env_prefix.to_owned())
        }
        Some(scalar) if scalar.text.is_empty() => Ok(String::new()),
        Some(scalar) => match secret::EnvName::parse(scalar.text.clone()) {
            Ok(prefix) => Ok(prefix.as_str().to_owned()),
            Err(error) => Err(ConfigError::at(&scalar.at, format!("`secretEnvVarPrefix`: {error}"))),
        },
        None => Ok(dialect.env_prefix.to_owned()),
    }
}

pub(super) fn versioned_name(written: Option<Scalar>) -> Result<Option<String>, ConfigError> {
    match written {
        Some(scalar) if !(scalar.text.contains("{group}") && scalar.text.contains("{version}")) => {
            Err(ConfigError::at(
                &scalar.at,
                format!("`versionedName` has to hold `{{group}}` and `{{version}}`, not `{}`", scalar.text),
            )
            .with_hint("versionedName: \"{group}-{version}\""))
        }
        Some(scalar) => Ok(Some(scalar.text)),
        None => Ok(None),
    }
}
