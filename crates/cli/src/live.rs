//! An object of a cluster, as `kubectl` gets it.

use crate::fault::Fault;
use crate::kubectl::{Failure, Kubectl};
use std::path::Path;

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
    let kubectl = Kubectl { namespace: namespace.map(str::to_owned), ..Kubectl::default() };
    kubectl.get(name).map(|text| text.to_string()).map_err(|failure| match failure {
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

#[cfg(test)]
mod tests {
    use super::is_name;

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
