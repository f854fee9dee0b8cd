//! The crates of the workspace and whom each knows, out of `cargo metadata`.

use crate::failure::Failure;
use serde_json::Value;
use std::path::Path;

/// One crate of the workspace, by the name of its folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Room {
    /// The last part of its folder: `secret`, `xtask`.
    pub(crate) name: String,
    /// Its folder, from the root: `crates/secret`.
    pub(crate) path: String,
    /// Everything its manifest asks for.
    pub(crate) needs: Vec<Need>,
}

/// One entry of a manifest's dependencies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Need {
    /// The room, or the name of someone else's crate.
    pub(crate) name: String,
    /// Is it one of ours?
    pub(crate) ours: bool,
    /// Under which heading it stands.
    pub(crate) kind: Kind,
    /// Does it come only with a feature?
    pub(crate) optional: bool,
    /// Does it come with its own default features?
    pub(crate) defaults: bool,
}

/// The heading of a dependency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `[dependencies]`
    Normal,
    /// `[dev-dependencies]`
    Dev,
    /// `[build-dependencies]`
    Build,
}

impl Kind {
    /// As the manifest spells it.
    pub(crate) fn heading(self) -> &'static str {
        match self {
            Self::Normal => "dependencies",
            Self::Dev => "dev-dependencies",
            Self::Build => "build-dependencies",
        }
    }
}

/// Reads the answer of `cargo metadata --no-deps`.
pub(crate) fn rooms(metadata: &Value) -> Result<Vec<Room>, Failure> {
    let root = Path::new(text(metadata, "workspace_root")?);
    list(metadata, "packages")?.iter().map(|package| room(package, root)).collect()
}

fn room(package: &Value, root: &Path) -> Result<Room, Failure> {
    let folder = Path::new(text(package, "manifest_path")?).parent().unwrap_or(root);
    let path = folder.strip_prefix(root).unwrap_or(folder);
    let needs = list(package, "dependencies")?.iter().map(need).collect::<Result<_, _>>()?;
    Ok(Room { name: last(folder), path: path.to_string_lossy().into_owned(), needs })
}

fn need(dependency: &Value) -> Result<Need, Failure> {
    let folder = dependency["path"].as_str();
    Ok(Need {
        name: folder.map_or_else(|| text(dependency, "name").map(str::to_owned), |path| Ok(last(Path::new(path))))?,
        ours: folder.is_some(),
        kind: match dependency["kind"].as_str() {
            None => Kind::Normal,
            Some("dev") => Kind::Dev,
            Some("build") => Kind::Build,
            Some(other) => return Err(Failure::new(format!("a dependency of a kind that is not known: {other}"))),
        },
        optional: dependency["optional"].as_bool().unwrap_or(false),
        defaults: dependency["uses_default_features"].as_bool().unwrap_or(true),
    })
}

fn last(folder: &Path) -> String {
    folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn text<'a>(value: &'a Value, name: &str) -> Result<&'a str, Failure> {
    value[name].as_str().ok_or_else(|| missing(name))
}

fn list<'a>(value: &'a Value, name: &str) -> Result<&'a Vec<Value>, Failure> {
    value[name].as_array().ok_or_else(|| missing(name))
}

fn missing(name: &str) -> Failure {
    Failure::new(format!("`cargo metadata` says no `{name}`"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_room_is_named_by_its_folder_and_so_are_those_it_knows() {
        let metadata = json!({
            "workspace_root": "/repo",
            "packages": [{
                "name": "keybearer-stores",
                "manifest_path": "/repo/crates/stores/Cargo.toml",
                "dependencies": [
                    {"name": "keybearer-secret", "path": "/repo/crates/secret", "kind": null, "uses_default_features": false},
                    {"name": "keybearer-runner", "path": "/repo/crates/runner", "kind": "dev"},
                    {"name": "tokio", "kind": null, "optional": true},
                ],
            }],
        });
        let need =
            |name: &str, ours, kind, optional, defaults| Need { name: name.into(), ours, kind, optional, defaults };
        let expected = Room {
            name: "stores".into(),
            path: "crates/stores".into(),
            needs: vec![
                need("secret", true, Kind::Normal, false, false),
                need("runner", true, Kind::Dev, false, true),
                need("tokio", false, Kind::Normal, true, true),
            ],
        };
        assert_eq!(rooms(&metadata), Ok(vec![expected]));
    }

    #[test]
    fn metadata_of_another_shape_is_refused() {
        assert!(rooms(&json!({"workspace_root": "/repo"})).is_err());
        let odd = json!({"workspace_root": "/", "packages": [{"manifest_path": "/a/Cargo.toml", "dependencies": [
            {"name": "x", "kind": "dreamt"}]}]});
        assert!(rooms(&odd).is_err_and(|failure| failure.to_string().contains("dreamt")));
    }
}
