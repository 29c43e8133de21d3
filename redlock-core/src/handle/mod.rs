//! What users hold: the handle, its options, guards, and the queues of those who wait.

pub(crate) mod builder;
pub(crate) mod election;
pub(crate) mod guard;
mod handover;
pub(crate) mod hold;
pub(crate) mod leader;
pub(crate) mod looks;
pub(crate) mod observer;
pub mod options;
pub(crate) mod queue;
pub(crate) mod read;
pub(crate) mod redlock;
pub(crate) mod renewal;
pub(crate) mod run;
pub(crate) mod semaphore;
pub(crate) mod shared;
pub(crate) mod waiting;
