//! What others may try: what the caller sees, and what the server's memory does. `docs/threat-model.md` has them by name.

mod bodies;
mod connections;
mod http2;
mod shapes;
mod tls;

/// What memory may grow by besides what a test counts: buffers of connections, and what the allocator keeps.
pub(crate) const SLACK: u64 = 12 << 20;

#[test]
fn the_threat_model_names_tests_that_there_are_and_all_of_these() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let document = std::fs::read_to_string(root.join("../../docs/threat-model.md")).unwrap();
    let named: Vec<Vec<&str>> = document
        .split('`')
        .filter(|text| text.contains("::") && !text.contains(' '))
        .map(|name| name.split("::").collect())
        .collect();
    for name in &named {
        let [path @ .., function] = &name[..] else { unreachable!() };
        let folder = if path == ["admit", "tests"] { "src" } else { "tests/it" };
        let path = path.iter().filter(|part| **part != "tests").copied().collect::<Vec<_>>().join("/");
        let code = std::fs::read_to_string(root.join(folder).join(format!("{path}.rs"))).unwrap();
        assert!(code.contains(&format!("fn {function}()")), "{name:?}");
    }
    for file in ["bodies", "connections", "http2", "shapes", "tls"] {
        let code = std::fs::read_to_string(root.join(format!("tests/it/attacks/{file}.rs"))).unwrap();
        for test in code.split("#[tokio::test").skip(1) {
            let function = test.split("async fn ").nth(1).unwrap().split('(').next().unwrap();
            assert!(named.iter().any(|name| name == &["attacks", file, function]), "{file}::{function} is not named");
        }
    }
}
