//! What is no package, or one made to do harm.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{Builder, EntryType, Header};
use tasks::{MAX_ENTRIES, MAX_ENTRY, MAX_PACKAGE, MAX_UNPACKED, Package};

/// `TaskSpec { template: { id: { resource_type: TASK, name: NAME } } }`
pub(crate) fn task(name: &str, version: &str) -> Vec<u8> {
    let field = |number: u8, bytes: &[u8]| {
        let mut field = vec![number << 3 | 2, u8::try_from(bytes.len()).expect("a short message")];
        field.extend(bytes);
        field
    };
    let mut id = vec![8, 1];
    id.extend(field(4, name.as_bytes()));
    if !version.is_empty() {
        id.extend(field(5, version.as_bytes()));
    }
    field(1, &field(1, &id))
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn header(name: &str, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
    header.set_mode(0o644);
    header.set_size(size);
    header.set_cksum();
    header
}

/// A package of these files, whatever they are called.
pub(crate) fn package(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = Builder::new(Vec::new());
    for (name, bytes) in files {
        tar.append(&header(name, bytes.len() as u64), *bytes).unwrap();
    }
    gzip(&tar.into_inner().unwrap())
}

fn refused(bytes: &[u8], message: &str) {
    let error = Package::read(bytes).expect_err(message);
    assert!(error.to_string().contains(message), "`{error}` without `{message}`");
    assert!(!error.hint().is_empty() && !error.to_string().contains("hunter2"), "{error}");
}

#[test]
fn what_is_something_else_is_called_by_its_name() {
    let mut tar = Builder::new(Vec::new());
    tar.append(&header("0_a_1.pb", 0), &[][..]).unwrap();
    for (bytes, message) in [
        (b"".to_vec(), "it is not a task package: it is empty"),
        (b"apiVersion: v1\nkind: Pod\n".to_vec(), "it is text"),
        (b"PK\x03\x04rest".to_vec(), "it is a zip file"),
        (tar.into_inner().unwrap(), "it is a tar that isn't gzipped"),
        (vec![0x0a, 0x80], "it is not a serialized task, workflow or launch plan, or is cut off"),
        (gzip(&[b'x'; 2000]), "it is gzip, but no tar is in it"),
        (gzip(b""), "it has no task"),
        (b"\x1f\x8bnonsense that is no gzip".to_vec(), "it is damaged or cut off"),
        // The tar library would repeat what it takes for a name and a checksum.
        (gzip("PASSWORD=hunter2-and-so-on\n".repeat(30).as_bytes()), "it is gzip, but no tar is in it"),
        (package(&[]), "it has no task"),
        (package(&[("README", b"x")]), "it has no task"),
        (package(&[("0_a_1.pb", b"")]), "its entry `0_a_1.pb`: it is empty"),
        (package(&[("0_a_1.pb", b"\xff\xff")]), "its entry `0_a_1.pb`: it is not a serialized task"),
        (package(&[("0_a_1.pb", &task("", ""))]), "its entry `0_a_1.pb`: it is a task without a name"),
    ] {
        refused(&bytes, message);
    }
}

#[test]
fn a_package_cut_off_anywhere_is_refused() {
    let whole = package(&[("0_a_1.pb", &task("a", "")), ("1_b_1.pb", &task("b", ""))]);
    assert_eq!(Package::read(&whole).unwrap().tasks.len(), 2);
    for end in 2..whole.len() {
        refused(&whole[..end], "it is damaged or cut off");
    }
    let mut changed = whole.clone();
    let checksum = changed.len() - 8;
    changed[checksum] ^= 1;
    refused(&changed, "it is damaged or cut off (after its entry `1_b_1.pb`)");
}

#[test]
fn names_that_lead_elsewhere_and_what_is_no_file_are_refused() {
    let task = task("a", "");
    for (name, why) in [
        ("../0_a_1.pb", "`../0_a_1.pb` has a name that has a part `..`"),
        ("x/../../0_a_1.pb", "has a part `..`"),
        ("/etc/0_a_1.pb", "starts with `/`"),
        ("0\n_a_1.pb", r"`0\n_a_1.pb` has a name that holds a control character"),
    ] {
        refused(&package(&[(name, &task)]), why);
    }
    for (kind, what) in [
        (EntryType::Symlink, "is a symbolic link, not a file"),
        (EntryType::Link, "is a hard link, not a file"),
        (EntryType::Fifo, "is a pipe, not a file"),
        (EntryType::Char, "is a device, not a file"),
    ] {
        let mut tar = Builder::new(Vec::new());
        let mut link = header("0_a_1.pb", 0);
        link.set_entry_type(kind);
        link.set_link_name("/etc/passwd").unwrap();
        link.set_cksum();
        tar.append(&link, &[][..]).unwrap();
        refused(&gzip(&tar.into_inner().unwrap()), what);
    }
}

#[test]
fn a_folder_that_was_packed_by_hand_is_read() {
    let mut tar = Builder::new(Vec::new());
    let mut folder = header("./", 0);
    folder.set_entry_type(EntryType::Directory);
    folder.set_cksum();
    tar.append(&folder, &[][..]).unwrap();
    for (name, task) in [("./10_b_1.pb", task("b", "")), ("./9_a_1.pb", task("a", ""))] {
        tar.append(&header(name, task.len() as u64), task.as_slice()).unwrap();
    }
    let package = Package::read(&gzip(&tar.into_inner().unwrap())).unwrap();
    assert_eq!(package.tasks.iter().map(tasks::Task::name).collect::<Vec<_>>(), ["a", "b"]);
}

#[test]
fn several_versions_of_a_task_are_told_apart() {
    let versions = [("0_a_1.pb", task("a", "v1")), ("1_a_1.pb", task("a", "v2")), ("2_b_1.pb", task("b", ""))];
    let package = package(&versions.each_ref().map(|(name, bytes)| (*name, bytes.as_slice())));
    let package = Package::read(&package).unwrap();
    let error = package.find("a").unwrap_err();
    assert_eq!(error.to_string(), "2 tasks are named `a`: a:v1, a:v2");
    assert_eq!(error.hint(), "give one of these instead of the name alone");
    assert_eq!(package.find("a:v2").unwrap().version(), "v2");
    assert_eq!(package.find("b").unwrap().name(), "b");
}

/// A stream of zeros behind a header that promises as many, without ever being in memory unpacked.
fn zeros(name: &str, size: u64) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(header(name, size).as_bytes()).unwrap();
    let block = vec![0; 1 << 20];
    for _ in 0..=size >> 20 {
        encoder.write_all(&block).unwrap();
    }
    encoder.finish().unwrap()
}

#[test]
fn what_is_too_big_is_refused_before_it_is_read() {
    refused(&zeros("0_a_1.pb", MAX_ENTRY + 1), "its entry `0_a_1.pb` has 16777217 bytes");
    // The header lies: what is promised doesn't follow.
    let mut short = header("fast.tar.gz", MAX_UNPACKED + 1).as_bytes().to_vec();
    short.extend([0; 1024]);
    refused(&gzip(&short), "unpacked, it has more than 536870912 bytes (after its entry `fast.tar.gz`)");
    refused(
        &vec![0x1f; 1].into_iter().chain([0x8b]).chain(std::iter::repeat_n(0, MAX_PACKAGE)).collect::<Vec<_>>(),
        "it has 268435458 bytes",
    );
    let many: Vec<_> = std::iter::repeat_n(("x", b"".as_slice()), MAX_ENTRIES + 1).collect();
    refused(&package(&many), "it has more than 10000 entries");
}
