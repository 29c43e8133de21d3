//! Several clients in each process, whose commands of one moment travel to a node as one message: as adapters have it that
//! send acquires and releases together. Their times to live are too long to hide what is left behind.
//!
//! On a connection all stays in its order, but that what is sent together passes commands that touch none of its keys.
//! Refused together is refused before anything of it is done. Each that is still waited for is then sent again by itself: a
//! release may come late, and twice, and an acquire must not come behind whatever was sent on its key since.

pub(crate) mod link;
mod message;
mod verbs;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use fastrand::Rng;
use redlock_core::{LockNode, LockOptions};
use tokio::time::sleep;

use self::link::Link;
use super::client::Client;
use super::invariants::Event;
use super::profile::{Profile, Setup};
use super::runner::{self, Outcome};
use super::start::Process;
use super::world::{World, ms};

/// What is wrong with the connections, which are no part of the crate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// Nothing.
    Sound,
    /// A release passes an acquire of its own key.
    ReleasePassesItsAcquire,
    /// An acquire that was refused together is sent again though its caller left.
    AcquireAgainForNobody,
    /// It is sent again where its caller waits, though its release was sent meanwhile.
    AcquireAgainBehindItsRelease,
    /// Releases that were refused together are not sent again.
    ReleasesNotAgain,
    /// Of what was sent together each caller is given the answer of the one before.
    AnswersShifted,
}

/// Who is there; times in milliseconds.
#[derive(Debug, Clone, Copy)]
struct Cast {
    clients: usize,
    cycles: u32,
    holds: u64,
    /// Per thousand of what is sent together.
    refused: u64,
}

/// Where nothing is lost every other seed, and none of the answers is late.
pub(crate) fn setup(seed: u64) -> (Setup, Rng) {
    let mut rng = Rng::with_seed(seed ^ 0x709e_0000_709e_0000);
    let mut setup = Setup::draw(seed);
    let is_calm = seed.is_multiple_of(2);
    setup.profile = if is_calm { Profile::Calm } else { Profile::Lossy };
    (setup.guard, setup.foreign, setup.reorder, setup.rest) = (false, false, false, false);
    (setup.read, setup.permit, setup.hand, setup.keep) = (0, 0, 0, 0);
    (setup.pause, setup.drop, setup.several) = (if is_calm { 0 } else { 50 }, 200, 50);
    setup.fencing = rng.u8(..4) == 0;
    setup.rates.iter_mut().for_each(|rate| *rate = rng.i64(-5_000..=5_000));
    (setup.nodes, setup.processes) = ([1, 3, 3, 5][rng.usize(..4)], rng.usize(2..=3));
    setup.rates.resize(setup.nodes, 0);
    setup.node_wall.resize(setup.nodes, 0);
    setup.keys = rng.usize(2..=3);
    (setup.ttl, setup.longest) = (60_000, 120_000);
    setup.node_timeout = rng.u64(100..=200);
    setup.retry = (1, rng.u64(2..=20));
    (setup.think, setup.delay) = (rng.u64(0..=3), (0, rng.u64(0..=3)));
    (setup.slow, setup.lost, setup.broken, setup.slowest, setup.weather) = (0, 0, 0, 0, 0);
    if !is_calm {
        (setup.slow, setup.slowest) = (rng.u64(10..=100), setup.node_timeout * 3);
        (setup.lost, setup.broken) = (rng.u64(0..=60), rng.u64(0..=60));
        setup.weather = rng.u64(0..=8);
    }
    (setup, rng)
}

/// Runs one seed.
pub(crate) fn run(seed: u64, flaw: Flaw, verbose: bool) -> Outcome {
    let (setup, mut rng) = setup(seed);
    let cast = Cast {
        clients: rng.usize(3..=6),
        cycles: rng.u32(3..=6),
        holds: rng.u64(0..=6),
        refused: [0, 50, 200, 500][rng.usize(..4)],
    };
    runner::play(story(setup, cast, flaw, verbose))
}

