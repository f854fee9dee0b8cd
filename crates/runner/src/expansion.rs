//! `$(NAME)` in env vars, `command` and `args`, as the kubelet expands it.
//!
//! `$$` is a `$`, a name without a value stays as it is written, and everything else is text: a `$` alone, `$NAME`, `${NAME}`, an opening without its end. What
//! is put in is not expanded again.

/// Expands `text` with the values that `lookup` has.
pub(crate) fn expand<'v>(text: &[u8], lookup: impl Fn(&[u8]) -> Option<&'v [u8]>) -> Vec<u8> {
    let mut expanded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.iter().position(|&byte| byte == b'$') {
        expanded.extend_from_slice(&rest[..at]);
        rest = &rest[at..];
        let end = rest.iter().position(|&byte| byte == b')');
        match (rest.get(1), end) {
            (Some(b'$'), _) => {
                expanded.push(b'$');
                rest = &rest[2..];
            }
            (Some(b'('), Some(end)) => {
                expanded.extend_from_slice(lookup(&rest[2..end]).unwrap_or(&rest[..=end]));
                rest = &rest[end + 1..];
            }
            _ => {
                expanded.push(b'$');
                rest = &rest[1..];
            }
        }
    }
    expanded.extend_from_slice(rest);
    expanded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(text: &str) -> String {
        let lookup = |name: &[u8]| match name {
            b"A" => Some(b"a".as_slice()),
            b"B" => Some(b"$(A)".as_slice()),
            b"EMPTY" => Some(b"".as_slice()),
            _ => None,
        };
        String::from_utf8(expand(text.as_bytes(), lookup)).unwrap()
    }

    #[test]
    fn as_the_kubelet_expands() {
        for (text, wanted) in [
            ("", ""),
            ("plain", "plain"),
            ("$(A)", "a"),
            ("<$(A)$(A)>", "<aa>"),
            ("$(B)", "$(A)"),
            ("x$(EMPTY)y", "xy"),
            ("$(NONE)", "$(NONE)"),
            ("$()", "$()"),
            ("$$(A)", "$(A)"),
            ("$$$(A)", "$a"),
            ("$$$$(A)", "$$(A)"),
            ("$A ${A} $", "$A ${A} $"),
            ("$$", "$"),
            ("$x$(A)", "$xa"),
            ("ü$ü$(A)", "ü$üa"),
            ("$(A", "$(A"),
            ("$(A$(A", "$(A$(A"),
            ("$(A$(A)", "$(A$(A)"),
            ("$(A))", "a)"),
            ("$($$)", "$($$)"),
        ] {
            assert_eq!(expanded(text), wanted, "{text}");
        }
    }
}
