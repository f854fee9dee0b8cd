//! The env file against a reader of it that is held to the kubelet's own answers.

use crate::planned::{Folders, plan, secret, values};
use admission::Plan;
use proptest::prelude::*;
use runner::envfile;
use secret::Mount;
use std::fs;
use stores::{Unfit, deliver, prepare};

/// Values around everything that an env file minds.
fn value() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => "[a-zA-Z0-9 =$#\"\\\\\t{}()]{0,12}".prop_map(String::into_bytes),
        2 => "\\PC{0,8}".prop_map(String::into_bytes),
        1 => Just(b"\n".to_vec()),
        1 => Just(b"\r".to_vec()),
        1 => Just(b"\r\n".to_vec()),
        1 => Just(b"'".to_vec()),
        1 => Just(b"\0".to_vec()),
        1 => Just("\u{2028}\u{85}\u{feff}".as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..6),
        1 => (65_520_usize..65_550).prop_map(|length| vec![b'x'; length]),
    ];
    prop::collection::vec(piece, 0..5).prop_map(|pieces| pieces.concat())
}

/// Whether a reason is true of a value that would have the key `s0` and a name of this length.
fn is_true(reason: Unfit, value: &[u8], longest_name: usize) -> bool {
    match reason {
        Unfit::Quote => value.contains(&b'\''),
        Unfit::Empty => value.is_empty(),
        Unfit::CarriageReturn => value.windows(2).any(|pair| pair == b"\r\n"),
        Unfit::Nul => value.contains(&0),
        Unfit::NotUtf8 => std::str::from_utf8(value).is_err(),
        Unfit::TooLong => longest_name + "=".len() + value.len() > 131_071,
        Unfit::LongLine => {
            let entry = [b"s0='", value, b"'"].concat();
            entry.split(|byte| *byte == b'\n').any(|line| line.len() > envfile::LONGEST_LINE)
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_value_is_read_back_byte_for_byte_or_left_out_for_a_true_reason(first in value(), second in value()) {
        let folders = Folders::new();
        let plan = plan(&[secret("a", "b", Mount::Any), secret("c", "d", Mount::Any)]);
        let values = values([&first, &second]);
        let prepared = prepare(&values, &plan).unwrap();
        prepared.write(&folders.volumes).unwrap();
        let file = fs::read(folders.env_file()).unwrap();
        for (index, value) in [&first, &second].into_iter().enumerate() {
            let key = Plan::env_key(index);
            match prepared.left_out.iter().find(|left_out| left_out.request == index) {
                None => prop_assert_eq!(envfile::parse(&file, &key), Ok(Some(value.clone()))),
                Some(left_out) => {
                    prop_assert!(is_true(left_out.reason, value, "_FSEC_A_B".len()), "{:?}", left_out.reason);
                    prop_assert_eq!(envfile::parse(&file, &key), Ok(None));
                }
            }
        }
        prop_assert_eq!(fs::read(folders.file("a/b")).unwrap(), first);
    }

    /// What is left out could not have been carried: no value is refused for nothing.
    #[test]
    fn only_what_the_kubelet_can_not_read_is_left_out(value in value()) {
        let plan = plan(&[secret("a", "b", Mount::Any)]);
        let values = values([&value]);
        let prepared = prepare(&values, &plan).unwrap();
        let Some(left_out) = prepared.left_out.first() else { return Ok(()) };
        // These are not the file's limits but those of processes.
        if !matches!(left_out.reason, Unfit::Nul | Unfit::NotUtf8 | Unfit::TooLong) {
            let written = [b"s0='", value.as_slice(), b"'\n"].concat();
            prop_assert_ne!(envfile::parse(&written, "s0"), Ok(Some(value)));
        }
    }
}

#[test]
fn the_longest_line_is_the_kubelets() {
    let plan = plan(&[secret("a", "b", Mount::EnvVar)]);
    // With `s0='` and `'` around it.
    let longest = envfile::LONGEST_LINE - 5;
    let folders = Folders::new();
    let value = vec![b'x'; longest];
    deliver(&values([&value]), &plan, &folders.volumes).unwrap();
    assert_eq!(envfile::parse(&fs::read(folders.env_file()).unwrap(), "s0"), Ok(Some(value)));
    deliver(&values([vec![b'x'; longest + 1]]), &plan, &folders.volumes).unwrap_err();
}
