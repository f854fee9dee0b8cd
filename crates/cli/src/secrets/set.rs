//! `keybearer secret set`: keeps a value.

use super::cluster::{self, ClusterArgs, NamesArgs};
use super::{named, prompt, shown, store};
use crate::fault::Fault;
use crate::{document, terminal};
use admission::Value;
use secrecy::ExposeSecret;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::SystemTime;
use stores::MAX_FILE;
use zeroize::Zeroizing;

/// Keep a secret; a value that is there already is replaced
///
/// On a terminal its value is asked for twice and not shown. Otherwise it is read from stdin.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  keybearer secret set db/password
  keybearer secret set db/ca.crt --from-file ca.pem
  keybearer secret set db/password --from-env DB_PASSWORD
  printf %s s3cret | keybearer secret set db/password@2
  keybearer secret set db/password --cluster -n team

From stdin, a file or a variable the value is taken byte for byte, a newline at its end too: that of `echo`
becomes part of it. What is typed is taken without its newline.

The value answers every version that a task asks for; with @VERSION it answers that version alone, before the
other. A key that holds an `@` is followed by a version or a bare `@`: g/joe@example.com@")]
pub(super) struct Args {
    /// The secret: split at the last `/`
    #[arg(value_name = "GROUP/KEY[@VERSION]")]
    name: String,

    /// Take the value from a file, byte for byte
    #[arg(long, value_name = "FILE", conflicts_with = "from_env")]
    from_file: Option<PathBuf>,

    /// Take the value from an environment variable
    #[arg(long, value_name = "NAME")]
    from_env: Option<OsString>,

    #[command(flatten)]
    cluster: ClusterArgs,

    #[command(flatten)]
    names: NamesArgs,

    /// Change a key of a Secret that this command did not make
    #[arg(long, requires = "cluster", help_heading = "In a cluster")]
    force: bool,
}

pub(super) fn execute(args: &Args) -> Result<ExitCode, Fault> {
    let secret = named(&args.name)?;
    let name = shown(&secret);
    if args.cluster.cluster {
        let place = args.cluster.place()?;
        let kept = cluster::set(&place, &secret, &args.names, args.force, || args.value(&name))?;
        let where_to = format!(
            ", as key `{}` of Secret `{}` in namespace `{}`, where pods that ask for it find it",
            kept.key,
            kept.name,
            place.namespace()
        );
        say(&name, kept.replaced, &kept.value, &where_to);
        return Ok(ExitCode::SUCCESS);
    }
    if secret.key.is_empty() {
        return Err(Fault::new("a secret without a key is none that a pod can ask for; nothing was kept")
            .hint("name its key, too: GROUP/KEY"));
    }
    let store = store()?;
    let value = args.value(&name)?;
    let kept = value.clone();
    let replaced =
        store.change(|content| content.set(&secret, value, SystemTime::now())).map_err(|e| Fault::from(&e))?;
    say(&name, replaced, &kept, "");
    Ok(ExitCode::SUCCESS)
}

impl Args {
    fn value(&self, name: &str) -> Result<Value, Fault> {
        let value = match (&self.from_file, &self.from_env) {
            (Some(path), _) => from_file(path)?,
            (None, Some(variable)) => from_env(variable)?,
            (None, None) if io::stdin().is_terminal() => prompt::twice(name)?,
            (None, None) => from_stdin()?,
        };
        if value.expose_secret().len() > MAX_FILE { Err(too_large()) } else { Ok(value) }
    }
}

/// Says what was kept, by its size.
fn say(name: &str, replaced: bool, value: &Value, where_to: &str) {
    let size = value.expose_secret().len();
    let what = if replaced { "replaced" } else { "kept" };
    let unit = if size == 1 { "byte" } else { "bytes" };
    let end = if value.expose_secret().ends_with(b"\n") { ", the last of them a newline" } else { "" };
    terminal::note(format!("{what} `{name}`: {size} {unit}{end}{where_to}"));
}

fn from_file(path: &Path) -> Result<Value, Fault> {
    let read = File::open(path).and_then(bounded);
    // The path is not shown: whoever took it for a value gave one here.
    read.map_err(|error| Fault::new(format!("the file of --from-file can't be read: {}", document::reason(&error))))
}

fn from_env(variable: &OsString) -> Result<Value, Fault> {
    let value = std::env::var_os(variable);
    // Nor is this name, for the same reason.
    let value = value.ok_or_else(|| {
        Fault::new("the environment variable of --from-env is not set")
            .hint("--from-env takes the name of a variable, not a value; is it exported?")
    })?;
    Ok(value.into_vec().into())
}

fn from_stdin() -> Result<Value, Fault> {
    let read = bounded(io::stdin().lock());
    let value = read.map_err(|error| Fault::new(format!("can't read stdin: {}", document::reason(&error))))?;
    if value.expose_secret().is_empty() {
        // Most often a command before the `|` that failed.
        return Err(Fault::new("there is nothing on stdin, so that nothing was kept")
            .hint("to keep an empty value: --from-file /dev/null"));
    }
    Ok(value)
}

/// All there is, or one byte more than is allowed.
fn bounded(source: impl Read) -> io::Result<Value> {
    // Once, at its full size: a buffer that grew would leave copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_FILE + 2));
    source.take(MAX_FILE as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes.to_vec().into())
}

fn too_large() -> Fault {
    Fault::new(format!("the value has more than {MAX_FILE} bytes, which no container could be given"))
        .hint("keep a reference to the data in the secret instead")
}
