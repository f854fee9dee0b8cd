//! What a container runs: its words, where, and with which env vars.
//!
//! Once when the pod is checked, with what is known by then, and once when the container's turn comes, with the directories and the env files that are there now.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::rc::Rc;

use crate::env::{Entry, Env, FileRef, Source, evaluate, unfit};
use crate::envfile;
use crate::expansion::expand;
use crate::hidden::Hidden;
use crate::mount::Mounts;
use crate::namespace::Sandbox;
use crate::options::{HOST_ENV, VolumeDirs};
use crate::order::Order;
use crate::outcome::StartError;
use crate::output::Note;
use crate::problem::{MAX_STRING, Problem, Unfit};
use crate::root::{Root, names_within};
use crate::scoped::resolve;
use crate::sources::Context;
use crate::spec::Container;

/// A container's program, all of it but what only its start can tell.
pub(crate) struct Program {
    words: Vec<Hidden>,
    dir: String,
    env: Vec<Entry>,
    mounts: Mounts,
}

/// What to start, and the name of its program for messages.
pub(crate) struct Launch {
    pub(crate) start: Start,
    pub(crate) program: String,
}

/// Where, and how.
pub(crate) enum Start {
    Here(Command),
    Inside(Rc<Sandbox>, Order),
}

/// What the containers of a run have in common.
pub(crate) struct Surroundings<'a> {
    pub(crate) root: &'a str,
    /// The env vars that are passed on from the host.
    pub(crate) host_env: &'a [(OsString, OsString)],
    pub(crate) volumes: &'a VolumeDirs,
    pub(crate) sandbox: Option<&'a Rc<Sandbox>>,
}

/// Of the host's environment, what a container may see.
pub(crate) fn passed_on(host_env: Vec<(OsString, OsString)>) -> Vec<(OsString, OsString)> {
    host_env.into_iter().filter(|(name, _)| HOST_ENV.iter().any(|allowed| name == allowed)).collect()
}

impl Program {
    /// Checks a container with what is known before any starts.
    pub(crate) fn plan(
        container: &Container,
        mounts: Mounts,
        root: &str,
        host_env: &[(OsString, OsString)],
        context: &mut Context<'_>,
    ) -> Program {
        let env = context.env(container);
        let words: Vec<Hidden> =
            container.command.iter().chain(&container.args).map(|word| word.as_str().into()).collect();
        let program = Program { words, dir: container.working_dir.clone(), env, mounts };
        if program.mounts.are_led_to() {
            Self::note_what_stays(container, root, &mut context.notes);
        }
        program.check(container, root, host_env, context);
        program
    }

    fn note_what_stays(container: &Container, root: &str, notes: &mut Vec<Note>) {
        let texts = container.command.iter().chain(&container.args).enumerate();
        let words = texts.filter(|(_, word)| names_within(word, root)).map(|(index, _)| word_name(index));
        let vars = container.env.iter().filter(|var| names_within(&var.value, root));
        let vars = vars.map(|var| format!("env var `{}`", var.name));
        notes.extend(words.chain(vars).map(|what| Note::NotReplaced {
            container: container.name.clone(),
            what,
            root: root.into(),
        }));
    }

