//! Talking to the cluster as its users do.

use crate::Result;
use serde_json::Value;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// `kubectl` with the cluster that was named.
#[derive(Debug, Clone)]
pub(crate) struct Kubectl {
    config: PathBuf,
}

impl Kubectl {
    /// With `KUBECONFIG`, which has to be set: the cluster of somebody's daily work is not taken by accident.
    pub(crate) fn from_env() -> Result<Self> {
        let config = std::env::var_os("KUBECONFIG").filter(|value| !value.is_empty()).map(PathBuf::from);
        let config = config.ok_or("KUBECONFIG is not set: it names the cluster that may be tested on")?;
        if !config.is_file() {
            return Err(format!("KUBECONFIG names {}, which is no file", config.display()));
        }
        let kubectl = Self { config };
        kubectl.run(["version", "-o", "json"]).map_err(|wrong| format!("the cluster does not answer: {wrong}"))?;
        Ok(kubectl)
    }

    /// Runs a command for what it prints.
    pub(crate) fn run<'a>(&self, words: impl IntoIterator<Item = &'a str>) -> Result<String> {
        self.with(words, "")
    }

    /// Runs a command with something on its standard input.
    pub(crate) fn with<'a>(&self, words: impl IntoIterator<Item = &'a str>, input: &str) -> Result<String> {
        let mut command = Command::new("kubectl");
        // In front, since there is a command behind `--` of some.
        command.arg("--request-timeout=100s").args(words);
        self.finish(command, input)
    }

    /// The program itself, with the cluster that was named, for what does not end by itself.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new("kubectl");
        command.env("KUBECONFIG", &self.config);
        command
    }

    /// Runs another program with the same cluster, for what it prints.
    pub(crate) fn beside(&self, command: Command) -> Result<String> {
        self.finish(command, "")
    }

    /// Starts another program with the same cluster, whose exit code is of interest, too.
    pub(crate) fn spawn(&self, mut command: Command) -> Result<Child> {
        let name = command.get_program().to_string_lossy().into_owned();
        command.env("KUBECONFIG", &self.config);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().map_err(|error| format!("`{name}` can't be started: {error}"))
    }

    /// The same as somebody else.
    pub(crate) fn with_config(config: &Path) -> Self {
        Self { config: config.to_owned() }
    }

    fn finish(&self, command: Command, input: &str) -> Result<String> {
        let name = command.get_program().to_string_lossy().into_owned();
        let mut child = self.spawn(command)?;
        if let Some(mut pipe) = child.stdin.take() {
            // A command that does not read it says itself what is wrong.
            let _ = pipe.write_all(input.as_bytes());
        }
        let output = child.wait_with_output().map_err(|error| format!("{name}: {error}"))?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() {
            return Ok(text);
        }
        Err(format!("{}{text}", String::from_utf8_lossy(&output.stderr)).trim().to_owned())
    }

    /// Runs a command that prints JSON.
    pub(crate) fn json<'a>(&self, words: impl IntoIterator<Item = &'a str>) -> Result<Value> {
        parse(&self.run(words.into_iter().chain(["-o", "json"]))?)
    }

    /// Creates an object; the answer is the object as it became.
    pub(crate) fn create(&self, object: &Value) -> Result<Value> {
        parse(&self.with(["create", "-f", "-", "-o", "json"], &object.to_string())?)
    }

    /// What creating it would give, without doing it.
    pub(crate) fn dry_run(&self, object: &Value) -> Result<Value> {
        parse(&self.with(["create", "--dry-run=server", "-f", "-", "-o", "json"], &object.to_string())?)
    }

    /// Applies objects.
    pub(crate) fn apply(&self, objects: &[Value]) -> Result {
        let list = serde_json::json!({"apiVersion": "v1", "kind": "List", "items": objects});
        self.with(["apply", "-f", "-"], &list.to_string()).map(drop)
    }

    /// Is there an object of this name?
    pub(crate) fn exists<'a>(&self, words: impl IntoIterator<Item = &'a str>) -> Result<bool> {
        let words = ["get"].into_iter().chain(words).chain(["--ignore-not-found", "-o", "name"]);
        Ok(!self.run(words)?.trim().is_empty())
    }
}

fn parse(text: &str) -> Result<Value> {
    serde_json::from_str(text).map_err(|error| format!("kubectl printed something else than JSON: {error}: {text}"))
}
