//! Starting other programs.

use crate::failure::Failure;
use crate::workspace;
use std::fs::OpenOptions;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Cargo, started in the given folder.
pub(crate) fn cargo(root: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root).stdin(Stdio::null());
    command
}

/// Runs a program that prints for itself.
pub(crate) fn run(command: &mut Command) -> Result<(), Failure> {
    let line = show(command);
    println!("$ {line}");
    let status = command.status().map_err(|error| unstarted(&line, &error))?;
    if status.success() { Ok(()) } else { Err(Failure::new(format!("`{line}` failed ({status})"))) }
}

/// Runs a program, prints its output line by line as it comes, and shows each line to `look` too.
pub(crate) fn watch(command: &mut Command, mut look: impl FnMut(&str)) -> Result<(), Failure> {
    let line = show(command);
    println!("$ {line}");
    let mut child = command.stdout(Stdio::piped()).spawn().map_err(|error| unstarted(&line, &error))?;
    if let Some(pipe) = child.stdout.take() {
        let mut pipe = BufReader::new(pipe);
        let mut bytes = Vec::new();
        while pipe.read_until(b'\n', &mut bytes).is_ok_and(|read| read > 0) {
            let mut out = std::io::stdout().lock();
            // A reader of ours that went away is no reason to stop the tests.
            let _ = out.write_all(&bytes).and_then(|()| out.flush());
            look(String::from_utf8_lossy(&bytes).trim_end());
            bytes.clear();
        }
    }
    let status = child.wait().map_err(|error| unstarted(&line, &error))?;
    if status.success() { Ok(()) } else { Err(Failure::new(format!("`{line}` failed ({status})"))) }
}

/// Runs a program for what it prints on standard output; its complaints pass through.
pub(crate) fn output(command: &mut Command) -> Result<String, Failure> {
    let line = show(command);
    let output = command.stderr(Stdio::inherit()).output().map_err(|error| unstarted(&line, &error))?;
    if !output.status.success() {
        return Err(Failure::new(format!("`{line}` failed ({})", output.status)));
    }
    String::from_utf8(output.stdout).map_err(|_| Failure::new(format!("`{line}` printed something else than UTF-8")))
}

/// How a program ended that was run by [`within`].
pub(crate) struct Ended {
    /// Its exit status; `None` if it was still running at the limit and was ended.
    pub(crate) status: Option<ExitStatus>,
    /// All that it printed, both streams in their order.
    pub(crate) output: String,
}

/// Runs a program quietly, its output kept in the file `log`, for no longer than `limit`.
pub(crate) fn within(limit: Duration, command: &mut Command, log: &Path) -> Result<Ended, Failure> {
    let line = show(command);
    workspace::write(log, "")?;
    let file = || OpenOptions::new().append(true).open(log).map_err(|error| Failure::io(log, &error));
    let mut child = command
        .stdin(Stdio::null())
        .stdout(file()?)
        .stderr(file()?)
        .process_group(0)
        .spawn()
        .map_err(|error| unstarted(&line, &error))?;
    let start = Instant::now();
    let status = loop {
        match child.try_wait().map_err(|error| unstarted(&line, &error))? {
            Some(status) => break Some(status),
            None if start.elapsed() > limit => break None,
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    if status.is_none() {
        // The whole group, so that nothing it started stays behind; its leader is ours to wait for.
        let group = format!("-{}", child.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
        let _ = child.kill().and_then(|()| child.wait().map(drop));
    }
    let output = std::fs::read(log).map_err(|error| Failure::io(log, &error))?;
    Ok(Ended { status, output: String::from_utf8_lossy(&output).into_owned() })
}

/// A command as one could type it.
pub(crate) fn show(command: &Command) -> String {
    let name = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    std::iter::once(name)
        .chain(command.get_args())
        .map(|word| word.to_string_lossy().into_owned())
        .collect::<Vec<_>>()
        .join(" ")
}

fn unstarted(line: &str, error: &std::io::Error) -> Failure {
    Failure::new(format!("`{line}`: {error}"))
}
