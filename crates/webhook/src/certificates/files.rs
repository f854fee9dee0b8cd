//! Certificates as files, for `webhook.localCert`.

use super::{CA_CERTIFICATE, CERTIFICATE, CertificateError, KEY, Pair};
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// Writes a pair to a folder, which is made where it is not there. Each file is there whole or as it was; the key can be
/// read by its owner alone (Flyte's everybody may read). Files that hold the pair already are left alone.
///
/// # Errors
/// [`CertificateError::Write`] with the file.
pub fn write(folder: &Path, pair: &Pair) -> Result<(), CertificateError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |error| CertificateError::Write { path, error }
    };
    DirBuilder::new().recursive(true).mode(0o755).create(folder).map_err(failed(folder))?;
    // The certificate comes last: who finds it new finds its key, too.
    for (name, text, mode) in [
        (CA_CERTIFICATE, pair.ca.as_str(), 0o644),
        (KEY, pair.key.as_str(), 0o600),
        (CERTIFICATE, pair.certificate.as_str(), 0o644),
    ] {
        let path = folder.join(name);
        if fs::read(&path).is_ok_and(|there| there == text.as_bytes()) {
            continue;
        }
        replace(folder, name, text, mode).map_err(failed(&path))?;
    }
    Ok(())
}

fn replace(folder: &Path, name: &str, text: &str, mode: u32) -> io::Result<()> {
    let aside = folder.join(format!(".{name}.{}", std::process::id()));
    match fs::remove_file(&aside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&aside)?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    written.and_then(|()| fs::rename(&aside, folder.join(name))).inspect_err(|_| {
        let _ = fs::remove_file(&aside);
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use zeroize::Zeroizing;

    fn pair(text: &str) -> Pair {
        Pair { ca: format!("ca {text}"), certificate: text.into(), key: Zeroizing::new(format!("key {text}")) }
    }

    #[test]
    fn a_folder_gets_the_pair_and_the_key_is_private() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("a/certs");
        write(&folder, &pair("one")).unwrap();
        write(&folder, &pair("two")).unwrap();
        let mode = |name: &str| fs::metadata(folder.join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode("ca.crt"), mode("tls.crt"), mode("tls.key")), (0o644, 0o644, 0o600));
        assert_eq!(fs::read_to_string(folder.join("tls.key")).unwrap(), "key two");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 3, "something was left aside");
        let before = fs::metadata(folder.join("tls.crt")).unwrap().ino();
        write(&folder, &pair("two")).unwrap();
        assert_eq!(fs::metadata(folder.join("tls.crt")).unwrap().ino(), before, "written again without need");
    }

    #[test]
    fn a_folder_that_can_not_be_written_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = write(&file.path().join("certs"), &pair("one")).unwrap_err();
        assert!(error.to_string().contains("certs") && error.hint().unwrap().contains("localCert"), "{error}");
    }
}
