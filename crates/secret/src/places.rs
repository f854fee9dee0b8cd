//! Where a secret is found in a container. Admission writes there, the runtime looks there.

use crate::case::{push_lower, push_upper};
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

/// Where one secret is found, in the order in which the runtime looks: the environment variable, then the files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// The environment variable, or why there can't be one.
    pub env: Result<EnvName, NameError>,
    /// The files, relative to the secrets' root, the one that flytekit reads first; or why there can't be one.
    pub files: Result<Vec<FilePath>, NameError>,
}

/// Where `secret` is found. The rules are those of flytekit's `SecretsManager` (`context_manager.py`).
pub fn places(secret: &Secret, naming: &Naming<'_>) -> Places {
    let version = match naming.version {
        VersionPart::Included => secret.group_version.as_str(),
        VersionPart::LeftOut => "",
    };
    let parts = [secret.group.as_str(), version, secret.key.as_str()];
    let mut env = String::with_capacity(naming.env_prefix.len() + length(parts));
    env.push_str(naming.env_prefix);
    for (index, part) in parts.into_iter().filter(|part| !part.is_empty()).enumerate() {
        if index > 0 {
            env.push('_');
        }
        push_upper(&mut env, part);
    }
    Places { env: EnvName::parse(env), files: files(parts, naming) }
}

fn files(parts: [&str; 3], naming: &Naming<'_>) -> Result<Vec<FilePath>, NameError> {
    let lower = FilePath::parse(path(parts, naming.file_prefix, push_lower))?;
    let mut files = vec![lower];
    if naming.spelled {
        let spelled = path(parts, naming.file_prefix, String::push_str);
        if spelled != files[0].as_str() {
            files.push(FilePath::parse(spelled)?);
        }
    }
    Ok(files)
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
        let Places { env, files } = places(&Secret { group, group_version, key, ..Secret::default() }, naming);
        let files = files.map(|files| files.iter().map(ToString::to_string).collect());
        (env.map_or_else(|error| error.to_string(), |env| env.to_string()), files.unwrap_or_default())
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
            let places = places(&Secret { group, group_version, key, ..Secret::default() }, &NAMING);
            assert_eq!((places.env.is_ok(), places.files.is_ok()), (env, file), "{parts:?}");
        }
    }
}
