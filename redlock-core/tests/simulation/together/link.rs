//! A connection over which what is sent at one moment travels as one message.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;
use redlock_core::node::{Claim, Fault, NodeError};
use redlock_core::{LockKey, LockNode};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::time::{Instant, sleep_until};

use super::super::invariants::Event;
use super::super::process::Gate;
use super::super::start::Start;
use super::super::world::{World, ms};
use super::Flaw;
use super::message::{self, Answer, Command, Part, Tell, What, tell};

/// For how long each is sent by itself where they were refused together, if at all.
const APART: Duration = Duration::from_millis(20);

pub(crate) struct Link {
    pub(super) world: Arc<World>,
    pub(super) process: usize,
    pub(super) node: usize,
    flaw: Flaw,
    /// Per thousand of what is sent together.
    refused: u64,
    gate: Arc<Gate>,
    cut_off: Arc<AtomicBool>,
    line: UnboundedSender<Message>,
    state: Mutex<State>,
}

struct State {
    rng: Rng,
    queue: Vec<Command>,
    /// What was refused together, which goes before all else.
    again: Vec<Command>,
    apart_until: Instant,
    /// Somebody is about to hand over what waits.
    writing: bool,
    /// So many commands were handed over.
    sent: u64,
    /// The place of the last of them on each resource.
    last: HashMap<Vec<u8>, u64>,
    /// The values of which the node did a release.
    released: HashSet<Vec<u8>>,
}

struct Message {
    arrival: Instant,
    parts: Vec<Part>,
    /// Which of the parts are refused, if they are together.
    refused: Vec<bool>,
    back: Duration,
    fate: Fate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Fine,
    LostRequest,
    LostReply,
    CutBefore,
    CutAfter,
}

struct Reply {
    arrival: Instant,
    lost: Option<Fault>,
    tells: Vec<Tell>,
    refused: Vec<Command>,
}

impl Link {
    pub(crate) fn new(
        world: &Arc<World>,
        start: &mut Start,
        node: usize,
        refused: u64,
        flaw: Flaw,
    ) -> Arc<Self> {
        let (line, sent) = mpsc::unbounded_channel();
        let state = State {
            rng: start.rng.fork(),
            queue: Vec::new(),
            again: Vec::new(),
            apart_until: world.start,
            writing: false,
            sent: 0,
            last: HashMap::new(),
            released: HashSet::new(),
        };
        let link = Arc::new(Self {
            world: Arc::clone(world),
            process: start.number,
            node,
            flaw,
            refused,
            gate: Arc::clone(&start.gate),
            cut_off: Arc::clone(&start.cut_off[node]),
            line,
            state: Mutex::new(state),
        });
        let (back, answered) = mpsc::unbounded_channel();
        tokio::spawn(Arc::clone(&link).carry(sent, back));
        tokio::spawn(link.gate.wrap(Box::pin(Arc::clone(&link).hear(answered))));
        link
    }

    pub(super) fn send(self: &Arc<Self>, what: What, key: Option<LockKey>) {
        self.state.lock().unwrap().queue.push(Command { what, key, again: false, place: 0 });
        self.write_soon();
    }

    /// Behind whatever is ready to run at this moment.
    fn write_soon(self: &Arc<Self>) {
        if mem::replace(&mut self.state.lock().unwrap().writing, true) {
            return;
        }
        let link = Arc::clone(self);
        tokio::spawn(self.gate.wrap(Box::pin(async move {
            tokio::task::yield_now().await;
            link.hand_over();
        })));
    }

