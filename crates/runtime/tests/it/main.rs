//! The look-up from outside.

use std::collections::HashMap;
use std::error::Error as _;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use runtime::{GetError, NotFound, Secrets};
use serde_json::Value;

const IN_CLUSTER: (&str, &str) = ("FLYTE_INTERNAL_EXECUTION_ID", "f1");

fn secrets<const N: usize>(env: [(&str, &str); N]) -> Secrets {
    let env: HashMap<String, OsString> = env.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    Secrets::from_lookup(move |name| env.get(name).cloned())
}

fn with_files<const N: usize>(files: [(&str, &[u8]); N]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (path, content) in files {
        let path = dir.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    dir
}

fn not_found(error: GetError) -> NotFound {
    match error {
        GetError::NotFound(error) => *error,
        other => panic!("{other}"),
    }
}

fn vectors() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/vectors.json");
    serde_json::from_slice::<Value>(&std::fs::read(path).unwrap()).unwrap()["flytekit"].clone()
}

#[test]
fn names_and_values_are_those_of_flytekits_own_tests() {
    let vectors = vectors();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let parts = |case: &Value| (text(&case["group"]), text(&case["group_version"]), text(&case["key"]));
    let defaults = secrets([]);
    for case in vectors["env_var"].as_array().unwrap() {
        let (group, version, key) = parts(case);
        assert_eq!(defaults.env_var_name(&group, &version, &key).unwrap().as_str(), case["want"].as_str().unwrap());
    }
    for case in vectors["file"].as_array().unwrap() {
        let (group, version, key) = parts(case);
        assert_eq!(defaults.file_path(&group, &version, &key).unwrap(), Path::new(case["want"].as_str().unwrap()));
    }
    for case in vectors["lookup"].as_array().unwrap() {
        let (group, _, key) = parts(case);
        let env: HashMap<String, String> = serde_json::from_value(case["env"].clone()).unwrap();
        let local = case["mode"].as_str().unwrap().starts_with("LOCAL");
        let secrets = Secrets::from_lookup(move |name| env.get(name).map(OsString::from)).with_local(local);
        assert_eq!(secrets.get(&group, &key).unwrap().expose(), case["want"].as_str().unwrap());
    }
    assert_eq!(runtime::DEFAULT_ENV_PREFIX, vectors["defaults"]["env_prefix"].as_str().unwrap());
    assert_eq!(runtime::DEFAULT_DIR, vectors["defaults"]["default_dir"].as_str().unwrap());
}

#[test]
fn the_three_variables_say_where_to_look() {
    let dir = with_files([("db/p_password", b"from the file\n")]);
    let path = format!(" {}\n", dir.path().display());
    let env = [("FLYTE_SECRETS_DEFAULT_DIR", path.as_str()), ("FLYTE_SECRETS_FILE_PREFIX", "p_"), IN_CLUSTER];
    assert_eq!(secrets(env).get("DB", "Password").unwrap().expose(), "from the file");
    assert_eq!(secrets(env).file_path("DB", "", "Password").unwrap(), dir.path().join("db/p_password"));
    assert_eq!(secrets(env).file_path("DB", "", "").unwrap(), dir.path().join("p_db"));

    let renamed = secrets([("FLYTE_SECRETS_ENV_PREFIX", " _UNION_ "), ("_UNION_DB_PASSWORD", "v")]);
    assert_eq!(renamed.get("db", "password").unwrap().expose(), "v");
}

#[test]
fn a_variable_that_is_set_and_empty_keeps_the_default() {
    for empty in ["", " \n"] {
        let secrets = secrets([
            ("FLYTE_SECRETS_ENV_PREFIX", empty),
            ("FLYTE_SECRETS_DEFAULT_DIR", empty),
            ("FLYTE_SECRETS_FILE_PREFIX", empty),
        ]);
        assert_eq!(secrets.env_var_name("g", "", "k").unwrap().as_str(), "_FSEC_G_K");
        assert_eq!(secrets.file_path("g", "", "k").unwrap(), Path::new("/etc/secrets/g/k"));
    }
}

