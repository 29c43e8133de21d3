//! Times of things that are done in turns, so that whatever disturbs the machine disturbs all of them.

use std::time::{Duration, Instant};

pub(crate) struct Times {
    pub(crate) p50: u64,
    pub(crate) p99: u64,
}

/// What is done this many times in a row before the next one's turn.
pub(crate) const TURN: usize = 100;

/// Times one turn of `work`.
pub(crate) async fn turn<F: Future>(all: &mut Vec<Duration>, work: impl Fn() -> F) {
    for _ in 0..TURN {
        let start = Instant::now();
        work().await;
        all.push(start.elapsed());
    }
}

pub(crate) fn times(mut all: Vec<Duration>) -> Times {
    all.sort_unstable();
    let at = |percent: usize| all[(all.len() - 1) * percent / 100].as_micros() as u64;
    Times { p50: at(50), p99: at(99) }
}
