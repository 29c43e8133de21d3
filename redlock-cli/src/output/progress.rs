//! What is shown on standard error, and only if that is a terminal, while something takes long.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Whatever is over sooner needs none.
const SOON: Duration = Duration::from_secs(1);

/// How often it moves.
const TICK: Duration = Duration::from_millis(100);

/// For work of unknown length. Shown after a second.
pub(crate) fn spinner(message: &'static str) -> ProgressBar {
    let bar =
        ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden()).with_message(message);
    show_later(&bar);
    bar
}

/// For work that takes so many steps. Shown after a second.
pub(crate) fn bar(steps: u64, message: &'static str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(steps), ProgressDrawTarget::hidden());
    let style = ProgressStyle::with_template("{msg} {wide_bar} {percent:>3} %");
    let bar = bar
        .with_message(message)
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    show_later(&bar);
    bar
}

fn show_later(bar: &ProgressBar) {
    let bar = bar.downgrade();
    tokio::spawn(async move {
        tokio::time::sleep(SOON).await;
        let going = || bar.upgrade().filter(|bar| !bar.is_finished());
        if let Some(bar) = going() {
            bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        // No thread, which a process at its limits cannot have: that would be a panic.
        while let Some(bar) = going() {
            bar.tick();
            drop(bar);
            tokio::time::sleep(TICK).await;
        }
    });
}
