//! One of a container's two streams, from the pipe to the caller: read, masked, cut into pieces.

use std::io::{self, Read};
use std::ops::ControlFlow;
use std::os::fd::{AsFd, BorrowedFd};
use std::rc::Rc;

use crate::lines::Splitter;
use crate::mask::{Masker, Values};
use crate::output::{Framing, Stream};

/// What a stream goes through, the same for all streams of a run but for the framing.
#[derive(Clone)]
pub(crate) struct Treatment {
    pub(crate) framing: Framing,
    pub(crate) values: Rc<Values>,
}

/// The reading end of a container's stream.
pub(crate) struct Pipe {
    stream: Stream,
    source: Box<dyn Source>,
    masker: Option<(Masker, Rc<Values>)>,
    /// None if the pieces are given as they come.
    splitter: Option<Splitter>,
    /// Nobody takes what is read any more.
    unread: bool,
}

/// Takes a piece of a stream, and says whether it takes more.
pub(crate) type Give<'g> = dyn FnMut(Stream, &[u8]) -> ControlFlow<()> + 'g;

pub(crate) trait Source: Read + AsFd {}
impl<T: Read + AsFd> Source for T {}

impl Pipe {
    pub(crate) fn new(stream: Stream, source: impl Source + 'static, treatment: &Treatment) -> io::Result<Pipe> {
        rustix::io::ioctl_fionbio(&source, true)?;
        let values = &treatment.values;
        let masker = (!values.is_empty()).then(|| (Masker::new(values), Rc::clone(values)));
        let splitter = (treatment.framing == Framing::Lines).then(Splitter::default);
        Ok(Pipe { stream, source: Box::new(source), masker, splitter, unread: false })
    }

    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.source.as_fd()
    }

    /// Reads once. Whether there may be more.
    pub(crate) fn read(&mut self, buffer: &mut [u8], give: &mut Give<'_>) -> bool {
        match self.source.read(buffer) {
            Ok(count @ 1..) => {
                let bytes = &buffer[..count];
                match &mut self.masker {
                    Some((masker, values)) => {
                        let masked = masker.push(values, bytes);
                        self.cut(&masked, give);
                    }
                    None => self.cut(bytes, give),
                }
                !self.unread
            }
            Err(error) => matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted),
            Ok(0) => false,
        }
    }

    /// Gives out what was held back: nothing more is read.
    pub(crate) fn finish(&mut self, give: &mut Give<'_>) {
        if let Some((mut masker, _)) = self.masker.take() {
            self.cut(&masker.finish(), give);
        }
        let (stream, unread) = (self.stream, &mut self.unread);
        if let Some(splitter) = &mut self.splitter {
            splitter.finish(|rest| offer(stream, rest, unread, give));
        }
    }

    fn cut(&mut self, bytes: &[u8], give: &mut Give<'_>) {
        let (stream, unread) = (self.stream, &mut self.unread);
        match &mut self.splitter {
            Some(splitter) => splitter.push(bytes, |line| offer(stream, line, unread, give)),
            None if bytes.is_empty() => {}
            None => offer(stream, bytes, unread, give),
        }
    }
}

fn offer(stream: Stream, bytes: &[u8], unread: &mut bool, give: &mut Give<'_>) {
    *unread = *unread || give(stream, bytes).is_break();
}
