//! The server on real sockets: TLS, reviews, limits, certificates that change, and its end.

mod bad_input;
mod certificates;
mod connections;
mod ending;
mod harness;
