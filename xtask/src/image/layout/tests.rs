//! A tiny image, read back as a container runtime reads it.

use super::super::{layer, root};
use super::*;
use std::collections::BTreeMap;

fn about() -> About {
    About {
        name: "docker.io/library/keybearer:0.0.1".to_owned(),
        arch: Arch::Arm64,
        version: "0.0.1".to_owned(),
        source: "https://example.org/keybearer".to_owned(),
        revision: Some("abc".to_owned()),
    }
}

fn layout() -> Layout {
    Layout::new(&about(), layer::pack(&root::entries(b"a tiny program".to_vec())).expect("it can be packed"))
}

/// The file that a descriptor names, after its size and digest were compared.
fn follow<'a>(files: &BTreeMap<&str, &'a [u8]>, descriptor: &Value) -> &'a [u8] {
    let digest = descriptor["digest"].as_str().expect("a digest");
    let path = format!("blobs/{}", digest.replace(':', "/"));
    let bytes = files.get(path.as_str()).unwrap_or_else(|| panic!("{path} is not there"));
    assert_eq!(Digest::of(bytes).to_string(), digest);
    assert_eq!(descriptor["size"], bytes.len());
    bytes
}

fn read(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).expect("JSON")
}

#[test]
fn from_the_index_on_every_digest_and_size_is_right() {
    let layout = layout();
    let files: BTreeMap<_, _> = layout.files().collect();
    assert_eq!(read(files["oci-layout"]), json!({"imageLayoutVersion": "1.0.0"}));
    let index = read(files["index.json"]);
    let named = &index["manifests"][0];
    assert_eq!(named["digest"], layout.digest.to_string());
    assert_eq!(named["platform"], json!({"architecture": "arm64", "os": "linux"}));
    assert_eq!(named["annotations"]["io.containerd.image.name"], about().name);
    let manifest = read(follow(&files, named));
    let config = read(follow(&files, &manifest["config"]));
    let layer = follow(&files, &manifest["layers"][0]);
    let mut archive = Vec::new();
    io::Read::read_to_end(&mut flate2::read::GzDecoder::new(layer), &mut archive).expect("gzip");
    assert_eq!(config["rootfs"]["diff_ids"], json!([Digest::of(&archive).to_string()]));
    assert_eq!(files.len(), 5);
}

#[test]
fn a_container_starts_the_program_as_nobody_in_particular() {
    let layout = layout();
    let configs: Vec<_> = layout.files().filter_map(|(_, bytes)| serde_json::from_slice::<Value>(bytes).ok()).collect();
    let config = configs.iter().find(|value| value["rootfs"].is_object()).expect("a configuration");
    assert_eq!(config["architecture"], "arm64");
    assert_eq!(config["config"]["Entrypoint"], json!(["/usr/local/bin/keybearer"]));
    assert_eq!(config["config"]["User"], "65532:65532");
    let path = config["config"]["Env"][0].as_str().expect("a variable");
    assert!(path.split([':', '=']).any(|folder| folder == "/usr/local/bin"), "`flytepropeller` is found in {path}");
    assert_eq!(config["config"]["Labels"]["org.opencontainers.image.revision"], "abc");
}

#[test]
fn twice_the_same_input_is_twice_the_same_image() {
    let [one, two] = [layout(), layout()];
    assert_eq!(one.digest, two.digest);
    let [mut first, mut second] = [Vec::new(), Vec::new()];
    one.archive(&mut first).expect("an archive");
    two.archive(&mut second).expect("an archive");
    assert_eq!(first, second);
}

#[test]
fn the_archive_has_the_files_of_the_layout() {
    let layout = layout();
    let mut bytes = Vec::new();
    layout.archive(&mut bytes).expect("an archive");
    let mut archive = tar::Archive::new(bytes.as_slice());
    let paths: Vec<_> = archive
        .entries()
        .expect("an archive")
        .map(|entry| entry.expect("an entry").path().expect("a path").to_string_lossy().into_owned())
        .collect();
    assert!(layout.files().all(|(path, _)| paths.iter().any(|other| other == path)), "{paths:?}");
}
