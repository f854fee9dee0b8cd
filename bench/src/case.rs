//! What is measured.

use crate::load::Way;
use crate::pods::{Pod, USUAL};

/// One kind of load.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    /// Its name in the JSON.
    pub(crate) name: &'static str,
    /// What people call it.
    pub(crate) title: &'static str,
    /// How requests get there.
    pub(crate) way: Way,
    /// Connections, or streams of one.
    pub(crate) lanes: usize,
    /// What is asked about.
    pub(crate) pod: Pod,
    /// So many reviews a second, instead of as many as there can be.
    pub(crate) rate: Option<u32>,
}

/// A kept connection of HTTP/1.1, which is what API servers have; 32 of them.
const KEPT: Case =
    Case { name: "http1", title: "HTTP/1.1, kept alive", way: Way::Http1, lanes: 32, pod: USUAL, rate: None };

/// A case by its name.
///
/// # Errors
/// The names there are.
pub(crate) fn named(name: &str) -> Result<&'static Case, String> {
    let names = || ALL.map(|case| case.name).join(", ");
    ALL.iter().find(|case| case.name == name).ok_or_else(|| format!("there are {}", names()))
}

/// Everything that is measured, in the order of the figures.
pub(crate) static ALL: [Case; 9] = [
    KEPT,
    Case { name: "http2", title: "HTTP/2, one connection, 64 streams", way: Way::Http2, lanes: 64, ..KEPT },
    Case { name: "new", title: "a new connection each", way: Way::NewConnections, lanes: 8, ..KEPT },
    Case { name: "small", title: "small pod", pod: Pod { secrets: 1, bytes: 0 }, ..KEPT },
    Case { name: "huge", title: "huge pod", lanes: 8, pod: Pod { secrets: 1, bytes: 1_000_000 }, ..KEPT },
    Case { name: "secrets10", title: "10 secrets", pod: Pod { secrets: 10, bytes: 6_000 }, ..KEPT },
    Case { name: "secrets100", title: "100 secrets", pod: Pod { secrets: 100, bytes: 6_000 }, ..KEPT },
    Case { name: "connections64", title: "64 connections", lanes: 64, ..KEPT },
    Case { name: "steady", title: "1,000 reviews a second", lanes: 16, rate: Some(1_000), ..KEPT },
];
