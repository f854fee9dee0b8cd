//! `cargo xtask help`.

use crate::failure::Failure;

const TEXT: &str = "\
The repo's own commands. CI runs these and nothing else.

  cargo xtask test [--filter X]    every test of every crate, the doc tests, and the blocks of the README and
                                   the docs; makes the Python environment that some of them need. With a filter:
                                   tests whose name contains X, documents whose path contains X
  cargo xtask readme [--filter X]  the blocks of the README and the docs alone
  cargo xtask lint                 all of the following, with the time of each
  cargo xtask fmt                  is the code formatted?
  cargo xtask clippy               clippy, any warning fails
  cargo xtask alone                clippy on each crate by itself, with no features but its own
  cargo xtask docs                 rustdoc, any warning fails
  cargo xtask arrows               does each crate know only those that it may?
  cargo xtask deny                 licences, banned crates, sources, advisories
  cargo xtask fuzz [--seconds N] [--input FILE] [TARGET…]
                                   the fuzzers (annotation, review, config, http; else all), each for N seconds (20); with
                                   --input one of them for one input that was found
  cargo xtask image [--output DIR] [--load] [--program FILE]
                                   the container image, as an OCI layout and as an archive, in DIR (else in the target
                                   folder's `image`); --load gives it to containerd, --program packs a static
                                   program that is built already
  cargo xtask bench [--quick] [--case NAME]... [--out DIR] [--write-docs] [--program FILE]
                                   [--before FILE]
                                   the webhook's server beside an echo, both as they are shipped: CPU, time and memory of
                                   a review, as a table, and as JSON and a picture in DIR (else in the target folder's
                                   `bench`); --quick only shows that it works, --write-docs renews docs/performance.md,
                                   --case measures only what has this name in the JSON (as often as you like), --before
                                   measures another build in the same run
  cargo xtask monitoring           alert rules, their tests, and the dashboard's queries, asked of Prometheus's promtool;
                                   builds that with Go the first time, and keeps it in ~/.cache/keybearer
  cargo xtask e2e [--filter X] [--keep] [--loaded] [--program FILE] [--cluster-program FILE]
                                   what is shipped, on the cluster of KUBECONFIG: makes and loads the image (not with
                                   --loaded), installs the manifests, tries what pods then see, and removes all
                                   of it again (not with --keep)

Environment:
  KUBECONFIG             the cluster that `e2e` may install to
  CONTAINERD_ADDRESS     the socket of the containerd that `image --load` and `e2e` mean
  KEYBEARER_PYTHON       the Python (3.10 to 3.12) to make environments with, instead of the first one found
  KEYBEARER_TEST_PYTHON  an interpreter that already has the packages of xtask/requirements.txt: nothing is
                         installed then
";

/// Prints the commands.
#[expect(clippy::unnecessary_wraps, reason = "all commands have one form")]
pub(crate) fn run() -> Result<(), Failure> {
    print!("{TEXT}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::TEXT;
    use crate::lint::Stage;

    #[test]
    fn help_names_every_stage() {
        for stage in Stage::ALL {
            assert!(TEXT.contains(&format!("cargo xtask {} ", stage.name())), "{}", stage.name());
        }
    }
}
