//! The server in a process of its own, so that its memory can be told from the test's.

use crate::harness::{At, PATIENCE, review, settings, write};
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::ops::Deref;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;
use tempfile::TempDir;
use webhook::Server;

/// Has the configuration of the server that a process is to be.
const SERVE: &str = "KEYBEARER_TEST_SERVE";

/// A server alone in its process.
pub(crate) struct Alone {
    at: At,
    child: Child,
}

impl Deref for Alone {
    type Target = At;
    fn deref(&self) -> &At {
        &self.at
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Alone {
    /// Starts one: this very program, told to run one test, which is the server then.
    pub(crate) fn start(config: &str) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "process::a_server_serves_in_a_process_of_its_own", "--nocapture", "--test-threads=1"])
            .env(SERVE, config)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let addresses: Vec<SocketAddr> = lines
            .map_while(Result::ok)
            .find_map(|line| Some(line.split_once("listening on ")?.1.to_owned()))
            .expect("the server says where it listens")
            .split(' ')
            .map(|address| address.parse().unwrap())
            .collect();
        Self { at: At { webhook: addresses[0], admin: addresses[1] }, child }
    }

    /// Bytes of memory of the server's own: what no file backs.
    pub(crate) fn memory(&self) -> u64 {
        anonymous(self.child.id())
    }

    /// Watches the memory until it is asked for the most that there was.
    pub(crate) fn watch(&self) -> Watch {
        let (id, peak, ended) = (self.child.id(), Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let (seen, end) = (Arc::clone(&peak), Arc::clone(&ended));
        let thread = std::thread::spawn(move || {
            while !end.load(Ordering::Acquire) {
                seen.fetch_max(anonymous(id), Ordering::AcqRel);
                std::thread::sleep(Duration::from_millis(2));
            }
        });
        Watch { peak, ended, thread }
    }

    /// A caller that has nothing to do with the others gets its answer.
    pub(crate) async fn serves(&self) {
        let answer = tokio::time::timeout(PATIENCE, async { self.connect().await.post(&review()).await });
        assert_eq!(answer.await.expect("an answer for another caller").code, 200);
    }

    /// Waits until a metric has a value.
    pub(crate) async fn until(&self, metric: &str, is_so: impl Fn(f64) -> bool) {
        let wait = async {
            while !self.metric(metric).await.is_some_and(&is_so) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        assert!(tokio::time::timeout(PATIENCE, wait).await.is_ok(), "{metric} is {:?}", self.metric(metric).await);
    }
}

/// The most memory that a server has had for a while.
pub(crate) struct Watch {
    peak: Arc<AtomicU64>,
    ended: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Watch {
    pub(crate) fn most(self) -> u64 {
        self.ended.store(true, Ordering::Release);
        self.thread.join().unwrap();
        self.peak.load(Ordering::Acquire)
    }
}

fn anonymous(id: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_serves_in_a_process_of_its_own() {
    let Ok(config) = std::env::var(SERVE) else {
        let server = Alone::start("");
        server.serves().await;
        assert!(server.memory() > 0);
        return;
    };
    let folder = TempDir::new().unwrap();
    write(&folder, &crate::harness::pair());
    let server = Server::bind(settings(&folder, &config)).await.unwrap();
    #[expect(clippy::print_stdout, reason = "whoever started it reads that")]
    {
        println!("listening on {} {}", server.webhook_address().unwrap(), server.admin_address().unwrap());
    }
    let until_left = async {
        // Whoever started it is gone then.
        let _ = tokio::task::spawn_blocking(|| std::io::stdin().read(&mut [0])).await;
    };
    server.serve(until_left).await.unwrap();
}
