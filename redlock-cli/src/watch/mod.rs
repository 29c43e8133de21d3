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
use crate::look::{Looker, View, slots};
use crate::output::{self, plain};

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
    let mut is_first = true;
    let look = async || {
        let view = looker.one(&request.key).await?;
        if std::mem::take(&mut is_first) {
            hint(&slots::taken(&mut looker, &view).await?, &request.key);
        }
        Ok(view)
    };
    follow(request.interval, look, &mut watch).await
}

/// Says how a semaphore of this name is followed, if there may be one.
fn hint(taken: &[String], name: &str) {
    if let Some(hint) = slots::hint(name, taken) {
        let name = plain(name);
        output::say(format_args!("redlock: {hint}: `redlock list {name}/ --watch` follows them"));
    }
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