#[test]
fn the_order_is_variable_then_variable_without_prefix_then_files() {
    let dir = with_files([("db/key", b"lower"), ("Db/Key", b"spelled"), ("Other/Key", b"only spelled")]);
    let get = |env: &[(&'static str, &'static str)], group: &str| {
        let env: HashMap<&str, &str> = env.iter().copied().collect();
        let secrets = Secrets::from_lookup(move |name| env.get(name).map(OsString::from)).with_dir(dir.path());
        secrets.get(group, "Key").unwrap().expose().to_owned()
    };
    assert_eq!(get(&[("_FSEC_DB_KEY", "prefix"), ("DB_KEY", "bare")], "Db"), "prefix");
    assert_eq!(get(&[("DB_KEY", "bare")], "Db"), "bare");
    assert_eq!(get(&[], "Db"), "lower");
    assert_eq!(get(&[], "Other"), "only spelled");
    // Set and empty is found.
    assert_eq!(get(&[("_FSEC_DB_KEY", ""), ("DB_KEY", "bare")], "Db"), "");
}

#[test]
fn in_a_cluster_a_variable_without_prefix_is_never_a_secret() {
    for in_cluster in [IN_CLUSTER, ("KUBERNETES_SERVICE_HOST", "10.0.0.1")] {
        let env = [in_cluster, ("PATH", "/bin")];
        assert_eq!(not_found(secrets(env).get("", "path").unwrap_err()).env_vars(), ["_FSEC_PATH"]);
        assert_eq!(secrets(env).with_local(true).get("", "path").unwrap().expose(), "/bin");
    }
    assert_eq!(secrets([("PATH", "/bin")]).get("", "path").unwrap().expose(), "/bin");
    assert!(secrets([("PATH", "/bin")]).with_local(false).get("", "path").is_err());
}

#[test]
fn a_pinned_version_is_looked_for_under_its_own_names_alone() {
    let dir = with_files([("db/3/password", b"three"), ("db/password", b"any")]);
    let secrets = secrets([IN_CLUSTER]).with_dir(dir.path());
    assert_eq!(secrets.get_version("db", "3", "password").unwrap().expose(), "three");
    let missing = not_found(secrets.get_version("db", "4", "password").unwrap_err());
    assert_eq!(missing.env_vars(), ["_FSEC_DB_4_PASSWORD"]);
    assert_eq!(missing.files(), [dir.path().join("db/4/password")]);
    assert_eq!(missing.secret().group_version, "4");
}

