//! Command lines of the vendors' init containers. What a task's author chose becomes part of a line only where a shell can
//! take it for nothing but a word; else it is an argument of the script.

use super::Answer;
use crate::variable::escape_expansion;

/// Whether a shell takes the text for one word, without any meaning of its own. Not empty.
fn is_word(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"@%+=:,./_-".contains(&b);
    !text.is_empty() && text.bytes().all(plain)
}

/// Flyte's line, where all of the values are words; else the script, which finds them as `$1`, `$2`, …
pub(super) fn command(line: String, script: &str, values: &[&str]) -> Vec<String> {
    let mut command = vec!["sh".to_owned(), "-ec".to_owned()];
    if values.iter().all(|value| is_word(value)) {
        command.push(line);
    } else {
        command.push(script.to_owned());
        command.push("sh".to_owned());
        // The kubelet expands `$(NAME)` in a command, too.
        command.extend(values.iter().map(|value| escape_expansion(value).into_owned()));
    }
    command
}

/// The refusal of a value that a program would take for an option.
pub(super) fn option(value: &str) -> Option<Answer<'static>> {
    value.starts_with('-').then(|| {
        Answer::refuses(
            format!("`{}` starts with `-`, which the store's program would take for an option", value.escape_debug()),
            "no store has a secret of that name: ask with the right one",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_words_become_part_of_a_line() {
        for word in ["a", "projects/p/secrets/S", "https://v.vault.azure.net/secrets/x", "100%", "a=b", "A_b-1.2:3@4"] {
            assert!(is_word(word), "{word}");
        }
        for other in [
            "", " ", "a b", "$(id)", "`id`", "a;b", "a|b", "a&b", "a>b", "a\nb", "'", "\"", "\\", "*", "?", "[a]", "~",
            "!", "#", "{a,b}", "é", "\0",
        ] {
            assert!(!is_word(other), "{other:?}");
        }
    }
}
