//! A folder with files, and the program started in it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The program.
pub(crate) const KEYBEARER: &str = env!("CARGO_BIN_EXE_keybearer");
/// No test takes this long; one that does hangs.
pub(crate) const GUARD: Duration = Duration::from_secs(60);
/// A secret's value that is nowhere but where it belongs.
pub(crate) const CANARY: &str = "canary-Zq7Lw0";

/// What a process said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Said {
    /// Asserts the exit code.
    pub(crate) fn code(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }

    /// Asserts that each of these is said on stderr.
    pub(crate) fn complains(self, words: &[&str]) -> Self {
        for word in words {
            assert!(self.stderr.contains(word), "`{word}` is not in\n{}", self.stderr);
        }
        self
    }

    /// Asserts that each of these is said on stdout.
    pub(crate) fn says(self, words: &[&str]) -> Self {
        for word in words {
            assert!(self.stdout.contains(word), "`{word}` is not in\n{}", self.stdout);
        }
        self
    }

    /// Asserts that this is said nowhere.
    pub(crate) fn never_says(self, word: &str) -> Self {
        assert!(!self.stdout.contains(word) && !self.stderr.contains(word), "`{word}` is in\n{self:#?}");
        self
    }

    /// stdout as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }
}

/// A folder to work in, with one for temporary files.
pub(crate) struct Place {
    dir: TempDir,
    env: BTreeMap<String, String>,
}

impl Place {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let tmp = dir.path().join("tmp");
        fs::create_dir(&tmp).unwrap();
        let mut env: BTreeMap<String, String> = ["PATH", "HOME"]
            .into_iter()
            .filter_map(|name| Some((name.to_owned(), std::env::var(name).ok()?)))
            .collect();
        env.insert("TMPDIR".to_owned(), tmp.to_str().unwrap().to_owned());
        // Not the local store of whoever runs the tests.
        env.insert("XDG_DATA_HOME".to_owned(), dir.path().join("data").to_str().unwrap().to_owned());
        Self { dir, env }
    }

    /// With a file.
    pub(crate) fn with(self, name: &str, text: impl AsRef<[u8]>) -> Self {
        fs::write(self.path(name), text).unwrap();
        self
    }

    /// With an env var.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.env.insert(name.to_owned(), value.to_owned());
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Runs the program to its end, with nothing on stdin.
    pub(crate) fn keybearer(&self, args: &[&str]) -> Said {
        self.keybearer_reads("", args)
    }

    /// Runs the program to its end, with this on stdin.
    pub(crate) fn keybearer_reads(&self, stdin: impl Into<Vec<u8>>, args: &[&str]) -> Said {
        Self::ended(self.assert_command(KEYBEARER, args).write_stdin(stdin))
    }

    /// Runs the program to its end, which has to be a good one: its stdout as bytes.
    pub(crate) fn keybearer_bytes(&self, args: &[&str]) -> Vec<u8> {
        self.assert_command(KEYBEARER, args).assert().success().get_output().stdout.clone()
    }

    /// Runs another program to its end, with nothing on stdin.
    pub(crate) fn command(&self, program: &str, args: &[&str]) -> Said {
        Self::ended(&mut self.assert_command(program, args))
    }

    fn assert_command(&self, program: &str, args: &[&str]) -> assert_cmd::Command {
        let mut command = assert_cmd::Command::new(program);
        command.args(args).current_dir(&self.dir).env_clear().envs(&self.env).timeout(GUARD);
        command
    }

    fn ended(command: &mut assert_cmd::Command) -> Said {
        let output = command.output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Said { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }

    /// Runs a shell's line in which `$K` is the program, to the end of all that it starts.
    pub(crate) fn shell(&self, line: &str) -> Said {
        let output = assert_cmd::Command::new("bash")
            .args(["-c", line])
            .current_dir(&self.dir)
            .env_clear()
            .envs(&self.env)
            .env("K", KEYBEARER)
            .timeout(GUARD)
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Said { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }

    /// Starts the program, with nothing on stdin and nobody to read what it says.
    pub(crate) fn spawn(&self, args: &[&str]) -> Child {
        let mut command = Command::new(KEYBEARER);
        command.args(args).current_dir(&self.dir).env_clear().envs(&self.env);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// Starts `keybearer run` with these arguments.
    pub(crate) fn start(&self, args: &[&str]) -> Started<'_> {
        let out = |name| File::create(self.path(name)).unwrap();
        let child = Command::new(KEYBEARER)
            .arg("run")
            .args(args)
            .current_dir(&self.dir)
            .env_clear()
            .envs(&self.env)
            .stdin(Stdio::null())
            .stdout(out("tmp/.stdout"))
            .stderr(out("tmp/.stderr"))
            .spawn()
            .unwrap();
        Started { child, place: self }
    }

    /// Runs `keybearer run` to its end. Whatever happens, its private directory is gone.
    pub(crate) fn run(&self, args: &[&str]) -> Said {
        self.start(args).end()
    }

    /// Every file below the folder that has these bytes in it.
    pub(crate) fn files_with(&self, needle: &str) -> Vec<PathBuf> {
        let has = |path: &PathBuf| {
            let bytes = fs::read(path).unwrap_or_default();
            bytes.windows(needle.len()).any(|window| window == needle.as_bytes())
        };
        files_below(self.dir.path()).into_iter().filter(has).collect()
    }
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            found.extend(files_below(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found
}

/// A `keybearer run` under way.
pub(crate) struct Started<'p> {
    child: Child,
    place: &'p Place,
}

impl Started<'_> {
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn stdout(&self) -> String {
        fs::read_to_string(self.place.path("tmp/.stdout")).unwrap()
    }

    pub(crate) fn stderr(&self) -> String {
        fs::read_to_string(self.place.path("tmp/.stderr")).unwrap()
    }

    /// Waits until this is on stdout.
    pub(crate) fn until_it_says(&self, word: &str) {
        until(|| self.stdout().contains(word));
    }

    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill").args([format!("-{name}"), self.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// Waits for the end; the private directory has to be gone.
    pub(crate) fn end(self) -> Said {
        let id = self.id();
        let said = self.end_as_it_may();
        assert_eq!(private_dirs(id), Vec::<PathBuf>::new());
        said
    }

    /// Waits for the end.
    pub(crate) fn end_as_it_may(mut self) -> Said {
        let mut status: Option<ExitStatus> = None;
        until(|| {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        let (stdout, stderr) = (self.stdout(), self.stderr());
        // So that what is found in the folder is not what the program has printed.
        for name in ["tmp/.stdout", "tmp/.stderr"] {
            fs::remove_file(self.place.path(name)).unwrap();
        }
        Said { code: status.unwrap().code(), stdout, stderr }
    }
}

impl Drop for Started<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            let _ = self.child.kill();
        }
    }
}

