//! Building programs as they are shipped: what is packed into the image is what `bench` measures.

use crate::failure::Failure;
use crate::process;
use crate::workspace::Workspace;
use std::path::PathBuf;

/// Builds the program of the image; says where it is. Nothing is done where it is built already.
pub(crate) fn build(workspace: &Workspace) -> Result<PathBuf, Failure> {
    build_static(workspace, "keybearer", "keybearer", &["--features", "webhook"])
}

/// Where [`build`] puts it.
pub(crate) fn built(workspace: &Workspace) -> PathBuf {
    at(workspace, "keybearer")
}

fn at(workspace: &Workspace, program: &str) -> PathBuf {
    workspace.target.join("dist").join(program)
}

/// Builds a program statically, as it is shipped; says where it is.
pub(crate) fn build_static(
    workspace: &Workspace,
    package: &str,
    program: &str,
    words: &[&str],
) -> Result<PathBuf, Failure> {
    let mut cargo = process::cargo(&workspace.root);
    cargo
        .args(["rustc", "--profile", "dist", "--locked", "--package", package, "--bin", program])
        .args(words)
        .args(["--", "-C", "target-feature=+crt-static"])
        .env("CARGO_ENCODED_RUSTFLAGS", flags(workspace));
    process::run(&mut cargo)?;
    Ok(at(workspace, program))
}

/// What panics say of source files must not tell where this machine keeps them, and is the same on every machine.
fn flags(workspace: &Workspace) -> String {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo")));
    let mut flags = vec![format!("--remap-path-prefix={}=/keybearer", workspace.root.display())];
    flags.extend(home.map(|home| format!("--remap-path-prefix={}=/cargo", home.display())));
    flags.join("\u{1f}")
}
