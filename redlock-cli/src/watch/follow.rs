//! Looks again and again, until somebody interrupts it or nobody reads any more.

use std::process::ExitCode;
use std::time::Duration;

use jiff::Zoned;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{MissedTickBehavior, interval as ticks_of, sleep};

use crate::config::ConfigFault;
use crate::exit::{Ending, Failure};
use crate::output;
use crate::process::Interrupt;

/// How often it is asked whether anybody still reads.
const READ: Duration = Duration::from_millis(500);

/// What is made of the looks.
pub(crate) trait Follower {
    /// What one look shows.
    type Seen;

    /// Prints what changed. Whether anybody still reads.
    fn saw(&mut self, now: Self::Seen) -> Result<bool, Failure>;

    /// The terminal has another width.
    fn again(&self) -> Result<(), Failure>;

    /// There will be no further look.
    fn ends(&self) -> Result<(), Failure>;
}

/// Refuses to look without a pause.
pub(crate) fn check(interval: Duration) -> Result<(), ConfigFault> {
    if interval.is_zero() {
        return Err(ConfigFault::rule("--interval", "0s", "must be above zero"));
    }
    Ok(())
}

/// Looks every `interval`, or as often as that is possible.
pub(crate) async fn follow<F: Follower>(
    interval: Duration,
    mut look: impl AsyncFnMut() -> Result<F::Seen, Failure>,
    follower: &mut F,
) -> Ending {
    let mut interrupt = Interrupt::listen()?;
    let mut resized = signal(SignalKind::window_change())?;
    let mut ticks = ticks_of(interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let looking = async {
            ticks.tick().await;
            look().await
        };
        let mut looking = std::pin::pin!(looking);
        let seen = loop {
            tokio::select! {
                () = interrupt.heard() => break None,
                () = unread(interval.min(READ)) => break None,
                Some(()) = resized.recv() => follower.again()?,
                seen = &mut looking => break Some(seen?),
            }
        };
        let Some(seen) = seen else { break };
        if !follower.saw(seen)? || output::is_unread() {
            break;
        }
    }
    follower.ends()?;
    Ok(ExitCode::SUCCESS)
}

/// When something was seen, as people or programs read it.
pub(crate) fn now_as_text(json: bool) -> String {
    let form = if json { "%Y-%m-%dT%H:%M:%S%.3f%:z" } else { "%Y-%m-%d %H:%M:%S%.3f" };
    Zoned::now().strftime(form).to_string()
}

/// Waits until nobody reads standard output any more.
async fn unread(pause: Duration) {
    while !output::is_unread() {
        sleep(pause).await;
    }
}
