//! What stands on the image's root: the program, the CA roots, and the names of its user.

use data_encoding::BASE64;

/// Whom the program runs as.
pub(super) const USER: u32 = 65532;
/// Where the program is.
pub(super) const PROGRAM: &str = "usr/local/bin/keybearer";
/// The name under which Flyte's manifests start it.
const FLYTE: &str = "usr/local/bin/flytepropeller";
/// Where TLS libraries look for the CA roots.
const ROOTS: &str = "etc/ssl/certs/ca-certificates.crt";

/// One entry of the root.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// From the root, without a slash before or behind it.
    pub(super) path: String,
    /// What it is.
    pub(super) what: What,
}

/// What an entry is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum What {
    /// A folder.
    Folder,
    /// A file with its mode.
    File(u32, Vec<u8>),
    /// A link to a neighbour.
    Link(&'static str),
}

/// All entries in the order of their paths, each folder before what is in it.
pub(super) fn entries(program: Vec<u8>) -> Vec<Entry> {
    let file = |path: &str, mode, bytes| Entry { path: path.to_owned(), what: What::File(mode, bytes) };
    let passwd = format!("root:x:0:0:root:/:/nologin\nkeybearer:x:{USER}:{USER}:keybearer:/:/nologin\n");
    let group = format!("root:x:0:\nkeybearer:x:{USER}:\n");
    let mut entries = vec![
        file("etc/passwd", 0o644, passwd.into_bytes()),
        file("etc/group", 0o644, group.into_bytes()),
        file(ROOTS, 0o644, pem(webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().map(AsRef::as_ref)).into_bytes()),
        file(PROGRAM, 0o755, program),
        Entry { path: FLYTE.to_owned(), what: What::Link("keybearer") },
    ];
    let folders: std::collections::BTreeSet<_> = entries.iter().flat_map(|entry| folders(&entry.path)).collect();
    entries.extend(folders.into_iter().map(|path| Entry { path, what: What::Folder }));
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    entries
}

/// The folders that a path stands in.
fn folders(path: &str) -> Vec<String> {
    path.match_indices('/').map(|(at, _)| path[..at].to_owned()).collect()
}

/// Certificates as text, in lines of 64 characters.
fn pem<'a>(certificates: impl Iterator<Item = &'a [u8]>) -> String {
    let mut text = String::new();
    for certificate in certificates {
        let encoded = BASE64.encode(certificate);
        text.push_str("-----BEGIN CERTIFICATE-----\n");
        let mut rest = encoded.as_str();
        while !rest.is_empty() {
            let (line, behind) = rest.split_at(rest.len().min(64));
            text.push_str(line);
            text.push('\n');
            rest = behind;
        }
        text.push_str("-----END CERTIFICATE-----\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_stand_before_what_is_in_them_and_nothing_stands_twice() {
        let entries = entries(b"program".to_vec());
        let paths: Vec<_> = entries.iter().map(|entry| entry.path.as_str()).collect();
        let expected = [
            "etc",
            "etc/group",
            "etc/passwd",
            "etc/ssl",
            "etc/ssl/certs",
            "etc/ssl/certs/ca-certificates.crt",
            "usr",
            "usr/local",
            "usr/local/bin",
            "usr/local/bin/flytepropeller",
            "usr/local/bin/keybearer",
        ];
        assert_eq!(paths, expected);
        assert_eq!(entries.last().map(|last| &last.what), Some(&What::File(0o755, b"program".to_vec())));
    }

    #[test]
    fn certificates_are_written_as_everybody_reads_them() {
        let text = pem([&[0u8; 49][..], b"x"].into_iter());
        let lines: Vec<_> = text.lines().collect();
        let [begin, end] = ["-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"];
        assert_eq!(lines, [begin, &"A".repeat(64), "AA==", end, begin, "eA==", end]);
    }

    #[test]
    fn there_is_more_than_a_handful_of_roots() {
        let entries = entries(Vec::new());
        let roots = entries.iter().find(|entry| entry.path == ROOTS).expect("the file of the CA roots");
        let What::File(0o644, bytes) = &roots.what else { panic!("everybody may read the roots") };
        let text = String::from_utf8_lossy(bytes);
        let count = text.matches("BEGIN CERTIFICATE").count();
        assert!(count > 50, "{count}");
        assert!(text.lines().all(|line| line.len() <= 64));
    }
}
