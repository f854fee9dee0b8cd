//! The run's side of the socket: namespaces that are there, and the containers in them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::{self, PipeReader};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::net::RecvFlags;
use rustix::process::Signal;

use super::Failed;
use super::entry::{LAUNCH, STAGE, STEPS, THIS_PROGRAM, UNSHARE};
use super::wire::{Kind, NAMESPACE, PROGRAM, Record, SIZE, receive, receive_all};
use crate::order::Order;
use crate::outcome::End;

/// How long namespaces may take to be made, and to be gone. Both are a matter of milliseconds.
const PATIENCE: Duration = Duration::from_secs(20);

/// Namespaces; they and all that is in them end with this value.
pub(crate) struct Sandbox {
    launcher: Child,
    socket: UnixStream,
    /// The root of init's files, by which they can be reached from here.
    root: OwnedFd,
    path: PathBuf,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    /// The number of the last container.
    last: i32,
    ended: BTreeMap<i32, End>,
    /// What has come of a record that is not complete.
    partial: Vec<u8>,
}

impl Sandbox {
    /// Makes them, if the system allows it; the error says why not. `words` are a program that calls `init_if_asked`; without any it is this one.
    pub(crate) fn start(words: &[OsString]) -> Result<Sandbox, String> {
        let broken = |error: io::Error| error.to_string();
        let (socket, theirs) = UnixStream::pair().map_err(broken)?;
        let (program, args) =
            words.split_first().map_or((OsStr::new(THIS_PROGRAM), words), |(program, args)| (program, args));
        let mut command = Command::new(program);
        // The caller's environment is not for the containers, who could read it in /proc; how the program finds its libraries must stay.
        let libraries = std::env::var_os("LD_LIBRARY_PATH").map(|path| ("LD_LIBRARY_PATH", path));
        command.args(args).env_clear().envs(libraries).env(STAGE, LAUNCH);
        command.stdin(OwnedFd::from(theirs)).stdout(Stdio::null()).stderr(Stdio::null());
        // Signals from the terminal are for this process.
        let launcher = command.process_group(0).spawn().map_err(broken)?;
        drop(command);
        let mut starting = Starting(Some(launcher));
        socket.set_read_timeout(Some(PATIENCE)).map_err(broken)?;
        let (mut head, mut files) = ([0; SIZE], Vec::new());
        match receive_all(&socket, &mut head, &mut files) {
            Ok(true) => {}
            Ok(false) => return Err("init ended at once".into()),
            Err(error) => return Err(format!("init does not answer: {error}")),
        }
        let Record { kind, id, value, .. } = Record::decode(head).map_err(broken)?;
        if kind == Kind::Refused {
            let step = usize::try_from(id).ok().and_then(|id| STEPS.get(id)).unwrap_or(&"something failed");
            return Err(match (id, Errno::from_raw_os_error(value)) {
                // What the kernel calls no space left on a device.
                (UNSHARE, Errno::NOSPC) => format!("{step}: this system allows no more (user.max_user_namespaces)"),
                (UNSHARE, Errno::INVAL) => {
                    format!("{step}: this system has none, or the program has threads before it asks for them")
                }
                (_, error) => format!("{step}: {}", io::Error::from(error)),
            });
        }
        let root = files.pop().filter(|_| kind == Kind::Ready).ok_or("init does not say where its files are")?;
        socket.set_read_timeout(None).map_err(broken)?;
        let launcher = starting.0.take().ok_or("init ended at once")?;
        let path = PathBuf::from(format!("/proc/self/fd/{}", root.as_raw_fd()));
        Ok(Sandbox { launcher, socket, root, path, state: RefCell::default() })
    }

    /// Where its files are seen from here.
    pub(crate) fn path(&self) -> &Path {
        debug_assert!(self.path.ends_with(self.root.as_raw_fd().to_string()));
        &self.path
    }

