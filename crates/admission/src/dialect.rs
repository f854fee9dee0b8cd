//! Whose pods we make: Flyte v1's, Flyte v2's or our own.
//!
//! A dialect is a value. What differs between dialects is a field here, and the code asks the field, never the name.

use crate::manager::Manager;

/// Everything in which the dialects differ.
#[derive(Debug, PartialEq, Eq)]
pub struct Dialect {
    /// Its name in `compat`.
    pub name: &'static str,
    /// The default of `secretEnvVarPrefix`.
    pub env_prefix: &'static str,
    /// Whether `secretEnvVarPrefix` can change it.
    pub env_prefix_configurable: bool,
    /// How variables get into a container's list.
    pub env_rule: EnvRule,
    /// How K8s gives files.
    pub files: FileRule,
    /// What a Secret's group is where none is asked for.
    pub group: GroupRule,
    /// What becomes of requests that get into each other's way but do no harm outside of the pod.
    pub conflicts: ConflictRule,
    /// How Global's values travel.
    pub global: GlobalRule,
    /// Whether AWS sets a secret's `env_var` to the path of its file. Flyte v1 does; v2 has lost it.
    pub aws_sets_path_env: bool,
    /// Which managers can be configured besides Global and K8s.
    pub brings: BringRule,
    /// HTTP code of a refusal.
    pub refusal: u16,
    /// The managers where none is configured.
    pub default_managers: &'static [Manager],
    /// Whether only container names that are not in `targets.exclude` get secrets.
    pub excludes_targets: bool,
}

/// How variables get into a container's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnvRule {
    /// Flyte v1: at the end, and only if no variable of that name is there.
    AppendIfAbsent,
    /// Flyte v2: the first variable of that name goes, the new one is put in front.
    ReplaceInFront,
    /// Ours: in front, in our order; another variable of that name is a refusal.
    OursFirst,
}

/// How K8s gives files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileRule {
    /// Flyte: a volume and a mount for each group and version.
    VolumePerGroup,
    /// Ours: one projected volume.
    OneProjected,
}

/// What a Secret's group is where none is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupRule {
    /// It has to be given.
    Required,
    /// Flyte v2: the MD5 of the key, in hex.
    Md5OfKey,
}

/// What becomes of requests that get into each other's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConflictRule {
    /// Flyte's pod, with an admission warning.
    Warn,
    /// A refusal that names both.
    Refuse,
}

/// How Global's values travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GlobalRule {
    /// In the pod's spec; a request for a file ends in a refusal (Flyte v1 panics there).
    InlineOrRefuse,
    /// In the pod's spec; a request for a file goes on to the next manager (Flyte v2).
    InlineOrNext,
    /// Through the init container; not in this build.
    Sealed,
}

/// Whether secrets can be brought by other programs: a vendor's init container, or the Vault Agent Injector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BringRule {
    /// AWS, GCP, Azure and Vault, as Flyte has them.
    AsFlyte,
    /// None: those stores are read by our own init container; not in this build.
    Sealed,
}

/// Flyte v1 (tag v1.16.8).
pub static FLYTE_V1: Dialect = Dialect {
    name: "flyte-v1",
    env_prefix: "_FSEC_",
    env_prefix_configurable: false,
    env_rule: EnvRule::AppendIfAbsent,
    files: FileRule::VolumePerGroup,
    group: GroupRule::Required,
    conflicts: ConflictRule::Warn,
    global: GlobalRule::InlineOrRefuse,
    aws_sets_path_env: true,
    brings: BringRule::AsFlyte,
    refusal: 403,
    default_managers: &[Manager::K8s],
    excludes_targets: false,
};

/// Flyte v2 (flyteorg/flyte main).
pub static FLYTE_V2: Dialect = Dialect {
    name: "flyte-v2",
    env_prefix: "_UNION_",
    env_prefix_configurable: true,
    env_rule: EnvRule::ReplaceInFront,
    files: FileRule::VolumePerGroup,
    group: GroupRule::Md5OfKey,
    conflicts: ConflictRule::Warn,
    global: GlobalRule::InlineOrNext,
    aws_sets_path_env: false,
    brings: BringRule::AsFlyte,
    refusal: 400,
    default_managers: &[Manager::Embedded],
    excludes_targets: false,
};

/// Our own, the default.
pub static KEYBEARER: Dialect = Dialect {
    name: "keybearer",
    env_prefix: "_FSEC_",
    env_prefix_configurable: true,
    env_rule: EnvRule::OursFirst,
    files: FileRule::OneProjected,
    group: GroupRule::Required,
    conflicts: ConflictRule::Refuse,
    global: GlobalRule::Sealed,
    aws_sets_path_env: false,
    brings: BringRule::Sealed,
    refusal: 403,
    default_managers: &[Manager::K8s],
    excludes_targets: true,
};

impl Dialect {
    /// All of them.
    pub const ALL: [&'static Self; 3] = [&KEYBEARER, &FLYTE_V1, &FLYTE_V2];

    /// The dialect of a name in `compat`.
    pub fn from_name(name: &str) -> Option<&'static Self> {
        Self::ALL.into_iter().find(|dialect| dialect.name.eq_ignore_ascii_case(name))
    }
}
