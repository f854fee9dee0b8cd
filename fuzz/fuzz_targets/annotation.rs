//! Whatever stands in a pod's annotations is a list of secrets or an error in bounds, and never a panic.
//!
//! The first byte says what the rest is.

#![no_main]

use libfuzzer_sys::fuzz_target;
use secret::{READABLE_ANNOTATION, Secret, Spelling, decode, encode, from_text, read, shorthand, to_text, write};

fuzz_target!(|input: &[u8]| {
    let Some((kind, input)) = input.split_first() else { return };
    match kind % 4 {
        0 => text(input),
        1 => as_str(input, annotation),
        2 => as_str(input, list),
        _ => as_str(input, command_line),
    }
});

fn as_str(input: &[u8], check: fn(&str)) {
    if let Ok(input) = std::str::from_utf8(input) {
        check(input);
    }
}

/// Protobuf text format: what we read, we write so that it is read as the same.
fn text(input: &[u8]) {
    match from_text(input) {
        Ok(secret) => {
            assert_eq!(from_text(to_text(&secret).as_bytes()), Ok(secret.clone()));
            assert_eq!(decode(&encode(&secret)), Ok(secret));
        }
        Err(error) => bounded(&error.to_string()),
    }
    assert_eq!(decode(&secret::base32(input)), from_text(input));
}

fn annotation(input: &str) {
    if let Err(error) = read([("flyte.secrets/s0", input)]) {
        bounded(&error.to_string());
    }
}

fn list(input: &str) {
    match read([(READABLE_ANNOTATION, input)]) {
        Ok(secrets) => same(&secrets),
        Err(error) => bounded(&error.to_string()),
    }
}

/// Both spellings give back what they were given. (A list may be too long only once it is written.)
fn same(secrets: &[Secret]) {
    for spelling in [Spelling::Flyte, Spelling::Readable] {
        let Ok(written) = write(secrets, spelling) else { continue };
        let back = read(written.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        assert_eq!(back.as_deref(), Ok(secrets));
    }
}

fn command_line(input: &str) {
    if let Ok(secret) = shorthand::parse(input) {
        let printed = shorthand::print(&secret).expect("what was parsed can be printed");
        assert_eq!(shorthand::parse(&printed), Ok(secret));
    }
    if let Ok((group, key, value)) = shorthand::parse_assignment(input) {
        assert_eq!(format!("{group}/{key}={value}"), input);
    }
}

fn bounded(message: &str) {
    assert!(message.len() < 1000, "{message}");
}
