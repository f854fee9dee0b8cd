//! The fenced blocks of a Markdown file.

/// What stands between two fences.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Block {
    /// The line of its first fence, from 1.
    pub(crate) line: usize,
    /// The first word behind the fence: `console`.
    pub(crate) language: String,
    /// What comes behind that word: `no-run: needs a cluster`.
    pub(crate) note: String,
    /// The text of an HTML comment on the line above.
    pub(crate) comment: Option<String>,
    /// The lines between the fences, without the fence's own indentation.
    pub(crate) lines: Vec<String>,
}

/// Finds every block; an error says which one is never closed.
pub(crate) fn blocks(markdown: &str) -> Result<Vec<Block>, String> {
    let mut found = Vec::new();
    let mut above = "";
    let mut lines = markdown.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let Some(fence) = Fence::open(line) else {
            if !line.trim().is_empty() {
                above = line.trim();
            }
            continue;
        };
        let (language, note) = fence.info.split_once(char::is_whitespace).unwrap_or((fence.info, ""));
        let mut block = Block {
            line: number + 1,
            language: language.to_owned(),
            note: note.trim().to_owned(),
            comment: comment(above).map(str::to_owned),
            lines: Vec::new(),
        };
        loop {
            match lines.next() {
                None => return Err(format!("line {}: a block that is never closed", block.line)),
                Some((_, line)) if fence.closes(line) => break,
                Some((_, line)) => block.lines.push(fence.inside(line).to_owned()),
            }
        }
        above = "";
        found.push(block);
    }
    Ok(found)
}

struct Fence<'a> {
    indent: usize,
    mark: char,
    length: usize,
    info: &'a str,
}

impl<'a> Fence<'a> {
    fn open(line: &'a str) -> Option<Self> {
        let text = line.trim_start();
        let mark = text.chars().next().filter(|mark| matches!(mark, '`' | '~'))?;
        let info = text.trim_start_matches(mark);
        let length = text.len() - info.len();
        let inline = mark == '`' && info.contains('`');
        (length >= 3 && !inline).then(|| Self { indent: line.len() - text.len(), mark, length, info: info.trim() })
    }

    fn closes(&self, line: &str) -> bool {
        let text = line.trim();
        text.len() >= self.length && text.chars().all(|mark| mark == self.mark)
    }

    fn inside<'b>(&self, line: &'b str) -> &'b str {
        let blank = line.len() - line.trim_start().len();
        &line[blank.min(self.indent)..]
    }
}

fn comment(line: &str) -> Option<&str> {
    line.strip_prefix("<!--")?.strip_suffix("-->").map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_found_with_their_words_and_lines() {
        let text = "# A\n\n```console no-run: needs a cluster\n$ kubectl get pods\n```\n\n~~~yaml\na: 1\n\n~~~\n";
        let found = blocks(text).expect("both are closed");
        let first = Block {
            line: 3,
            language: "console".into(),
            note: "no-run: needs a cluster".into(),
            comment: None,
            lines: vec!["$ kubectl get pods".into()],
        };
        let second =
            Block { line: 7, language: "yaml".into(), lines: vec!["a: 1".into(), String::new()], ..Block::default() };
        assert_eq!(found, [first, second]);
    }

    #[test]
    fn a_block_in_a_list_loses_the_lists_indentation() {
        let found = blocks("1. Do:\n\n   ```text\n   a\n     b\n  c\n   ```\n").expect("it is closed");
        assert_eq!(found[0].lines, ["a", "  b", "c"]);
    }

    #[test]
    fn a_longer_fence_holds_a_shorter_one() {
        let found = blocks("````text\n```\ninside\n```\n````\n").expect("it is closed");
        assert_eq!(found[0].lines, ["```", "inside", "```"]);
    }

    #[test]
    fn a_comment_directly_above_belongs_to_the_block() {
        let found = blocks("<!-- not run: slow -->\n```console no-run\n$ x\n```\n```text\n```\n").expect("closed");
        assert_eq!(found[0].comment.as_deref(), Some("not run: slow"));
        assert_eq!(found[1].comment, None);
    }

    #[test]
    fn code_within_a_line_is_no_fence() {
        assert_eq!(blocks("```like this``` one\n"), Ok(Vec::new()));
    }

    #[test]
    fn a_block_that_is_never_closed_is_an_error() {
        assert_eq!(blocks("a\n```text\nb\n"), Err("line 2: a block that is never closed".into()));
    }
}
