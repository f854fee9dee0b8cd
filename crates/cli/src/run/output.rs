//! What the containers write, and what the runner notes.

use crate::terminal;
use admission::PodView;
use owo_colors::{AnsiColors, OwoColorize};
use runner::{End, Framing, Note, Output, Stream};
use std::io::{self, Write};
use std::ops::ControlFlow;

const COLORS: [AnsiColors; 6] =
    [AnsiColors::Cyan, AnsiColors::Magenta, AnsiColors::Blue, AnsiColors::Green, AnsiColors::Yellow, AnsiColors::Red];

/// Passes the output on: as it is where the pod has one container, else line by line with the container's name.
pub(super) struct Streams {
    names: Vec<String>,
    width: usize,
    /// Whether all of it goes to stderr: stdout is for something else.
    aside: bool,
    /// Why output was lost, if it was: a reader that went away is no loss.
    pub(super) lost: Option<io::Error>,
}

impl Streams {
    pub(super) fn new(pod: &PodView<'_>, aside: bool) -> Self {
        let names = pod.all_containers().map(|(_, _, container)| container.name.to_string()).collect();
        Self { aside, ..Self::of(names) }
    }

    /// Those of containers with these names.
    pub(super) fn of(names: Vec<String>) -> Self {
        let width = names.iter().map(String::len).max().unwrap_or(0);
        Self { names, width, aside: false, lost: None }
    }

    fn prefix(&self, container: &str) -> String {
        let index = self.names.iter().position(|name| name == container).unwrap_or(0);
        format!("{} ", format!("{container:width$} |", width = self.width).color(COLORS[index % COLORS.len()]))
    }
}

impl Output for Streams {
    fn piece(&mut self, container: &str, stream: Stream, bytes: &[u8]) -> ControlFlow<()> {
        let prefix = if self.names.len() > 1 { self.prefix(container) } else { String::new() };
        let written = match stream {
            Stream::Stdout if !self.aside => write(&mut anstream::stdout(), &mut io::stdout(), &prefix, bytes),
            Stream::Stdout | Stream::Stderr => write(&mut anstream::stderr(), &mut io::stderr(), &prefix, bytes),
        };
        match written {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                if error.kind() != io::ErrorKind::BrokenPipe {
                    self.lost.get_or_insert(error);
                }
                ControlFlow::Break(())
            }
        }
    }

    fn note(&mut self, note: &Note) {
        // Of one container alone, this command's own exit code says it.
        if self.names.len() == 1 && matches!(note, Note::Ended { end: End::Exited(_), .. }) {
            return;
        }
        terminal::note(note);
    }

    fn framing(&mut self, _: &str) -> Framing {
        if self.names.len() > 1 { Framing::Lines } else { Framing::Raw }
    }
}

/// The prefix with colours as the terminal takes them; the container's bytes untouched.
fn write(styled: &mut dyn Write, plain: &mut dyn Write, prefix: &str, bytes: &[u8]) -> io::Result<()> {
    styled.write_all(prefix.as_bytes())?;
    styled.flush()?;
    plain.write_all(bytes)?;
    if !prefix.is_empty() && !bytes.ends_with(b"\n") {
        plain.write_all(b"\n")?;
    }
    plain.flush()
}
