//! The parts that decide and neither await nor read a clock.

#![allow(clippy::unwrap_used, missing_docs)]

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use redlock_core::decisions::fence::{self, FenceRound};
use redlock_core::decisions::quorum::{Ballot, Round};
use redlock_core::{LockKey, RetryPolicy};

fn quorum(c: &mut Criterion) {
    let rounds = [
        ("won", [Ballot::Granted; 5]),
        ("contended", [Ballot::Refused; 5]),
        (
            "split",
            [Ballot::Granted, Ballot::Refused, Ballot::Granted, Ballot::Refused, Ballot::Failed],
        ),
    ];
    for (name, ballots) in rounds {
        c.bench_function(&format!("quorum round of five, {name}"), |b| {
            b.iter(|| {
                let mut round = Round::new(ballots.len());
                for ballot in black_box(&ballots) {
                    round.record(*ballot);
                    if let Some(verdict) = round.verdict() {
                        return Some(verdict);
                    }
                }
                None
            });
        });
    }
}

fn retry(c: &mut Criterion) {
    let ms = Duration::from_millis;
    let policies = [
        ("uniform", RetryPolicy::default()),
        ("exponential", RetryPolicy::exponential(ms(10), ms(1_000)).unwrap()),
    ];
    for (name, policy) in policies {
        c.bench_function(&format!("retry delay, {name}"), |b| {
            b.iter(|| black_box(policy).delay(black_box(3), black_box(7_919), Some(ms(50))));
        });
    }
}

fn key(c: &mut Criterion) {
    c.bench_function("key of one resource", |b| {
        b.iter(|| LockKey::new(black_box("orders:42")).unwrap());
    });
    let names: Vec<String> = (0..8).map(|i| format!("orders:{i}")).collect();
    c.bench_function("key of eight resources", |b| {
        b.iter(|| LockKey::all(black_box(&names)).unwrap());
    });
    #[cfg(feature = "route")]
    c.bench_function("key template, read", |b| {
        use redlock_core::route::KeyTemplate;
        b.iter(|| KeyTemplate::parse(black_box("order:{int:id}:{method}")).unwrap());
    });
}

fn fencing(c: &mut Criterion) {
    c.bench_function("fence, a node's number", |b| {
        b.iter(|| fence::next(black_box(Some(41)), black_box(1_000), 1_001, 10));
    });
    let grants = [("level", [42; 3]), ("uneven", [42, 41, 40])];
    for (name, grants) in grants {
        c.bench_function(&format!("fence of three grants, {name}"), |b| {
            b.iter(|| {
                let mut round = FenceRound::new(5, black_box(&grants), 0).unwrap();
                for granted in grants {
                    if round.must_raise(granted) {
                        round.raised(true);
                    }
                }
                round.verdict().map(|_| round.fence())
            });
        });
    }
}

criterion_group!(pure, quorum, retry, key, fencing);
criterion_main!(pure);
