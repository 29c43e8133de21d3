//! First contacts: handles that come and go, of which some list a server twice, over nodes that hang at the first contact or
//! say late who they are, or never, and servers that restart.
//!
//! Who lists each server once makes up a majority of servers beside them, so that exclusion rests on no server's vote being
//! counted twice.

mod entry;

use std::sync::Arc;

use fastrand::Rng;
use redlock_core::faults::{Faulty, Lie, Misbehaviour, Verb};
use redlock_core::node::Identity;
use redlock_core::{LockNode, LockOptions};
use tokio::time::sleep;

use self::entry::{Book, Entry};
use super::client::Client;
use super::invariants::Event;
use super::profile::{Profile, Setup, Weights};
use super::runner::{self, Outcome};
use super::start::Process;
use super::weather;
use super::world::{World, ms};

/// The kind of trouble of a run, for the invariants: nodes restart, and the guard is on.
pub(crate) fn setup(seed: u64) -> (Setup, Rng) {
    let mut rng = Rng::with_seed(seed ^ 0xc0a7_0000_c0a7_0000);
    let mut setup = Setup::draw(seed);
    setup.profile = Profile::Crashes;
    (setup.guard, setup.foreign, setup.rest) = (true, false, false);
    (setup.read, setup.permit, setup.hand, setup.keep) = (0, 0, 0, 0);
    (setup.pause, setup.drop, setup.several, setup.keys) = (30, 60, 0, 1);
    (setup.nodes, setup.processes) = ([3, 3, 4, 5][rng.usize(..4)], rng.usize(3..=4));
    (setup.ttl, setup.rounds) = (rng.u64(200..=800), rng.u32(3..=5));
    (setup.longest, setup.node_timeout) = (setup.ttl * 2, (setup.ttl / rng.u64(5..=15)).max(20));
    setup.fencing = rng.bool();
    setup.rates = (0..setup.nodes).map(|_| rng.i64(-500..=500)).collect();
    let most = i64::try_from(setup.longest).unwrap() * 1_000 / 4;
    setup.node_wall = (0..setup.nodes).map(|_| rng.i64(-most..=most)).collect();
    (setup.think, setup.retry) = (rng.u64(1..=setup.ttl / 4), (1, rng.u64(5..=30)));
    (setup.delay, setup.reorder) = ((0, rng.u64(0..=3)), rng.bool());
    (setup.slow, setup.slowest) = (rng.u64(0..=100), setup.node_timeout * 2);
    (setup.lost, setup.broken) = (rng.u64(0..=50), rng.u64(0..=50));
    setup.weather = rng.u64(2..=12);
    setup.weights =
        Weights { hang: 2, partition: 2, amnesia: 2, restart: 4, freeze: 1, ..Weights::default() };
    (setup, rng)
}

/// Runs one seed.
pub(crate) fn run(seed: u64, verbose: bool) -> Outcome {
    let (setup, rng) = setup(seed);
    runner::play(story(setup, rng, verbose))
}

async fn story(setup: Setup, mut rng: Rng, verbose: bool) -> Outcome {
    let world = World::new(setup, verbose);
    sleep(ms(world.setup.warm_up() * 102 / 100)).await;
    let lanes: Vec<_> = (0..world.setup.processes)
        .map(|lane| tokio::spawn(visits(Arc::clone(&world), lane, rng.fork())))
        .collect();
    let outside = Arc::clone(&world);
    let weather = tokio::spawn(async move {
        // Somebody is there by then.
        sleep(ms(outside.setup.think + 1)).await;
        weather::run(outside).await;
    });
    for lane in lanes {
        lane.await.unwrap();
    }
    weather.abort();
    runner::settle(&world).await;
    runner::end(&world)
}

