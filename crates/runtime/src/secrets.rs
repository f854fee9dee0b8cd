//! The look-up.

use std::ffi::OsString;
use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use secret::{
    DEFAULT_DIR_ENV, ENV_PREFIX_ENV, EnvName, FILE_PREFIX_ENV, FilePath, NameError, Naming, Places, Secret,
    VersionPart, places,
};

use crate::value::strip;
use crate::{GetError, NotFound, SecretBytes, SecretString};

/// Directory of secret files where `FLYTE_SECRETS_DEFAULT_DIR` says nothing: flytekit's.
pub const DEFAULT_DIR: &str = "/etc/secrets";
/// Prefix of environment variables where `FLYTE_SECRETS_ENV_PREFIX` says nothing: flytekit's.
pub const DEFAULT_ENV_PREFIX: &str = "_FSEC_";

/// Set in every container that Flyte starts.
const FLYTE_EXECUTION_ENV: &str = "FLYTE_INTERNAL_EXECUTION_ID";
/// Set by the kubelet in every container.
const KUBERNETES_ENV: &str = "KUBERNETES_SERVICE_HOST";

/// An environment: the value of a variable, if it is set.
type Env = dyn Fn(&str) -> Option<OsString> + Send + Sync;

/// Reads the secrets of this task.
pub struct Secrets {
    env: Box<Env>,
    env_prefix: String,
    dir: PathBuf,
    file_prefix: String,
    local: bool,
}

impl Secrets {
    /// Looks in the environment of this process, and takes from it where to look:
    ///
    /// | variable | default |
    /// | --- | --- |
    /// | `FLYTE_SECRETS_ENV_PREFIX` | [`DEFAULT_ENV_PREFIX`] |
    /// | `FLYTE_SECRETS_DEFAULT_DIR` | [`DEFAULT_DIR`] |
    /// | `FLYTE_SECRETS_FILE_PREFIX` | empty |
    ///
    /// As with flytekit, whitespace around them is dropped and an empty one keeps the default.
    /// flytekit's older configuration file with a `[secrets]` section is not read.
    ///
    /// # Local execution
    /// There, a variable without the prefix counts too. flytekit knows from its entry point whether a task runs locally;
    /// a Rust program has none, so it is local when neither `FLYTE_INTERNAL_EXECUTION_ID`, which Flyte sets in every
    /// container, nor `KUBERNETES_SERVICE_HOST`, which the kubelet does, is set. Hence a secret that is missing in a
    /// cluster is never taken from an ordinary variable of the pod. [`with_local`](Self::with_local) overrides it.
    pub fn from_env() -> Self {
        Self::from_lookup(|name| std::env::var_os(name))
    }

    /// As [`from_env`](Self::from_env), with another environment: for tests.
    ///
    /// ```
    /// let env = std::collections::HashMap::from([("_FSEC_DB_PASSWORD", "hunter2")]);
    /// let secrets = runtime::Secrets::from_lookup(move |name| env.get(name).map(Into::into));
    /// assert_eq!(secrets.get("db", "password").unwrap().expose(), "hunter2");
    /// ```
    pub fn from_lookup(env: impl Fn(&str) -> Option<OsString> + Send + Sync + 'static) -> Self {
        let text = |name| {
            let value = env(name)?.into_string().ok()?;
            Some(strip(&value).to_owned()).filter(|value| !value.is_empty())
        };
        // A directory may have a name that isn't UTF-8.
        let odd_dir = || env(DEFAULT_DIR_ENV).filter(|dir| dir.to_str().is_none()).map(PathBuf::from);
        let set = |name| env(name).is_some_and(|value| !value.is_empty());
        Self {
            env_prefix: text(ENV_PREFIX_ENV).unwrap_or_else(|| DEFAULT_ENV_PREFIX.to_owned()),
            dir: text(DEFAULT_DIR_ENV).map(PathBuf::from).or_else(odd_dir).unwrap_or_else(|| DEFAULT_DIR.into()),
            file_prefix: text(FILE_PREFIX_ENV).unwrap_or_default(),
            local: !set(FLYTE_EXECUTION_ENV) && !set(KUBERNETES_ENV),
            env: Box::new(env),
        }
    }

    /// Says whether this is a local execution.
    pub fn with_local(mut self, local: bool) -> Self {
        self.local = local;
        self
    }

