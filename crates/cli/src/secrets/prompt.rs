//! Asks on the terminal for what it must not show.

use crate::fault::Fault;
use admission::Value;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use secrecy::ExposeSecret;
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};
use signal_hook::low_level;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::thread;
use zeroize::Zeroizing;

/// What Linux lets through in one line; what is typed or pasted beyond it is lost without a word.
const MAX_LINE: usize = 4095;

/// Asks for a value twice.
pub(super) fn twice(name: &str) -> Result<Value, Fault> {
    let mut terminal = Silent::new().map_err(|error| failed(&error))?;
    let first = terminal.ask(&format!("value of `{name}` (not shown): ")).map_err(|error| failed(&error))?;
    let length = first.expose_secret().len();
    if length == 0 {
        return Err(Fault::new("nothing was typed, so that nothing was kept")
            .hint("to keep an empty value: --from-file /dev/null"));
    }
    if length >= MAX_LINE {
        return Err(Fault::new(format!("a terminal passes on no line of {MAX_LINE} bytes or more"))
            .hint("take the value from a file with --from-file, or from stdin"));
    }
    let again = terminal.ask("the same again: ").map_err(|error| failed(&error))?;
    if first.expose_secret() == again.expose_secret() {
        Ok(first)
    } else {
        Err(Fault::new("the two are not the same, so that nothing was kept"))
    }
}

fn failed(error: &io::Error) -> Fault {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        return Fault::new("nothing was typed, so that nothing was kept");
    }
    Fault::new(format!("can't ask on the terminal: {error}")).hint("give the value on stdin, or with --from-file")
}

/// The terminal of this process, which shows nothing of what is typed for as long as this lives, however it ends.
struct Silent {
    terminal: File,
    before: Termios,
    signals: Handle,
}

impl Silent {
    fn new() -> io::Result<Self> {
        let terminal = OpenOptions::new().read(true).write(true).open("/dev/tty")?;
        let before = tcgetattr(&terminal)?;
        // Whoever gives up with Ctrl-C wants a terminal that shows again what is typed.
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP, SIGQUIT])?;
        let handle = signals.handle();
        let (of_thread, to_restore) = (terminal.try_clone()?, before.clone());
        thread::spawn(move || {
            if let Some(signal) = signals.forever().next() {
                let _ = tcsetattr(&of_thread, OptionalActions::Now, &to_restore);
                let _ = (&of_thread).write_all(b"\n");
                let _ = low_level::emulate_default_handler(signal);
            }
        });
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO | LocalModes::ECHOE | LocalModes::ECHOK);
        silent.local_modes.insert(LocalModes::ECHONL | LocalModes::ICANON);
        // What was typed ahead was shown, and may have been meant for something else.
        tcsetattr(&terminal, OptionalActions::Flush, &silent)?;
        Ok(Self { terminal, before, signals: handle })
    }

    /// Asks for one line; its newline is not part of it.
    fn ask(&mut self, question: &str) -> io::Result<Value> {
        self.terminal.write_all(question.as_bytes())?;
        let mut line = Zeroizing::new([0_u8; MAX_LINE + 1]);
        let read = self.terminal.read(&mut line[..])?;
        if read == 0 {
            let _ = self.terminal.write_all(b"\n");
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let typed = line[..read].strip_suffix(b"\n").unwrap_or(&line[..read]);
        Ok(typed.to_vec().into())
    }
}

impl Drop for Silent {
    fn drop(&mut self) {
        // There is nobody left to tell where even this fails.
        let _ = tcsetattr(&self.terminal, OptionalActions::Flush, &self.before);
        self.signals.close();
    }
}
