//! Commands that the docs show and no test runs, each with its reason, which is printed.

/// First words of commands, and why they are not run.
pub(crate) const NOT_RUN: &[(&str, &str)] = &[
    ("git clone", "the test stands in a copy of the repo already"),
    ("cd keybearer", "the test stands in a copy of the repo already"),
    ("cargo xtask", "this is run by it, and CI runs all of its commands"),
    ("bash .ci/run", "this is run by it"),
    (".ci/run", "this is run by it"),
    ("cargo test", "`cargo xtask test` does it, with what the tests need"),
    ("cargo build", "what is tested is built already"),
    ("cargo fmt", "it would change nothing but the copy, and CI checks it"),
    ("cargo install", "it installs for the user what is tested as it was built"),
    ("cargo add", "it needs a crate of the user's"),
    ("rustup", "it changes the toolchain"),
    ("pip install", "it changes the user's environment"),
    ("python3 -m venv", "it changes the user's environment"),
    ("apt-get", "it changes the machine"),
    ("sudo", "it changes the machine"),
    ("brew", "it changes the machine"),
    ("curl", "it needs the network"),
    ("docker", "it needs a container engine"),
    ("kind", "it needs a cluster"),
    ("kubectl", "it needs a cluster"),
    ("helm", "it needs a cluster"),
];

/// Why this command is not run, if so.
pub(crate) fn reason(command: &str) -> Option<&'static str> {
    let starts =
        |words: &str| command.strip_prefix(words).is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric()));
    NOT_RUN.iter().find(|(words, _)| starts(words)).map(|(_, reason)| *reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_words_count() {
        assert!(reason("kind create cluster").is_some());
        assert!(reason("git clone https://example.org/x && cd x").is_some());
        assert_eq!(reason("kindly"), None);
        assert_eq!(reason("cargo run --release -- run examples/pod.yaml"), None);
        assert_eq!(reason("keybearer explain pod.yaml"), None);
    }
}
