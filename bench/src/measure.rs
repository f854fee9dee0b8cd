//! One run: every case, its programs turn about, so that what else the machine does hits all of them alike.

use crate::case::Case;
use crate::figures::{CaseFigures, Figures, Round, Row, Spread, StartFigures, rounded};
use crate::load::{Lane, Target, Way, busy, steady};
use crate::machine::{self, Busy};
use crate::server::{Cores, Ground, Program, Running};
use anyhow::{Context, bail, ensure};
use hyper::body::Bytes;
use serde_json::Value;
use std::time::{Duration, Instant};

/// How long a server may take to start before it counts as broken.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a server is under load before it is measured: caches, buffers, the allocator.
const WARM_UP: Duration = Duration::from_millis(300);

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Amount {
    /// Whether the figures are worth nothing.
    quick: bool,
    rounds: usize,
    /// Of one program in one round.
    time: Duration,
    starts: usize,
}

impl Amount {
    /// Enough for figures, or just enough to see that it works.
    pub(crate) fn new(quick: bool) -> Self {
        if quick {
            Self { quick, rounds: 1, time: Duration::from_millis(200), starts: 2 }
        } else {
            // What else the machine does comes and goes within seconds: many short rounds have it on both sides.
            Self { quick, rounds: 40, time: Duration::from_millis(125), starts: 20 }
        }
    }
}

/// Measures some cases, and how long starting takes.
pub(crate) async fn run(
    selected: &[&Case],
    programs: &[Program],
    amount: Amount,
    mut say: impl FnMut(&str),
) -> anyhow::Result<Figures> {
    let cores = Cores::take()?;
    let ground = Ground::new()?;
    let busy = Busy::now()?;
    let mut ours = Duration::ZERO;
    let mut cases = Vec::new();
    for case in selected {
        say(case.title);
        let (figures, used) = measure(case, programs, amount, &ground, &cores).await.context(case.title)?;
        ours += used;
        cases.push(figures);
    }
    say("start");
    let mut starts = Vec::new();
    for program in programs {
        let mut millis = Vec::new();
        for _ in 0..amount.starts {
            millis.push(start(program, &ground, &cores).await?.as_secs_f64() * 1e3);
        }
        starts.push(StartFigures { program: program.name().to_owned(), millis: Spread::of(millis) });
    }
    Ok(Figures {
        quick: amount.quick,
        commit: machine::commit(),
        machine: machine::describe(),
        cores: cores.are_two(),
        others_percent: rounded(busy.others_percent(ours)?),
        cases,
        starts,
    })
}

/// A program under load.
struct Runner {
    running: Running,
    lanes: Vec<Lane>,
    rounds: Vec<Round>,
    anonymous_kib: u64,
}

impl Runner {
    async fn start(
        program: &Program,
        case: &Case,
        ground: &Ground,
        cores: &Cores,
        size: usize,
    ) -> anyhow::Result<Self> {
        let mut running = ground.start(program, cores, size)?;
        let target = Target::new(running.webhook, &ground.ca, case.way)?;
        until_served(&mut running).await?;
        let lanes = target.lanes(case.lanes).await?;
        Ok(Self { running, lanes, rounds: Vec::new(), anonymous_kib: 0 })
    }

    async fn load(&mut self, case: &Case, review: &Bytes, time: Duration) -> anyhow::Result<Round> {
        let before = self.running.cpu()?;
        let seen = match case.rate {
            Some(rate) => steady(&mut self.lanes, review, time, rate).await?,
            None => busy(&mut self.lanes, review, time).await?,
        };
        let cpu = self.running.cpu()?.saturating_sub(before);
        self.anonymous_kib = self.anonymous_kib.max(self.running.anonymous()?);
        self.running.check()?;
        Ok(Round { seen, cpu })
    }
}

async fn measure(
    case: &Case,
    programs: &[Program],
    amount: Amount,
    ground: &Ground,
    cores: &Cores,
) -> anyhow::Result<(CaseFigures, Duration)> {
    let review = Bytes::from(case.pod.review());
    let answer_bytes = answer(case, programs, ground, cores, &review).await?;
    let mut runners = Vec::new();
    for program in programs {
        let mut runner = Runner::start(program, case, ground, cores, answer_bytes).await?;
        runner.load(case, &review, WARM_UP).await?;
        runners.push(runner);
    }
    for round in 0..amount.rounds {
        // Nobody is always the first after the pause.
        for turn in 0..runners.len() {
            let index = (round + turn) % runners.len();
            let runner = &mut runners[index];
            let done = runner.load(case, &review, amount.time).await?;
            ensure!(!done.seen.took.is_empty(), "{} answered nothing", runner.running.name());
            runner.rounds.push(done);
        }
    }
    let echo = runners.iter().position(|runner| runner.running.name() == "echo").context("there is no echo")?;
    let rows = runners
        .iter()
        .map(|runner| Row::of(runner.running.name(), &runner.rounds, &runners[echo].rounds, runner.anonymous_kib));
    let programs = rows.collect();
    let used = runners.iter().flat_map(|runner| &runner.rounds).map(|round| round.cpu).sum();
    let figures = CaseFigures {
        name: case.name.to_owned(),
        title: case.title.to_owned(),
        lanes: case.lanes,
        rate: case.rate,
        secrets: case.pod.secrets,
        review_bytes: review.len(),
        answer_bytes,
        programs,
    };
    Ok((figures, used))
}

/// Asks each program that decides once, and looks at the answer: a server that refuses would be a fast one. Says how long the answer of
/// the first is.
async fn answer(
    case: &Case,
    programs: &[Program],
    ground: &Ground,
    cores: &Cores,
    review: &Bytes,
) -> anyhow::Result<usize> {
    let mut size = None;
    for program in programs.iter().filter(|program| program.decides()) {
        let mut runner = Runner::start(program, &Case { lanes: 1, ..*case }, ground, cores, 0).await?;
        let Some(lane) = runner.lanes.first_mut() else { bail!("no connection") };
        let answer = lane.post(review).await?;
        let json: Value = serde_json::from_slice(&answer)?;
        let response = &json["response"];
        let patch = response["patch"].as_str().unwrap_or_default();
        let patch = data_encoding::BASE64.decode(patch.as_bytes())?;
        let patch = String::from_utf8(patch)?;
        let last = format!("group-{}", case.pod.secrets - 1);
        ensure!(
            response["allowed"] == true && patch.contains(&last),
            "{} did not give `{last}`: {response}",
            program.name()
        );
        size.get_or_insert(answer.len());
    }
    size.context("no program decides anything")
}

/// From its start to its first answer.
async fn start(program: &Program, ground: &Ground, cores: &Cores) -> anyhow::Result<Duration> {
    let review = Bytes::from(crate::pods::USUAL.review());
    let begun = Instant::now();
    let mut running = ground.start(program, cores, 1_000)?;
    let target = Target::new(running.webhook, &ground.ca, Way::NewConnections)?;
    until_served(&mut running).await?;
    for lane in &mut target.lanes(1).await? {
        lane.post(&review).await?;
    }
    Ok(begun.elapsed())
}

async fn until_served(running: &mut Running) -> anyhow::Result<()> {
    let begun = Instant::now();
    while tokio::net::TcpStream::connect(running.webhook).await.is_err() {
        running.check()?;
        ensure!(begun.elapsed() < PATIENCE, "{} does not listen", running.name());
        // This core is not the server's; a longer pause would be measured, too.
        std::thread::sleep(Duration::from_micros(200));
    }
    Ok(())
}
