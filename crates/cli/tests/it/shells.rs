//! Completions, as the shells themselves take them, and manual pages, as those who render them do. Bash is always there;
//! what else is on the machine is tried too.

use crate::support::{Place, Said};
use std::fs;
use std::process::Command;

fn is_there(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok()
}

fn with_script(shell: &str, file: &str) -> Place {
    let place = Place::new();
    let script = place.keybearer(&["completions", shell]).code(0).stdout;
    let place = place.with(file, script);
    place.command(shell, &["-n", file]).code(0);
    place
}

#[test]
fn bash_completes_commands_and_options() {
    let place = with_script("bash", "keybearer.bash");
    let completed = |words: &str| {
        // What readline does on Tab: the words so far, and the function that `complete` has for the first of them.
        let script = format!(
            ". ./keybearer.bash; COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
             f=$(complete -p keybearer | sed 's/.*-F \\([^ ]*\\).*/\\1/'); \
             $f keybearer \"${{COMP_WORDS[-1]}}\" \"${{COMP_WORDS[-2]}}\"; echo \"${{COMPREPLY[@]}}\""
        );
        let Said { stdout, .. } = place.command("bash", &["--norc", "-c", &script]).code(0);
        stdout.trim_end().to_owned()
    };
    assert_eq!(completed("keybearer sec"), "secret");
    assert_eq!(completed("keybearer secret de"), "delete");
    assert_eq!(completed("keybearer secret set --from"), "--from-file --from-env");
    assert_eq!(completed("keybearer explain --compat fly"), "flyte-v1 flyte-v2");
    assert!(completed("keybearer completions ''").ends_with("bash zsh fish"));
}

#[test]
fn zsh_and_fish_take_theirs_where_they_are() {
    if is_there("zsh") {
        let place = with_script("zsh", "_keybearer");
        let script = "fpath=($PWD $fpath); autoload -U compinit; compinit -u -D; print $_comps[keybearer]; \
                      autoload +X _keybearer && print loaded";
        assert_eq!(place.command("zsh", &["-f", "-c", script]).code(0).stdout, "_keybearer\nloaded\n");
    }
    if is_there("fish") {
        let place = with_script("fish", "keybearer.fish");
        let place = place.env("HOME", "tmp");
        let script = "source keybearer.fish; complete -C 'keybearer secret de'";
        place.command("fish", &["--no-config", "-c", script]).code(0).says(&["delete\tDelete a secret"]);
    }
}

#[test]
fn a_shell_that_is_not_known_is_refused_with_those_that_are() {
    Place::new().keybearer(&["completions", "tcsh"]).code(2).complains(&["[possible values: bash, zsh, fish]"]);
}

#[test]
fn there_is_a_manual_page_for_each_command() {
    let place = Place::new();
    place.keybearer(&["man", "--dir", "share/man1"]).code(0).complains(&[" pages in `share/man1`"]);
    let mut names: Vec<_> = fs::read_dir(place.path("share/man1"))
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    for name in ["keybearer.1", "keybearer-run.1", "keybearer-secret-set.1", "keybearer-webhook-init-certs.1"] {
        assert!(names.iter().any(|other| other == name), "{names:?}");
    }
    let page = fs::read_to_string(place.path("share/man1/keybearer-secret-set.1")).unwrap();
    assert!(page.contains(".SH EXAMPLES\n.nf\n"), "{page}");
    let place = place.env("MANWIDTH", "100").env("LC_ALL", "C.UTF-8");
    for name in names {
        let path = format!("share/man1/{name}");
        if is_there("man") {
            let said = place.command("man", &["--warnings", "-l", &path]).code(0);
            assert_eq!(said.stderr, "", "{name}");
            assert!(said.stdout.contains("SYNOPSIS"), "{name}: {said:#?}");
        }
        if Command::new("mandoc").arg("-h").output().is_ok() {
            let said = place.command("mandoc", &["-T", "lint", "-W", "error", &path]);
            assert_eq!((said.code, said.stdout.as_str()), (Some(0), ""), "{name}");
        }
    }
    let place = place.with("file", "");
    place.keybearer(&["man", "--dir", "file"]).code(2).complains(&["error: can't write `file`", "hint: name another"]);
}
