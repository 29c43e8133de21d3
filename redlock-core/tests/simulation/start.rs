//! How a process comes to be, and what becomes of what it sends.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use fastrand::Rng;
use redlock_core::faults::{Faulty, Misbehaviour, Verb};
use redlock_core::{InMemoryNode, LockNode, Redlock, RetryPolicy};

use super::marks;
use super::process::Gate;
use super::world::{World, ms, shifted};

pub(crate) struct Process {
    pub(crate) gate: Arc<Gate>,
    pub(crate) links: Vec<Arc<Faulty<InMemoryNode>>>,
    pub(crate) cut_off: Vec<Arc<AtomicBool>>,
    pub(crate) redlock: Redlock,
    pub(crate) wall_error: Arc<AtomicI64>,
}

/// A process that begins.
pub(crate) struct Start {
    pub(crate) number: usize,
    pub(crate) rng: Rng,
    pub(crate) gate: Arc<Gate>,
    pub(crate) links: Vec<Arc<Faulty<InMemoryNode>>>,
    pub(crate) cut_off: Vec<Arc<AtomicBool>>,
}

impl World {
    /// Starts a process with connections of its own.
    pub(crate) fn start_process(&self) -> Arc<Process> {
        let mut start = self.begin_process();
        for node in 0..self.setup.nodes {
            let link = Arc::new(Faulty::new(Arc::clone(&self.nodes[node])));
            let cut_off = Arc::clone(&start.cut_off[node]);
            link.reordering(self.setup.reorder);
            link.decide(self.fate(start.number, node, cut_off, start.rng.fork()));
            start.links.push(link);
        }
        let nodes = start.links.iter().map(|link| Arc::clone(link) as Arc<dyn LockNode>).collect();
        self.enter_process(start, nodes)
    }

    /// The next process, which has no connections yet.
    pub(crate) fn begin_process(&self) -> Start {
        let number = self.processes.lock().unwrap().len();
        let rng = Rng::with_seed(self.setup.seed ^ ((number as u64 + 1) << 40));
        let cut_off = self.nodes.iter().map(|_| Arc::default()).collect();
        Start { number, rng, gate: Gate::new(), links: Vec::new(), cut_off }
    }

    /// The process has a handle from now on, over these nodes.
    pub(crate) fn enter_process(
        &self,
        start: Start,
        nodes: Vec<Arc<dyn LockNode>>,
    ) -> Arc<Process> {
        let Start { mut rng, gate, links, cut_off, .. } = start;
        let setup = &self.setup;
        let error = setup.client_wall;
        let wall_error = Arc::new(AtomicI64::new(rng.i64(-error..=error)));
        let (stopped, wrong, start) = (Arc::clone(&gate), Arc::clone(&wall_error), self.start);
        let mut builder = Redlock::builder()
            .nodes(nodes)
            .ttl(ms(setup.ttl))
            .node_timeout(ms(setup.node_timeout))
            .retry(RetryPolicy::uniform(ms(setup.retry.0), ms(setup.retry.1)).unwrap())
            .fencing(setup.fencing)
            .retry_seed(rng.u64(..))
            .suspended(|| Duration::ZERO)
            .wall_clock(move || shifted(wrong.load(Ordering::Relaxed)) + start.elapsed())
            .wrap_tasks(move |task| Box::pin(stopped.wrap(task)));
        if setup.guard {
            builder = builder.restart_guard(ms(setup.longest));
        }
        let redlock = builder.build().unwrap();
        let process = Arc::new(Process { gate, links, cut_off, redlock, wall_error });
        self.processes.lock().unwrap().push(Arc::clone(&process));
        process
    }

    /// What becomes of each request from a process to a node.
    pub(crate) fn fate(
        &self,
        process: usize,
        node: usize,
        cut_off: Arc<AtomicBool>,
        mut rng: Rng,
    ) -> impl FnMut(Verb) -> Vec<Misbehaviour> + Send + 'static {
        let (setup, healed) = (self.setup.clone(), Arc::clone(&self.healed));
        let (trace, start, lane) = (Arc::clone(&self.trace), self.start, self.lane_of(node));
        move |verb| {
            let healed = healed.load(Ordering::Relaxed);
            let (least, most) = if healed { (0, 1) } else { setup.delay };
            let mut fate = vec![
                Misbehaviour::SlowRequest(ms(rng.u64(least..=most))),
                Misbehaviour::SlowReply(ms(rng.u64(least..=most))),
            ];
            let at = start.elapsed().as_micros() as u64;
            if !healed {
                if rng.u64(..1_000) < setup.slow {
                    let delay = ms(rng.u64(0..=setup.slowest));
                    let slow = [Misbehaviour::SlowRequest(delay), Misbehaviour::SlowReply(delay)];
                    fate.push(rng.choice(slow).unwrap());
                }
                if cut_off.load(Ordering::Relaxed) {
                    fate.push(Misbehaviour::LostRequest);
                } else if rng.u64(..1_000) < setup.lost {
                    let lost = [Misbehaviour::LostRequest, Misbehaviour::LostReply];
                    fate.push(rng.choice(lost).unwrap());
                } else if rng.u64(..1_000) < setup.broken {
                    let broken =
                        [Misbehaviour::Refused, Misbehaviour::CutBefore, Misbehaviour::CutAfter];
                    fate.push(rng.choice(broken).unwrap());
                }
            }
            let mut trace = trace.lock().unwrap();
            trace.note(
                at,
                &[process as u64, node as u64, verb as u64],
                format_args!("p{process} sends {verb:?} to n{node}: {fate:?}"),
            );
            let timeout = ms(setup.node_timeout);
            if let Some(what) = marks::message((process, node, lane), verb, &fate, timeout) {
                trace.mark(at, || what);
            }
            fate
        }
    }
}
