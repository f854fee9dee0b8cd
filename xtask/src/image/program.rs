//! Building the program that the image is made for.

use crate::failure::Failure;
use crate::process;
use crate::workspace::Workspace;
use std::path::PathBuf;

/// Builds the program statically, as it is shipped; says where it is.
pub(super) fn build(workspace: &Workspace) -> Result<PathBuf, Failure> {
    let mut cargo = process::cargo(&workspace.root);
    cargo
        .args(["rustc", "--profile", "dist", "--locked", "--package", "keybearer", "--bin", "keybearer"])
        .args(["--features", "webhook", "--", "-C", "target-feature=+crt-static"])
        .env("CARGO_ENCODED_RUSTFLAGS", flags(workspace));
    process::run(&mut cargo)?;
    Ok(workspace.target.join("dist/keybearer"))
}

/// What panics say of source files must not tell where this machine keeps them, and is the same on every machine.
fn flags(workspace: &Workspace) -> String {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo")));
    let mut flags = vec![format!("--remap-path-prefix={}=/keybearer", workspace.root.display())];
    flags.extend(home.map(|home| format!("--remap-path-prefix={}=/cargo", home.display())));
    flags.join("\u{1f}")
}
