//! Which manifests say what about unsafe code. Cargo's metadata leaves lints out, so the lines are read here.

use super::graph::Room;

/// The only crate that may lift the workspace's ban on unsafe code.
const UNSAFE: &str = "runner";

/// What is wrong with the lints of the root manifest (`None`) or of a crate's.
///
/// With `unsafe_code = "forbid"` in the workspace and `[lints] workspace = true` in the crate, no attribute in its
/// sources can lift the ban: so it is enough to look at the manifests.
pub(crate) fn unsafe_only_in_runner(manifest: &str, room: Option<&Room>) -> Option<String> {
    let Some(room) = room else {
        let forbids =
            entry(manifest, "workspace.lints.rust", "unsafe_code").is_some_and(|value| value == r#""forbid""#);
        return (!forbids).then(|| "the workspace's lints don't forbid unsafe_code".to_owned());
    };
    let inherits = entry(manifest, "lints", "workspace").is_some_and(|value| value == "true");
    (room.name != UNSAFE && !inherits).then(|| {
        format!("{} doesn't inherit the workspace's lints: only {UNSAFE} may lift the ban on unsafe code", room.name)
    })
}

/// The value of `key = value` under `[section]`, or of `section.key = value`, without its comment.
fn entry<'a>(manifest: &'a str, section: &str, key: &str) -> Option<&'a str> {
    let dotted = section.rsplit_once('.').map_or(("", section), |(outer, inner)| (outer, inner));
    let mut heading = "";
    for line in manifest.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[') {
            heading = name.split(']').next().unwrap_or(name).trim();
            continue;
        }
        let Some((name, value)) = line.split_once('=') else { continue };
        let (name, value) = (name.trim(), value.split('#').next().unwrap_or(value).trim());
        let under_section = heading == section && name == key;
        let dotted_key = heading == dotted.0 && name.split_once('.') == Some((dotted.1, key));
        if under_section || dotted_key {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(manifest: &str, room: &str) -> Option<String> {
        let room = Room { name: room.into(), path: format!("crates/{room}"), needs: Vec::new() };
        unsafe_only_in_runner(manifest, Some(&room))
    }

    #[test]
    fn a_crate_inherits_in_either_spelling() {
        assert_eq!(wrong("[lints]\nworkspace = true # as all do\n", "secret"), None);
        assert_eq!(wrong("lints.workspace = true\n[package]\nname = \"x\"\n", "secret"), None);
    }

    #[test]
    fn a_crate_with_lints_of_its_own_is_reported_unless_it_is_the_runner() {
        let own = "[package]\nname = \"x\"\n[lints.rust]\nunsafe_code = \"deny\"\n";
        assert!(wrong(own, "stores").is_some_and(|text| text.contains("stores")));
        assert_eq!(wrong(own, "runner"), None);
        assert!(wrong("[lints]\nworkspace = false\n", "stores").is_some());
        assert!(wrong("[dependencies]\nworkspace = true\n", "stores").is_some());
    }

    #[test]
    fn the_workspace_must_forbid() {
        let root = |level: &str| format!("[workspace.lints.rust]\nunsafe_code = \"{level}\"\n");
        assert_eq!(unsafe_only_in_runner(&root("forbid"), None), None);
        assert!(unsafe_only_in_runner(&root("deny"), None).is_some());
        assert!(unsafe_only_in_runner("", None).is_some());
    }
}