    fn check(&self, container: &Container, root: &str, host_env: &[(OsString, OsString)], context: &mut Context<'_>) {
        if self.words.first().is_none_or(|program| program.is_empty()) {
            context.problems.push(Problem::NoProgram { container: container.name.clone() });
            return;
        }
        if !self.dir.is_empty() && !self.mounts.may_hold(self.dir.as_bytes(), root) && !Path::new(&self.dir).is_dir() {
            let (container, dir) = (container.name.clone(), self.dir.clone());
            context.notes.push(Note::NoWorkingDir { container, dir });
        }
        let nowhere = Root { named: root, real: None };
        // No file can be read yet: what comes from one counts as not there.
        let Ok(env) = evaluate(&self.env, &nowhere, |_, _| Ok(None)) else { return };
        let nameless =
            self.env.iter().filter(|entry| unfit(&entry.name, b"").is_some()).map(|entry| (&*entry.name, Unfit::Name));
        let vars = env.iter().filter_map(|(name, value)| {
            Some((name, unfit(name, value.as_bytes()).filter(|unfit| *unfit != Unfit::Name)?))
        });
        for (name, unfit) in nameless.chain(vars) {
            context.unfit(container, format!("env var `{name}`"), unfit);
        }
        let words = self.expanded(&env, &nowhere);
        for (index, word) in words.iter().enumerate() {
            if let Some(unfit) = unfit_word(word) {
                context.unfit(container, word_name(index), unfit);
            }
        }
        let word = OsStr::from_bytes(&words[0]);
        let later = self.env.iter().any(|entry| matches!(entry.source, Source::File(_)) && entry.name == "PATH");
        let known = !self.mounts.may_hold(&words[0], root) && !words[0].windows(2).any(|pair| pair == b"$(") && !later;
        let path = env
            .get(b"PATH")
            .map(OsStr::from_bytes)
            .or_else(|| host_env.iter().find(|(name, _)| name == "PATH").map(|(_, value)| value.as_os_str()));
        if known && !is_here(word, path) {
            context.problems.push(Problem::ProgramNotFound { container: container.name.clone(), program: self.name() });
        }
    }

    /// The program as the pod writes it: what that expands to may be a secret.
    fn name(&self) -> String {
        self.words.first().map_or_else(String::new, |word| String::from_utf8_lossy(word).into_owned())
    }

    fn expanded(&self, env: &Env, root: &Root<'_>) -> Vec<Hidden> {
        self.words.iter().map(|word| root.relocate(expand(word, |name| env.get(name))).into()).collect()
    }

    /// The command to start, now that all before it has run. `own` is where the container's directory may be made.
    pub(crate) fn launch(&self, surroundings: &Surroundings<'_>, own: &Path) -> Result<Launch, StartError> {
        let Surroundings { root, host_env, volumes, sandbox } = surroundings;
        // In a sandbox the files are where the pod has them.
        let real = if sandbox.is_some() { None } else { self.mounts.make(volumes, own)? };
        let root = Root { named: root, real };
        let env = evaluate(&self.env, &root, |variable, file| read(variable, file, volumes))?;
        for (name, value) in env.iter() {
            if let Some(unfit) = unfit(name, value.as_bytes()) {
                return Err(StartError::Unfit { what: format!("env var `{name}`"), unfit });
            }
        }
        let words = self.expanded(&env, &root);
        if let Some((index, unfit)) = words.iter().enumerate().find_map(|(at, word)| Some((at, unfit_word(word)?))) {
            return Err(StartError::Unfit { what: word_name(index), unfit });
        }
        if let Some(sandbox) = sandbox {
            let env = env.iter().map(|(name, value)| (hidden(OsStr::new(name)), hidden(value)));
            // A later one of the same name wins.
            let host = host_env.iter().map(|(name, value)| (hidden(name), hidden(value)));
            let order = Order {
                words,
                env: host.chain(env).collect(),
                dir: self.dir.clone().into(),
                other_dir: std::env::current_dir().unwrap_or_else(|_| "/".into()),
                binds: self.mounts.binds(volumes, sandbox.path())?,
            };
            return Ok(Launch { start: Start::Inside(Rc::clone(sandbox), order), program: self.name() });
        }
        let words: Vec<&OsStr> = words.iter().map(|word| OsStr::from_bytes(word)).collect();
        let Some((program, args)) = words.split_first() else {
            return Err(StartError::Program { program: self.name(), source: io::ErrorKind::NotFound.into() });
        };
        let mut command = Command::new(program);
        command.args(args).env_clear().envs(host_env.iter().map(|(name, value)| (name, value))).envs(env.iter());
        command.stdin(Stdio::null());
        let dir = PathBuf::from(OsString::from_vec(root.relocate(self.dir.clone().into_bytes())));
        if dir.is_dir() {
            command.current_dir(dir);
        }
        Ok(Launch { start: Start::Here(command), program: self.name() })
    }
}

