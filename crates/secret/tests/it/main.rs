//! The crate from outside: against Flyte's own cases, against other implementations, and against chance.

mod chance;
mod go;
mod readable;
mod reflect;
mod roundtrip;
mod vectors;