/// One handle after another. Every other lane lists a server twice, every other time.
async fn visits(world: Arc<World>, lane: usize, mut rng: Rng) {
    for _ in 0..world.setup.rounds {
        sleep(ms(rng.u64(0..=world.setup.think))).await;
        let mut listed: Vec<usize> = (0..world.setup.nodes).collect();
        let twice = lane.is_multiple_of(2) && rng.u8(..4) > 0;
        if twice {
            rng.shuffle(&mut listed);
            let pairs = rng.usize(1..=listed.len() / 2);
            (0..pairs).for_each(|pair| listed[2 * pair] = listed[2 * pair + 1]);
            rng.shuffle(&mut listed);
        }
        let (number, process) = start(&world, &listed, &mut rng);
        let own = rng.fork();
        let [keeps, reading, permitting] = [(); 3].map(|()| own.clone());
        let (world, gate) = (Arc::clone(&world), Arc::clone(&process.gate));
        let client = Client { world, process, number, rng: own, keeps, reading, permitting };
        gate.wrap(Box::pin(cycles(client, twice))).await;
    }
}

/// A handle over these servers, and its trouble with who they are.
fn start(world: &Arc<World>, listed: &[usize], rng: &mut Rng) -> (usize, Arc<Process>) {
    let mut start = world.begin_process();
    let book = Book::new(world, start.number, listed);
    let timeout = world.setup.node_timeout;
    let hidden = (rng.u8(..5) == 0).then(|| rng.usize(..world.setup.nodes));
    let hung = (rng.u8(..3) == 0).then(|| (rng.usize(..listed.len()), rng.u64(1..=timeout * 6)));
    let mut nodes: Vec<Arc<dyn LockNode>> = Vec::new();
    for (at, server) in listed.iter().copied().enumerate() {
        let link = Arc::new(Faulty::new(Arc::clone(&world.nodes[server])));
        link.reordering(world.setup.reorder);
        let cut_off = Arc::clone(&start.cut_off[at]);
        let mut fate = world.fate(start.number, at, cut_off, start.rng.fork());
        let (late, mut own) = ([0, 300, 900][rng.usize(..3)], rng.fork());
        link.decide(move |verb| {
            let mut fate = fate(verb);
            if verb == Verb::Identity && own.u64(..1_000) < late {
                fate.push(Misbehaviour::SlowReply(ms(own.u64(0..=timeout * 3 / 2))));
            }
            if verb == Verb::Identity && hidden == Some(server) {
                fate.push(Misbehaviour::Lying(Lie::Identity(Identity::unknown())));
            }
            fate
        });
        if let Some((node, lasts)) = hung
            && node == at
        {
            link.hang();
            let link = Arc::clone(&link);
            tokio::spawn(async move {
                sleep(ms(lasts)).await;
                link.resume();
            });
        }
        nodes.push(Arc::new(Entry::new(Arc::clone(&link), at, Arc::clone(&book))));
        start.links.push(link);
    }
    let what =
        format_args!("p{} begins over {listed:?}, {hidden:?} hidden, {hung:?} hung", start.number);
    let listed: Vec<u64> = listed.iter().map(|server| *server as u64).collect();
    world.note(&[[13].as_slice(), &listed].concat(), what);
    (start.number, world.enter_process(start, nodes))
}

async fn cycles(mut client: Client, twice: bool) {
    let (ttl, timeout) = (client.world.setup.ttl, client.world.setup.node_timeout);
    for _ in 0..client.rng.u32(1..=3) {
        let (names, keys) = client.keys();
        let (how, wait) = (client.behaviour(), timeout + client.rng.u64(0..=ttl));
        let called = client.world.step();
        let Some(guard) = client.lock(names, wait, LockOptions::new(), how).await else { continue };
        client.world.count(|counts| counts.twice += u64::from(twice));
        let id = client.enter(&guard, keys, called);
        client.world.write(id);
        sleep(ms(client.rng.u64(0..=ttl / 3))).await;
        client.world.tell(&Event::Looked(id));
        client.world.write(id);
        client.world.ended(id, "release");
        let how = client.behaviour();
        let _ = client.call("release", 2, 0, how, guard.release()).await;
    }
}
