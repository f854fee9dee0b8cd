//! The image as OCI lays it out: its configuration, manifest and index, each named by its digest.

use super::digest::Digest;
use super::elf::Arch;
use super::layer::{self, Layer};
use super::root;
use serde_json::{Value, json};
use std::io::{self, Write};
use tar::{Builder, EntryType};

/// What the image says of itself.
pub(super) struct About {
    /// Its name for those who pull or import it, with registry and tag.
    pub(super) name: String,
    /// For which processor.
    pub(super) arch: Arch,
    /// The workspace's version.
    pub(super) version: String,
    /// The repo's address.
    pub(super) source: String,
    /// The commit that it was made from, if that is known.
    pub(super) revision: Option<String>,
}

/// All files of a layout, in the order of their paths.
pub(super) struct Layout {
    files: Vec<(String, Vec<u8>)>,
    /// By which the image is known.
    pub(super) digest: Digest,
    /// What a node has to download: the layer, the configuration and the manifest.
    pub(super) download: usize,
}

impl Layout {
    /// Lays out an image of one layer.
    pub(super) fn new(about: &About, layer: Layer) -> Self {
        let config = bytes(&config(about, &layer));
        let manifest = bytes(&json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": descriptor(CONFIG, &config),
            "layers": [descriptor(LAYER, &layer.compressed)],
            "annotations": labels(about),
        }));
        let mut named = descriptor(MANIFEST, &manifest);
        named["platform"] = json!({"architecture": about.arch.name(), "os": "linux"});
        named["annotations"] = json!({
            "io.containerd.image.name": about.name,
            "org.opencontainers.image.ref.name": about.version,
        });
        let index = bytes(&json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [named]}));
        let digest = Digest::of(&manifest);
        let download = layer.compressed.len() + config.len() + manifest.len();
        let mut files = vec![("index.json".to_owned(), index), ("oci-layout".to_owned(), bytes(&version()))];
        for blob in [config, manifest, layer.compressed] {
            files.push((format!("blobs/sha256/{}", Digest::of(&blob).hex()), blob));
        }
        files.sort_by(|(a, _), (b, _)| a.cmp(b));
        Self { files, digest, download }
    }

    /// Paths and contents.
    pub(super) fn files(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.files.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice()))
    }

    /// The same as one archive, which `ctr images import` and others take.
    pub(super) fn archive(&self, to: impl Write) -> io::Result<()> {
        let mut tar = Builder::new(to);
        for folder in ["blobs/", "blobs/sha256/"] {
            tar.append_data(&mut layer::header(EntryType::Directory, 0o755, 0), folder, io::empty())?;
        }
        for (path, bytes) in self.files() {
            let mut header = layer::header(EntryType::Regular, 0o644, bytes.len() as u64);
            tar.append_data(&mut header, path, bytes)?;
        }
        tar.into_inner()?.flush()
    }
}

const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

fn version() -> Value {
    json!({"imageLayoutVersion": "1.0.0"})
}

/// How a container of it starts.
fn config(about: &About, layer: &Layer) -> Value {
    json!({
        "architecture": about.arch.name(),
        "os": "linux",
        "config": {
            "User": format!("{0}:{0}", root::USER),
            "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
            "Entrypoint": [format!("/{}", root::PROGRAM)],
            "WorkingDir": "/",
            "Labels": labels(about),
        },
        "rootfs": {"type": "layers", "diff_ids": [layer.diff.to_string()]},
        "history": [{"created_by": "cargo xtask image"}],
    })
}

fn labels(about: &About) -> Value {
    let mut labels = json!({
        "org.opencontainers.image.title": "keybearer",
        "org.opencontainers.image.description": "Every task gets the secrets it asked for, and no one else does",
        "org.opencontainers.image.licenses": "Apache-2.0",
        "org.opencontainers.image.source": about.source,
        "org.opencontainers.image.version": about.version,
    });
    if let Some(revision) = &about.revision {
        labels["org.opencontainers.image.revision"] = json!(revision);
    }
    labels
}

fn descriptor(kind: &str, bytes: &[u8]) -> Value {
    json!({"mediaType": kind, "digest": Digest::of(bytes).to_string(), "size": bytes.len()})
}

fn bytes(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}

#[cfg(test)]
mod tests;