async fn story(setup: Setup, cast: Cast, flaw: Flaw, verbose: bool) -> Outcome {
    let world = World::new(setup, verbose);
    let (mut processes, mut clients) = (Vec::new(), Vec::new());
    for _ in 0..world.setup.processes {
        let process = start(&world, cast.refused, flaw);
        begins(&world, &process).await;
        processes.push(process);
    }
    for (number, process) in processes.iter().enumerate() {
        for place in 0..cast.clients {
            let seed = world.setup.seed ^ ((number as u64 + 1) << 20) ^ ((place as u64 + 1) << 32);
            let rng = Rng::with_seed(seed);
            let [keeps, reading, permitting] = [(); 3].map(|()| rng.clone());
            let (world, own) = (Arc::clone(&world), Arc::clone(process));
            let client = Client { world, process: own, number, rng, keeps, reading, permitting };
            let life = process.gate.wrap(Box::pin(cycles(client, cast)));
            clients.push(tokio::spawn(life));
        }
    }
    let weather = tokio::spawn(weather(Arc::clone(&world)));
    for client in clients {
        client.await.unwrap();
    }
    weather.abort();
    quiet(&world).await;
    runner::settle(&world).await;
    runner::end(&world)
}

/// Before anybody has a lock the process meets the nodes and listens to them: those who wait for that together would be woken in an order that no
/// seed decides.
async fn begins(world: &World, process: &Process) {
    let timeout = ms(world.setup.node_timeout);
    world.nodes.iter().for_each(|node| node.put("k0", "not a lock", Some(ms(5))));
    let _ = process.redlock.lock_with("k0", &LockOptions::new().wait_for(timeout)).await;
}

/// Processes stand still or are cut off from a node, for less than any time to live.
async fn weather(world: Arc<World>) {
    let mut rng = Rng::with_seed(world.setup.seed ^ 0x3ea7_709e);
    let timeout = world.setup.node_timeout;
    let processes = world.processes.lock().unwrap().clone();
    for _ in 0..world.setup.weather {
        sleep(ms(rng.u64(0..=timeout / 2))).await;
        let (process, lasts) = (rng.usize(..processes.len()), ms(rng.u64(1..=timeout * 2)));
        let node = rng.usize(..world.setup.nodes);
        if rng.bool() {
            world.note(&[14, process as u64], format_args!("p{process} freezes for {lasts:?}"));
            processes[process].gate.freeze(lasts);
            continue;
        }
        world.note(
            &[15, process as u64, node as u64],
            format_args!("p{process} is cut off from n{node} for {lasts:?}"),
        );
        let cut_off = Arc::clone(&processes[process].cut_off[node]);
        cut_off.store(true, Ordering::Relaxed);
        tokio::spawn(async move {
            sleep(lasts).await;
            cut_off.store(false, Ordering::Relaxed);
        });
    }
}

fn start(world: &Arc<World>, refused: u64, flaw: Flaw) -> Arc<Process> {
    let mut start = world.begin_process();
    let mut nodes: Vec<Arc<dyn LockNode>> = Vec::new();
    for node in 0..world.setup.nodes {
        nodes.push(Link::new(world, &mut start, node, refused, flaw));
    }
    world.enter_process(start, nodes)
}

/// Everything heals, and whatever releases are tried again come through long before a lock would end by itself.
async fn quiet(world: &Arc<World>) {
    world.healed.store(true, Ordering::Relaxed);
    let processes = world.processes.lock().unwrap().clone();
    for process in &processes {
        process.cut_off.iter().for_each(|cut_off| cut_off.store(false, Ordering::Relaxed));
        sleep(
            process.gate.thaw().duration_since(world.start).saturating_sub(world.start.elapsed()),
        )
        .await;
    }
    sleep(ms(world.setup.slowest * 4 + 5_000)).await;
    world.tell(&Event::Quiet);
}

async fn cycles(mut client: Client, cast: Cast) {
    let (think, timeout) = (client.world.setup.think, client.world.setup.node_timeout);
    for _ in 0..cast.cycles {
        sleep(ms(client.rng.u64(0..=think))).await;
        let (names, keys) = client.keys();
        let (how, wait) = (client.behaviour(), timeout + client.rng.u64(0..=timeout * 4));
        let called = client.world.step();
        let Some(guard) = client.lock(names, wait, LockOptions::new(), how).await else { continue };
        let id = client.enter(&guard, keys, called);
        client.world.write(id);
        sleep(ms(client.rng.u64(0..=cast.holds))).await;
        client.world.tell(&Event::Looked(id));
        client.world.write(id);
        client.world.ended(id, "release");
        if client.rng.bool() {
            let how = client.behaviour();
            let _ = client.call("release", 2, 0, how, guard.release()).await;
        } else {
            drop(guard);
        }
    }
}
