//! `$(NAME)` in env vars, `command` and `args`, as the kubelet expands it.
//!
//! `$$` is a `$`, a name without a value stays as it is written, and everything else is text: a `$` alone, `$NAME`, `${NAME}`, an opening without its end. What
//! is put in is not expanded again. `observed.rs` holds it to the kubelet's own code.

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