    /// Readable when there is something to [`receive`](Sandbox::receive).
    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// Starts a container. Gives its number, its standard output and its standard error.
    pub(crate) fn spawn(&self, order: &Order) -> Result<(i32, PipeReader, PipeReader), Failed> {
        let id = {
            let mut state = self.state.borrow_mut();
            state.last += 1;
            state.last
        };
        let attempt = || {
            let ((stdout, out), (stderr, err)) = (io::pipe()?, io::pipe()?);
            let text = order.encode();
            let value = i32::try_from(text.len()).map_err(|_| io::ErrorKind::ArgumentListTooLong)?;
            let record = Record { id, value, ..Record::new(Kind::Spawn) };
            record.send(&self.socket, &[out.as_fd(), err.as_fd()], &text)?;
            drop((out, err));
            let answer = loop {
                match self.next(RecvFlags::empty())? {
                    Some(record) if matches!(record.kind, Kind::Started | Kind::Failed) && record.id == id => {
                        break record;
                    }
                    Some(record) => self.note(record),
                    None => {}
                }
            };
            Ok((answer, stdout, stderr))
        };
        let (Record { kind, value, detail, .. }, stdout, stderr) = attempt().map_err(Failed::Namespace)?;
        if kind == Kind::Started {
            return Ok((id, stdout, stderr));
        }
        let error = if value == 0 { io::ErrorKind::Other.into() } else { io::Error::from_raw_os_error(value) };
        Err(match detail {
            PROGRAM => Failed::Program(error),
            NAMESPACE => Failed::Namespace(error),
            index => Failed::Mount(usize::try_from(index).unwrap_or(usize::MAX), error),
        })
    }

    /// Sends a signal to a container's group, if it still runs.
    pub(crate) fn signal(&self, id: i32, signal: Signal) {
        // Where init is gone, so are the containers.
        _ = Record { id, value: signal.as_raw(), ..Record::new(Kind::Signal) }.send(&self.socket, &[], &[]);
    }

    /// How a container ended, if that has been received.
    pub(crate) fn ended(&self, id: i32) -> Option<End> {
        self.state.borrow().ended.get(&id).copied()
    }

    /// Takes what init has to say, without waiting for it.
    pub(crate) fn receive(&self) -> io::Result<()> {
        loop {
            match self.next(RecvFlags::DONTWAIT) {
                Ok(Some(record)) => self.note(record),
                Ok(None) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }

    /// Ends what containers have left running; gives the number of processes.
    pub(crate) fn finish(&self) -> usize {
        if Record::new(Kind::Finish).send(&self.socket, &[], &[]).is_err() {
            return 0;
        }
        loop {
            match self.next(RecvFlags::empty()) {
                Ok(Some(Record { kind: Kind::Finished, value, .. })) => return usize::try_from(value).unwrap_or(0),
                Ok(_) => {}
                Err(_) => return 0,
            }
        }
    }

    /// The next record, if it is complete.
    fn next(&self, flags: RecvFlags) -> io::Result<Option<Record>> {
        let partial = &mut self.state.borrow_mut().partial;
        let mut buffer = [0; SIZE];
        let room = SIZE - partial.len();
        match receive(&self.socket, &mut buffer[..room], &mut Vec::new(), flags)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => partial.extend_from_slice(&buffer[..count]),
        }
        let Ok(bytes) = <[u8; SIZE]>::try_from(partial.as_slice()) else { return Ok(None) };
        partial.clear();
        Record::decode(bytes).map(Some)
    }

    fn note(&self, Record { kind, id, value, detail }: Record) {
        if kind == Kind::Ended {
            let end =
                if detail > 0 { End::Signalled(detail) } else { End::Exited(u8::try_from(value).unwrap_or(u8::MAX)) };
            self.state.borrow_mut().ended.insert(id, end);
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // Init sees that it is alone, ends, and with it all that it has started; the launcher has waited for that.
        _ = self.socket.shutdown(std::net::Shutdown::Both);
        end(&mut self.launcher);
    }
}

/// A launcher that has nothing to tell yet.
struct Starting(Option<Child>);

impl Drop for Starting {
    fn drop(&mut self) {
        if let Some(launcher) = &mut self.0 {
            _ = launcher.kill();
            _ = launcher.wait();
        }
    }
}

fn end(launcher: &mut Child) {
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        if !matches!(launcher.try_wait(), Ok(None)) {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    _ = launcher.kill();
    _ = launcher.wait();
}
