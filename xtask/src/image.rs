//! `cargo xtask image`: the container image, made of the static program and little else, without a container engine.

mod load;
mod options;

#[cfg(feature = "image")]
mod digest;
#[cfg(feature = "image")]
mod elf;
#[cfg(feature = "image")]
mod layer;
#[cfg(feature = "image")]
mod layout;
#[cfg(feature = "image")]
mod make;
#[cfg(feature = "image")]
mod root;

pub(crate) use load::load;
pub(crate) use options::Options;

/// Makes the image.
#[cfg(feature = "image")]
pub(crate) use make::run;

/// Starts xtask once more with what makes images, which no other command should wait for.
#[cfg(not(feature = "image"))]
pub(crate) fn run(options: &Options) -> Result<(), crate::failure::Failure> {
    let mut cargo = crate::process::cargo(&crate::workspace::root());
    cargo.args(["run", "--quiet", "--locked", "--package", "xtask", "--features", "image", "--", "image"]);
    // What is asked for counts from the folder that the user stands in.
    if let Ok(here) = std::env::current_dir() {
        cargo.current_dir(here);
    }
    crate::process::run(cargo.args(options.words()))
}
