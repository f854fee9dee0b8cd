//! An object of a cluster, as `kubectl` gets it: with the user's own context, credentials and plugins.

use crate::fault::Fault;
use std::fmt;
use std::io::ErrorKind;
use std::path::Path;
use std::process::{Command, Stdio};

/// Whether a word names an object of a cluster (`pod/task`, `deployment.apps/web`) and no file.
pub(crate) fn is_name(word: &str) -> bool {
    let Some((kind, name)) = word.split_once('/') else { return false };
    let is_part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphanumeric())
            && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | ':'))
    };
    // `pods/task.yaml` is a file that is not there, whatever folder that names.
    let is_file_name = [".yaml", ".yml", ".json"].iter().any(|ending| name.ends_with(ending));
    is_part(kind) && is_part(name) && !is_file_name && !Path::new(word).exists()
}

/// Gets an object as JSON.
pub(crate) fn get(name: &str, namespace: Option<&str>) -> Result<String, Fault> {
    ask(name, namespace).map_err(|failure| match failure {
        Failure::NoKubectl => {
            Fault::new(format!("`{name}` is no file, and there is no `kubectl` to get it from a cluster with"))
                .hint("name a file, or put `kubectl` on the PATH")
        }
        Failure::Refused(lines) => {
            lines.iter().fold(Fault::new(format!("`kubectl` can't get `{name}`")), Fault::detail)
        }
        Failure::Other(why) => Fault::new(why),
    })
}

/// Why `kubectl` gave nothing.
pub(crate) enum Failure {
    NoKubectl,
    /// What it said, line by line.
    Refused(Vec<String>),
    Other(String),
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

/// The same, for whoever has more to say of a failure.
pub(crate) fn ask(name: &str, namespace: Option<&str>) -> Result<String, Failure> {
    let mut command = Command::new("kubectl");
    command.args(["get", name, "--output", "json", "--request-timeout", "20s"]);
    if let Some(namespace) = namespace {
        command.args(["--namespace", namespace]);
    }
    let output = match command.stdin(Stdio::null()).output() {
        Ok(output) => output,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(Failure::NoKubectl);
        }
        Err(error) => return Err(Failure::Other(format!("`kubectl` can't be started: {error}"))),
    };
    if output.status.success() {
        return String::from_utf8(output.stdout)
            .map_err(|_| Failure::Other("`kubectl` gave something else than UTF-8".to_owned()));
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = said.lines().filter(|line| !is_log(line)).collect();
    let last = lines.iter().skip(lines.len().saturating_sub(3));
    Err(Failure::Refused(last.map(|line| line.escape_debug().to_string()).collect()))
}

/// Whether a line is one of klog (`E1124 12:00:00.000000 …`), which `kubectl` writes besides its own words.
fn is_log(line: &str) -> bool {
    let mut chars = line.chars();
    chars.next().is_some_and(|c| "IWEF".contains(c))
        && chars.by_ref().take(4).filter(char::is_ascii_digit).count() == 4
        && chars.next() == Some(' ')
}

#[cfg(test)]
mod tests {
    use super::{is_log, is_name};

    #[test]
    fn lines_of_the_log_are_told_from_words() {
        assert!(is_log("E1124 12:00:00.000000    4711 memcache.go:265] couldn't get current server API group list"));
        assert!(!is_log("Error from server (NotFound): pods \"task\" not found") && !is_log("E11") && !is_log(""));
    }

    #[test]
    fn names_of_objects_are_told_from_those_of_files() {
        for (word, is) in [
            ("pod/task", true),
            ("deployment.apps/web-1", true),
            ("pod.yaml", false),
            ("pods/task.yaml", false),
            ("./pod/task", false),
            ("/etc/passwd", false),
            ("src/main.rs", false),
            ("a/b/c", false),
            ("pod/", false),
            ("-", false),
        ] {
            assert_eq!(is_name(word), is, "{word}");
        }
    }
}
