//! `cargo xtask arrows`: each crate knows only those below it, and only one of them may be unsafe.

mod graph;
mod manifest;
mod rules;

use crate::failure::Failure;
use crate::workspace::{self, Workspace};
use graph::Room;

/// Reads the workspace and reports every broken rule.
pub(crate) fn run() -> Result<(), Failure> {
    let (rooms, broken) = check()?;
    if broken.is_empty() {
        println!("arrows: {} crates know only those that they may", rooms.len());
        for exception in rules::EXCEPTIONS {
            println!("arrows: allowed: {exception}");
        }
        return Ok(());
    }
    for rule in &broken {
        println!("arrows: {rule}");
    }
    Err(Failure::new(format!("{} of the workspace's own rules are broken", broken.len()))
        .hint("turn the dependency around, move the code down, or change the table in xtask/src/arrows/rules.rs"))
}

fn check() -> Result<(Vec<Room>, Vec<String>), Failure> {
    let workspace = Workspace::read()?;
    let rooms = graph::rooms(&workspace.metadata)?;
    let mut broken = rules::arrows(&rooms);
    broken.extend(rules::std_only(&rooms));
    broken.extend(manifest::unsafe_only_in_runner(&workspace::read(&workspace.root.join("Cargo.toml"))?, None));
    for room in &rooms {
        let manifest = workspace::read(&workspace.root.join(&room.path).join("Cargo.toml"))?;
        broken.extend(manifest::unsafe_only_in_runner(&manifest, Some(room)));
    }
    Ok((rooms, broken))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_workspace_keeps_its_rules() {
        let (rooms, broken) = super::check().expect("the workspace can be read");
        assert!(rooms.iter().any(|room| room.name == "cli"), "these are not our crates: {rooms:?}");
        assert_eq!(broken, Vec::<String>::new());
    }
}
