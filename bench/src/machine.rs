//! Where it was measured, and what else ran there.

use anyhow::Context;
use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

/// Processor, cores and kernel.
pub(crate) fn describe() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let cpu = read("/proc/cpuinfo");
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("unknown processor", |(_, model)| model.trim());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let all = cpu.lines().filter(|line| line.starts_with("processor")).count().max(cores);
    format!("{model}, {all} cores, Linux {}", read("/proc/sys/kernel/osrelease").trim())
}

/// The commit that is built, as far as git knows it.
pub(crate) fn commit() -> String {
    let git = Command::new("git").args(["describe", "--always", "--dirty"]).output();
    let text = git.ok().filter(|output| output.status.success()).map(|output| output.stdout);
    text.and_then(|text| String::from_utf8(text).ok())
        .map_or_else(|| "unknown".to_owned(), |text| text.trim().to_owned())
}

/// How busy the whole machine is, from now on.
pub(crate) struct Busy {
    since: Instant,
    all: f64,
    own: Duration,
}

impl Busy {
    pub(crate) fn now() -> anyhow::Result<Self> {
        Ok(Self { since: Instant::now(), all: busy_share()?, own: own()? })
    }

    /// How much of the machine's time others had since then, besides this process and the `servers`.
    pub(crate) fn others_percent(&self, servers: Duration) -> anyhow::Result<f64> {
        let cores = fs::read_to_string("/proc/stat")?.lines().filter(|line| is_core(line)).count();
        let cores = f64::from(u32::try_from(cores)?);
        let busy = busy_share()? - self.all;
        let ours = (own()?.saturating_sub(self.own) + servers).as_secs_f64();
        let whole = self.since.elapsed().as_secs_f64() * cores;
        Ok(((busy - ours) / whole * 100.0).clamp(0.0, 100.0))
    }
}

fn is_core(line: &str) -> bool {
    line.strip_prefix("cpu").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// Seconds that all cores together were busy, since the machine was started.
fn busy_share() -> anyhow::Result<f64> {
    let text = fs::read_to_string("/proc/stat")?;
    let line = text.lines().next().context("/proc/stat is empty")?;
    let ticks: Vec<f64> = line.split_whitespace().skip(1).map(str::parse).collect::<Result<_, _>>()?;
    // user, nice, system, then idle and iowait, then irq, softirq and steal.
    let busy: f64 = ticks.iter().enumerate().filter(|(i, _)| matches!(i, 0..=2 | 5..=7)).map(|(_, ticks)| ticks).sum();
    // The kernel tells a hundred a second, on every machine.
    Ok(busy / 100.0)
}

/// The CPU time of this process.
fn own() -> anyhow::Result<Duration> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Ok(Duration::new(u64::try_from(time.tv_sec)?, u32::try_from(time.tv_nsec)?))
}
