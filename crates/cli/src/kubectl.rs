//! A cluster, through `kubectl` as a child process: with the user's own context, credentials and plugins.

use crate::fault::Fault;
use std::ffi::OsStr;
use std::fmt;
use std::io::{ErrorKind, Write};
use std::process::{Command, Stdio};
use std::thread;
use zeroize::Zeroizing;

/// How long one request may take, for those that end.
const PATIENCE: &str = "--request-timeout=20s";

/// Where a pod finds the name of its namespace.
const OF_POD: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";

/// Which cluster, and where in it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kubectl {
    /// The context of the kubeconfig; its current one where this is none.
    pub(crate) context: Option<String>,
    /// The namespace; the context's own where this is none.
    pub(crate) namespace: Option<String>,
}

/// Why `kubectl` gave nothing.
pub(crate) enum Failure {
    NoKubectl,
    /// What it said, line by line.
    Refused(Vec<String>),
    Other(String),
}

impl Failure {
    /// Whether something that it said holds all of these words.
    pub(crate) fn says(&self, words: &[&str]) -> bool {
        match self {
            Self::Refused(lines) => lines.iter().any(|line| words.iter().all(|word| line.contains(word))),
            Self::NoKubectl | Self::Other(_) => false,
        }
    }

    /// Whether `kubectl` does not know which cluster is meant.
    fn is_no_config(&self) -> bool {
        self.says(&["localhost:8080"]) || self.says(&["current-context"])
    }

    /// Whether the cluster did not answer, so that it may be asked again.
    pub(crate) fn is_unreachable(&self) -> bool {
        const SAID: [&str; 12] = [
            "Unable to connect to the server",
            "The connection to the server",
            "couldn't get current server API group list",
            "connection refused",
            "i/o timeout",
            "TLS handshake timeout",
            "unexpected EOF",
            "http2: ",
            "ServiceUnavailable",
            "Timeout",
            "context deadline exceeded",
            "apiserver not ready",
        ];
        // A webhook that does not answer is not the cluster.
        !self.says(&["calling webhook"]) && !self.is_no_config() && SAID.iter().any(|words| self.says(&[words]))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoKubectl => f.write_str("there is no `kubectl` to ask the cluster with"),
            Self::Refused(lines) => write!(f, "`kubectl` says: {}", lines.join("; ")),
            Self::Other(why) => f.write_str(why),
        }
    }
}

/// What `kubectl` gave.
pub(crate) struct Answer {
    /// Its stdout, which may hold values of secrets.
    pub(crate) text: Zeroizing<String>,
    /// What the API server warns of.
    pub(crate) warnings: Vec<String>,
}

