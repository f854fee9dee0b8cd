//! Finds the byte that ends a string of JSON or means something in it: 16 at once, in a wide register that every 64-bit x86 and
//! ARM processor has.

use wide::u8x16;

/// Bytes that are looked at together; most strings are shorter.
const WINDOW: usize = 16;

/// The place of the first quote, backslash or control character at `from` or after it; the text's length where none is.
///
/// # Panics
/// Where `from` is beyond the text's end.
pub(super) fn first(text: &[u8], mut from: usize) -> usize {
    while let Some(window) = text[from..].first_chunk() {
        let marks = marks(*window);
        if marks != 0 {
            return from + marks.trailing_zeros() as usize;
        }
        from += WINDOW;
    }
    from + last(&text[from..])
}

/// The same in what is shorter than a window; few strings end so near to a text's end.
#[cold]
fn last(text: &[u8]) -> usize {
    // The padding is a control character, and so a mark.
    let mut window = [0; WINDOW];
    window[..text.len()].copy_from_slice(text);
    marks(window).trailing_zeros() as usize
}

/// One bit for each byte, the first in the lowest: whether it means something.
fn marks(window: [u8; WINDOW]) -> u32 {
    let bytes = u8x16::new(window);
    // There is no "less than" for bytes without a sign, but there is a lesser one of two.
    let control = bytes.min(u8x16::splat(b' ' - 1)).simd_eq(bytes);
    let marks = control | bytes.simd_eq(u8x16::splat(b'"')) | bytes.simd_eq(u8x16::splat(b'\\'));
    marks.to_bitmask()
}

#[cfg(test)]
mod tests {
    use super::first;

    /// One byte after another.
    fn slowly(text: &[u8], from: usize) -> usize {
        let means = |byte: &u8| *byte < b' ' || matches!(byte, b'"' | b'\\');
        from + text[from..].iter().position(means).unwrap_or(text.len() - from)
    }

    #[test]
    fn each_byte_is_known_in_each_place() {
        for length in 0..=40 {
            for at in 0..length {
                for byte in 0..=u8::MAX {
                    let mut text = vec![b'a'; length];
                    text[at] = byte;
                    assert_eq!(first(&text, 0), slowly(&text, 0), "{byte} at {at} of {length}");
                }
            }
        }
    }

    #[test]
    fn the_first_of_many_is_found_from_each_place() {
        let text: Vec<u8> = (0..1000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        for from in 0..=text.len() {
            assert_eq!(first(&text, from), slowly(&text, from), "from {from}");
        }
    }
}
