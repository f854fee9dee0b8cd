//! The root as one compressed layer: the same entries give the same bytes, whenever and wherever.

use super::digest::Digest;
use super::root::{Entry, What};
use flate2::{Compression, GzBuilder};
use std::io::{self, Write as _};
use tar::{Builder, EntryType, Header};

/// A layer of the image.
pub(super) struct Layer {
    /// As it is stored.
    pub(super) compressed: Vec<u8>,
    /// Of the archive before it was compressed: what the image's configuration names.
    pub(super) diff: Digest,
    /// How large the archive was.
    pub(super) unpacked: usize,
}

/// Packs the entries.
pub(super) fn pack(entries: &[Entry]) -> io::Result<Layer> {
    let archive = archive(entries)?;
    // No name, no time, no operating system: nothing of where it was made.
    let mut gzip = GzBuilder::new().mtime(0).operating_system(255).write(Vec::new(), Compression::best());
    gzip.write_all(&archive)?;
    Ok(Layer { compressed: gzip.finish()?, diff: Digest::of(&archive), unpacked: archive.len() })
}

fn archive(entries: &[Entry]) -> io::Result<Vec<u8>> {
    let mut tar = Builder::new(Vec::new());
    for entry in entries {
        match &entry.what {
            What::Folder => {
                let path = format!("{}/", entry.path);
                tar.append_data(&mut header(EntryType::Directory, 0o755, 0), path, io::empty())?;
            }
            What::File(mode, bytes) => {
                let mut header = header(EntryType::Regular, *mode, bytes.len() as u64);
                tar.append_data(&mut header, &entry.path, bytes.as_slice())?;
            }
            What::Link(target) => tar.append_link(&mut header(EntryType::Symlink, 0o777, 0), &entry.path, target)?,
        }
    }
    tar.into_inner()
}

/// All that an archive says of an entry but its name: it is root's, and as old as the epoch.
pub(super) fn header(kind: EntryType, mode: u32, size: u64) -> Header {
    let mut header = Header::new_ustar();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header
}

#[cfg(test)]
mod tests {
    use super::super::root;
    use super::*;
    use std::io::Read as _;

    fn unpacked(layer: &Layer) -> Vec<u8> {
        let mut archive = Vec::new();
        flate2::read::GzDecoder::new(layer.compressed.as_slice()).read_to_end(&mut archive).expect("it is gzip");
        archive
    }

    #[test]
    fn the_same_root_is_the_same_layer() {
        let [one, two] = [(); 2].map(|()| pack(&root::entries(b"a program".to_vec())).expect("it can be packed"));
        assert_eq!(one.compressed, two.compressed);
        assert_eq!(one.diff, two.diff);
        let other = pack(&root::entries(b"another program".to_vec())).expect("it can be packed");
        assert_ne!(other.diff, one.diff);
        assert_eq!(&one.compressed[3..10], [0, 0, 0, 0, 0, 2, 255], "no flags, no time, no system");
    }

    #[test]
    fn a_reader_finds_what_was_packed() {
        let layer = pack(&root::entries(b"a program".to_vec())).expect("it can be packed");
        let archive = unpacked(&layer);
        assert_eq!((layer.unpacked, &layer.diff), (archive.len(), &Digest::of(&archive)));
        let mut tar = tar::Archive::new(archive.as_slice());
        let mut seen = Vec::new();
        for entry in tar.entries().expect("an archive") {
            let mut entry = entry.expect("an entry");
            let header = entry.header();
            assert_eq!((header.mtime().ok(), header.uid().ok(), header.gid().ok()), (Some(0), Some(0), Some(0)));
            let path = entry.path().expect("a path").to_string_lossy().into_owned();
            let link = entry.link_name().expect("readable").map(|link| link.to_string_lossy().into_owned());
            let mode = entry.header().mode().expect("a mode");
            let mut text = Vec::new();
            entry.read_to_end(&mut text).expect("readable");
            seen.push((path, mode, link, text.len()));
        }
        assert!(seen.contains(&("usr/local/bin/keybearer".into(), 0o755, None, 9)), "{seen:?}");
        let flyte = ("usr/local/bin/flytepropeller".into(), 0o777, Some("keybearer".into()), 0);
        assert!(seen.contains(&flyte), "{seen:?}");
        assert!(seen.contains(&("etc/ssl/".into(), 0o755, None, 0)), "{seen:?}");
    }
}
