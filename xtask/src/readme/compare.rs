//! What was expected beside what came, with `…` for what may be anything.

use std::fmt::Write as _;

/// One line of the comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Line<'a> {
    Same(&'a str),
    Missing(&'a str),
    Extra(&'a str),
}

/// `None` if `actual` is what was expected, else the difference, a line each.
pub(crate) fn difference(expected: &[String], actual: &str) -> Option<String> {
    let expected: Vec<_> = trimmed(expected.iter().map(String::as_str).collect());
    let actual: Vec<_> = trimmed(actual.lines().collect());
    let lines = align(&expected, &actual);
    if lines.iter().all(|line| matches!(line, Line::Same(_))) {
        return None;
    }
    let mut text = String::from("  (-: expected, +: what came)\n");
    for line in lines {
        let (mark, line) = match line {
            Line::Same(line) => (' ', line),
            Line::Missing(line) => ('-', line),
            Line::Extra(line) => ('+', line),
        };
        // Writing to a String can't fail.
        let _ = writeln!(text, "  {mark} {line}");
    }
    Some(text)
}

/// Without blanks at the ends of lines, and without blank lines at both ends.
fn trimmed(lines: Vec<&str>) -> Vec<&str> {
    let lines: Vec<_> = lines.into_iter().map(str::trim_end).collect();
    let full = |line: &&str| !line.is_empty();
    let start = lines.iter().position(full).unwrap_or(lines.len());
    let end = lines.iter().rposition(full).map_or(start, |last| last + 1);
    lines[start..end].to_vec()
}

/// The alignment with the fewest differences.
fn align<'a>(expected: &[&'a str], actual: &[&'a str]) -> Vec<Line<'a>> {
    // cost[i][j]: the fewest differences between what is left from expected[i] and from actual[j].
    let mut cost = vec![vec![0_usize; actual.len() + 1]; expected.len() + 1];
    for i in (0..=expected.len()).rev() {
        for j in (0..=actual.len()).rev() {
            cost[i][j] = match (expected.get(i), actual.get(j)) {
                (None, _) => actual.len() - j,
                (Some(line), None) => cost[i + 1][j] + usize::from(!any_lines(line)),
                (Some(line), Some(_)) if any_lines(line) => cost[i + 1][j].min(cost[i][j + 1]),
                (Some(line), Some(came)) if matches(line, came) => cost[i + 1][j + 1],
                (Some(_), Some(_)) => 1 + cost[i + 1][j].min(cost[i][j + 1]),
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut lines = Vec::new();
    loop {
        match (expected.get(i), actual.get(j)) {
            (None, None) => return lines,
            (Some(line), came) if any_lines(line) => match came {
                Some(came) if cost[i + 1][j] > cost[i][j] => {
                    lines.push(Line::Same(came));
                    j += 1;
                }
                _ => i += 1,
            },
            (Some(line), Some(came)) if matches(line, came) => {
                lines.push(Line::Same(came));
                (i, j) = (i + 1, j + 1);
            }
            (Some(line), came) if came.is_none() || cost[i + 1][j] <= cost[i][j + 1] => {
                lines.push(Line::Missing(line));
                i += 1;
            }
            (_, Some(came)) => {
                lines.push(Line::Extra(came));
                j += 1;
            }
            (Some(_), None) => i += 1,
        }
    }
}

fn any_lines(expected: &str) -> bool {
    matches!(expected.trim(), "…" | "...")
}

/// Is this the line, with `…` or `...` in it for any text?
fn matches(expected: &str, actual: &str) -> bool {
    let expected = expected.replace("...", "…");
    let mut parts = expected.split('…');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = actual.strip_prefix(first) else { return false };
    let mut parts: Vec<_> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(expected: &str, actual: &str) -> bool {
        let expected: Vec<_> = expected.lines().map(str::to_owned).collect();
        difference(&expected, actual).is_none()
    }

    #[test]
    fn equal_lines_are_equal_but_for_blanks_at_their_ends() {
        assert!(same("a\nb", "a  \nb\n\n"));
        assert!(same("", "\n"));
        assert!(same("a\n\nb", "a\n\nb"));
        assert!(!same("a\nb", "a\n\nb"));
        assert!(!same("  a", "a"));
        assert!(!same("", "a"));
        assert!(!same("a", ""));
    }

    #[test]
    fn a_line_of_dots_is_any_lines_also_none() {
        for dots in ["…", "...", "  …"] {
            assert!(same(&format!("a\n{dots}\nb"), "a\nx\ny\nb"), "{dots}");
            assert!(same(&format!("a\n{dots}\nb"), "a\nb"), "{dots}");
            assert!(!same(&format!("a\n{dots}\nb"), "a\nx"), "{dots}");
            assert!(same(dots, ""));
        }
        assert!(same("…\nb\n…", "a\nb\nb\nc"));
    }

    #[test]
    fn dots_in_a_line_are_any_text() {
        assert!(matches("took … ms", "took 12.5 ms"));
        assert!(matches("took ... ms", "took 12.5 ms"));
        assert!(matches("…end", "the end"));
        assert!(matches("a…b…c", "abbc"));
        assert!(!matches("took … ms", "took 12.5 s"));
        assert!(!matches("a…a", "a"));
        assert!(!matches("abc", "abcd"));
        assert!(matches("[1/3] …", "[1/3] done"));
    }

    #[test]
    fn a_difference_names_only_the_lines_that_differ() {
        let expected: Vec<_> = ["one", "two", "…", "four"].map(str::to_owned).into();
        let text = difference(&expected, "one\n2\nthree\nfour\nfive\n").expect("they differ");
        assert_eq!(text, "  (-: expected, +: what came)\n    one\n  - two\n    2\n    three\n    four\n  + five\n");
    }

    #[test]
    fn each_line_of_either_side_is_shown_once() {
        let expected: Vec<_> = ["a", "b", "c"].map(str::to_owned).into();
        let text = difference(&expected, "b\nd\n").expect("they differ");
        assert_eq!(text, "  (-: expected, +: what came)\n  - a\n    b\n  - c\n  + d\n");
    }
}
