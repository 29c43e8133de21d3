//! The recipes of `docs/COOKBOOK.md`, each in a file of its own and run over real servers; and that the document shows what
//! is run here.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
// The recipes are written as in a crate of somebody's own.
#![allow(unreachable_pub)]

mod fenced;
mod hand_over;
mod idempotency;
mod leader;
mod once;
mod permits;
mod pool;
mod readers;
mod service_tests;
mod threads;
mod webhook;

use std::collections::BTreeSet;
use std::time::Duration;

use integration_tests::Servers;
use redlock_core::{Redlock, Renewal};
use redlock_redis::RedisNode;

const DOCUMENT: &str = include_str!("../../../docs/COOKBOOK.md");

const RECIPES: [&str; 11] = [
    include_str!("fenced.rs"),
    include_str!("hand_over.rs"),
    include_str!("idempotency.rs"),
    include_str!("leader.rs"),
    include_str!("once.rs"),
    include_str!("permits.rs"),
    include_str!("pool.rs"),
    include_str!("readers.rs"),
    include_str!("service_tests.rs"),
    include_str!("threads.rs"),
    include_str!("webhook.rs"),
];

/// The handle that the document begins with, for a machine that is busy with other tests.
fn handle(servers: &Servers) -> Redlock {
    Redlock::builder()
        .nodes(RedisNode::connect_all(servers.urls()).unwrap())
        .ttl(Duration::from_secs(10))
        .renewal(Renewal::Auto)
        .node_timeout(Duration::from_secs(2))
        .build()
        .unwrap()
}

/// What stands between a file's first line and its tests.
fn recipe(file: &'static str) -> &'static str {
    let (_, rest) = file.split_once("\n\n").unwrap();
    rest.split_once("\n#[cfg(test)]\nmod runs {").map_or(rest, |(recipe, _)| recipe)
}

/// The blocks of Rust of a document, without their fences.
fn blocks(document: &'static str) -> impl Iterator<Item = &'static str> {
    let after = document.split("\n```rust").skip(1).map(|rest| rest.split_once('\n').unwrap().1);
    after.map(|rest| &rest[..=rest.find("\n```").unwrap()])
}

#[test]
fn the_document_shows_each_recipe_as_it_is_run_here() {
    let shown: BTreeSet<&str> = blocks(DOCUMENT).collect();
    let run: BTreeSet<&str> = RECIPES.into_iter().map(recipe).collect();
    assert_eq!(run.len(), RECIPES.len());
    let not_run: Vec<_> = shown.difference(&run).collect();
    let not_shown: Vec<_> = run.difference(&shown).collect();
    assert!(not_run.is_empty() && not_shown.is_empty(), "{not_run:#?}\n{not_shown:#?}");
}

#[test]
fn a_block_is_told_from_its_surroundings() {
    let found: Vec<_> =
        blocks("a\n```rust\nb\n\nc\n```\n```sh\nd\n```\n```rust,no_run\ne\n```").collect();
    assert_eq!(found, ["b\n\nc\n", "e\n"]);
    assert_eq!(recipe("//! a\n\nb\n\n#[cfg(test)]\nmod runs {\n}\n"), "b\n");
}
