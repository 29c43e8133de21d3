//! Keys of our own on the nodes, and their removal.

use redis::cmd;
use redlock_core::Token;
use redlock_core::key::COUNTER_PREFIX;

use super::raw::Raw;
use crate::exit::Failure;

/// Names that nobody else uses.
#[derive(Debug, Clone)]
pub(crate) struct Scratch {
    stem: String,
    prefix: String,
}

impl Scratch {
    /// Under the prefix that the locks have: the user may have no right to others.
    pub(crate) fn new(prefix: &str, what: &str) -> Result<Self, Failure> {
        let token = Token::random().map_err(Failure::new)?;
        let random = &token.expose()[..12];
        Ok(Self { stem: format!("redlock:{what}:{random}"), prefix: prefix.to_owned() })
    }

    /// A key for a handle, which puts the prefix before it.
    pub(crate) fn key(&self, name: &str) -> String {
        format!("{}:{name}", self.stem)
    }

    /// As it stands on the nodes.
    pub(crate) fn full(&self, name: &str) -> String {
        format!("{}{}", self.prefix, self.key(name))
    }

    /// Deletes these keys and their counters on the server. Whatever fails expires.
    pub(crate) async fn delete(&self, raw: &Raw, names: &[String]) {
        let full: Vec<_> = names.iter().map(|name| self.full(name)).collect();
        let counters: Vec<_> = full.iter().map(|key| format!("{COUNTER_PREFIX}{key}")).collect();
        // Two: a user without a right to the counters has one to the keys.
        for keys in [full, counters] {
            let _ = raw.call(cmd("DEL").arg(keys)).await;
        }
    }
}
