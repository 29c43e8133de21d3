//! Redlock lock nodes over [`fred`], the client of Redis and Valkey.
//!
//! One [`FredNode`] is one independent master. This crate carries commands and answers; what is sent
//! and what an answer means is decided in [`redlock_protocol`], the same for every adapter.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use redlock_fred::FredNode;
//! use redlock_fred::redlock_core::Redlock;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let redlock = Redlock::builder()
//!     .nodes(FredNode::connect_all(["redis://10.0.0.1", "redis://locks:secret@10.0.0.2:6380"])?)
//!     .node(FredNode::connect("redis://10.0.0.3/2")?.with_name("third")?)
//!     .ttl(Duration::from_secs(30))
//!     .build()?;
//! let guard = redlock.lock("invoices").await?;
//! // ... the work ...
//! guard.release().await?;
//! # Ok(())
//! # }
//! ```
//!
//! How to run the servers: [operations](https://docs.rs/redlock-core/latest/redlock_core/guide/operations/). Recipes: [cookbook](https://docs.rs/redlock-core/latest/redlock_core/guide/cookbook/). What is promised:
//! [safety](https://docs.rs/redlock-core/latest/redlock_core/guide/safety/).
//!
//! # Cargo features
//!
//! | feature | default | adds |
//! |---|---|---|
//! | `tracing` | yes | spans and events of the locks |
//! | `metrics` | no | counters, gauges and histograms of the locks, for whatever recorder the application installs |
//! | `serde` | no | a fence as its number, a lock that is handed over as its text |
//! | `tls-rustls` | no | `rediss://` URLs: rustls with ring and the system's trusted certificates |
//!
//! Features add and never change what is there. For a private authority or a client certificate, build the
//! client yourself and hand it to [`FredNode::from_client`].
//!
//! # Settings
//!
//! What every command is sent with, whoever made the client:
//!
//! | setting | value | why |
//! |---|---|---|
//! | attempts | 1 | fred's default of 3 re-sends a command whose reply was lost, and a `SET … NX` that was applied then answers "held": by us |
//! | `fail_fast` | on | without a connection a command is refused at once, instead of waiting for one and being applied late |
//! | timeout | the verb's own limit | only fred's own timeout takes a waiting command out of its queue |
//! | unanswered commands whose time is over | 4,096 for each connection; beyond, commands are refused and not sent | fred keeps each until its answer comes |
//!
//! What [`FredNode::connect`] adds:
//!
//! | setting | value | why |
//! |---|---|---|
//! | connections | one | what is sent first is applied first, so a release cannot overtake the acquire it makes up for |
//! | reconnecting | unlimited, after at most 5 ms doubling to 2 s, of which half is random, each time with a new client and without a policy of fred's; short again after a connection that lasted 2 s | under a policy fred keeps the commands that come before its first attempt until some attempt succeeds; the first wait is short because commands wait with it; a server that takes connections and ends them is not hammered |
//! | connecting, handshake | 2 s each | fred's 10 s would keep a node out for long after a black hole |
//! | `TCP_NODELAY` | on | commands are small and each waits for its answer |
//! | `TCP_USER_TIMEOUT` (Linux) | 2 s | a black hole is noticed even under a steady stream of commands |
//! | keep-alive | after 10 s | an idle connection that a middlebox forgot is replaced before the next lock needs it |
//! | unanswered commands | when one's time is over a `PING` follows it; a connection on which that has no answer for 5 s is given up and made anew | a peer that reads and does not answer; what was sent on it counts as unknown, and may be applied later |
//! | a server that says it is a replica, by `READONLY` or in `INFO` | the connection and that for wake-ups are given up and made anew, and the name looked up again | the server was demoted, and the name may lead to the new master |
//! | unresponsive connections | replaced 10 s after the last write, checked every 2 s | where there is no `TCP_USER_TIMEOUT` |
//! | protocol | RESP2 | for RESP3 fred writes the password unquoted into a `HELLO` line, where a space breaks it and a line break begins a command |
//!
//! A node's wake-ups ([`LockNode::listen`](redlock_core::node::LockNode::listen)) have a connection of their own, made
//! by a new client with the settings of the node's, whoever made that:
//!
//! | setting | value | why |
//! |---|---|---|
//! | connecting, with handshake, `SUBSCRIBE redlock:released` and `PING` | the caller's limit | the caller tries again; fred does not tell what became of a `SUBSCRIBE`, so the `PING` finds out |
//! | reconnecting | none | the caller listens again |
//! | messages kept for a busy listener | 1,024 | fred's 32 are fewer than the resources of a key |
//!
//! The handshake is `AUTH` with the credentials, or else `PING`; `SELECT` if the URL names a database; `CLIENT ID` and
//! `INFO server`. The last two may be denied to the user. For wake-ups the right to `PUBLISH` and `SUBSCRIBE` on the
//! channel comes on top, `+publish +subscribe &redlock:released`; without it locks work as well, and waiters find out
//! by asking again.
//!
//! A command that comes in the first milliseconds after a connection was lost, before the next attempt to connect
//! begins, waits for the end of that attempt within its time limit, and is refused if it fails. All later ones are
//! refused at once, as not sent. Over a client of yours those first commands wait for a connection, however many attempts
//! that takes, or until their time limits pass.
//!
//! # In a crowd
//!
//! fred writes each script to the socket by itself. Where four or more other commands are under way on a connection, releases
//! of single resources that come at one moment are therefore sent as one script, which answers for each. A command on the key
//! of one of them, or on several, comes behind it; acquires of other keys may pass it. A user who may not touch one of the keys
//! has each sent by itself.
//!
//! # Cancel safety
//!
//! The verbs' futures should be driven to completion, as `redlock-core` does. A future that was never polled has
//! sent nothing. When a polled one is dropped, fred does not take its command back: it is still sent if it
//! was waiting to be, and its answer is thrown away. Give a shorter time limit instead of wrapping a verb in a
//! timeout of your own. A command whose own time limit passes is not sent any more, unless it was already
//! written to the connection.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod backoff;
mod command;
mod connection;
mod debts;
mod errors;
mod gathering;
mod keeper;
mod link;
mod listening;
mod node;
mod readable;
mod settings;
mod silence;
#[cfg(feature = "tls-rustls")]
mod tls;
mod together;
mod troubles;
mod url;
mod wire;

pub use fred;
pub use redlock_core;

pub use node::FredNode;

/// The README's example, compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
