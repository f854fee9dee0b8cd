//! Upper and lower case as Flyte's Go code maps them: rune by rune, with Unicode's *simple* mappings.
//!
//! Rust's `str::to_uppercase` uses the full mappings (ß becomes SS), which would make other names than Flyte's.
//! Both agree on every character of Unicode 15, which is what Go 1.26 knows; Rust knows some letters that are newer.

/// Upper case of every character by its simple mapping.
pub fn to_upper(text: &str) -> String {
    let mut upper = String::with_capacity(text.len());
    push_upper(&mut upper, text);
    upper
}

/// Lower case of every character by its simple mapping.
pub fn to_lower(text: &str) -> String {
    let mut lower = String::with_capacity(text.len());
    push_lower(&mut lower, text);
    lower
}

/// Adds a text in upper case.
pub(crate) fn push_upper(to: &mut String, text: &str) {
    let start = to.len();
    if text.is_ascii() {
        to.push_str(text);
        to[start..].make_ascii_uppercase();
    } else {
        to.extend(text.chars().map(upper));
    }
}

/// Adds a text in lower case.
pub(crate) fn push_lower(to: &mut String, text: &str) {
    let start = to.len();
    if text.is_ascii() {
        to.push_str(text);
        to[start..].make_ascii_lowercase();
    } else {
        to.extend(text.chars().map(lower));
    }
}

/// Whether a text's lower case is the text itself.
pub(crate) fn is_lower(text: &str) -> bool {
    if text.is_ascii() {
        !text.bytes().any(|byte| byte.is_ascii_uppercase())
    } else {
        text.chars().all(|c| lower(c) == c)
    }
}

fn upper(c: char) -> char {
    let mut full = c.to_uppercase();
    match (full.next(), full.next()) {
        (Some(single), None) => single,
        // A full mapping of several characters. Only Greek letters with iota subscript have a simple one besides:
        // their title case, 8 code points on, or one of four single letters.
        _ => match u32::from(c) {
            n @ (0x1f80..=0x1f87 | 0x1f90..=0x1f97 | 0x1fa0..=0x1fa7) => char::from_u32(n + 8).unwrap_or(c),
            n @ (0x1fb3 | 0x1fc3 | 0x1ff3) => char::from_u32(n + 9).unwrap_or(c),
            _ => c,
        },
    }
}

fn lower(c: char) -> char {
    // İ is the only character whose full lower case has two characters; its simple one is i.
    c.to_lowercase().next().unwrap_or(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_is_mapped_letter_by_letter() {
        for (text, upper, lower) in [
            ("user-info_2", "USER-INFO_2", "user-info_2"),
            ("ß ﬁ ŉ ǰ ΐ", "ß ﬁ ŉ ǰ ΐ", "ß ﬁ ŉ ǰ ΐ"),
            ("İ", "İ", "i"),
            ("ı", "I", "ı"),
            ("ΑΣ ς", "ΑΣ Σ", "ασ ς"),
            ("ᾳ ᾀ ᾧ ῃ ῳ", "ᾼ ᾈ ᾯ ῌ ῼ", "ᾳ ᾀ ᾧ ῃ ῳ"),
            ("ᾼ ᾈ", "ᾼ ᾈ", "ᾳ ᾀ"),
            ("\u{212a} \u{212b}", "\u{212a} \u{212b}", "k \u{e5}"),
            ("ǅ ẞ", "Ǆ ẞ", "ǆ ß"),
        ] {
            assert_eq!(to_upper(text), upper, "{text}");
            assert_eq!(to_lower(text), lower, "{text}");
            assert_eq!(is_lower(text), text == lower, "{text}");
        }
    }

    #[test]
    fn every_character_stays_one() {
        for c in '\0'..=char::MAX {
            let text = c.to_string();
            assert_eq!((to_upper(&text).chars().count(), to_lower(&text).chars().count()), (1, 1), "{c:?}");
        }
    }
}
