//! The first process of the namespaces that the tests have: see `Options::init_command`.

fn main() {
    runner::init_if_asked();
}
