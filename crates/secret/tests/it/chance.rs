//! Secrets and texts by chance.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::Union;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use secret::{Mount, Secret};

/// Runs over the same cases every time (`seed`), or over others every time.
pub(crate) fn runner(cases: u32, seed: Option<u8>) -> TestRunner {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    match seed {
        Some(seed) => TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32])),
        None => TestRunner::new(config),
    }
}

/// Any text at all, and often one that some reader takes for something else.
fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => any::<String>(),
        2 => "[ -~]{0,20}",
        2 => "[-_./:@=a-zA-Z0-9]{0,20}",
        1 => vec(any::<char>(), 0..12).prop_map(String::from_iter),
        2 => select(vec![
            "", "null", "~", "true", "no", "1", "1.10", "0x1f", "- a", "a: b", "#", "&a", "*a", "!t", "|", ">", "%", "@", "`",
            "'", "\"", "\\", "---", "...", "[", "{", "<<", "\u{feff}", "\u{85}", "\u{2028}", "\r\n", "\u{fffe}", "\0", "é", "😀",
        ]).prop_map(str::to_owned),
    ]
}

/// Any secret that can be written.
pub(crate) fn any_secret() -> impl Strategy<Value = Secret> {
    let mount = select(vec![Mount::Any, Mount::EnvVar, Mount::File]);
    (any_text(), any_text(), any_text(), mount, any_text())
        .prop_map(|(group, group_version, key, mount, env_var)| Secret { group, group_version, key, mount, env_var })
}

/// A text in or near Flyte's format; one in ten is just bytes.
pub(crate) fn near_text() -> impl Strategy<Value = Vec<u8>> {
    let scratch = (any::<prop::sample::Index>(), 0..3usize, vec(any::<u8>(), 0..3));
    prop_oneof![
        9 => (vec(field(), 0..5), prop_oneof![3 => Just(vec![]), 1 => vec(scratch, 1..3)]).prop_map(|(fields, scratches)| {
            let mut text = fields.concat();
            for (at, removed, inserted) in scratches {
                let at = at.index(text.len() + 1);
                let end = text.len().min(at + removed);
                text.splice(at..end, inserted);
            }
            text
        }),
        1 => vec(any::<u8>(), 0..40),
    ]
}

fn field() -> impl Strategy<Value = Vec<u8>> {
    let name = often(
        &["group", "group_version", "key", "mount_requirement", "env_var"],
        20,
        &["envVar", "KEY", "3", "key.x", "[a.b]", "[a/b]"],
    );
    let colon = often(&[":"], 20, &["", "::", ";", "=", " {"]);
    let end = often(&["\n", " ", ";", ",", ""], 20, &[";;", ",;", ":", "}", "/"]);
    let named =
        (name, space(), colon, space()).prop_map(|(name, before, colon, after)| [name, before, colon, after].concat());
    let value = named.prop_flat_map(|head| {
        let value = if head.starts_with(b"mount") {
            prop_oneof![9 => number(), 1 => literals()]
        } else {
            prop_oneof![1 => number(), 19 => literals()]
        };
        value.prop_map(move |value| [head.clone(), value].concat())
    });
    (value, space(), end).prop_map(|(value, space, end)| [value, space, end].concat())
}

fn number() -> BoxedStrategy<Vec<u8>> {
    let numbers = [
        "ANY",
        "ENV_VAR",
        "FILE",
        "0",
        "1",
        "2",
        "-1",
        "7",
        "017",
        "0x1F",
        "0X2",
        "2147483647",
        "-2147483648",
        "0x7fffffff",
    ];
    let odd = [
        "+2",
        "0o17",
        "0b1",
        "1_0",
        "0_1",
        "0x_2",
        "2147483648",
        "0xffffffff",
        "- 1",
        "1.0",
        "1e3",
        "08",
        "file",
        "NOPE",
        "\"FILE\"",
        "-",
        "",
    ];
    often(&numbers, 4, &odd).boxed()
}

fn literals() -> BoxedStrategy<Vec<u8>> {
    vec((literal(), space()), 1..3)
        .prop_map(|parts| parts.into_iter().flat_map(|(literal, space)| [literal, space].concat()).collect())
        .boxed()
}

fn literal() -> impl Strategy<Value = Vec<u8>> {
    let piece = often(
        &[
            "a",
            "user-info",
            "é",
            "😀",
            "arn:aws:x/y",
            " ",
            "\t",
            "\r",
            "#",
            ";",
            "\\n",
            "\\r",
            "\\t",
            "\\\"",
            "\\'",
            "\\\\",
            "\\?",
            "\\a",
            "\\b",
            "\\f",
            "\\v",
            "\\101",
            "\\000",
            "\\303\\251",
            "\\x41",
            "\\X4a",
            "\\u00e9",
            "\\U0001F600",
            "\\0012",
            "\x7f",
        ],
        30,
        &[
            "\\0",
            "\\08",
            "\\400",
            "\\x",
            "\\x4",
            "\\xg0",
            "\\u12",
            "\\ud83d\\ude00",
            "\\U00110000",
            "\\U0000d800",
            "\\q",
            "\\\n",
            "\n",
            "\0",
            "\\377",
            "\"",
            "'",
            "\\",
        ],
    );
    (vec(piece, 0..5), select(vec![b'"', b'\''])).prop_map(|(pieces, quote)| {
        let mut literal = vec![quote];
        literal.extend(pieces.concat());
        literal.push(quote);
        literal
    })
}

fn space() -> impl Strategy<Value = Vec<u8>> {
    often(&["", " ", "\t", "\n", "\r\n", "# c\n", "# \"'\\\n"], 50, &["\u{b}", "\u{c}", "#", "\u{a0}", "/* c */"])
}

/// One of `usual`, or one time in `times` one of `odd`.
fn often(usual: &[&'static str], times: u32, odd: &[&'static str]) -> impl Strategy<Value = Vec<u8>> + use<> {
    let pick = |list: &[&'static str]| select(list.to_vec()).prop_map(|piece| piece.as_bytes().to_vec());
    Union::new_weighted(vec![(times - 1, pick(usual)), (1, pick(odd))])
}
