//! `redlock watch`.

mod change;
mod follow;
mod live;

use std::time::Duration;

pub(crate) use self::change::{Event, change};
pub(crate) use self::follow::{Follower, check, follow, now_as_text};
pub(crate) use self::live::Live;
use crate::config::{Config, Flags};
use crate::exit::{Ending, Failure};
use crate::look::{Looker, View};
use crate::output;

/// What `redlock watch` is to do.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) key: String,
    /// From look to look.
    pub(crate) interval: Duration,
    pub(crate) json: bool,
    pub(crate) flags: Flags,
}

pub(crate) async fn run(request: &Request) -> Ending {
    check(request.interval)?;
    let mut looker = Looker::new(&Config::load(&request.flags)?)?;
    let mut watch = Watch { json: request.json, live: Live::new(request.json), before: None };
    follow(request.interval, async || looker.one(&request.key).await, &mut watch).await
}

struct Watch {
    json: bool,
    live: Live,
    before: Option<View>,
}

impl Follower for Watch {
    type Seen = View;

    fn saw(&mut self, now: View) -> Result<bool, Failure> {
        let mut read = true;
        if let Some(event) = change(self.before.as_ref(), &now) {
            self.live.clear()?;
            let at = now_as_text(self.json);
            read = output::try_line(if self.json {
                output::json(&change::json(at, event, &now))?
            } else {
                change::text(&at, event, &now)
            })?;
        }
        self.live.show(&now.headline())?;
        self.before = Some(now);
        Ok(read)
    }

    fn again(&self) -> Result<(), Failure> {
        self.before.as_ref().map_or(Ok(()), |view| self.live.show(&view.headline()))
    }

    fn ends(&self) -> Result<(), Failure> {
        self.live.clear()
    }
}
