//! The runner with real processes.

#[cfg(target_os = "linux")]
mod both;
mod canary;
#[cfg(target_os = "linux")]
mod ends;
mod envfile;
mod environment;
mod exchange;
mod files;
mod helper;
mod masking;
#[cfg(target_os = "linux")]
mod namespace;
mod order;
mod output;
mod refusals;
mod signals;
mod strays;
mod support;
