//! How the server writes its log: one line an event, to stderr, as JSON or as text.

use std::io::IsTerminal;
use tracing::Dispatch;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// What is logged where nobody chooses. The client of the API server says without a name what we say with one, and again and again.
const USUAL: &str = "info,kube_client::client::builder=off";

/// The form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For a person.
    Text,
}

/// Starts logging, and has faults logged too. `RUST_LOG` chooses what is logged; `info` where it says nothing.
pub fn start(format: LogFormat) {
    // A second start, in a test, changes nothing.
    let _ = tracing::dispatcher::set_global_default(to(format, std::io::stderr));
    // Where it happened, and not what was said of it: that may have been made of anything.
    std::panic::set_hook(Box::new(|fault| {
        let place = fault.location().map_or_else(String::new, ToString::to_string);
        tracing::error!(place, "a fault in keybearer");
    }));
}

/// Logging to somewhere.
pub fn to<W>(format: LogFormat, writer: W) -> Dispatch
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(USUAL));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).with_target(false);
    match format {
        LogFormat::Json => builder.json().flatten_event(true).finish().into(),
        LogFormat::Text => builder.with_ansi(std::io::stderr().is_terminal()).finish().into(),
    }
}