/// The value of a key of an env file in a volume, as the kubelet reads it.
fn read(variable: &str, file: &FileRef, volumes: &VolumeDirs) -> Result<Option<Hidden>, StartError> {
    let FileRef { volume, path, key, optional } = file;
    let at = || (variable.to_owned(), volume.clone(), path.clone());
    let bytes = bytes_of(volumes, volume, path).map_err(|source| {
        let (variable, volume, path) = at();
        StartError::EnvFile { variable, volume, path, source }
    })?;
    let value = envfile::parse(&bytes, key).map_err(|source| {
        let (variable, volume, path) = at();
        StartError::EnvFileFormat { variable, volume, path, source }
    })?;
    if value.is_none() && !optional {
        let (variable, volume, path) = at();
        return Err(StartError::NoEnvFileKey { variable, volume, path, key: key.clone() });
    }
    Ok(value.map(Hidden::from))
}

fn bytes_of(volumes: &VolumeDirs, volume: &str, path: &str) -> io::Result<Hidden> {
    let dir = volumes.get(volume).ok_or(io::ErrorKind::NotFound)?;
    let path = resolve(dir, Path::new(path))?;
    // A pipe in place of the file would be waited for.
    let nonblock = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or(0);
    let mut file = std::fs::OpenOptions::new().read(true).custom_flags(nonblock).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let mut bytes = Vec::new();
    io::Read::read_to_end(&mut file, &mut bytes)?;
    Ok(bytes.into())
}

fn word_name(index: usize) -> String {
    if index == 0 { "program".into() } else { format!("argument {index}") }
}

fn unfit_word(word: &[u8]) -> Option<Unfit> {
    if word.contains(&0) {
        Some(Unfit::Nul)
    } else if word.len() + 1 > MAX_STRING {
        Some(Unfit::TooLong { length: word.len() })
    } else {
        None
    }
}

fn hidden(text: &OsStr) -> Hidden {
    text.as_bytes().to_vec().into()
}

/// Whether a program can be found: by its path, or by its name in one of the directories of `PATH`.
fn is_here(program: &OsStr, path: Option<&OsStr>) -> bool {
    let runnable =
        |file: &Path| file.metadata().is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0);
    let bytes = program.as_bytes();
    if bytes.starts_with(b"/") {
        return Path::new(program).exists();
    }
    // A path from the working directory, which the start finds or not.
    if bytes.contains(&b'/') {
        return true;
    }
    // Without PATH the C library has a list of its own.
    path.is_none_or(|path| std::env::split_paths(path).any(|dir| runnable(&dir.join(program))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_of_the_host_is_passed_on() {
        let host = [("PATH", "/bin"), ("_FSEC_A_B", "x"), ("HOME", "/h"), ("PATHS", "y"), ("LD_PRELOAD", "z")];
        let host = host.iter().map(|(name, value)| (OsString::from(name), OsString::from(value))).collect();
        let names: Vec<OsString> = passed_on(host).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["PATH", "HOME"]);
    }

    #[test]
    fn finding_a_program() {
        let here = |program: &str, path: Option<&str>| is_here(OsStr::new(program), path.map(OsStr::new));
        assert!(
            here("/bin/sh", None) && here("sh", Some("/nowhere:/bin")) && here("sh", None) && here("./x", Some(""))
        );
        assert!(!here("/nowhere/sh", Some("/bin")) && !here("sh", Some("/nowhere")) && !here("bin", Some("/")));
    }

    #[test]
    fn words_that_no_process_can_be_given() {
        assert_eq!(unfit_word(&b"x".repeat(MAX_STRING - 1)), None);
        assert_eq!(unfit_word(&b"x".repeat(MAX_STRING)), Some(Unfit::TooLong { length: MAX_STRING }));
        assert_eq!(unfit_word(b"\0"), Some(Unfit::Nul));
    }
}
