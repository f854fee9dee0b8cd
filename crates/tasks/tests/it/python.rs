//! The real flytekit: an interpreter that has it, and packages made by its `pyflyte`, once for all tests.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// The image of every package.
pub(crate) const IMAGE: &str = "registry.example/tasks:v1";

/// The folder of `kinds.py` and `probe.py`.
pub(crate) fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python")
}

/// The folder of the programs that flytekit brings along.
pub(crate) fn programs() -> PathBuf {
    let Some(python) = std::env::var_os("KEYBEARER_TEST_PYTHON") else {
        panic!("KEYBEARER_TEST_PYTHON is not set: run `cargo xtask test`, which makes an environment with flytekit");
    };
    // Relative to the workspace, where `cargo xtask test` was started.
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(python);
    python.parent().expect("an interpreter is in a folder").to_path_buf()
}

/// A program of flytekit's, with nothing of this process's environment.
pub(crate) fn program(name: &str) -> Command {
    let mut command = Command::new(programs().join(name));
    command.env_clear().env("PATH", format!("{}:/usr/bin:/bin", programs().display()));
    // flytekit leaves files in both.
    command.env("HOME", env!("CARGO_TARGET_TMPDIR")).env("TMPDIR", env!("CARGO_TARGET_TMPDIR"));
    command.env("PYTHONDONTWRITEBYTECODE", "1").stdin(Stdio::null());
    command
}

/// What `pyflyte package` makes of `kinds.py`.
pub(crate) fn package() -> &'static [u8] {
    static MADE: OnceLock<Vec<u8>> = OnceLock::new();
    MADE.get_or_init(|| pack("kinds", &sources(), &[]))
}

/// A package that has its code in it.
pub(crate) fn package_with_code() -> &'static [u8] {
    static MADE: OnceLock<Vec<u8>> = OnceLock::new();
    MADE.get_or_init(|| pack("kinds", &sources(), &["--copy", "all"]))
}

/// The files that `pyflyte serialize` writes, by name.
pub(crate) fn serialized() -> Vec<(String, Vec<u8>)> {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let mut pyflyte = program("pyflyte");
    pyflyte.args(["--pkgs", "kinds", "serialize", "--image", IMAGE, "workflows", "-f"]).arg(folder.path());
    run(pyflyte.current_dir(sources()), "");
    let files = std::fs::read_dir(folder.path()).expect("the folder is there").map(|file| {
        let file = file.expect("its files can be listed");
        let bytes = std::fs::read(file.path()).expect("its files can be read");
        (file.file_name().into_string().expect("they have plain names"), bytes)
    });
    files.collect()
}

/// What flytekit itself says (`probe.py`).
pub(crate) fn probe(mode: &str, questions: &str) -> Vec<serde_json::Value> {
    let said = run(program("python").arg("probe.py").arg(mode).current_dir(sources()), questions);
    said.lines().map(|line| serde_json::from_str(line).expect("the probe answers in JSON")).collect()
}

/// What `pyflyte package` makes of a module.
pub(crate) fn pack(module: &str, sources: &Path, options: &[&str]) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let output = folder.path().join("package.tgz");
    let mut pyflyte = program("pyflyte");
    pyflyte.args(["--pkgs", module, "package", "--image", IMAGE]).args(options).arg("--output").arg(&output);
    run(pyflyte.current_dir(sources), "");
    std::fs::read(output).expect("`pyflyte package` wrote it")
}

/// What a program says, which must end well.
pub(crate) fn run(command: &mut Command, input: &str) -> String {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let mut stdin = child.stdin.take().expect("it is a pipe");
    stdin.write_all(input.as_bytes()).expect("it reads");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(output.status.success(), "{command:?}: {}\n{out}\n{err}", output.status);
    out
}
