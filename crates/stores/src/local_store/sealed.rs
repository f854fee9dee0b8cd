//! The store's file: what `age` makes of its content.

use super::identity::Identities;
use super::{Content, StoreError};
use age::{DecryptError, Decryptor, Encryptor, Identity, Recipient};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;
use zeroize::Zeroizing;

/// How large a store may be, in bytes: far more than anybody's secrets, and still read in a moment.
const MAX_SIZE: u64 = 64 * 1024 * 1024;

/// How every file of `age` begins, before its version.
const MAGIC: &[u8] = b"age-encryption.org/";

/// The file's bytes; none where it is not there.
pub(super) fn load(path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    let read = |error| StoreError::Read { path: path.to_owned(), error };
    match fs::metadata(path) {
        // Opening a pipe would wait for somebody to write into it.
        Ok(metadata) if !metadata.is_file() => return Err(StoreError::NotAFile { path: path.to_owned() }),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(read(error)),
    }
    let file = File::open(path).map_err(read)?;
    let mut bytes = Vec::new();
    file.take(MAX_SIZE + 1).read_to_end(&mut bytes).map_err(read)?;
    if bytes.len() as u64 > MAX_SIZE {
        return Err(StoreError::TooLarge { path: path.to_owned(), limit: MAX_SIZE });
    }
    Ok(Some(bytes))
}

/// What a file holds.
pub(super) fn open(path: &Path, identity: &Path, bytes: &[u8], identities: &Identities) -> Result<Content, StoreError> {
    let damaged = || StoreError::Damaged { path: path.to_owned() };
    let not_opened = || StoreError::WrongIdentity { path: path.to_owned(), identity: identity.to_owned() };
    if !bytes.is_empty() && !bytes.starts_with(&MAGIC[..MAGIC.len().min(bytes.len())]) {
        return Err(StoreError::NotAge { path: path.to_owned() });
    }
    let decryptor = Decryptor::new_buffered(bytes).map_err(|error| match error {
        DecryptError::UnknownFormat => StoreError::AgeVersion { path: path.to_owned() },
        _ => damaged(),
    })?;
    if decryptor.is_scrypt() {
        return Err(not_opened());
    }
    let keys = identities.keys().map(|key| key as &dyn Identity);
    let mut reader = decryptor.decrypt(keys).map_err(|error| match error {
        DecryptError::NoMatchingKeys => not_opened(),
        _ => damaged(),
    })?;
    // Once, at its full size: a buffer that grew would leave copies behind.
    let mut text = Zeroizing::new(Vec::with_capacity(bytes.len()));
    reader.read_to_end(&mut text).map_err(|_| damaged())?;
    Content::parse(path, &text)
}

/// The file of a content.
pub(super) fn seal(path: &Path, content: &Content, identities: &Identities) -> Result<Vec<u8>, StoreError> {
    let failed = |error| StoreError::Write { path: path.to_owned(), error };
    let text = content.print().map_err(failed)?;
    let recipients: Vec<_> = identities.keys().map(age::x25519::Identity::to_public).collect();
    let recipients = recipients.iter().map(|recipient| recipient as &dyn Recipient);
    let encryptor = Encryptor::with_recipients(recipients).map_err(|error| failed(io::Error::other(error)))?;
    let mut bytes = Vec::new();
    let mut writer = encryptor.wrap_output(&mut bytes).map_err(failed)?;
    writer.write_all(&text).and_then(|()| writer.finish().map(drop)).map_err(failed)?;
    if bytes.len() as u64 > MAX_SIZE {
        return Err(StoreError::TooLarge { path: path.to_owned(), limit: MAX_SIZE });
    }
    Ok(bytes)
}
