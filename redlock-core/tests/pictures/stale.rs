//! A holder that is frozen past its lease and writes when it goes on, in the simulator's world with its gate: what each had,
//! and what the resource made of the writes.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use fastrand::Rng;
use redlock_core::{LockOptions, Renewal};
use tokio::time::{sleep, sleep_until};

use crate::on_virtual_time;
use crate::simulation::client::Client;
use crate::simulation::profile::{Profile, Setup};
use crate::simulation::timeline::{Mark, What};
use crate::simulation::world::{World, ms};

/// When the first process stands still, and when it goes on.
pub(crate) const FROZEN: (u64, u64) = (250, 1_150);
/// When the second process comes.
pub(crate) const SECOND: u64 = 100;
/// Of the simulator's clocks, in microseconds: from a clock that begins at nothing come fences that are short.
const SINCE: i64 = 1_700_000_000_000_000;

/// Plays it.
pub(crate) fn play() -> Vec<Mark> {
    on_virtual_time(story())
}

/// Nothing fails but what the story says.
fn setup() -> Setup {
    let mut setup = Setup::draw(0);
    (setup.profile, setup.nodes, setup.processes, setup.keys) = (Profile::Calm, 3, 2, 1);
    (setup.ttl, setup.longest, setup.node_timeout) = (600, 1_200, 60);
    (setup.guard, setup.foreign, setup.fencing) = (false, false, true);
    (setup.lost, setup.broken, setup.slow, setup.reorder) = (0, 0, 0, false);
    (setup.delay, setup.retry) = ((5, 5), (20, 40));
    (setup.rates, setup.node_wall, setup.client_wall) = (vec![0; 3], vec![-SINCE; 3], 0);
    setup
}

async fn story() -> Vec<Mark> {
    let world = World::new(setup(), true);
    let client = |number: usize| {
        let rng = Rng::with_seed(number as u64);
        let [keeps, reading, permitting] = [(); 3].map(|()| rng.clone());
        let (world, process) = (Arc::clone(&world), world.start_process());
        process.wall_error.store(-SINCE, Ordering::Relaxed);
        Client { world, process, number, rng, keeps, reading, permitting }
    };
    let (first, second) = (client(0), client(1));
    let gates = [&first, &second].map(|client| Arc::clone(&client.process.gate));
    let frozen = Arc::clone(&gates[0]);
    let tasks = [
        gates[0].wrap(Box::pin(takes(first, 0, FROZEN.0 + 1))),
        gates[1].wrap(Box::pin(takes(second, SECOND, 1_300))),
    ];
    let tasks = tasks.map(tokio::spawn);
    sleep_until(world.start + ms(FROZEN.0)).await;
    let what = || "frozen".to_owned();
    let until = FROZEN.1 * 1_000;
    world.mark(world.at(), || What::Trouble { lane: 0, what: what(), until, whole: true });
    frozen.freeze(ms(FROZEN.1 - FROZEN.0));
    for task in tasks {
        task.await.unwrap();
    }
    world.processes.lock().unwrap().clear();
    let marks = world.trace.lock().unwrap().marks.take();
    marks.unwrap()
}

/// Takes the lock, writes at once, and once more when its work is done, without looking whether it still holds.
async fn takes(client: Client, comes: u64, done: u64) {
    let world = Arc::clone(&client.world);
    sleep_until(world.start + ms(comes)).await;
    let (redlock, called) = (client.process.redlock.clone(), world.step());
    let options = LockOptions::new().renewal(Renewal::Auto).wait_for(ms(2_000));
    let guard = redlock.lock_with("k0", &options).await.unwrap();
    let id = client.enter(&guard, 1, called);
    sleep(ms(30)).await;
    world.write(id);
    sleep_until(world.start + ms(done)).await;
    world.write(id);
    world.ended(id, "release");
    let _ = guard.release().await;
}
