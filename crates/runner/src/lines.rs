//! Cuts a stream into lines without ever holding more than one piece of it.

/// The longest piece of output that is given at once; a longer line comes in several.
pub const LONGEST_PIECE: usize = 64 * 1024;

/// What of a stream has been read but not given out: the start of a line.
#[derive(Default)]
pub(crate) struct Splitter {
    held: Vec<u8>,
}

impl Splitter {
    /// Gives out what `bytes` completes.
    pub(crate) fn push(&mut self, mut bytes: &[u8], mut give: impl FnMut(&[u8])) {
        while !bytes.is_empty() {
            let room = LONGEST_PIECE - self.held.len();
            let end = bytes.iter().take(room).position(|&byte| byte == b'\n').map(|at| at + 1);
            let (piece, rest) = bytes.split_at(end.unwrap_or(room.min(bytes.len())));
            bytes = rest;
            let complete = end.is_some() || self.held.len() + piece.len() == LONGEST_PIECE;
            if complete && self.held.is_empty() {
                give(piece);
                continue;
            }
            self.held.extend_from_slice(piece);
            if complete {
                give(&self.held);
                self.held.clear();
            }
        }
    }

    /// Gives out what is left: the stream has ended.
    pub(crate) fn finish(&mut self, give: impl FnOnce(&[u8])) {
        if !self.held.is_empty() {
            give(&self.held);
            self.held.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn split(chunks: &[Vec<u8>]) -> Vec<Vec<u8>> {
        let mut splitter = Splitter::default();
        let mut pieces = Vec::new();
        for chunk in chunks {
            splitter.push(chunk, |piece| pieces.push(piece.to_vec()));
        }
        splitter.finish(|piece| pieces.push(piece.to_vec()));
        pieces
    }

    #[test]
    fn long_lines_come_in_pieces() {
        let line = [vec![b'x'; LONGEST_PIECE + 3], vec![b'\n']].concat();
        let pieces = split(&line.chunks(1000).map(<[u8]>::to_vec).collect::<Vec<_>>());
        assert_eq!(pieces.iter().map(Vec::len).collect::<Vec<_>>(), [LONGEST_PIECE, 4]);
        let exact = [vec![b'x'; LONGEST_PIECE - 1], vec![b'\n']].concat();
        assert_eq!(split(std::slice::from_ref(&exact)), [exact]);
    }

    proptest! {
        #[test]
        fn however_it_comes_the_lines_are_the_same(chunks in prop::collection::vec(prop::collection::vec(prop_oneof![Just(b'\n'), any::<u8>()], 0..9), 0..9)) {
            let whole = chunks.concat();
            let lines: Vec<Vec<u8>> = whole.split_inclusive(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect();
            prop_assert_eq!(split(&chunks), lines);
        }
    }
}