/// The private directories of a process, wherever it may have made them.
pub(crate) fn private_dirs(id: u32) -> Vec<PathBuf> {
    let prefix = format!("keybearer-run-{id}-");
    let parents = [PathBuf::from("/dev/shm"), std::env::temp_dir()];
    let entries = parents.iter().filter_map(|parent| fs::read_dir(parent).ok()).flatten();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with(&prefix)).collect()
}

/// Waits for something to come true.
pub(crate) fn until(mut is_true: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_true() {
        assert!(start.elapsed() < GUARD, "this takes too long");
        thread::sleep(Duration::from_millis(10));
    }
}

/// A pod that asks for these, in the readable spelling, with these lines in its spec.
pub(crate) fn pod(secrets: &str, spec: &str) -> String {
    let secrets = secrets.replace('\'', "''");
    let indented: Vec<String> = spec.trim_matches('\n').lines().map(|line| format!("  {line}\n")).collect();
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: task\n  labels: {{inject-flyte-secrets: \"true\"}}\n  annotations:\n    \
         keybearer.dev/secrets: '{secrets}'\nspec:\n  restartPolicy: Never\n{}",
        indented.concat()
    )
}

/// A pod with one container that is a shell script.
pub(crate) fn script(secrets: &str, script: &str) -> String {
    let script = serde_json::to_string(script).unwrap();
    pod(secrets, &format!("containers:\n- {{name: main, command: [sh, -c, {script}]}}"))
}

/// A folder in which `kubectl` is this script of the shell.
pub(crate) fn with_kubectl(script: &str) -> Place {
    let place = Place::new().with("kubectl", format!("#!/bin/sh\n{script}\n"));
    let kubectl = place.path("kubectl");
    fs::set_permissions(&kubectl, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", kubectl.parent().unwrap().display(), std::env::var("PATH").unwrap());
    place.env("PATH", &path)
}
