//! Env files by chance: what a writer writes is read back, and a second reading of the rules agrees.

use proptest::prelude::*;
use runner::envfile::{LONGEST_LINE, parse};

/// The rules once more, as one pass over the bytes with a state, where the runner goes by lines. `Err` is any refusal.
#[expect(clippy::match_same_arms, reason = "one arm for each rule, in the order of the states")]
fn by_state(file: &[u8], key: &[u8]) -> Result<Option<Vec<u8>>, ()> {
    enum At {
        Start,
        Comment,
        Name(Vec<u8>),
        Equals(Vec<u8>),
        Nothing,
        Value(Vec<u8>, Vec<u8>),
        Closed(Vec<u8>, Vec<u8>),
    }
    let mut at = At::Start;
    for byte in unix_lines(file) {
        at = match (at, byte) {
            (At::Closed(name, value), b'\n') if name == key => return Ok(Some(value).filter(|value| !value.is_empty())),
            (At::Equals(name), b' ' | b'\t') if name == key => return Ok(None),
            (At::Start, b' ' | b'\t' | b'\n') | (At::Comment | At::Nothing | At::Closed(..), b'\n') => At::Start,
            (At::Start, b'#') => At::Comment,
            (At::Name(_), b'\n') | (At::Start, b'=') => return Err(()),
            (At::Start, byte) => At::Name(vec![byte]),
            (At::Name(name), b'=') if name.ends_with(b" ") || name.ends_with(b"\t") => return Err(()),
            (At::Name(name), b'=') => At::Equals(name),
            (At::Name(name), byte) => At::Name([name, vec![byte]].concat()),
            (At::Equals(name), b'\'') => At::Value(name, Vec::new()),
            (At::Equals(_), b' ' | b'\t') => At::Nothing,
            (At::Equals(_), _) => return Err(()),
            (At::Value(name, value), b'\'') => At::Closed(name, value),
            (At::Value(name, value), byte) => At::Value(name, [value, vec![byte]].concat()),
            (At::Closed(name, value), b' ' | b'\t') => At::Closed(name, value),
            (At::Closed(name, value), b'#') if name == key => return Ok(Some(value).filter(|value| !value.is_empty())),
            (At::Closed(..), b'#') => At::Comment,
            (At::Closed(..), _) => return Err(()),
            (at @ (At::Comment | At::Nothing), _) => at,
        };
    }
    if matches!(at, At::Value(..)) { Err(()) } else { Ok(None) }
}

/// With a line feed at the end of every line, the last one too, and no carriage return before any.
fn unix_lines(file: &[u8]) -> Vec<u8> {
    let lines = file.split_inclusive(|&byte| byte == b'\n').map(|line| line.strip_suffix(b"\n").unwrap_or(line));
    lines.flat_map(|line| [line.strip_suffix(b"\r").unwrap_or(line), b"\n"].concat()).collect()
}

fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        "A", "B", "=", "'", "\n", "\r", " ", "\t", "#", "x", "A='", "'\n", "B='x'\n", "\0", "ü",
    ]);
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat().into_bytes())
}

/// A value that the format can carry.
fn value() -> impl Strategy<Value = Vec<u8>> {
    let bytes =
        prop_oneof![Just(b'\n'), Just(b'#'), Just(b' '), Just(b'='), Just(b'$'), Just(b'\\'), Just(b'"'), any::<u8>()];
    let value = prop::collection::vec(bytes, 1..24);
    value.prop_map(|value| {
        value.into_iter().map(|byte| if matches!(byte, b'\'' | b'\r') { b'.' } else { byte }).collect()
    })
}

proptest! {
    #[test]
    fn two_readings_agree(file in pieces()) {
        for key in ["A", "B", "ü"] {
            prop_assert_eq!(parse(&file, key).map_err(|_| ()), by_state(&file, key.as_bytes()), "{}", key);
        }
    }

    #[test]
    fn what_is_written_is_read(values in prop::collection::vec(value(), 1..4)) {
        let mut file = Vec::new();
        for (index, value) in values.iter().enumerate() {
            file.extend_from_slice(format!("_FSEC_G-{index}_K='").as_bytes());
            file.extend_from_slice(value);
            file.extend_from_slice(b"'\n");
        }
        for (index, value) in values.iter().enumerate() {
            prop_assert_eq!(parse(&file, &format!("_FSEC_G-{index}_K")), Ok(Some(value.clone())));
        }
        prop_assert_eq!(parse(&file, "_FSEC_NONE"), Ok(None));
    }

    #[test]
    fn no_bytes_make_it_panic(file in prop::collection::vec(any::<u8>(), 0..200), key in ".{0,4}") {
        let _ = parse(&file, &key);
    }
}

#[test]
fn the_longest_line() {
    let file = |length: usize| [b"A='\n".to_vec(), b"x".repeat(length), b"\n'\n".to_vec()].concat();
    assert_eq!(parse(&file(LONGEST_LINE), "A").map(|value| value.map(|value| value.len())), Ok(Some(LONGEST_LINE + 2)));
    assert!(parse(&file(LONGEST_LINE + 1), "A").is_err());
}