    fn hand_over(&self) {
        let mut state = self.state.lock().unwrap();
        let state = &mut *state;
        state.writing = false;
        let mut queue = mem::take(&mut state.again);
        queue.append(&mut state.queue);
        queue.retain(|command| command.again || command.is_awaited());
        if queue.is_empty() {
            return;
        }
        let now = Instant::now();
        let mut parts = message::part(queue, now < state.apart_until, self.flaw);
        for command in parts.iter_mut().flat_map(Part::commands) {
            state.sent += 1;
            command.place = state.sent;
            for resource in command.key.iter().flat_map(|key| key.resources()) {
                state.last.insert(resource.to_vec(), state.sent);
            }
        }
        let refused = |part: &Part| match part {
            Part::Together(_) => state.rng.u64(..1_000) < self.refused,
            Part::Single(_) => false,
        };
        let refused: Vec<bool> = parts.iter().map(refused).collect();
        if refused.contains(&true) && state.rng.bool() {
            state.apart_until = now + APART;
        }
        self.count(&mut parts, &refused);
        let (there, back, fate) = self.fate(&mut state.rng);
        self.note(&mut parts, &refused, fate);
        // The other end lives as long as the runtime.
        let _ = self.line.send(Message { arrival: now + there, parts, refused, back, fate });
    }

    /// How long a message and its answer take, and whether they arrive.
    fn fate(&self, rng: &mut Rng) -> (Duration, Duration, Fate) {
        let (setup, healed) = (&self.world.setup, self.world.healed.load(Ordering::Relaxed));
        let (least, most) = if healed { (0, 1) } else { setup.delay };
        let [mut there, mut back] = [(); 2].map(|()| ms(rng.u64(least..=most)));
        if healed {
            return (there, back, Fate::Fine);
        }
        if rng.u64(..1_000) < setup.slow {
            let slow = if rng.bool() { &mut there } else { &mut back };
            *slow = ms(rng.u64(0..=setup.slowest));
        }
        let fate = if self.cut_off.load(Ordering::Relaxed) {
            Fate::LostRequest
        } else if rng.u64(..1_000) < setup.lost {
            if rng.bool() { Fate::LostRequest } else { Fate::LostReply }
        } else if rng.u64(..1_000) < setup.broken {
            if rng.bool() { Fate::CutBefore } else { Fate::CutAfter }
        } else {
            Fate::Fine
        };
        (there, back, fate)
    }

    fn count(&self, parts: &mut [Part], refused: &[bool]) {
        for (part, refused) in parts.iter_mut().zip(refused) {
            if let Part::Together(commands) = part {
                let of = commands.len() as u64;
                self.world.count(|counts| {
                    counts.together += of;
                    counts.refused_together += if *refused { of } else { 0 };
                });
            }
        }
    }

    fn note(&self, parts: &mut [Part], refused: &[bool], fate: Fate) {
        let kind = |part: &mut Part| {
            let commands = part.commands();
            let what = match commands.first().map(|first| &first.what) {
                Some(What::Acquire(..)) => "acquires",
                Some(What::Release(..)) => "releases",
                _ => "other",
            };
            format!("{} {what}", commands.len())
        };
        let parts: Vec<_> = parts.iter_mut().map(kind).collect();
        let (process, node) = (self.process, self.node);
        self.world.note(
            &[12, process as u64, node as u64, parts.len() as u64, fate as u64],
            format_args!("p{process} sends {parts:?} to n{node}, refused {refused:?}: {fate:?}"),
        );
    }

    /// The way to the node, which does one message after another.
    async fn carry(
        self: Arc<Self>,
        mut sent: UnboundedReceiver<Message>,
        back: UnboundedSender<Reply>,
    ) {
        while let Some(message) = sent.recv().await {
            let Message { arrival, parts, refused, back: delay, fate } = message;
            if arrival > Instant::now() {
                sleep_until(arrival).await;
            }
            let cut = matches!(fate, Fate::CutBefore | Fate::CutAfter);
            let (arrival, lost) = (Instant::now() + delay, cut.then_some(Fault::ConnectionLost));
            let mut reply = Reply { arrival, lost, tells: Vec::new(), refused: Vec::new() };
            for (part, is_refused) in parts.into_iter().zip(refused) {
                let commands = part.into_commands();
                match fate {
                    Fate::LostRequest => {}
                    Fate::CutBefore => {
                        for command in commands {
                            reply.tells.push(command.undone().await);
                        }
                    }
                    _ if is_refused => reply.refused.extend(commands),
                    _ => reply.tells.extend(self.do_all(commands).await),
                }
            }
            if fate != Fate::LostReply {
                // As above.
                let _ = back.send(reply);
            }
        }
    }

