//! Pure: a lock on its way from one holder to the next, and whether the next one continues where the last one stopped.
//!
//! No time travels: whoever takes over makes an attempt of its own, under a token of its own, to which the giver's value
//! counts as free. Only whether somebody held in between has to be found out, and the counters tell: a holder in between
//! left a number above the giver's fence on a majority of the nodes, which shares one with any majority that is swapped.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::fence::Fence;
use super::quorum::majority;
use crate::node::config_error::ConfigError;
use crate::node::key::LockKey;
use crate::node::token::Token;
use crate::node::{NodeError, Vote, fingerprint};

/// What a text begins with.
const MARK: &str = "redlock-handover:";

/// The version of the texts that are written and read here.
const VERSION: &str = "1";

/// Longest text that is read: 64 names of 512 bytes, in two digits each, leave room for the rest.
const LONGEST: usize = 80 * 1_024;

/// Shown in the place of what is a secret.
const REDACTED: &str = "<redacted>";

/// A lock on its way from one holder to the next: what [`LockGuard::hand_over`](crate::LockGuard::hand_over) gives and
/// [`Redlock::take_over`](crate::Redlock::take_over) wants.
///
/// It travels as [text](Self::expose), or by `serde` as a string. It is a capability: whoever has it can take the lock over,
/// or release it. So `Debug` shows nothing of the giver's value, and there is no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Handover {
    pub(crate) key: LockKey,
    pub(crate) former: Former,
    pub(crate) ttl: Duration,
    pub(crate) remaining: Duration,
    /// Of the names of the giver's nodes.
    pub(crate) nodes: u64,
}

/// Who held before.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Former {
    /// What its claim stored.
    pub(crate) value: Arc<[u8]>,
    pub(crate) fence: Option<Fence>,
}

#[cfg(feature = "mutants")]
impl Former {
    /// The token in the value.
    pub(crate) fn token(&self) -> Option<Token> {
        Token::parse(std::str::from_utf8(self.value.get(..40)?).ok()?).ok()
    }
}

impl Handover {
    /// The text, one line of printable ASCII. Keep it out of logs: it is the right to take the lock, or to release it.
    pub fn expose(&self) -> String {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let names: Vec<_> = self.key.resources().map(hex).collect();
        let body = format!(
            "{MARK}{VERSION}:{:016x}:{}:{}:{}:{}:{}",
            self.nodes,
            self.former.fence.map_or(0, Fence::get),
            micros(self.ttl),
            micros(self.remaining),
            hex(&self.former.value),
            names.join("."),
        );
        format!("{body}:{:016x}", fingerprint(body.as_bytes()))
    }

    /// Reads a text that [`expose`](Self::expose) gave.
    ///
    /// # Errors
    ///
    /// For a text of another version, one that was cut or changed on its way, and one that is no such text. The error names
    /// the field and its rule, and repeats nothing of the secret.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let whole =
            |rule| ConfigError::new("handover", format!("{REDACTED}, {} bytes", text.len()), rule);
        // Errors repeat fields, so nothing else may be in them.
        let plain = text.len() <= LONGEST && text.bytes().all(|byte| byte.is_ascii_graphic());
        let rest = text.strip_prefix(MARK).filter(|_| plain).ok_or_else(|| {
            whole("must be the text that a `Handover` gave, which begins with `redlock-handover:`")
        })?;
        let cut = || whole("must be whole: its last 16 digits are the check of all before them");
        let (version, rest) = rest.split_once(':').ok_or_else(cut)?;
        let number = |version: &str| version.bytes().all(|byte| byte.is_ascii_digit());
        if version != VERSION && version.len() < 10 && number(version) {
            return Err(ConfigError::new(
                "handover.version",
                version.to_owned(),
                "must be 1, the version that this program reads",
            ));
        }
        let (body, check) = text.rsplit_once(':').ok_or_else(cut)?;
        if check != format!("{:016x}", fingerprint(body.as_bytes())) {
            return Err(cut());
        }
        let fields: Vec<_> = rest.split(':').collect();
        let [nodes, fence, ttl, remaining, value, names, _] = fields[..] else { return Err(cut()) };
        let bad = |field, value: &str, rule: &'static str| {
            ConfigError::new(field, value.to_owned(), rule)
        };
        let time = |field, text: &str| {
            let micros: Result<u64, _> = text.parse();
            micros.map(Duration::from_micros).map_err(|_| bad(field, text, "must be microseconds"))
        };
        let rule = "must be the fingerprint of the nodes, 16 hexadecimal digits";
        let digits = Some(nodes).filter(|nodes| nodes.len() == 16);
        let nodes = digits
            .and_then(|nodes| u64::from_str_radix(nodes, 16).ok())
            .ok_or_else(|| bad("handover.nodes", nodes, rule))?;
        let rule = "must be a fence, or 0 for none";
        let number: u64 = fence.parse().map_err(|_| bad("handover.fence", fence, rule))?;
        let fence = match number {
            0 => None,
            number => {
                Some(Fence::try_from(number).map_err(|_| bad("handover.fence", fence, rule))?)
            }
        };
        let value = bytes(value).filter(|value| is_ours(value));
        let value = value.ok_or_else(|| {
            bad("handover.value", REDACTED, "must be a holder's value, which begins with its token")
        })?;
        let decoded: Option<Vec<_>> = names.split('.').map(bytes).collect();
        let rule = "must be names in hexadecimal digits";
        let key = LockKey::all(decoded.ok_or_else(|| bad("handover.key", names, rule))?).map_err(
            |error| bad("handover.key", error.value(), "must be the names of resources"),
        )?;
        Ok(Self {
            key,
            former: Former { value: value.into(), fence },
            ttl: time("handover.ttl", ttl)?,
            remaining: time("handover.remaining", remaining)?,
            nodes,
        })
    }

    /// What is handed over, with the giver's prefix in front of each name.
    pub fn key(&self) -> &LockKey {
        &self.key
    }

    /// The giver's fence. Whoever continues the work may leave it where the work's state is kept; writes carry the fence of
    /// the guard that was taken over.
    pub fn fence(&self) -> Option<Fence> {
        self.former.fence
    }

    /// How long the nodes keep the lock for the taker at most: the giver's time to live.
    pub fn ttl(&self) -> Duration {
        self.ttl
    }

    /// How long the giver's hold would have lasted when it was handed over.
    ///
    /// It tells nothing about now, since nobody knows how long the text travelled, and nothing rests on it: it may spare a
    /// try that is hopeless.
    pub fn remaining(&self) -> Duration {
        self.remaining
    }
}

