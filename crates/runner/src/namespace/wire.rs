//! What goes through the socket between a run and its init: records of one size, some with an order or with open files behind them.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    recvmsg, sendmsg,
};

/// The size of a record.
pub(crate) const SIZE: usize = 16;

/// The most files that go with a record.
const MOST_FILES: usize = 2;

/// What a record says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub(crate) enum Kind {
    /// To init: start a container; `value` is the length of the order that follows, the files are its standard output and error.
    Spawn = 1,
    /// To init: signal `value` to a container's group.
    Signal,
    /// To init: end what is left, then yourself.
    Finish,
    /// From init: the namespaces are there; the file is their root.
    Ready,
    /// From launcher or init: they can't be made. `id` is the step, `value` the system's error.
    Refused,
    /// From init: a container runs.
    Started,
    /// From init: it does not. `value` is the system's error, `detail` the mount's number, or one of the two below.
    Failed,
    /// From init: a container's first process ended with code `value`, or by signal `detail`.
    Ended,
    /// From init: nothing is left; `value` is how many processes had to be killed.
    Finished,
}

/// Not a mount but the program was what failed.
pub(crate) const PROGRAM: i32 = -1;
/// Not a mount but the namespace was what failed.
pub(crate) const NAMESPACE: i32 = -2;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) kind: Kind,
    /// Which container.
    pub(crate) id: i32,
    pub(crate) value: i32,
    pub(crate) detail: i32,
}

impl Record {
    pub(crate) fn new(kind: Kind) -> Record {
        Record { kind, id: 0, value: 0, detail: 0 }
    }

    fn encode(self) -> [u8; SIZE] {
        let mut bytes = [0; SIZE];
        let fields = [self.kind as i32, self.id, self.value, self.detail];
        for (part, field) in bytes.chunks_exact_mut(4).zip(fields) {
            part.copy_from_slice(&field.to_ne_bytes());
        }
        bytes
    }

    pub(crate) fn decode(bytes: [u8; SIZE]) -> io::Result<Record> {
        let field = |at: usize| i32::from_ne_bytes(std::array::from_fn(|byte| bytes[4 * at + byte]));
        let kinds = [
            Kind::Spawn,
            Kind::Signal,
            Kind::Finish,
            Kind::Ready,
            Kind::Refused,
            Kind::Started,
            Kind::Failed,
            Kind::Ended,
            Kind::Finished,
        ];
        let kind = kinds.into_iter().find(|kind| *kind as i32 == field(0)).ok_or(io::ErrorKind::InvalidData)?;
        Ok(Record { kind, id: field(1), value: field(2), detail: field(3) })
    }

    /// Sends it, with files and with what follows.
    pub(crate) fn send(self, socket: impl AsFd, files: &[BorrowedFd<'_>], body: &[u8]) -> io::Result<()> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_FILES))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        if !files.is_empty() {
            ancillary.push(SendAncillaryMessage::ScmRights(files));
        }
        let record = self.encode();
        let mut rest = [record.as_slice(), body];
        while rest.iter().any(|part| !part.is_empty()) {
            let parts = rest.map(IoSlice::new);
            let sent = match sendmsg(&socket, &parts, &mut ancillary, SendFlags::NOSIGNAL) {
                Err(rustix::io::Errno::INTR) => continue,
                sent => sent?,
            };
            // The files went with the first byte.
            ancillary.clear();
            let of_record = sent.min(rest[0].len());
            rest = [&rest[0][of_record..], &rest[1][sent - of_record..]];
        }
        Ok(())
    }
}

/// Reads what there is, no more than `buffer` holds; files that come with it are added to `files`. 0 is the end.
pub(crate) fn receive(
    socket: impl AsFd,
    buffer: &mut [u8],
    files: &mut Vec<OwnedFd>,
    flags: RecvFlags,
) -> io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_FILES))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut parts = [IoSliceMut::new(buffer)];
    let received = loop {
        match recvmsg(&socket, &mut parts, &mut ancillary, flags | RecvFlags::CMSG_CLOEXEC) {
            Err(rustix::io::Errno::INTR) => {}
            received => break received?,
        }
    };
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(more) = message {
            files.extend(more);
        }
    }
    Ok(received.bytes)
}

/// Reads until `buffer` is full. `false` if the other side is gone, and nothing had come.
pub(crate) fn receive_all(socket: impl AsFd, buffer: &mut [u8], files: &mut Vec<OwnedFd>) -> io::Result<bool> {
    let mut filled = 0;
    while filled < buffer.len() {
        match receive(&socket, &mut buffer[filled..], files, RecvFlags::empty())? {
            0 if filled == 0 => return Ok(false),
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => filled += count,
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;

    #[test]
    fn a_record_its_files_and_what_follows() {
        let (here, there) = UnixStream::pair().unwrap();
        let (mut read, write) = io::pipe().unwrap();
        let body = vec![7; 1_000_000];
        let record = Record { kind: Kind::Spawn, id: -3, value: 1_000_000, detail: i32::MIN };
        let sender = std::thread::spawn({
            let body = body.clone();
            move || record.send(&here, &[write.as_fd()], &body).unwrap()
        });
        let (mut head, mut files, mut got) = ([0; SIZE], Vec::new(), vec![0; body.len()]);
        assert!(receive_all(&there, &mut head, &mut files).unwrap());
        assert_eq!(Record::decode(head).unwrap(), record);
        assert!(receive_all(&there, &mut got, &mut files).unwrap());
        assert!(got == body && files.len() == 1);
        std::fs::File::from(files.remove(0)).write_all(b"x").unwrap();
        sender.join().unwrap();
        let mut text = String::new();
        read.read_to_string(&mut text).unwrap();
        assert_eq!(text, "x");
        assert!(!receive_all(&there, &mut head, &mut files).unwrap());
        assert!(Record::decode([0; SIZE]).is_err());
    }
}
