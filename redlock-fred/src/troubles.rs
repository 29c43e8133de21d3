use std::sync::{Mutex, PoisonError};

use fred::clients::Client;
use fred::error::Error;
use fred::interfaces::EventInterface;
use fred::types::config::Server;
use tokio::sync::broadcast;

/// Why connections ended or were not made, to tell those whose commands were refused for want of one.
pub(crate) struct Troubles(Mutex<News>);

struct News {
    /// fred's, not looked at before somebody asks.
    unread: broadcast::Receiver<(Error, Option<Server>)>,
    last: Option<Error>,
}

impl Troubles {
    pub(crate) fn of(client: &Client) -> Self {
        Self(Mutex::new(News { unread: client.error_rx(), last: None }))
    }

    /// Adds one that fred does not know of.
    pub(crate) fn tell(&self, error: Error) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).last = Some(error);
    }

    /// The last of them.
    pub(crate) fn last(&self) -> Option<Error> {
        let mut news = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match news.unread.try_recv() {
                Ok((error, _)) => news.last = Some(error),
                Err(broadcast::error::TryRecvError::Lagged(_)) => {}
                Err(_) => return news.last.clone(),
            }
        }
    }
}
