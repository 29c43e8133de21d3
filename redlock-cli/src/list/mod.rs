//! `redlock list`.

mod changes;
mod rows;

use std::process::ExitCode;
use std::time::Duration;

use futures_util::future::try_join;
use redlock_core::{Listing, Redlock};

use self::changes::Changes;
use self::rows::List;
use crate::config::{Config, Flags};
use crate::exit::{self, Ending, Failure};
use crate::look::{LIMIT, Looker, handle};
use crate::output;
use crate::watch::{Follower, Live, check, follow, now_as_text};

/// How long all nodes together may take to tell what they hold.
const WITHIN: Duration = Duration::from_secs(30);

/// What `redlock list` is to do.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) prefix: String,
    /// How many names are looked at.
    pub(crate) limit: usize,
    /// From look to look; nothing for one look.
    pub(crate) follow: Option<Duration>,
    pub(crate) json: bool,
    pub(crate) flags: Flags,
}

pub(crate) async fn run(request: &Request) -> Ending {
    request.follow.map_or(Ok(()), check)?;
    let config = Config::load(&request.flags)?;
    let redlock = handle(&config)?;
    let mut looker = Looker::beside(&redlock, &config)?;
    match request.follow {
        None => once(&redlock, &mut looker, request).await,
        Some(interval) => {
            let mut watch = Watch {
                json: request.json,
                live: Live::new(request.json),
                changes: Changes::default(),
                headline: None,
            };
            follow(interval, async || look(&redlock, &mut looker, request).await, &mut watch).await
        }
    }
}

async fn once(redlock: &Redlock, looker: &mut Looker, request: &Request) -> Ending {
    let list = List::new(&look(redlock, looker, request).await?);
    let answered = list.is_answered();
    output::line(if request.json { output::json(&list.json())? } else { list.text() })?;
    Ok(if answered { ExitCode::SUCCESS } else { ExitCode::from(exit::FAILED) })
}

async fn look(
    redlock: &Redlock,
    looker: &mut Looker,
    request: &Request,
) -> Result<Listing, Failure> {
    let held = async { Ok(redlock.held(&request.prefix, request.limit, WITHIN).await?) };
    // Each node is waited for as long anyway.
    let (listing, ()) = try_join(held, looker.meet(LIMIT)).await?;
    Ok(listing)
}

struct Watch {
    json: bool,
    live: Live,
    changes: Changes,
    /// Of the last look.
    headline: Option<String>,
}

impl Follower for Watch {
    type Seen = Listing;

    fn saw(&mut self, now: Listing) -> Result<bool, Failure> {
        let list = List::new(&now);
        let headline = list.headline();
        let changes = self.changes.step(list);
        if !changes.is_empty() {
            self.live.clear()?;
        }
        let at = now_as_text(self.json);
        for change in &changes {
            let read = output::try_line(if self.json {
                output::json(&change.json(&at))?
            } else {
                change.text(&at)
            })?;
            if !read {
                return Ok(false);
            }
        }
        self.live.show(&headline)?;
        self.headline = Some(headline);
        Ok(true)
    }

    fn again(&self) -> Result<(), Failure> {
        self.headline.as_ref().map_or(Ok(()), |headline| self.live.show(headline))
    }

    fn ends(&self) -> Result<(), Failure> {
        self.live.clear()
    }
}
