//! The runner with real processes.

mod canary;
mod envfile;
mod environment;
mod files;
mod helper;
mod masking;
mod order;
mod output;
mod refusals;
mod signals;
mod strays;
mod support;
