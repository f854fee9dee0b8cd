//! `cargo xtask fuzz`: what comes in from outside, by chance and by coverage, for a bounded time.
//!
//! It is libFuzzer as `cargo fuzz` has it, but with a stable compiler: coverage is an option of LLVM, and no sanitizer is
//! needed where none of our code is `unsafe`.

mod options;

use crate::failure::Failure;
use crate::process;
use crate::workspace::{self, Workspace};
pub(crate) use options::Options;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A fuzzer of `fuzz/fuzz_targets`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Target {
    /// Its name.
    pub(crate) name: &'static str,
    /// Bytes of its longest input.
    longest: u32,
}

/// All of them.
pub(crate) const TARGETS: [Target; 4] = [
    Target { name: "annotation", longest: 4096 },
    Target { name: "review", longest: 8192 },
    Target { name: "config", longest: 4096 },
    Target { name: "http", longest: 20_000 },
];

/// What counts the edges of the code that were taken.
const COVERAGE: [&str; 6] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "--cfg=fuzzing",
];
/// Most memory of a fuzzer, and of one allocation, in MiB. Coverage itself takes some 100 of it.
const MEMORY: (u32, u32) = (768, 128);
/// Seconds for one input: a hang is a fault, too.
const TIMEOUT: u32 = 20;

/// Builds the fuzzers and runs those that are wanted, one after the other, all of them even if one finds something.
pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let workspace = Workspace::read()?;
    let programs = build(&workspace, &options.targets)?;
    let mut failed = Vec::new();
    for target in &options.targets {
        let program = programs.join(target.name);
        let result = match &options.input {
            Some(input) => process::run(command(&program).arg(input)),
            None => search(&workspace, &program, *target, options.seconds),
        };
        if let Err(failure) = result {
            eprintln!("{failure}");
            failed.push(target.name);
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(Failure::new(format!("found something: {}", failed.join(", ")))) }
}

/// Builds them; the folder they are in.
fn build(workspace: &Workspace, targets: &[Target]) -> Result<PathBuf, Failure> {
    let host = host()?;
    let folder = workspace.target.join("fuzz");
    let mut cargo = process::cargo(&workspace.root.join("fuzz"));
    cargo
        // With `--target`, what builds others is built without these.
        .env("CARGO_ENCODED_RUSTFLAGS", COVERAGE.join("\u{1f}"))
        .env("CARGO_TARGET_DIR", &folder)
        .args(["build", "--locked", "--target", &host]);
    for target in targets {
        cargo.args(["--bin", target.name]);
    }
    process::run(&mut cargo).map_err(|failure| failure.hint("libFuzzer needs a compiler of C++, such as g++"))?;
    Ok(folder.join(host).join("debug"))
}

fn host() -> Result<String, Failure> {
    let text = process::output(Command::new("rustc").arg("-vV"))?;
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| Failure::new("`rustc -vV` names no host"))
}

fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .current_dir(workspace::root())
        .arg(format!("-rss_limit_mb={}", MEMORY.0))
        .arg(format!("-malloc_limit_mb={}", MEMORY.1))
        .arg(format!("-timeout={TIMEOUT}"));
    command
}

/// Looks for something, from the seeds of the repo and from what was found interesting before.
fn search(workspace: &Workspace, program: &Path, target: Target, seconds: u32) -> Result<(), Failure> {
    let folder = |name: &str| {
        let folder = workspace.target.join("fuzz").join(name).join(target.name);
        std::fs::create_dir_all(&folder).map_err(|error| Failure::io(&folder, &error))?;
        Ok::<_, Failure>(folder)
    };
    let (corpus, found) = (folder("corpus")?, folder("found")?);
    let mut command = command(program);
    command
        .arg(format!("-max_len={}", target.longest))
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-artifact_prefix={}/", found.display()))
        .args(["-print_final_stats=1", "-verbosity=0", "-print_funcs=0"])
        .arg(&corpus)
        .arg(workspace.root.join("fuzz/seeds").join(target.name));
    process::run(&mut command).map_err(|failure| {
        failure
            .hint(format!("the input is in {}, the last file there", found.display()))
            .hint(format!("to see it again: `cargo xtask fuzz {} --input FILE`", target.name))
            .hint(format!("once it is mended, keep it: `cp FILE fuzz/seeds/{}/`, or make a test of it", target.name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fuzzer_has_a_program_and_seeds_and_a_place_here() {
        let folder = workspace::root().join("fuzz");
        for target in TARGETS {
            assert!(folder.join(format!("fuzz_targets/{}.rs", target.name)).is_file(), "{}", target.name);
            let seeds = std::fs::read_dir(folder.join("seeds").join(target.name)).expect("seeds").flatten();
            let sizes: Vec<u64> = seeds.map(|seed| seed.metadata().expect("a file").len()).collect();
            assert!(sizes.len() >= 10 && sizes.iter().all(|size| *size <= target.longest.into()), "{}", target.name);
        }
        let programs = std::fs::read_dir(folder.join("fuzz_targets")).expect("fuzzers").count();
        assert_eq!(programs, TARGETS.len());
    }
}
