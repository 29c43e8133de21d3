//! Real Redis and Valkey servers for the tests of this workspace, and a proxy that misbehaves on demand.
//!
//! # Servers
//!
//! [`Servers::start`] gives independent, empty servers and takes them away again when it is dropped:
//!
//! ```no_run
//! # async fn example() {
//! use integration_tests::{Kind, Servers};
//!
//! let servers = Servers::start(5).await;
//! let urls: Vec<String> = servers.urls();
//!
//! servers[0].pause().await; // hung: connects, never answers
//! servers[1].kill().await; // gone: connections are refused
//! servers[2].restart().await; // back on the same port, empty
//!
//! servers[3].exec(&["SET", "key", "value"]).await; // the back door, past every client library
//! assert_eq!(servers[3].get("key").await.as_deref(), Some("value"));
//!
//! let with_password = Servers::builder().kind(Kind::Valkey91).arg("--requirepass").arg("secret").start().await;
//! # }
//! ```
//!
//! [`shared`] is one server per kind for the whole test process, for tests that keep to their own keys; [`postgres`] is
//! one PostgreSQL server, for tests that make a database of their own.
//!
//! ## Where they run
//!
//! When a Docker engine answers, each server is a container started by testcontainers from a purely local image, which
//! `scripts/test-image` makes from the binaries on this machine; else it is a local process. The choice is written to
//! stderr once per process and kind. There is no skipping: a server that cannot be had is a panic that names the command
//! which gets it. So it is for PostgreSQL.
//!
//! | variable | meaning |
//! | --- | --- |
//! | `REDLOCK_TEST_PROVIDER` | `docker` or `local`; default: `docker` when it works, else `local` |
//! | `REDLOCK_TEST_IMAGE` | image for [`Kind::Redis70`]; default: made by `scripts/test-image redis` |
//! | `REDLOCK_TEST_IMAGE_VALKEY` | image for [`Kind::Valkey91`]; default: made by `scripts/test-image valkey` |
//! | `REDLOCK_TEST_IMAGE_REDIS62` | image for [`Kind::Redis62`]; default: made by `scripts/test-image redis62` |
//! | `REDLOCK_TEST_IMAGE_POSTGRES` | image for [`postgres`], which takes the name of its one user as its first word; default: made by `scripts/test-image postgres` |
//!
//! ## What is left behind
//!
//! Nothing. A dropped [`Servers`] removes its containers, processes and directories before `drop` returns. When the test
//! process dies in any way, `SIGKILL` included, a pipe to a small watchdog process closes, and that removes the rest.
//!
//! # Chaos
//!
//! [`ChaosProxy`] stands between a client and one server and can refuse, stall, lose or delay what passes; see
//! [`Mode`]. [`resp`] is the small protocol client all of this is made with.
//!
//! [`Builder::clock`] gives servers clocks that a test sets. The program `chaos` (`src/bin/chaos.rs`) puts all of this
//! together: worker processes contend for locks while servers, links, processes and clocks fail, and a checker goes
//! through the history. `tests/chaos.rs` runs it for a minute; a longer run is
//!
//! ```sh
//! cargo run --release -p integration-tests --bin chaos -- --minutes 10
//! ```
//!
//! # Time
//!
//! Servers are started and spoken to on a runtime of the harness's own, so a test with tokio's clock paused can use
//! them. The proxy lives on the runtime of the test that started it.

// A test harness fails by panicking, and reports on stderr.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod background;
pub mod clock;
mod memory;
pub mod nodes;
mod ports;
pub mod proxy;
pub mod resp;
pub mod servers;
pub mod store;
pub mod timeline;

pub use memory::resident;
pub use ports::take as free_port;
pub use proxy::{ChaosProxy, Mode};
pub use servers::{Builder, Kind, Postgres, Server, Servers, live_behind, postgres, shared};

/// The root's README, compiled and run: here, where nothing is packaged.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
