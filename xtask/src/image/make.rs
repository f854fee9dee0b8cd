//! From the program to the files of the image.

use super::layer::{self, Layer};
use super::layout::{About, Layout};
use super::{Options, elf, load, root};
use crate::failure::Failure;
use crate::process;
use crate::program;
use crate::workspace::Workspace;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// How many bytes the compressed image may have: a node that starts a task waits for them.
const MOST: usize = 15_000_000;

/// Builds the program, unless there is one, and makes the image.
pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let workspace = Workspace::read()?;
    let path = match &options.program {
        Some(path) => path.clone(),
        None => program::build(&workspace)?,
    };
    let bytes = std::fs::read(&path).map_err(|error| Failure::io(&path, &error))?;
    let arch =
        elf::of_static_program(&bytes).map_err(|reason| Failure::new(format!("{}: {reason}", path.display())))?;
    let about = about(&workspace, arch)?;
    let size = bytes.len();
    let layer = layer::pack(&root::entries(bytes)).map_err(|error| Failure::io(&path, &error))?;
    let unpacked = layer.unpacked;
    let folder = options.output.clone().unwrap_or_else(|| workspace.target.join("image"));
    let archive = write(&about, layer, &folder, |layout| {
        println!("image: {} for {}, {}", about.name, about.arch.name(), layout.digest);
        println!("image: program {}, layer {}, download {}", mb(size), mb(unpacked), mb(layout.download));
        within(layout.download)
    })?;
    if options.load { load::load(&archive) } else { Ok(()) }
}

/// Writes the layout and its archive, if it passes.
fn write(
    about: &About,
    layer: Layer,
    folder: &Path,
    passes: impl FnOnce(&Layout) -> Result<(), Failure>,
) -> Result<PathBuf, Failure> {
    let layout = Layout::new(about, layer);
    passes(&layout)?;
    let oci = folder.join("oci");
    // Blobs of an older image would only be in the way.
    if oci.join("oci-layout").exists() {
        std::fs::remove_dir_all(&oci).map_err(|error| Failure::io(&oci, &error))?;
    }
    for (path, bytes) in layout.files() {
        let path = oci.join(path);
        let made = path.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| std::fs::write(&path, bytes));
        made.map_err(|error| Failure::io(&path, &error))?;
    }
    let archive = folder.join(format!("keybearer-{}-{}.tar", about.version, about.arch.name()));
    let made = std::fs::File::create(&archive).and_then(|file| layout.archive(std::io::BufWriter::new(file)));
    made.map_err(|error| Failure::io(&archive, &error))?;
    println!("image: {} and {}", oci.display(), archive.display());
    Ok(archive)
}

fn within(download: usize) -> Result<(), Failure> {
    if download <= MOST {
        return Ok(());
    }
    Err(Failure::new(format!("the image has {}, and may have {} at most", mb(download), mb(MOST)))
        .hint("`cargo tree --package keybearer --features webhook` shows what is in it"))
}

fn about(workspace: &Workspace, arch: elf::Arch) -> Result<About, Failure> {
    let packages = workspace.metadata["packages"].as_array().map(Vec::as_slice).unwrap_or_default();
    let package = packages.iter().find(|package| package["name"] == "keybearer");
    let text = |name: &str| package.and_then(|package| package[name].as_str()).map(str::to_owned);
    let (Some(version), Some(source)) = (text("version"), text("repository")) else {
        return Err(Failure::new("there is no package `keybearer` with a version and a repository"));
    };
    let name = format!("docker.io/library/keybearer:{version}");
    Ok(About { name, arch, version, source, revision: revision(&workspace.root) })
}

/// The commit, if all that is built is in it.
fn revision(root: &Path) -> Option<String> {
    let git = |words: &[&str]| {
        let mut git = Command::new("git");
        git.current_dir(root).args(words).stderr(Stdio::null());
        process::output(&mut git).ok()
    };
    let changed = git(&["status", "--porcelain"])?;
    changed.trim().is_empty().then(|| git(&["rev-parse", "HEAD"]))?.map(|commit| commit.trim().to_owned())
}

fn mb(bytes: usize) -> String {
    let hundredths = bytes.div_ceil(10_000);
    format!("{}.{:02} MB", hundredths / 100, hundredths % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(folder: &Path, program: &[u8]) -> Options {
        let path = folder.join("program");
        std::fs::write(&path, program).expect("a small file");
        Options { output: Some(folder.join("out")), load: false, program: Some(path) }
    }

    #[test]
    fn an_image_of_a_tiny_program_is_made_twice_over_the_other_and_is_the_same() {
        let folder = tempfile::tempdir().expect("a folder");
        let options = options(folder.path(), &elf::tests::program(62, 1, b"some code"));
        let archive = || {
            run(&options).expect("an image");
            let version = env!("CARGO_PKG_VERSION");
            std::fs::read(folder.path().join(format!("out/keybearer-{version}-amd64.tar"))).expect("an archive")
        };
        assert_eq!(archive(), archive());
        let blobs = std::fs::read_dir(folder.path().join("out/oci/blobs/sha256")).expect("blobs");
        assert_eq!(blobs.count(), 3);
    }

    #[test]
    fn a_program_that_needs_an_interpreter_makes_no_image() {
        let folder = tempfile::tempdir().expect("a folder");
        let options = options(folder.path(), &elf::tests::program(62, 3, b""));
        let failure = run(&options).expect_err("it would not start").to_string();
        assert!(failure.contains("not static") && failure.contains("program"), "{failure}");
        assert!(!folder.path().join("out").exists());
    }

    #[test]
    fn an_image_that_is_too_large_is_refused_with_both_figures() {
        assert_eq!(within(MOST), Ok(()));
        let failure = within(MOST + 1).expect_err("one too many").to_string();
        assert!(failure.contains("15.01 MB") && failure.contains("15.00 MB"), "{failure}");
    }

    #[test]
    fn the_manifests_and_the_docs_name_the_image_that_is_made() {
        let version = env!("CARGO_PKG_VERSION");
        for (path, line) in [
            ("deploy/kustomize/base/kustomization.yaml", format!("newTag: {version}")),
            ("deploy/kustomize/overlays/flyte/kustomization.yaml", format!("newTag: {version}")),
            ("deploy/helm/keybearer/Chart.yaml", format!("\nversion: {version}")),
            ("deploy/helm/keybearer/Chart.yaml", format!("appVersion: {version}")),
            ("e2e/install/flyte-v1/webhook.yaml", format!("image: keybearer:{version}")),
            ("Dockerfile", format!("org.opencontainers.image.version=\"{version}\"")),
            ("Dockerfile", format!("USER {0}:{0}", root::USER)),
            ("Dockerfile", format!("ENTRYPOINT [\"/{}\"]", root::PROGRAM)),
            ("deploy/kustomize/base/deployment.yaml", format!("runAsUser: {}", root::USER)),
            ("docs/install.md", format!("keybearer-{version}-amd64.tar")),
        ] {
            let text = crate::workspace::read(&crate::workspace::root().join(path)).expect(path);
            assert!(text.contains(&line), "{path} has no `{line}`");
        }
    }
}
