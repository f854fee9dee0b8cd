//! The crate from outside: against packages of the real `pyflyte`, its own entrypoint, and what is no package at all.

mod chance;
mod examples;
mod execute;
mod given;
mod hostile;
mod packages;
mod pods;
mod python;