    /// A node in memory answers at once, so nothing comes in between.
    async fn do_all(&self, commands: Vec<Command>) -> Vec<Tell> {
        let limit = Duration::ZERO;
        let (mut votes, mut removals, mut tells) = (Vec::new(), Vec::new(), Vec::new());
        for command in commands {
            let node = Arc::clone(&self.world.nodes[self.node]);
            match command.what {
                What::Acquire(claim, terms, answer) => {
                    self.look(&claim, !answer.is_closed());
                    votes.push((answer, node.acquire(claim, terms, limit).await));
                }
                What::Release(claim, told, answer) => {
                    self.state.lock().unwrap().released.insert(claim.value().to_vec());
                    let removal = if told {
                        node.release_and_tell(claim, limit).await
                    } else {
                        node.release(claim, limit).await
                    };
                    removals.push((answer, removal));
                }
                What::Alone(ask) => tells.push(ask(Some(node)).await),
            }
        }
        tells.extend(self.answers(votes));
        tells.extend(self.answers(removals));
        tells
    }

    fn answers<T: Send + 'static>(&self, all: Vec<(Answer<T>, Result<T, NodeError>)>) -> Vec<Tell> {
        let (callers, mut answers): (Vec<_>, Vec<_>) = all.into_iter().unzip();
        if self.flaw == Flaw::AnswersShifted && answers.len() > 1 {
            answers.rotate_right(1);
        }
        callers.into_iter().zip(answers).map(|(caller, answer)| tell(caller, answer)).collect()
    }

    /// Whether an acquire comes behind the release of what it takes.
    fn look(&self, claim: &Claim, awaited: bool) {
        if self.state.lock().unwrap().released.contains(claim.value()) {
            let (process, node) = (self.process, self.node);
            self.world.tell(&Event::Behind { process, node, awaited });
        }
    }

    /// The way back to the process, which is told of one message after another.
    async fn hear(self: Arc<Self>, mut answered: UnboundedReceiver<Reply>) {
        while let Some(reply) = answered.recv().await {
            if reply.arrival > Instant::now() {
                sleep_until(reply.arrival).await;
            }
            reply.tells.into_iter().for_each(|tell| tell(reply.lost));
            if !reply.refused.is_empty() {
                self.refused(reply.refused, reply.lost).await;
            }
        }
    }

    /// Each finds out for itself, unless that would come too late.
    async fn refused(self: &Arc<Self>, commands: Vec<Command>, lost: Option<Fault>) {
        for command in commands {
            let is_last = {
                let state = self.state.lock().unwrap();
                let mut resources = command.key.iter().flat_map(|key| key.resources());
                resources.all(|resource| state.last.get(resource) == Some(&command.place))
            };
            let again = match (&command.what, self.flaw) {
                (What::Release(..), Flaw::ReleasesNotAgain) => continue,
                (What::Acquire(..), Flaw::AcquireAgainForNobody) => {
                    is_last || !command.is_awaited()
                }
                (What::Acquire(..), Flaw::AcquireAgainBehindItsRelease) => command.is_awaited(),
                (What::Acquire(..), _) => command.is_awaited() && is_last,
                _ => command.is_awaited(),
            };
            match lost {
                None if again => {
                    self.state.lock().unwrap().again.push(Command { again: true, ..command });
                }
                // Nothing was done.
                lost => command.undone().await(lost),
            }
        }
        self.write_soon();
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").finish_non_exhaustive()
    }
}
