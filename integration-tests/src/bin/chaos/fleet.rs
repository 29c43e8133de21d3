//! The worker processes, and a proxy between each of them and each server.

use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::sync::Arc;
use std::time::Duration;

use integration_tests::nodes::Client;
use integration_tests::{ChaosProxy, Server};
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::timeout;

use crate::failure::Failure;
use crate::history::{Event, Recorder, now};
use crate::profile::{Profile, WORKERS};
use crate::worker::Orders;

pub(crate) struct Fleet {
    workers: Vec<Mutex<Worker>>,
    /// By worker, then by server. Whoever changes a mode keeps it locked until all is well again.
    links: Vec<Vec<Mutex<ChaosProxy>>>,
}

/// A place for a worker, and the process that has it.
pub(crate) struct Worker {
    orders: Orders,
    nodes: String,
    process: Child,
    recorder: Arc<Recorder>,
}

impl Fleet {
    pub(crate) async fn start(
        servers: &[Server],
        store: SocketAddr,
        seed: u64,
        profile: Profile,
        recorder: &Arc<Recorder>,
    ) -> Result<Self, Failure> {
        let mut fleet = Self { workers: Vec::new(), links: Vec::new() };
        for worker in 0..WORKERS {
            let mut links = Vec::new();
            for server in servers {
                links.push(ChaosProxy::start_forgetful(server.addr()).await);
            }
            let nodes = links.iter().map(ChaosProxy::url).collect::<Vec<_>>().join(",");
            let orders = Orders { worker, life: 0, seed, profile, store };
            let process = spawn(&orders, &nodes)?;
            let recorder = Arc::clone(recorder);
            fleet.workers.push(Mutex::new(Worker { orders, nodes, process, recorder }));
            fleet.links.push(links.into_iter().map(Mutex::new).collect());
        }
        Ok(fleet)
    }

    /// A worker that nobody else disturbs meanwhile.
    pub(crate) async fn worker(&self, worker: usize) -> MutexGuard<'_, Worker> {
        self.workers[worker].lock().await
    }

    /// The link, unless somebody disturbs it already.
    pub(crate) fn link(&self, worker: usize, server: usize) -> Option<MutexGuard<'_, ChaosProxy>> {
        self.links[worker][server].try_lock().ok()
    }

    /// Tells all workers to end, and waits for them.
    pub(crate) async fn finish(&self) -> Result<(), Failure> {
        for worker in &self.workers {
            worker.lock().await.signal(Signal::TERM)?;
        }
        for worker in &self.workers {
            let mut worker = worker.lock().await;
            let status = timeout(Duration::from_secs(30), worker.process.wait()).await??;
            // One that was started a moment ago may not listen yet, and just ends.
            if !status.success() && status.signal() != Some(Signal::TERM.as_raw()) {
                return Err(format!("worker {} failed: {status}", worker.orders.worker).into());
            }
        }
        Ok(())
    }
}

impl Worker {
    pub(crate) fn signal(&self, signal: Signal) -> Result<(), Failure> {
        let pid = self.process.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        let pid = pid.ok_or_else(|| format!("worker {} ended by itself", self.orders.worker))?;
        Ok(kill_process(pid, signal)?)
    }

    /// SIGKILL, and another process in its place.
    pub(crate) async fn replace(&mut self) -> Result<(), Failure> {
        if let Some(status) = self.process.try_wait()? {
            return Err(format!("worker {} ended by itself: {status}", self.orders.worker).into());
        }
        let Orders { worker, life, .. } = self.orders;
        self.recorder.record(Event::Killed { worker, life, at: now() });
        self.process.kill().await?;
        self.orders.life += 1;
        self.orders.seed = self.orders.seed.wrapping_add(1);
        self.process = spawn(&self.orders, &self.nodes)?;
        Ok(())
    }
}

fn spawn(orders: &Orders, nodes: &str) -> std::io::Result<Child> {
    let client = Client::ALL[orders.worker % Client::ALL.len()];
    Command::new(std::env::current_exe()?)
        .arg("worker")
        .args(orders.args())
        .env("REDLOCK_NODES", nodes)
        .env("REDLOCK_CLIENT", client.name())
        .process_group(0) // a Ctrl-C is for the parent, which ends them
        .kill_on_drop(true)
        .spawn()
}
