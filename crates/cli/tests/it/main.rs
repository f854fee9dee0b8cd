//! The program as its users have it: a process with arguments, outputs and an exit code.

mod annotate;
mod bad_input;
mod cluster_run;
mod cluster_secrets;
mod config;
mod explain;
mod flytekit;
mod given;
mod kept;
mod leaks;
mod live;
mod managers;
mod package;
mod prompt;
mod run;
mod same;
mod secrets;
mod shells;
mod signals;
mod support;
#[cfg(feature = "webhook")]
mod webhook;
