//! Locks between the processes of one machine, without a server: a [Redlock](redlock_core) node over a directory of files.
//!
//! ```
//! use std::time::Duration;
//! use redlock_core::{LockErrorKind, Redlock};
//! use redlock_file::FileNode;
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = std::env::temp_dir().join(format!("redlock-file-doc-{}", std::process::id()));
//! let redlock = Redlock::builder()
//!     .node(FileNode::open(&dir)?) // or FileNode::open_default()?
//!     .ttl(Duration::from_secs(10))
//!     .build()?;
//!
//! let guard = redlock.try_lock("backup").await?;
//! let refused = redlock.try_lock("backup").await.unwrap_err(); // as from any other process of this user
//! assert_eq!(refused.kind(), LockErrorKind::Contended);
//! guard.release().await?;
//! # std::fs::remove_dir_all(dir)?;
//! # Ok(())
//! # }
//! # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(run())?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What `flock(1)` does not have comes with it: a lock ends by its time to live even while its holder hangs, several
//! resources are taken together, holders are numbered ([fencing](redlock_core::Fence)), and the same program runs over
//! servers when it outgrows the machine.
//!
//! # How it is kept
//!
//! Resources are spread over 256 files by a hash of their names; a record holds the name itself, the holder's token, when
//! the lock ends, and the fencing counter. Every verb locks the directory by the operating system, reads, writes the
//! new files beside the old ones, and renames them into their places. That takes microseconds, and the system frees
//! the directory when a process dies meanwhile. So at whatever instruction a process is killed:
//!
//! - no file is ever seen half written, and a holder's record stays until it ends;
//! - of a claim on several resources that was killed between two renames some may be held. They expire.
//!
//! Beside each file stands a spare that the next change is written to, with room for as much; on Linux both then exchange
//! their names. So a lock that was had is extended and released though the disk is full, or takes no more files, or the
//! process may open none; taking one is refused then (an error that says so). That holds where a file that is written over
//! keeps its place, as on ext4, XFS and tmpfs, and not on file systems that copy on write, such as btrfs and ZFS.
//!
//! A process that is *stopped* in those microseconds holds up the others until it goes on or is killed; they time out.
//!
//! # Time
//!
//! Locks end by the boot-time clock, which all processes of a machine share and which counts the time it was suspended;
//! nobody can set it. Each file names the start of the machine it is of: after another start nobody holds anything,
//! while fencing counters live on by the wall clock. Nothing is synced to disk: after a power failure a file may be lost
//! or cut short, and no holder is left whom that could harm; counters that are lost are overtaken by the wall clock.
//! Such a file is removed at the first use after the start. Any other file that does not add up is somebody's doing, and
//! its resources answer [`WrongType`](redlock_core::node::Fault::WrongType) until it is removed. A directory in which
//! something stands, and nothing of ours, is refused and left as it is.
//!
//! Where a system has no boot-time clock or no id of its starts (all but Linux and Android), the monotonic clock is used,
//! and another start shows in records of the future alone: a lock may then live longer than asked for, never shorter.
//!
//! # What it cannot do
//!
//! - **More than one machine.** Directories on network file systems are refused where that can be told (Linux). So is
//!   another time namespace, whose clock differs.
//! - **More than one user**, unless they share a group that is trusted with all of the locks
//!   ([`open_shared`](FileNode::open_shared)). Otherwise the files are their owner's alone, for they hold the tokens.
//! - **A directory that is emptied or removed** forgets its locks, like a server that restarts empty. It is noticed, and
//!   is a new run: [`restart_guard`](redlock_core::RedlockBuilder::restart_guard) waits until that cannot matter.
//!   Systems that remove old files from `/tmp` look for those that were not used for days.
//!
//! Unix only; elsewhere this crate is empty.
//!
//! # Features
//!
//! - `tracing`: spans and events of the locks. On by default.
//! - `metrics`: counters, gauges and histograms of the locks, for whatever recorder the application installs. Off by
//!   default.
#![cfg(unix)]

mod access;
mod bulletin;
mod clock;
mod directory;
mod error;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod filesystem;
mod names;
mod node;
mod page;
mod recognize;
mod record;
mod run;
mod shares;
mod slots;
mod store;

pub use error::FileNodeError;
pub use node::FileNode;

#[cfg(test)]
mod testing;