impl fmt::Debug for Handover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handover")
            .field("key", &self.key)
            .field("fence", &self.former.fence)
            .field("ttl", &self.ttl)
            .field("remaining", &self.remaining)
            .finish_non_exhaustive()
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Handover {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.expose())
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for Handover {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// The fingerprint of a set of nodes: of their names, in whatever order they are listed.
pub(crate) fn nodes<'a>(names: impl Iterator<Item = &'a str>) -> u64 {
    let mut names: Vec<_> = names.collect();
    names.sort_unstable();
    fingerprint(names.join("\n").as_bytes())
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// A token, alone or before a space.
fn is_ours(value: &[u8]) -> bool {
    let (token, rest) = value.split_at(value.len().min(40));
    let token = std::str::from_utf8(token).is_ok_and(|token| Token::parse(token).is_ok());
    token && matches!(rest, [] | [b' ', ..])
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digit = |digit: u8| char::from(digit).to_digit(16).filter(|_| !digit.is_ascii_uppercase());
    let pair = |pair: &[u8]| match pair {
        [high, low] => u8::try_from(digit(*high)? << 4 | digit(*low)?).ok(),
        _ => None,
    };
    hex.as_bytes().chunks(2).map(pair).collect()
}

/// Finds out whether a take-over continues the giver's hold: whether a majority of **all** nodes swapped the giver's value,
/// on every resource, where the counter before was at most the giver's fence.
///
/// The giver's value alone tells nothing: it may stand there by a late acquire of the giver's, after somebody else held.
/// Without a fence it is never known.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Succession {
    nodes: usize,
    resources: usize,
    /// The giver's.
    fence: Option<u64>,
    continuing: usize,
    other: usize,
}

impl Succession {
    /// Of a claim on so many resources, over `nodes` nodes, none of which has answered; `fence` is the giver's.
    pub fn new(nodes: usize, resources: usize, fence: Option<u64>) -> Self {
        Self { nodes, resources, fence, continuing: 0, other: 0 }
    }

    /// Counts one node's answer to acquire. Each node answers once.
    pub fn record(&mut self, answer: &Result<Vote, NodeError>) {
        let continues = match answer {
            Ok(Vote::Swapped { resources, counter, .. }) => {
                *resources == self.resources && self.is_level(*counter)
            }
            _ => false,
        };
        if continues { self.continuing += 1 } else { self.other += 1 }
    }

    /// Whether nobody left a number above the giver's. A node without a counter cannot tell.
    fn is_level(&self, counter: Option<u64>) -> bool {
        let level = counter.zip(self.fence).is_some_and(|(counter, fence)| counter <= fence);
        mutant!(ContinuedByToken, true, level)
    }

    /// Whether the giver's hold is continued, once no further answer can change it.
    pub fn verdict(&self) -> Option<bool> {
        let majority = majority(self.nodes);
        if self.fence.is_none() || self.nodes.saturating_sub(self.other) < majority {
            Some(false)
        } else {
            (self.continuing >= majority).then_some(true)
        }
    }
}

#[cfg(test)]
#[path = "handover_tests.rs"]
mod tests;
