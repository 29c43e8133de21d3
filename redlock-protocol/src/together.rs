//! Releases of several claims in one command, for an adapter whose client library gives each script a write of its own.

use redlock_core::node::NodeError;

use crate::call_error::CallError;
use crate::reply::{Reply, unexpected};
use crate::scripts::{RELEASE, RELEASE_EACH, RELEASE_TELL_ONE, RELEASED_CHANNEL};
use crate::wire::Arg;

/// Where the parts of a release are, among the arguments of the command that a [`Wire`](crate::Wire) was handed for it.
///
/// Those that are [told](Self::told) can be sent together, and those that are not. Sent together they are done in their order,
/// each as it would be by itself, and each has its own answer. What comes before and behind them on the same key has to stay
/// there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Release {
    /// The argument that is the key.
    pub key: usize,
    /// The argument that is the value to be released.
    pub value: usize,
    /// Whether it is told on [`RELEASED_CHANNEL`].
    pub told: bool,
}

impl Release {
    /// The release that a command is. Nothing where it is another command, is of several resources, or calls a script that the
    /// server may not have run.
    pub fn of(name: &str, args: &[Arg<'_>]) -> Option<Self> {
        match (name, args) {
            (
                "EVALSHA",
                [Arg::Text(digest), Arg::Int(1), Arg::Bytes(_), Arg::Bytes(_), rest @ ..],
            ) => match rest {
                [] if *digest == RELEASE.digest() => Some(Self { key: 2, value: 3, told: false }),
                [Arg::Text(RELEASED_CHANNEL)] if *digest == RELEASE_TELL_ONE.digest() => {
                    Some(Self { key: 2, value: 3, told: true })
                }
                _ => None,
            },
            ("DELIFEQ", [Arg::Bytes(_), Arg::Bytes(_)]) => {
                Some(Self { key: 0, value: 1, told: false })
            }
            ("DELEX", [Arg::Bytes(_), Arg::Text("IFEQ"), Arg::Bytes(_)]) => {
                Some(Self { key: 0, value: 2, told: false })
            }
            _ => None,
        }
    }
}

/// The command that does several releases: `name script count key… channel value…`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Together {
    /// `EVAL`, or `EVALSHA` for a server that has run the script.
    pub name: &'static str,
    /// The script's text or its digest.
    pub script: &'static str,
    /// What they are told on, or nothing.
    pub channel: &'static str,
}

impl Together {
    /// Of releases that are [told](Release::told) or are not; `by_digest` where the server has run it on this connection.
    pub fn of(told: bool, by_digest: bool) -> Self {
        let (name, script) = if by_digest {
            ("EVALSHA", RELEASE_EACH.digest())
        } else {
            ("EVAL", RELEASE_EACH.text)
        };
        Self { name, script, channel: if told { RELEASED_CHANNEL } else { "" } }
    }

    /// The answers to so many releases, in their order: each as if it had been sent by itself.
    ///
    /// # Errors
    ///
    /// When the answer is of another shape.
    pub fn answers(
        answer: Reply,
        releases: usize,
    ) -> Result<Vec<Result<Reply, CallError>>, NodeError> {
        let Reply::List(list) = answer else { return Err(unexpected()) };
        if list.len() != releases {
            return Err(unexpected());
        }
        let one = |answer| match answer {
            Reply::List(said) => match &said[..] {
                [Reply::Bytes(error)] => {
                    Err(CallError::Server(String::from_utf8_lossy(error).into_owned()))
                }
                _ => Ok(Reply::List(said)),
            },
            answer => Ok(answer),
        };
        Ok(list.into_iter().map(one).collect())
    }
}
