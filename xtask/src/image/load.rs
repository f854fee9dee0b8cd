//! Giving an image to the containerd of this machine, where the kubelet finds it.

use crate::failure::Failure;
use crate::process;
use std::path::Path;
use std::process::Command;

/// The namespace of containerd in which the kubelet keeps its images.
const KUBELET: &str = "k8s.io";

/// Imports the archive; `ctr` itself reads `CONTAINERD_ADDRESS`.
pub(crate) fn load(archive: &Path) -> Result<(), Failure> {
    let mut ctr = Command::new("ctr");
    ctr.args(["--namespace", KUBELET, "images", "import"]).arg(archive);
    process::run(&mut ctr).map_err(|failure| {
        failure
            .hint("`ctr` of containerd must be on PATH, and CONTAINERD_ADDRESS name the socket of a running one")
            .hint(format!("other tools take {} too: `docker load`, `kind load image-archive`", archive.display()))
    })
}
