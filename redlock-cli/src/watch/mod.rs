//! `redlock watch`.

mod change;

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use jiff::Zoned;
use tokio::time::{MissedTickBehavior, interval};

use crate::args::WatchArgs;
use crate::config::{Config, ConfigFault};
use crate::exit::{Ending, Failure};
use crate::interrupt::Interrupt;
use crate::view::View;
use crate::{inspect, output};

pub(crate) async fn run(args: &WatchArgs) -> Ending {
    if args.interval.is_zero() {
        return Err(ConfigFault::rule("--interval", "0s", "must be above zero").into());
    }
    let mut interrupt = Interrupt::listen()?;
    let redlock = inspect::looking(&Config::load(&args.nodes)?)?;
    let mut watch = Watch { json: args.json, live: Live::new(args.json), before: None };
    let mut ticks = interval(args.interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let look = async {
            ticks.tick().await;
            inspect::all(&redlock, std::slice::from_ref(&args.key)).await
        };
        let views = tokio::select! {
            () = interrupt.heard() => break,
            views = look => views?,
        };
        let Some(view) = views.into_iter().next() else { break };
        if !watch.saw(view)? {
            break;
        }
    }
    watch.live.clear()?;
    Ok(ExitCode::SUCCESS)
}

struct Watch {
    json: bool,
    live: Live,
    before: Option<View>,
}

impl Watch {
    /// Prints what changed. Whether anybody still reads.
    fn saw(&mut self, now: View) -> Result<bool, Failure> {
        let mut read = true;
        if let Some(event) = change::change(self.before.as_ref(), &now) {
            self.live.clear()?;
            let at = Zoned::now();
            read = output::try_line(if self.json {
                let at = at.strftime("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string();
                output::json(&change::json(at, event, &now))?
            } else {
                let at = at.strftime("%Y-%m-%d %H:%M:%S%.3f").to_string();
                change::text(&at, event, &now)
            })?;
        }
        self.live.show(&now)?;
        self.before = Some(now);
        Ok(read)
    }
}

/// The last line of a terminal, written anew at each look.
struct Live(bool);

impl Live {
    fn new(json: bool) -> Self {
        Self(!json && io::stdout().is_terminal())
    }

    fn show(&self, view: &View) -> io::Result<()> {
        self.write(format_args!("\r\x1b[2K{}", view.headline()))
    }

    fn clear(&self) -> io::Result<()> {
        self.write(format_args!("\r\x1b[2K"))
    }

    fn write(&self, text: std::fmt::Arguments<'_>) -> io::Result<()> {
        if !self.0 {
            return Ok(());
        }
        let mut out = io::stdout().lock();
        out.write_fmt(text)?;
        out.flush()
    }
}
