//! The server on real sockets: TLS, reviews, limits, files that change, what it logs, and its end.

#[cfg(target_os = "linux")]
mod attacks;
mod bad_input;
mod certificates;
mod connections;
mod ending;
mod globals;
mod harness;
mod log;
mod monitoring;
#[cfg(target_os = "linux")]
mod process;
mod rotation_model;
