//! Rust of our subset of Flyte's messages.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    const FILES: [&str; 2] = ["flyteidl/core.proto", "flyteidl/admin.proto"];
    println!("cargo::rerun-if-changed=proto");
    let descriptors = protox::compile(FILES, ["proto"])?;
    let mut config = prost_build::Config::new();
    // The order of maps is then the order of names, so the same task makes the same bytes.
    config.btree_map(["."]);
    config.compile_fds(descriptors)?;
    Ok(())
}
