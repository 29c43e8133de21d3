//! The documents of the repository, as they are at this version: what is promised, recipes, running the nodes. In the
//! documentation alone; a compiled crate has no such module.
//!
//! | | |
//! |---|---|
//! | [`safety`] | what a lock promises, under which assumptions, why it holds and how it is tested |
//! | [`cookbook`] | once per period, one leader, webhooks, idempotency keys, pools, hand-over, threads, tests of one's own service |
//! | [`choosing_a_policy`] | a lock on a route: slow handlers, clients that leave, outages, readers, limits |
//! | [`scheduled_jobs`] | jobs that several machines start and one is to run |
//! | [`configuration`] | every variable, field and default |
//! | [`operations`] | how to run the nodes, rights, TLS, what each error means and what to do |
//! | [`managed_servers`] | servers that others run |
//! | [`telemetry`] | metrics, spans, a dashboard, alerts |
//! | [`performance`] | what a lock costs |
//! | [`performance_history`] | what was tried to make it cost less |
//! | [`migrating`] | from rslock, redlock, redsync, node-redlock, ShedLock |
//! | [`stability`] | what a version number promises |

#[doc = include_str!("CHOOSING_A_POLICY.md")]
pub mod choosing_a_policy {}
#[doc = include_str!("CONFIGURATION.md")]
pub mod configuration {}
#[doc = include_str!("COOKBOOK.md")]
pub mod cookbook {}
#[doc = include_str!("MANAGED_SERVERS.md")]
pub mod managed_servers {}
#[doc = include_str!("MIGRATING.md")]
pub mod migrating {}
#[doc = include_str!("OPERATIONS.md")]
pub mod operations {}
#[doc = include_str!("PERFORMANCE.md")]
pub mod performance {}
#[doc = include_str!("PERFORMANCE_HISTORY.md")]
pub mod performance_history {}
#[doc = include_str!("SAFETY.md")]
pub mod safety {}
#[doc = include_str!("SCHEDULED_JOBS.md")]
pub mod scheduled_jobs {}
#[doc = include_str!("STABILITY.md")]
pub mod stability {}
#[doc = include_str!("TELEMETRY.md")]
pub mod telemetry {}
