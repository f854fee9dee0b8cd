//! Is a program one that runs on an empty root? Its ELF headers say so.

/// For which processors images are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arch {
    /// `x86_64`
    Amd64,
    /// `aarch64`
    Arm64,
}

impl Arch {
    /// As OCI spells it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Amd64 => "amd64",
            Self::Arm64 => "arm64",
        }
    }
}

const INTERPRETER: u32 = 3;
const ENTRY: usize = 56;

/// The processor of a program that is linked statically, or why it is none.
pub(super) fn of_static_program(bytes: &[u8]) -> Result<Arch, String> {
    let elf = bytes.get(..6).is_some_and(|start| start == [0x7f, b'E', b'L', b'F', 2, 1]);
    if !elf {
        return Err("it is no 64-bit little-endian ELF program".to_owned());
    }
    let arch = match number::<2>(bytes, 18)? {
        62 => Arch::Amd64,
        183 => Arch::Arm64,
        other => return Err(format!("it is for a processor that no image is made for (ELF machine {other})")),
    };
    let headers = usize::try_from(number::<8>(bytes, 32)?).map_err(|_| cut())?;
    let size = usize::try_from(number::<2>(bytes, 54)?).map_err(|_| cut())?;
    if size != ENTRY {
        return Err(format!("its program headers have {size} bytes, not {ENTRY}"));
    }
    for index in 0..number::<2>(bytes, 56)? {
        let index = usize::try_from(index).map_err(|_| cut())?;
        let at = headers.checked_add(index * size).ok_or_else(cut)?;
        if number::<4>(bytes, at)? == u64::from(INTERPRETER) {
            return Err("it is not static: it names an interpreter, and there is none on an empty root".to_owned());
        }
    }
    Ok(arch)
}

/// A little-endian number of so many bytes.
fn number<const SIZE: usize>(bytes: &[u8], at: usize) -> Result<u64, String> {
    let end = at.checked_add(SIZE).ok_or_else(cut)?;
    let bytes = bytes.get(at..end).ok_or_else(cut)?;
    Ok(bytes.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte)))
}

fn cut() -> String {
    "its ELF headers are cut off".to_owned()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The headers of a program with one program header of the given type, and some bytes behind them.
    pub(in crate::image) fn program(machine: u16, header: u32, rest: &[u8]) -> Vec<u8> {
        let mut elf = vec![0; 64 + ENTRY];
        elf[..6].copy_from_slice(&[0x7f, b'E', b'L', b'F', 2, 1]);
        elf[18..20].copy_from_slice(&machine.to_le_bytes());
        elf[32] = 64;
        elf[54] = 56;
        elf[56] = 1;
        elf[64..68].copy_from_slice(&header.to_le_bytes());
        elf.extend(rest);
        elf
    }

    #[test]
    fn a_static_program_tells_its_processor() {
        assert_eq!(of_static_program(&program(62, 1, b"")), Ok(Arch::Amd64));
        assert_eq!(of_static_program(&program(183, 1, b"")), Ok(Arch::Arm64));
    }

    #[test]
    fn one_with_an_interpreter_is_refused() {
        let reason = of_static_program(&program(62, INTERPRETER, b"")).expect_err("it needs a loader");
        assert!(reason.contains("not static"), "{reason}");
    }

    #[test]
    fn this_test_itself_is_linked_dynamically_and_refused() {
        let own = std::env::current_exe().and_then(std::fs::read).expect("it can be read");
        if cfg!(all(target_os = "linux", not(target_feature = "crt-static"))) {
            assert!(of_static_program(&own).is_err());
        }
    }

    #[test]
    fn what_is_cut_off_or_something_else_is_refused() {
        let whole = program(62, 1, b"");
        for length in 0..whole.len() {
            let read = of_static_program(&whole[..length]);
            assert!(read.is_err() || length >= 68, "{length}: {read:?}");
        }
        assert!(of_static_program(b"#!/bin/sh\nexit\n").is_err());
        assert!(of_static_program(&program(40, 1, b"")).expect_err("32-bit ARM").contains("machine 40"));
    }
}
