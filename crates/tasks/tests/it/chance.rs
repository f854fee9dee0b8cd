//! Whatever the bytes: an answer, and no panic.

use proptest::prelude::*;
use tasks::{Execution, Failure, Inputs, Locations, Package, outputs};

use crate::hostile::{package, task};

fn use_all(bytes: &[u8]) {
    if let Ok(package) = Package::read(bytes) {
        for task in &package.tasks {
            let _ = (task.secrets(), task.results(), task.needs_code(), task.full_name());
            let _ = task.parameters().iter().map(|one| one.ty.to_string()).collect::<Vec<_>>();
            let _ = task.pod(&Execution::default(), &Locations::below("/x"), &Inputs::default());
        }
    }
    let _ = outputs(bytes);
    let _ = Failure::read(bytes);
}

/// Bytes that are nearly messages: fields of low numbers within each other.
fn nearly() -> impl Strategy<Value = Vec<u8>> {
    let leaf = prop_oneof![
        (1_u8..16, 0_u8..128).prop_map(|(number, value)| vec![number << 3, value]),
        (1_u8..16, "[a-z.{}]{0,12}").prop_map(|(number, text)| field(number, text.as_bytes())),
    ];
    leaf.prop_recursive(6, 40, 4, |inner| {
        (1_u8..16, prop::collection::vec(inner, 1..4)).prop_map(|(number, fields)| field(number, &fields.concat()))
    })
}

fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let bytes = &bytes[..bytes.len().min(127)];
    [&[number << 3 | 2, u8::try_from(bytes.len()).unwrap_or_default()], bytes].concat()
}

proptest! {
    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        use_all(&bytes);
        use_all(&[&[0x1f, 0x8b, 8, 0], bytes.as_slice()].concat());
    }

    #[test]
    fn what_is_nearly_a_message_is_answered(fields in prop::collection::vec(nearly(), 0..4)) {
        let bytes = fields.concat();
        use_all(&bytes);
        // A task with anything behind its name.
        use_all(&[field(1, &[field(1, b"\x08\x01\x22\x01a"), bytes].concat())].concat());
    }

    #[test]
    fn a_package_with_one_byte_changed_is_answered(at in any::<prop::sample::Index>(), to in any::<u8>()) {
        let mut bytes = package(&[("0_a_1.pb", &task("a", "v1")), ("x.tar.gz", b"code")]);
        let at = at.index(bytes.len());
        bytes[at] = to;
        use_all(&bytes);
    }

    #[test]
    fn texts_of_any_form_are_inputs_or_refused(text in ".{0,40}") {
        // One input of each type, from the message of a task that has them.
        let ty = |simple: u8| field(1, &[8, simple]);
        let variables: Vec<u8> = (0_u8..11)
            .flat_map(|simple| field(1, &[field(1, &[b'a' + simple]), field(2, &ty(simple))].concat()))
            .collect();
        let variables = &variables[..];
        let template = [field(1, b"\x08\x01\x22\x01a"), long_field(4, &long_field(1, variables))].concat();
        let package = Package::read(&long_field(1, &template)).unwrap();
        for name in 'a'..='k' {
            let _ = package.tasks[0].some_inputs([format!("{name}={text}").as_str()]);
        }
    }
}

fn long_field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let size = bytes.len();
    let low = u8::try_from(size & 0x7f).unwrap_or_default() | 0x80;
    [&[number << 3 | 2, low, u8::try_from(size >> 7).unwrap_or_default()], bytes].concat()
}
