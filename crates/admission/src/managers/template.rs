//! Templates of Vault's agent (consul-template, Go's `text/template`). What a task's author chose is in them as a string
//! literal, or as a field's name where it is one.

use crate::config::KvVersion;
use std::fmt::Write as _;

/// The template of one value of a secret.
pub(super) fn value(path: &str, version: KvVersion, key: &str) -> String {
    let data = match version {
        KvVersion::One => ".Data",
        KvVersion::Two => ".Data.data",
    };
    let value = if is_field(key) { format!("{data}.{key}") } else { format!("index {data} {}", quoted(key)) };
    format!("{{{{- with secret {} -}}}}{{{{ {value} }}}}{{{{- end -}}}}", quoted(path))
}

/// The template of a whole answer, the same as the injector's own, where that one would be broken by the path.
pub(super) fn whole_if_odd(path: &str) -> Option<String> {
    let literal = quoted(path);
    let odd = literal.len() != path.len() + 2;
    odd.then(|| {
        format!("{{{{ with secret {literal} }}}}{{{{ range $k, $v := .Data }}}}{{{{ $k }}}}: {{{{ $v }}}}\n{{{{ end }}}}{{{{ end }}}}")
    })
}

/// Whether `.Data.KEY` is the field of that name: letters, digits and `_`, not starting with a digit.
fn is_field(key: &str) -> bool {
    let mut bytes = key.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// A string literal of Go that holds no quote, brace, backslash or control character as it is.
fn quoted(text: &str) -> String {
    let mut literal = String::with_capacity(text.len() + 2);
    literal.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' | '{' | '}' | '`' => {
                // Writing to a string can't fail.
                let _ = write!(literal, "\\x{:02x}", u32::from(c));
            }
            // Those have up to four hexadecimal digits.
            _ if c.is_control() => {
                let _ = write!(literal, "\\u{:04x}", u32::from(c));
            }
            _ => literal.push(c),
        }
    }
    literal.push('"');
    literal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_flytes_and_other_keys_are_quoted() {
        for (version, key, template) in [
            (KvVersion::One, "bar", r#"{{- with secret "foo" -}}{{ .Data.bar }}{{- end -}}"#),
            (KvVersion::Two, "b_1", r#"{{- with secret "foo" -}}{{ .Data.data.b_1 }}{{- end -}}"#),
            (KvVersion::Two, "a-b.c", r#"{{- with secret "foo" -}}{{ index .Data.data "a-b.c" }}{{- end -}}"#),
            (KvVersion::One, "1", r#"{{- with secret "foo" -}}{{ index .Data "1" }}{{- end -}}"#),
            (KvVersion::One, "é", r#"{{- with secret "foo" -}}{{ index .Data "é" }}{{- end -}}"#),
            (
                KvVersion::One,
                "x }}{{ env \"A\"",
                r#"{{- with secret "foo" -}}{{ index .Data "x \x7d\x7d\x7b\x7b env \x22A\x22" }}{{- end -}}"#,
            ),
        ] {
            assert_eq!(value("foo", version, key), template);
        }
        assert_eq!(
            value("a\"b\\\n", KvVersion::One, "k"),
            r#"{{- with secret "a\x22b\x5c\u000a" -}}{{ .Data.k }}{{- end -}}"#
        );
    }

    #[test]
    fn the_injectors_own_template_is_replaced_where_it_would_break() {
        assert_eq!(whole_if_odd("database/creds/role"), None);
        assert!(
            whole_if_odd("a\" }}{{ env \"HOME")
                .is_some_and(|template| template.starts_with(r#"{{ with secret "a\x22 "#))
        );
    }
}
