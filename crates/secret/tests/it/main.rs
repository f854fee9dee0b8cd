//! The crate from outside: against Flyte's own cases, against another implementation, and against chance.

mod readable;
mod vectors;