impl Kubectl {
    /// `kubectl` with these words, and with context and namespace before them.
    pub(crate) fn command<S: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new("kubectl");
        command.args(words);
        for (option, value) in [("--context", &self.context), ("--namespace", &self.namespace)] {
            if let Some(value) = value {
                command.args([option, value]);
            }
        }
        command.stdin(Stdio::null());
        command
    }

    /// What is to be typed for the same cluster and namespace, for hints.
    pub(crate) fn typed(&self, words: &str) -> String {
        let option = |option: &str, value: &Option<String>| {
            value.as_ref().map_or_else(String::new, |value| format!(" {option} {}", crate::quoted::word(value)))
        };
        format!("kubectl {words}{}{}", option("-n", &self.namespace), option("--context", &self.context))
    }

    /// The namespace that commands without one are about.
    pub(crate) fn own_namespace(&self) -> Result<String, Fault> {
        let words = ["config", "view", "--minify", "--output", "jsonpath={..namespace}"];
        let name = match self.ask(words, "") {
            Ok(answer) => answer.text.trim().to_owned(),
            // In a pod there is no kubeconfig, and none is needed.
            Err(Failure::Refused(_))
                if self.context.is_none() && std::env::var_os("KUBERNETES_SERVICE_HOST").is_some() =>
            {
                std::fs::read_to_string(OF_POD).unwrap_or_default().trim().to_owned()
            }
            Err(failure) => return Err(no_cluster(&failure, self).unwrap_or_else(|| Fault::new(failure))),
        };
        Ok(if name.is_empty() { "default".to_owned() } else { name })
    }

    /// Gets an object (`pod/task`) as JSON.
    pub(crate) fn get(&self, name: &str) -> Result<Zeroizing<String>, Failure> {
        self.ask(["get", name, "--output", "json", PATIENCE], "").map(|answer| answer.text)
    }

    /// The same, where there need not be one.
    pub(crate) fn find(&self, name: &str) -> Result<Option<Zeroizing<String>>, Failure> {
        let text = self.ask(["get", name, "--output", "json", "--ignore-not-found", PATIENCE], "")?.text;
        Ok((!text.trim().is_empty()).then_some(text))
    }

    /// Runs a command that ends, with `input` on its stdin.
    pub(crate) fn ask<'w>(&self, words: impl IntoIterator<Item = &'w str>, input: &str) -> Result<Answer, Failure> {
        let mut command = self.command(words);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| not_started(&error))?;
        let pipe = child.stdin.take();
        let output = thread::scope(|scope| {
            // Beside the reading: a program that answers before it has read all would wait for us, and we for it.
            scope.spawn(move || pipe.map(|mut pipe| pipe.write_all(input.as_bytes())));
            child.wait_with_output()
        });
        let output = output.map_err(|error| Failure::Other(format!("`kubectl` can't be waited for: {error}")))?;
        let (stdout, said) = (Zeroizing::new(output.stdout), words_of(&output.stderr));
        if output.status.success() {
            let text = std::str::from_utf8(&stdout)
                .map_err(|_| Failure::Other("`kubectl` gave something else than UTF-8".to_owned()))?;
            let warnings = said.iter().filter_map(|line| line.strip_prefix("Warning: ")).map(str::to_owned).collect();
            return Ok(Answer { text: Zeroizing::new(text.to_owned()), warnings });
        }
        Err(refused(said))
    }
}

/// That it can't be started.
pub(crate) fn not_started(error: &std::io::Error) -> Failure {
    match error.kind() {
        ErrorKind::NotFound => Failure::NoKubectl,
        _ => Failure::Other(format!("`kubectl` can't be started: {error}")),
    }
}

/// What it says on stderr: its last words, without those of its log.
pub(crate) fn refused(mut said: Vec<String>) -> Failure {
    said.retain(|line| !line.starts_with("Warning: "));
    Failure::Refused(said.split_off(said.len().saturating_sub(LAST_WORDS)))
}

/// A refusal of the webhook may have many lines; the last are those that say why.
const LAST_WORDS: usize = 12;

/// Its words, line by line.
pub(crate) fn words_of(stderr: &[u8]) -> Vec<String> {
    let said = String::from_utf8_lossy(stderr);
    let lines = said.lines().filter(|line| !is_log(line) && !line.trim().is_empty());
    lines.map(|line| line.chars().flat_map(escaped).collect()).collect()
}

/// What the cluster says, in one line and without anything that a terminal obeys.
pub(crate) fn shown(text: &str) -> String {
    text.trim().chars().flat_map(escaped).collect()
}

fn escaped(c: char) -> Vec<char> {
    if c.is_control() { c.escape_debug().collect() } else { vec![c] }
}

/// Whether a line is one of klog (`E1124 12:00:00.000000 …`), which `kubectl` writes besides its own words.
fn is_log(line: &str) -> bool {
    let mut chars = line.chars();
    chars.next().is_some_and(|c| "IWEF".contains(c))
        && chars.by_ref().take(4).filter(char::is_ascii_digit).count() == 4
        && chars.next() == Some(' ')
}

