//! Against an independent reader of the text format, `prost-reflect`, over texts by chance.
//!
//! It follows C++'s reader, ours golang/protobuf's. Every difference that there is has a name and a reason here; one
//! without fails the test.

use std::cell::RefCell;
use std::collections::BTreeMap;

use prost_reflect::prost_types::field_descriptor_proto::{Label, Type};
use prost_reflect::prost_types::{
    DescriptorProto, EnumDescriptorProto, EnumValueDescriptorProto, FieldDescriptorProto, FileDescriptorProto,
};
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};
use secret::{DecodeError, Mount, Secret, from_text};

use crate::chance::{near_text, runner};

#[test]
fn the_same_texts_every_time_are_read_alike_but_for_named_differences() {
    let descriptor = descriptor();
    let counts = RefCell::new(BTreeMap::new());
    for seed in 0..4 {
        let compare = |text: Vec<u8>| {
            *counts.borrow_mut().entry(compare(&descriptor, &text)).or_insert(0) += 1;
            Ok(())
        };
        runner(2000, Some(seed)).run(&near_text(), compare).unwrap();
    }
    let counts = counts.into_inner();
    // Each difference occurs, so a name that no longer has a reason to be here is noticed.
    assert_eq!(counts.len(), 2 + 8, "{counts:#?}");
    assert!(counts["both take it"] > 2000 && counts["both refuse it"] > 1000, "{counts:#?}");
}

#[test]
fn other_texts_every_time_are_read_alike_but_for_named_differences() {
    let descriptor = descriptor();
    let compare = |text: Vec<u8>| {
        compare(&descriptor, &text);
        Ok(())
    };
    runner(3000, None).run(&near_text(), compare).unwrap();
}

/// How both readers agree about `text`, or the reason why they don't.
fn compare(descriptor: &MessageDescriptor, text: &[u8]) -> &'static str {
    let ours = from_text(text);
    let Ok(utf8) = std::str::from_utf8(text) else {
        // The other reader takes only UTF-8, so there is nothing to compare with.
        return if ours.is_ok() { "bytes outside UTF-8 in a comment are skipped" } else { "both refuse it" };
    };
    let theirs = DynamicMessage::parse_text_format(descriptor.clone(), utf8);
    match (ours, theirs) {
        (Ok(ours), Ok(theirs)) => {
            assert_eq!(ours, secret(&theirs), "{utf8:?}");
            "both take it"
        }
        (Err(_), Err(_)) => "both refuse it",
        (Ok(ours), Err(theirs)) => only_ours(utf8, &ours, &theirs.to_string()),
        (Err(ours), Ok(_)) => only_theirs(utf8, &ours),
    }
}

/// Why golang/protobuf takes what the other reader refuses.
fn only_ours(text: &str, ours: &Secret, why: &str) -> &'static str {
    let surrogate = format!("{ours:?}").contains('\u{fffd}');
    match why {
        "invalid string character" if text.contains('\0') => "a NUL may stand in a literal",
        "invalid string escape" if surrogate => "half a surrogate pair stands for U+FFFD",
        _ if text.split("mount_requirement").skip(1).any(spelled_as_in_go) => {
            "numbers are spelled as in Go: +1, 0o7, 0b1, 1_000"
        }
        _ => panic!("only ours takes {text:?}: {why}"),
    }
}

/// Whether a field's value is a number that only Go spells so.
fn spelled_as_in_go(after_name: &str) -> bool {
    let lines = after_name.lines().map(|line| line.split('#').next().unwrap_or_default());
    let value = lines.collect::<Vec<_>>().join(" ");
    let Some(value) = value.trim_start().strip_prefix(':') else { return false };
    let word: String =
        value.trim_start().chars().take_while(|c| c.is_ascii_alphanumeric() || "+-._".contains(*c)).collect();
    let digits = word.trim_start_matches(['+', '-']);
    digits.starts_with(|c: char| c.is_ascii_digit())
        && (word.starts_with('+')
            || digits.contains('_')
            || ["0o", "0O", "0b", "0B"].iter().any(|base| digits.starts_with(base)))
}

/// Why golang/protobuf refuses what the other reader takes.
fn only_theirs(text: &str, ours: &DecodeError) -> &'static str {
    let DecodeError::Text { message, .. } = ours else { panic!("only theirs takes {text:?}: {ours}") };
    let escape = ["requires 2 following digits", "contains non-octal digits", "contains non-hexadecimal digits"];
    match message.as_str() {
        "unexpected byte 0xb" | "unexpected byte 0xc" => "vertical tab and form feed are no space",
        "invalid enum: -" => "a sign stands directly before its number",
        repeated if repeated.starts_with("non-repeated field") => {
            "a field may not be repeated, even after an empty value"
        }
        quoted if escape.iter().any(|why| quoted.contains(why)) => {
            "octal escapes have three digits, hexadecimal ones two"
        }
        _ => panic!("only theirs takes {text:?}: {ours}"),
    }
}

fn secret(message: &DynamicMessage) -> Secret {
    let text = |name: &str| message.get_field_by_name(name).unwrap().as_str().unwrap().to_owned();
    Secret {
        group: text("group"),
        group_version: text("group_version"),
        key: text("key"),
        mount: Mount::from_number(message.get_field_by_name("mount_requirement").unwrap().as_enum_number().unwrap()),
        env_var: text("env_var"),
    }
}

/// `flyteidl.core.Secret`, of `flyteidl/core/security.proto`.
fn descriptor() -> MessageDescriptor {
    let field = |name: &str, number, kind: Type| FieldDescriptorProto {
        name: Some(name.to_owned()),
        number: Some(number),
        label: Some(Label::Optional as i32),
        r#type: Some(kind as i32),
        type_name: (kind == Type::Enum).then(|| ".flyteidl.core.Secret.MountType".to_owned()),
        ..Default::default()
    };
    let value = |name: &str, number| EnumValueDescriptorProto {
        name: Some(name.to_owned()),
        number: Some(number),
        ..Default::default()
    };
    let message = DescriptorProto {
        name: Some("Secret".to_owned()),
        field: vec![
            field("group", 1, Type::String),
            field("group_version", 2, Type::String),
            field("key", 3, Type::String),
            field("mount_requirement", 4, Type::Enum),
            field("env_var", 5, Type::String),
        ],
        enum_type: vec![EnumDescriptorProto {
            name: Some("MountType".to_owned()),
            value: vec![value("ANY", 0), value("ENV_VAR", 1), value("FILE", 2)],
            ..Default::default()
        }],
        ..Default::default()
    };
    let file = FileDescriptorProto {
        name: Some("flyteidl/core/security.proto".to_owned()),
        package: Some("flyteidl.core".to_owned()),
        syntax: Some("proto3".to_owned()),
        message_type: vec![message],
        ..Default::default()
    };
    let mut pool = DescriptorPool::new();
    pool.add_file_descriptor_proto(file).unwrap();
    pool.get_message_by_name("flyteidl.core.Secret").unwrap()
}
