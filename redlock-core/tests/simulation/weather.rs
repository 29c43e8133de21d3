//! What happens to nodes and processes while the clients are at work.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use fastrand::Rng;
use tokio::time::sleep;

use super::timeline::What;
use super::world::{World, ms};

pub(crate) async fn run(world: Arc<World>) {
    let setup = &world.setup;
    let mut rng = Rng::with_seed(setup.seed ^ 0x3ea7_4e40);
    for _ in 0..setup.weather {
        sleep(ms(rng.u64(0..=setup.ttl))).await;
        let lasts = ms(rng.u64(1..=setup.ttl * 2));
        let node = rng.usize(..setup.nodes);
        let processes = world.processes.lock().unwrap().clone();
        let number = rng.usize(..processes.len());
        let process = Arc::clone(&processes[number]);
        let w = &setup.weights;
        let weights = [
            ("hangs", w.hang),
            ("is cut off", w.partition),
            ("restarts empty", w.amnesia),
            ("restarts", w.restart),
            ("and a process freezes", w.freeze),
            ("and a client's clock is set", w.client_step),
            ("'s clock is set", w.node_step),
            ("loses keys", w.remove),
        ];
        let mut drawn = rng.u64(..weights.iter().map(|(_, weight)| weight).sum::<u64>().max(1));
        let index = weights.iter().position(|(_, weight)| {
            let hit = drawn < *weight;
            drawn = drawn.saturating_sub(*weight);
            hit
        });
        let Some(index) = index else { continue };
        world.note(&[6, node as u64, index as u64], format_args!("n{node} {}", weights[index].0));
        let (at, there) = (world.at(), world.lane_of(node));
        let until = at + lasts.as_micros() as u64;
        let lasting = |lane, what: &str, whole| {
            world.mark(at, || What::Trouble { lane, what: what.to_owned(), until, whole });
        };
        let at_once =
            |lane, what: String| world.mark(at, || What::Happened { lane, what: what.clone() });
        match index {
            0 => {
                lasting(there, "hung", true);
                processes.iter().for_each(|process| process.links[node].hang());
                tokio::spawn(async move {
                    sleep(lasts).await;
                    processes.iter().for_each(|process| process.links[node].resume());
                });
            }
            1 => {
                lasting(number, &format!("cut off from n{node}"), false);
                process.cut_off[node].store(true, Ordering::Relaxed);
                tokio::spawn(async move {
                    sleep(lasts).await;
                    process.cut_off[node].store(false, Ordering::Relaxed);
                });
            }
            2 => {
                at_once(there, "restarts empty".into());
                world.nodes[node].restart();
            }
            3 => {
                at_once(there, "restarts".into());
                world.nodes[node].restart_with_memory();
            }
            4 => {
                lasting(number, "frozen", true);
                process.gate.freeze(lasts);
            }
            5 => {
                let by = rng.i64(-2_000_000..=2_000_000);
                at_once(number, stepped(by));
                process.wall_error.fetch_add(by, Ordering::Relaxed);
            }
            6 => {
                let by = i64::try_from(setup.ttl).unwrap() * 1_000;
                let by = rng.i64(-by / 10..=by);
                at_once(there, stepped(by));
                world.nodes[node].step_clock(by);
            }
            _ => {
                let key = format!("k{}", rng.usize(..setup.keys));
                for (number, node) in world.nodes.iter().enumerate().take(setup.majority()) {
                    at_once(world.lane_of(number), format!("loses {key}"));
                    node.remove(&key);
                }
            }
        }
    }
}

fn stepped(micros: i64) -> String {
    format!("clock set by {:+} ms", micros / 1_000)
}