/// What a failure comes from that has nothing to do with what was asked for; `None` for all others.
pub(crate) fn no_cluster(failure: &Failure, kubectl: &Kubectl) -> Option<Fault> {
    let with_words = |fault: Fault| match failure {
        Failure::Refused(lines) => lines.iter().rev().take(1).fold(fault, Fault::detail),
        Failure::NoKubectl | Failure::Other(_) => fault,
    };
    match failure {
        Failure::NoKubectl => {
            Some(Fault::new("there is no `kubectl` to reach a cluster with").hint("put `kubectl` on the PATH"))
        }
        _ if failure.says(&["context", "does not exist"]) => Some(
            Fault::new(format!("the kubeconfig has no context `{}`", kubectl.context.as_deref().unwrap_or_default()))
                .hint("`kubectl config get-contexts` lists those that it has"),
        ),
        _ if failure.is_no_config() => Some(with_words(Fault::new("`kubectl` knows no cluster here")).hint(
            "set KUBECONFIG to the file that describes the cluster, or choose one with `kubectl config use-context NAME`",
        )),
        _ if failure.says(&["x509: "]) && !failure.says(&["calling webhook"]) => {
            Some(with_words(Fault::new("the cluster's certificate is not the one that the kubeconfig expects"))
                .hint("get the kubeconfig again from whoever runs the cluster; `kubectl cluster-info` tries it"))
        }
        _ if failure.says(&["must be logged in"]) || failure.says(&["Unauthorized"]) => {
            Some(with_words(Fault::new("the cluster does not know who you are"))
                .hint("log in to it again: the kubeconfig's credentials may have expired"))
        }
        _ if failure.is_unreachable() => Some(
            with_words(Fault::new("the cluster does not answer"))
                .hint("`kubectl cluster-info` tries it: is it the right one, and is it running?"),
        ),
        Failure::Refused(_) | Failure::Other(_) => None,
    }
}

/// An error with what was said, below it.
pub(crate) fn with_words(fault: Fault, failure: &Failure) -> Fault {
    match failure {
        Failure::Refused(lines) => lines.iter().map(|line| message(line)).fold(fault, Fault::detail),
        Failure::NoKubectl | Failure::Other(_) => fault.detail(failure),
    }
}

/// That the namespace is not there.
pub(crate) fn no_namespace(kubectl: &Kubectl) -> Fault {
    let name = kubectl.namespace.as_deref().unwrap_or_default();
    let everywhere = Kubectl { namespace: None, ..kubectl.clone() };
    Fault::new(format!("there is no namespace `{name}` in the cluster"))
        .hint(format!("`{}` lists those that there are; is it the right cluster?", everywhere.typed("get namespaces")))
}

/// The words without what stands before every one of them.
pub(crate) fn message(line: &str) -> &str {
    let rest = line.strip_prefix("Error from server").unwrap_or(line);
    let rest = match rest.split_once("): ") {
        Some((kind, rest)) if kind.starts_with(" (") => rest,
        _ => rest.strip_prefix(": ").or_else(|| rest.strip_prefix("error: ")).unwrap_or(rest),
    };
    rest.strip_prefix("error when creating \"STDIN\": ").unwrap_or(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_log_are_told_from_words() {
        assert!(is_log("E1124 12:00:00.000000    4711 memcache.go:265] couldn't get current server API group list"));
        assert!(!is_log("Error from server (NotFound): pods \"task\" not found") && !is_log("E11") && !is_log(""));
    }

    #[test]
    fn the_message_stands_behind_the_kind() {
        for (line, is) in [
            ("Error from server (NotFound): namespaces \"x\" not found", "namespaces \"x\" not found"),
            (
                "Error from server (Forbidden): error when creating \"STDIN\": admission webhook denied",
                "admission webhook denied",
            ),
            ("Error from server: error when creating \"STDIN\": a (b): c", "a (b): c"),
            ("error: no context exists", "no context exists"),
        ] {
            assert_eq!(message(line), is);
        }
    }
}