    /// Reads files below another directory.
    pub fn with_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.dir = dir.into();
        self
    }

    /// The value as text, without the whitespace around it.
    ///
    /// Either of group and key may be empty. The first place counts in which there is something, and an environment
    /// variable that is set and empty is something.
    ///
    /// # Errors
    /// [`GetError`]; it names the places, never the value.
    pub fn get(&self, group: &str, key: &str) -> Result<SecretString, GetError> {
        self.get_version(group, "", key)
    }

    /// As [`get`](Self::get), for a pinned version.
    ///
    /// # Errors
    /// [`GetError`]; it names the places, never the value.
    pub fn get_version(&self, group: &str, group_version: &str, key: &str) -> Result<SecretString, GetError> {
        let (bytes, place) = self.find(group, group_version, key)?;
        SecretString::stripped(bytes).map_err(|_| GetError::NotUtf8 { place })
    }

    /// The value byte for byte. (flytekit's `encode_mode="rb"` strips whitespace from these too.)
    ///
    /// # Errors
    /// [`GetError`]; it names the places, never the value.
    pub fn get_bytes(&self, group: &str, key: &str) -> Result<SecretBytes, GetError> {
        self.get_version_bytes(group, "", key)
    }

    /// As [`get_bytes`](Self::get_bytes), for a pinned version.
    ///
    /// # Errors
    /// [`GetError`]; it names the places, never the value.
    pub fn get_version_bytes(&self, group: &str, group_version: &str, key: &str) -> Result<SecretBytes, GetError> {
        self.find(group, group_version, key).map(|(bytes, _)| bytes)
    }

    /// The variable that is looked at first, whether it is set or not: flytekit's `get_secrets_env_var`.
    ///
    /// # Errors
    /// [`NameError`] when no variable can have that name.
    pub fn env_var_name(&self, group: &str, group_version: &str, key: &str) -> Result<EnvName, NameError> {
        self.places(&named(group, group_version, key), &self.env_prefix).env()
    }

    /// The file that is looked at first, whether it exists or not: flytekit's `get_secrets_file`.
    ///
    /// # Errors
    /// [`NameError`] when the path would leave the directory.
    pub fn file_path(&self, group: &str, group_version: &str, key: &str) -> Result<PathBuf, NameError> {
        let files = self.places(&named(group, group_version, key), &self.env_prefix).files()?;
        Ok(self.dir.join(files.first().map_or("", FilePath::as_str)))
    }

    fn places<'a>(&'a self, secret: &'a Secret, env_prefix: &'a str) -> Places<'a> {
        let naming =
            Naming { env_prefix, file_prefix: &self.file_prefix, version: VersionPart::Included, spelled: true };
        places(secret, &naming)
    }

    /// The value in the first place that has one, and that place's name.
    fn find(&self, group: &str, group_version: &str, key: &str) -> Result<(SecretBytes, String), GetError> {
        let secret = named(group, group_version, key);
        if secret == Secret::default() {
            return Err(GetError::NoName);
        }
        let places = self.places(&secret, &self.env_prefix);
        let (env, files) = (places.env(), places.files());
        let bare = self.local.then(|| self.places(&secret, "").env());
        let mut missing = NotFound { secret, env_vars: Vec::new(), files: Vec::new(), impossible: Vec::new() };
        for name in [Some(env), bare].into_iter().flatten() {
            match name {
                Ok(name) => match (self.env)(name.as_str()) {
                    Some(value) => {
                        return Ok((SecretBytes::new(value.into_encoded_bytes()), format!("Env Var {name}")));
                    }
                    None => missing.env_vars.push(name.to_string()),
                },
                Err(error) => missing.impossible.push(error),
            }
        }
        match files {
            Ok(files) => {
                for file in files {
                    let path = self.dir.join(file.as_str());
                    match read(&path)? {
                        Some(value) => return Ok((value, format!("FilePath {}", path.display()))),
                        None => missing.files.push(path),
                    }
                }
            }
            Err(error) => missing.impossible.push(error),
        }
        Err(GetError::NotFound(Box::new(missing)))
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secrets")
            .field("env_prefix", &self.env_prefix)
            .field("dir", &self.dir)
            .field("file_prefix", &self.file_prefix)
            .field("local", &self.local)
            .finish_non_exhaustive()
    }
}

fn named(group: &str, group_version: &str, key: &str) -> Secret {
    Secret {
        group: group.to_owned(),
        group_version: group_version.to_owned(),
        key: key.to_owned(),
        ..Secret::default()
    }
}

/// A file's content, or none where there is no such file.
fn read(path: &Path) -> Result<Option<SecretBytes>, GetError> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(SecretBytes::new(bytes))),
        // Not a directory: what should be the group's folder is a file, the secret of another name.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(source) => Err(GetError::Unreadable { path: path.to_owned(), source }),
    }
}
