//! All tests again, in namespaces: as this user, and as one who may do nothing in particular.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::{INIT, NAMESPACE, in_namespace};

/// This program again with all its tests, or with one of them; what it said.
fn again(program: &Path, change: impl FnOnce(&mut Command)) -> String {
    let mut command = Command::new(program);
    command.env(NAMESPACE, "1").stdin(Stdio::null());
    change(&mut command);
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

/// Not a test of its own, but what another user is asked first.
#[test]
fn namespaces_are_there() {
    if in_namespace() {
        crate::support::no_namespace();
    }
}

#[expect(clippy::print_stdout, reason = "what is not tested should not go unnoticed")]
fn all_again(program: &Path, change: impl Fn(&mut Command)) {
    let text = again(program, |command| {
        command.args(crate::helper::args("both::namespaces_are_there"));
        change(command);
    });
    if text.contains("not tested") {
        print!("{text}");
        return;
    }
    let text = again(program, |command| {
        command.args(["--test-threads=8"]);
        change(command);
    });
    assert!(text.contains("test namespace::"), "{text}");
}

#[test]
fn all_tests_in_namespaces() {
    if !in_namespace() {
        all_again(&std::env::current_exe().unwrap(), |_| {});
    }
}

#[test]
fn all_tests_in_namespaces_as_another_user() {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::CommandExt;

    if in_namespace() || !rustix::process::geteuid().is_root() {
        return;
    }
    // The user `nobody` may see neither where the program is, nor what root's temporary directory is.
    let dir = tempfile::Builder::new().permissions(std::fs::Permissions::from_mode(0o777)).tempdir().unwrap();
    let program = dir.path().join("it");
    std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let init = dir.path().join("init");
    std::fs::copy(crate::support::init(), &init).unwrap();
    let tmp = dir.path().join("tmp");
    std::fs::create_dir(&tmp).unwrap();
    std::fs::set_permissions(&tmp, std::fs::Permissions::from_mode(0o777)).unwrap();
    all_again(&program, |command| {
        command.uid(65534).gid(65534).current_dir("/").env("TMPDIR", &tmp).env(INIT, &init).env("HOME", "/");
    });
}
