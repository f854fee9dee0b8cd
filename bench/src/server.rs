//! The programs that are measured: started on a core of their own, and asked the kernel about.

use crate::pods::USUAL;
use anyhow::{Context, anyhow, bail};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};
use tempfile::TempDir;
use webhook::certificates::{CA_LIFE, LEAF_LIFE, Spec, make_authority, make_leaf};

/// The name that the serving certificate is for.
pub(crate) const HOST: &str = "keybearer.bench.svc";

/// A program that is measured.
#[derive(Clone, Debug)]
pub(crate) enum Program {
    /// Keybearer's server, under a name.
    Keybearer(&'static str, PathBuf),
    /// This program as the echo of what was sent.
    Echo,
    /// This program as an echo that always answers with as many bytes as Keybearer does.
    Fixed,
}

impl Program {
    /// What it is called in the figures.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Keybearer(name, _) => name,
            Self::Echo => "echo",
            Self::Fixed => "fixed",
        }
    }

    /// Whether it decides anything.
    pub(crate) fn decides(&self) -> bool {
        matches!(self, Self::Keybearer(..))
    }
}

/// Certificates, a configuration, a review: what the programs are started with.
pub(crate) struct Ground {
    folder: TempDir,
    /// The CA, as PEM.
    pub(crate) ca: String,
}

impl Ground {
    /// Makes them.
    pub(crate) fn new() -> anyhow::Result<Self> {
        let folder = TempDir::new()?;
        let spec = Spec {
            secret: "s".to_owned(),
            namespace: "bench".to_owned(),
            service: "keybearer".to_owned(),
            ca_life: CA_LIFE,
            leaf_life: LEAF_LIFE,
        };
        let now = SystemTime::now();
        let authority = make_authority(&spec, now)?;
        let pair = make_leaf(&spec, &authority, now + CA_LIFE, now)?;
        let path = |name: &str| folder.path().join(name);
        fs::write(path("tls.crt"), &pair.certificate)?;
        fs::write(path("tls.key"), pair.key.as_bytes())?;
        let certificates = serde_json::to_string(folder.path())?;
        fs::write(
            path("webhook.yaml"),
            format!("compat: keybearer\nwebhook: {{secretManagerType: K8s, certDir: {certificates}}}\n"),
        )?;
        fs::write(path("review.json"), USUAL.review())?;
        Ok(Self { folder, ca: pair.ca })
    }

    /// Starts a program; its log goes nowhere, as both programs write the same. `answer`: how many bytes are answered.
    pub(crate) fn start(&self, program: &Program, cores: &Cores, answer: usize) -> anyhow::Result<Running> {
        let webhook = free_address()?;
        let path = |name: &str| self.folder.path().join(name);
        let mut command = match program {
            Program::Keybearer(_, program) => {
                let mut command = Command::new(program);
                command.args(["webhook", "--no-cluster", "--config"]).arg(path("webhook.yaml"));
                command
            }
            Program::Echo | Program::Fixed => {
                let mut command = Command::new(std::env::current_exe()?);
                command.arg("echo").arg("--cert-dir").arg(self.folder.path()).arg("--review").arg(path("review.json"));
                if let Program::Fixed = program {
                    command.arg("--fixed").arg(answer.to_string());
                }
                command
            }
        };
        command
            .args(["--listen-address", &webhook.to_string(), "--admin-address", "127.0.0.1:0"])
            .env_clear()
            .stdin(Stdio::null())
            .stderr(Stdio::null());
        let child = cores.spawn_server(&mut command).with_context(|| format!("{program:?} can't be started"))?;
        Ok(Running { name: program.name(), child, webhook })
    }
}

/// A program under way, ended when it is dropped.
pub(crate) struct Running {
    name: &'static str,
    child: Child,
    /// Where it takes reviews.
    pub(crate) webhook: SocketAddr,
}

impl Running {
    /// What it is called in the figures.
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// Fails if it has ended.
    pub(crate) fn check(&mut self) -> anyhow::Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("{} has ended ({status})", self.name),
        }
    }

    /// The CPU time that all its threads have had.
    pub(crate) fn cpu(&self) -> anyhow::Result<Duration> {
        let tasks = self.proc("task");
        let mut nanos = 0;
        for task in fs::read_dir(&tasks).with_context(|| tasks.display().to_string())? {
            // A thread that ended in between had nothing to do.
            let Ok(text) = fs::read_to_string(task?.path().join("schedstat")) else { continue };
            nanos += first_number(&text)?;
        }
        Ok(Duration::from_nanos(nanos))
    }

    /// Its own memory, not that of files: KiB.
    pub(crate) fn anonymous(&self) -> anyhow::Result<u64> {
        let text = fs::read_to_string(self.proc("smaps_rollup"))?;
        let line = text.lines().find_map(|line| line.strip_prefix("Anonymous:"));
        first_number(line.ok_or_else(|| anyhow!("smaps_rollup has no line `Anonymous`"))?)
    }

    fn proc(&self, name: &str) -> PathBuf {
        Path::new("/proc").join(self.child.id().to_string()).join(name)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn first_number(text: &str) -> anyhow::Result<u64> {
    let word = text.split_whitespace().next().unwrap_or_default();
    word.parse().with_context(|| format!("`{word}` is no number"))
}

/// An address that was free a moment ago.
fn free_address() -> std::io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

/// One core for the server, another for the load, where there are two.
pub(crate) struct Cores {
    two: Option<(CpuSet, CpuSet)>,
}

impl Cores {
    /// Takes the first two that this process may use, and moves the calling thread to the second.
    pub(crate) fn take() -> anyhow::Result<Self> {
        let all = sched_getaffinity(None)?;
        let mut cores = (0..CpuSet::MAX_CPU).filter(|core| all.is_set(*core)).map(|core| {
            let mut set = CpuSet::new();
            set.set(core);
            set
        });
        let two = cores.next().zip(cores.next());
        if let Some((_, load)) = &two {
            sched_setaffinity(None, load)?;
        }
        Ok(Self { two })
    }

    /// Whether server and load have a core each.
    pub(crate) fn are_two(&self) -> bool {
        self.two.is_some()
    }

    /// Starts a program on the server's core: it has the affinity of the thread that starts it.
    fn spawn_server(&self, command: &mut Command) -> anyhow::Result<Child> {
        let Some((server, load)) = &self.two else { return Ok(command.spawn()?) };
        sched_setaffinity(None, server)?;
        let child = command.spawn();
        sched_setaffinity(None, load)?;
        Ok(child?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_is_asked_about_a_process_that_runs() {
        let child = Command::new("sleep").arg("60").spawn().expect("sleep");
        let mut running = Running { name: "sleep", child, webhook: free_address().expect("a port") };
        running.check().expect("it runs");
        assert!(running.cpu().expect("its CPU time") < Duration::from_secs(5));
        assert!((4..100_000).contains(&running.anonymous().expect("its memory")));
        running.child.kill().expect("it can be ended");
        running.child.wait().expect("it was ours");
        assert!(running.check().expect_err("it has ended").to_string().contains("sleep has ended"));
    }
}
