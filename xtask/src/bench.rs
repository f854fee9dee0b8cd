//! `cargo xtask bench`: how fast the webhook's server is, beside one that does all but decide.

mod options;

use crate::failure::Failure;
use crate::process;
use crate::program;
use crate::workspace::Workspace;
pub(crate) use options::Options;
use std::path::Path;

/// The package that measures, and its program.
const PACKAGE: &str = "keybearer-bench";

/// Builds the program that is shipped and what measures it, and has it measured.
pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let workspace = Workspace::read()?;
    let program = match &options.program {
        Some(path) => there(path)?.to_owned(),
        None => program::build(&workspace)?,
    };
    // It is the echo, too, and so built as the program is.
    let bench = program::build_static(&workspace, PACKAGE, PACKAGE, &[])?;
    let mut command = std::process::Command::new(&bench);
    command.arg("measure").arg("--program").arg(program);
    if let Some(before) = &options.before {
        command.arg("--before").arg(there(before)?);
    }
    command.arg("--out").arg(options.out.clone().unwrap_or_else(|| workspace.target.join("bench")));
    if options.quick {
        command.arg("--quick");
    }
    for case in &options.cases {
        command.arg("--case").arg(case);
    }
    if options.write_docs {
        command.arg("--docs").arg(workspace.root.join("docs"));
    }
    process::run(&mut command)
}

/// A program that is to be measured has to be there, before minutes are spent on building the rest.
fn there(path: &Path) -> Result<&Path, Failure> {
    if path.is_file() { Ok(path) } else { Err(Failure::new(format!("{} is no file", path.display()))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_not_there_is_named_before_anything_is_built() {
        let failure = there(Path::new("/nowhere/keybearer")).expect_err("no file").to_string();
        assert!(failure.contains("/nowhere/keybearer"), "{failure}");
    }
}
