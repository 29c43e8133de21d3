//! The only part that awaits nodes: fan-out, early verdict, and the clean-up of what nobody waits for.
//!
//! Whatever is sent is driven to completion, and whatever may have been taken and is not held is released:
//!
//! - an [`Attempt`] whose nodes gave different fencing numbers raises them before it counts as won;
//! - an [`Attempt`] that fails, or is dropped at any await, becomes a [`Sweep`];
//! - requests that are still out when an attempt is won go with the lock's release, or are looked after by the
//!   [stragglers'](stragglers) task;
//! - a sweep releases on all nodes at once, and again where its release was overtaken by an acquire.

mod acquires;
mod attempt;
mod background;
mod claimed;
pub(crate) mod clock;
mod ending;
mod extension;
mod fan_out;
mod hints;
mod inspection;
mod members;
#[cfg(feature = "testing")]
pub(crate) mod overrides;
mod probe;
mod release;
mod request;
mod scan;
mod stragglers;
mod subscription;
mod succession;
mod sweep;
mod trace;
mod wake;
mod wakes;
mod yard;

pub(crate) use acquires::{adopt, give_up, look_after};
pub(crate) use attempt::{Asking, Attempt, Barred, Failure, Granted};
pub(crate) use background::Background;
#[cfg(feature = "testing")]
pub(crate) use background::Wrapper;
pub(crate) use claimed::Claimed;
pub(crate) use extension::extend;
pub(crate) use fan_out::FanOut;
pub(crate) use inspection::inspect;
pub(crate) use members::NodeSet;
pub(crate) use probe::probe;
pub(crate) use release::release;
pub(crate) use scan::{Question, held};
pub(crate) use stragglers::{look_on, park_acquires};
pub(crate) use sweep::{Sweep, WhenSent};
pub(crate) use trace::{Answer, Trace, Traced, tells_nothing};
pub(crate) use wake::{Heard, Waiter};
pub(crate) use yard::Keeps;
