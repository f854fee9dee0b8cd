//! What a sandbox needs to start a container, and how that goes through a socket: strings, each with a NUL behind it, as the kernel takes them in the end.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::hidden::Hidden;

/// A container to be started.
#[derive(Default)]
pub(crate) struct Order {
    pub(crate) words: Vec<Hidden>,
    pub(crate) env: Vec<(Hidden, Hidden)>,
    /// The working directory that the pod asks for, and the one to take if it is not there.
    pub(crate) dir: PathBuf,
    pub(crate) other_dir: PathBuf,
    pub(crate) binds: Vec<Bind>,
}

/// A mount: what lies at `source` in the sandbox appears at `target`.
#[derive(Default, Debug, PartialEq)]
pub(crate) struct Bind {
    /// The volume's name, for messages; it does not go through the socket.
    pub(crate) volume: String,
    pub(crate) source: PathBuf,
    pub(crate) target: PathBuf,
    pub(crate) read_only: bool,
}

/// Marks in place of booleans.
const YES: &[u8] = b"y";
const NO: &[u8] = b"n";

impl Order {
    /// Must hold no NUL: that is checked before, for no process could be given one.
    pub(crate) fn encode(&self) -> Zeroizing<Vec<u8>> {
        let counts = [self.words.len(), self.env.len(), self.binds.len()].map(|count| count.to_string());
        let mut strings: Vec<&[u8]> = counts.iter().map(String::as_bytes).collect();
        strings.extend([self.dir.as_os_str().as_bytes(), self.other_dir.as_os_str().as_bytes()]);
        strings.extend(self.words.iter().map(|word| &**word));
        strings.extend(self.env.iter().flat_map(|(name, value)| [&**name, &**value]));
        for Bind { volume: _, source, target, read_only } in &self.binds {
            let flag = if *read_only { YES } else { NO };
            strings.extend([source.as_os_str().as_bytes(), target.as_os_str().as_bytes(), flag]);
        }
        // With its room from the start: what grows leaves copies behind.
        let mut text = Zeroizing::new(Vec::with_capacity(strings.iter().map(|string| string.len() + 1).sum()));
        for string in strings {
            text.extend_from_slice(string);
            text.push(0);
        }
        text
    }

    /// `None` if it is not what [`encode`](Order::encode) made.
    pub(crate) fn decode(text: &[u8]) -> Option<Order> {
        let mut strings = text.strip_suffix(&[0])?.split(|&byte| byte == 0);
        let mut count = || std::str::from_utf8(strings.next()?).ok()?.parse::<usize>().ok();
        let (words, env, binds) = (count()?, count()?, count()?);
        let mut next = || strings.next();
        let path = |bytes: &[u8]| Path::new(OsStr::from_bytes(bytes)).to_owned();
        let mut order = Order { dir: path(next()?), other_dir: path(next()?), ..Order::default() };
        for _ in 0..words {
            order.words.push(next()?.to_vec().into());
        }
        for _ in 0..env {
            order.env.push((next()?.to_vec().into(), next()?.to_vec().into()));
        }
        for _ in 0..binds {
            let (source, target, read_only) = (path(next()?), path(next()?), next()? == YES);
            order.binds.push(Bind { volume: String::new(), source, target, read_only });
        }
        next().is_none().then_some(order)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn string() -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(1..=u8::MAX, 0..6)
    }

    fn path() -> impl Strategy<Value = PathBuf> {
        string().prop_map(|bytes| OsStr::from_bytes(&bytes).into())
    }

    proptest! {
        #[test]
        fn what_is_sent_arrives(
            words in prop::collection::vec(string(), 0..4), env in prop::collection::vec((string(), string()), 0..4),
            dir in path(), other_dir in path(), binds in prop::collection::vec((path(), path(), any::<bool>()), 0..4)
        ) {
            let hidden = |bytes: &Vec<u8>| Hidden::from(bytes.clone());
            let bind = |(source, target, read_only)| Bind { volume: String::new(), source, target, read_only };
            let order = Order {
                words: words.iter().map(hidden).collect(),
                env: env.iter().map(|(name, value)| (hidden(name), hidden(value))).collect(),
                dir, other_dir,
                binds: binds.into_iter().map(bind).collect(),
            };
            let got = Order::decode(&order.encode()).unwrap();
            prop_assert_eq!(got.words.iter().map(|word| word.to_vec()).collect::<Vec<_>>(), words);
            prop_assert_eq!(got.env.iter().map(|(name, value)| (name.to_vec(), value.to_vec())).collect::<Vec<_>>(), env);
            prop_assert_eq!((got.dir, got.other_dir, got.binds), (order.dir, order.other_dir, order.binds));
        }

        #[test]
        fn nothing_else_is_read(text in prop::collection::vec(prop_oneof![Just(0), Just(b'1'), any::<u8>()], 0..20)) {
            _ = Order::decode(&text);
        }
    }
}
