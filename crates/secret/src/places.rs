//! Where a secret is found in a container. Admission writes there, the runtime looks there.

use crate::case::{is_lower, push_lower, push_upper};
use crate::{EnvName, FilePath, NameError, Secret};

/// How names are made of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Naming<'a> {
    /// Prefix of environment variable names, used as it is: `_FSEC_`.
    pub env_prefix: &'a str,
    /// Prefix of the last part of a file's path (`FLYTE_SECRETS_FILE_PREFIX`), normally empty.
    pub file_prefix: &'a str,
    /// Whether `group_version` is part of the names.
    pub version: VersionPart,
    /// Whether the file is also found under the names as they are spelled, besides in lower case.
    pub spelled: bool,
}

/// Whether `group_version` is part of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VersionPart {
    /// `GROUP_VERSION_KEY` and `group/version/key`, as flytekit asks for a pinned secret.
    Included,
    /// `GROUP_KEY` and `group/key`.
    LeftOut,
}

/// Where one secret is found. Each kind of place is made when it is asked for; most secrets are asked for in one.
#[derive(Clone, Copy, Debug)]
pub struct Places<'a> {
    /// Group, version and key; what is empty leaves no trace.
    parts: [&'a str; 3],
    naming: Naming<'a>,
}

/// Where `secret` is found. The rules are those of flytekit's `SecretsManager` (`context_manager.py`), which looks at the
/// environment variable first.
pub fn places<'a>(secret: &'a Secret, naming: &Naming<'a>) -> Places<'a> {
    let version = match naming.version {
        VersionPart::Included => secret.group_version.as_str(),
        VersionPart::LeftOut => "",
    };
    Places { parts: [&secret.group, version, &secret.key], naming: *naming }
}

impl Places<'_> {
    /// The environment variable.
    ///
    /// # Errors
    /// [`NameError`] where there can't be one.
    pub fn env(&self) -> Result<EnvName, NameError> {
        let prefix = self.naming.env_prefix;
        let mut env = String::with_capacity(prefix.len() + length(self.parts));
        env.push_str(prefix);
        for (index, part) in self.parts.into_iter().filter(|part| !part.is_empty()).enumerate() {
            if index > 0 {
                env.push('_');
            }
            push_upper(&mut env, part);
        }
        EnvName::parse(env)
    }

    /// The files, relative to the secrets' root, the one that flytekit reads first.
    ///
    /// # Errors
    /// [`NameError`] where there can't be one.
    pub fn files(&self) -> Result<Vec<FilePath>, NameError> {
        let prefix = self.naming.file_prefix;
        let mut files = vec![FilePath::parse(path(self.parts, prefix, push_lower))?];
        if self.naming.spelled && !self.parts.into_iter().all(is_lower) {
            files.push(FilePath::parse(path(self.parts, prefix, String::push_str))?);
        }
        Ok(files)
    }
}

/// The parts that are not empty as folders and a file.
fn path(parts: [&str; 3], file_prefix: &str, push: impl Fn(&mut String, &str)) -> String {
    let mut path = String::with_capacity(file_prefix.len() + length(parts));
    let (last, folders) = match parts {
        [folders @ .., last] if !last.is_empty() => (last, folders),
        [folder, last, _] if !last.is_empty() => (last, [folder, ""]),
        [last, ..] => (last, ["", ""]),
    };
    for folder in folders.into_iter().filter(|folder| !folder.is_empty()) {
        push(&mut path, folder);
        path.push('/');
    }
    path.push_str(file_prefix);
    push(&mut path, last);
    path
}

/// Bytes of the parts with what stands between them.
fn length(parts: [&str; 3]) -> usize {
    parts.iter().map(|part| part.len() + 1).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMING: Naming<'_> =
        Naming { env_prefix: "_FSEC_", file_prefix: "", version: VersionPart::Included, spelled: true };

    fn found(parts: [&str; 3], naming: &Naming<'_>) -> (String, Vec<String>) {
        let [group, group_version, key] = parts.map(str::to_owned);
        let secret = Secret { group, group_version, key, ..Secret::default() };
        let places = places(&secret, naming);
        let files = places.files().map(|files| files.iter().map(ToString::to_string).collect());
        (places.env().map_or_else(|error| error.to_string(), |env| env.to_string()), files.unwrap_or_default())
    }

    #[test]
    fn empty_parts_leave_no_trace() {
        for (parts, env, files) in [
            (["user-info", "", "user_secret"], "_FSEC_USER-INFO_USER_SECRET", vec!["user-info/user_secret"]),
            (["Group", "V1", "Key"], "_FSEC_GROUP_V1_KEY", vec!["group/v1/key", "Group/V1/Key"]),
            (["", "", "ABC"], "_FSEC_ABC", vec!["abc", "ABC"]),
            (["s", "7", ""], "_FSEC_S_7", vec!["s/7"]),
            (["a/b", "", "c"], "_FSEC_A/B_C", vec!["a/b/c"]),
        ] {
            assert_eq!(found(parts, &NAMING), (env.to_owned(), files.into_iter().map(str::to_owned).collect()));
        }
    }

    #[test]
    fn naming_says_what_names_are_made_of() {
        let parts = ["Db", "3", "Pw"];
        let naming = Naming { version: VersionPart::LeftOut, spelled: false, env_prefix: "", ..NAMING };
        assert_eq!(found(parts, &naming), ("DB_PW".to_owned(), vec!["db/pw".to_owned()]));
        // The prefix is taken as it is, and stands before the last part alone.
        let naming = Naming { file_prefix: "P_", env_prefix: "x_", ..NAMING };
        assert_eq!(
            found(parts, &naming),
            ("x_DB_3_PW".to_owned(), vec!["db/3/P_pw".to_owned(), "Db/3/P_Pw".to_owned()])
        );
    }

    #[test]
    fn what_is_no_safe_place_is_none() {
        for (parts, env, file) in [
            (["..", "", "passwd"], true, false),
            (["/etc", "", "passwd"], true, false),
            (["a", "", "../b"], true, false),
            (["a", "..", "b"], true, false),
            (["a\n", "", "b"], false, false),
            (["a=b", "", "c"], false, true),
            (["café", "", "c"], false, true),
            (["", "", ""], true, false),
        ] {
            let [group, group_version, key] = parts.map(str::to_owned);
            let secret = Secret { group, group_version, key, ..Secret::default() };
            let places = places(&secret, &NAMING);
            assert_eq!((places.env().is_ok(), places.files().is_ok()), (env, file), "{parts:?}");
        }
    }
}