#[test]
fn text_is_stripped_and_bytes_are_not() {
    let dir = with_files([("g/text", b"\t two lines\nend\r\n\x1f"), ("g/bytes", b" \xff\n")]);
    let secrets = secrets([("_FSEC_G_ENV", " v\u{a0}\n")]).with_dir(dir.path());
    assert_eq!(secrets.get("g", "text").unwrap().expose(), "two lines\nend");
    assert_eq!(secrets.get("g", "env").unwrap().expose(), "v");
    assert_eq!(secrets.get_bytes("g", "text").unwrap().expose(), b"\t two lines\nend\r\n\x1f");
    assert_eq!(secrets.get_bytes("g", "env").unwrap().expose(), " v\u{a0}\n".as_bytes());
    assert_eq!(secrets.get_bytes("g", "bytes").unwrap().expose(), b" \xff\n");

    let error = secrets.get("g", "bytes").unwrap_err();
    let path = dir.path().join("g/bytes");
    assert_eq!(error.to_string(), format!("the secret in FilePath {} is not UTF-8; read it as bytes", path.display()));
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_not_utf8_is_read_as_bytes_only() {
    use std::os::unix::ffi::OsStringExt as _;
    let secrets =
        Secrets::from_lookup(|name| (name == "_FSEC_G_K").then(|| OsString::from_vec(b"canary\xff".to_vec())));
    assert_eq!(secrets.get_bytes("g", "k").unwrap().expose(), b"canary\xff");
    let error = secrets.get("g", "k").unwrap_err();
    assert_eq!(error.to_string(), "the secret in Env Var _FSEC_G_K is not UTF-8; read it as bytes");
    assert!(!format!("{error:?}").contains("canary"));
}

#[test]
fn what_is_missing_is_said_with_every_place_and_the_remedy() {
    let error = secrets([]).with_dir("/nowhere").get("User-Info", "User_Secret").unwrap_err();
    assert_eq!(
        error.to_string(),
        "unable to find secret User-Info/User_Secret: \
         not in Env Var _FSEC_USER-INFO_USER_SECRET, USER-INFO_USER_SECRET, \
         not in FilePath /nowhere/user-info/user_secret, /nowhere/User-Info/User_Secret; \
         ask for it with secret_requests=[Secret(group=\"User-Info\", key=\"User_Secret\")] in @task, \
         or with the label inject-flyte-secrets: \"true\" \
         and the annotation keybearer.dev/secrets: '[{group: \"User-Info\", key: \"User_Secret\"}]' of the pod"
    );
    let missing = not_found(error);
    assert_eq!(missing.env_vars(), ["_FSEC_USER-INFO_USER_SECRET", "USER-INFO_USER_SECRET"]);
    assert_eq!(missing.files().len(), 2);
}

#[test]
fn names_that_lead_out_of_the_directory_are_not_followed() {
    let outside = with_files([("passwd", b"canary"), ("in/here", b"")]);
    let secrets = secrets([IN_CLUSTER]).with_dir(outside.path().join("in"));
    for (group, key) in
        [("..", "passwd"), ("a/../..", "passwd"), ("", "../passwd"), ("/etc", "passwd"), ("a//b", "c"), (".", "here")]
    {
        let error = secrets.get(group, key).unwrap_err();
        assert!(error.to_string().contains("file path `"), "{error}");
        assert!(not_found(error).files().is_empty());
        assert!(secrets.file_path(group, "", key).is_err());
    }
    let error = secrets.get("café", "k").unwrap_err().to_string();
    assert!(error.contains("environment variable name `_FSEC_CAFÉ_K` may hold only printable ASCII"), "{error}");
    assert!(matches!(secrets.get("", ""), Err(GetError::NoName)));
}

#[test]
fn what_is_there_and_unreadable_is_not_called_missing() {
    let dir = with_files([("g/k/x", b""), ("file", b"canary")]);
    let secrets = secrets([IN_CLUSTER]).with_dir(dir.path());
    let error = secrets.get("g", "k").unwrap_err();
    let path: PathBuf = dir.path().join("g/k");
    assert!(error.to_string().starts_with(&format!("can't read secret file {}: ", path.display())), "{error}");
    assert!(error.source().is_some());
    // A file where the group's folder would be is another secret, not a failure.
    assert_eq!(not_found(secrets.get("file", "k").unwrap_err()).files(), [dir.path().join("file/k")]);
}

#[cfg(unix)]
#[test]
fn a_file_of_someone_else_is_reported_as_such() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = with_files([("g/k", b"canary")]);
    let path = dir.path().join("g/k");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();
    if std::fs::read(&path).is_ok() {
        return; // The superuser reads everything.
    }
    let error = secrets([]).with_dir(dir.path()).get("g", "k").unwrap_err();
    assert!(
        matches!(&error, GetError::Unreadable { source, .. } if source.kind() == std::io::ErrorKind::PermissionDenied),
        "{error}"
    );
}

#[test]
fn nothing_prints_a_value() {
    let secrets = secrets([("_FSEC_G_K", "canary")]);
    let (text, bytes) = (secrets.get("g", "k").unwrap(), secrets.get_bytes("g", "k").unwrap());
    assert!(!format!("{secrets:?} {text:?} {bytes:?}").contains("canary"));
}

/// A task may share it between threads.
#[test]
fn it_can_be_shared() {
    fn shared<T: Send + Sync>(_: &T) {}
    shared(&Secrets::from_env());
}
