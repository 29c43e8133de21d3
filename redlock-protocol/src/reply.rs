use std::time::Duration;

use redlock_core::Label;
use redlock_core::backend::LARGEST;
use redlock_core::node::{
    Expiry, Extension, Fault, Found, Holding, NodeError, Page, Removal, Vote,
};

use crate::refusal::classify;

/// The answer of a script that tells, and whom it told.
pub(crate) struct Told {
    pub(crate) answer: Reply,
    /// The server's refusal to tell, if it refused.
    pub(crate) refusal: Option<NodeError>,
    /// Nobody listens there.
    pub(crate) unheard: bool,
}

/// A server's answer in the few shapes that the protocol uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// No value.
    Nil,
    /// A number.
    Int(i64),
    /// A bulk or a simple string.
    Bytes(Vec<u8>),
    /// Several answers.
    List(Vec<Reply>),
}

impl Reply {
    pub(crate) fn into_vote(self) -> Result<Vote, NodeError> {
        match self {
            Self::List(list) => match &list[..] {
                [Self::Int(1), _, Self::Int(swapped @ 1..)] => {
                    Ok(Vote::Swapped { fence: None, resources: count(*swapped), counter: None })
                }
                [Self::Int(1), ..] => Ok(Vote::Granted { fence: None }),
                [Self::Int(2), ..] => Ok(Vote::AlreadyOurs),
                [Self::Int(0), Self::Int(left), Self::Bytes(value), alone @ ..] => {
                    Ok(refused(*left, None, value, *alone == [Self::Int(1)]))
                }
                _ => Err(unexpected()),
            },
            _ => Err(unexpected()),
        }
    }

    /// The answer to an acquire with fencing, a restart guard, or both.
    pub(crate) fn into_fenced_vote(self, fenced: bool) -> Result<Vote, NodeError> {
        let number = |number: i64| u64::try_from(number).ok().filter(|n| fenced && *n > 0);
        let Self::List(list) = self else { return Err(unexpected()) };
        match list[..] {
            [Self::Int(1), Self::Int(fence), ref swap @ ..] => match (number(fence), swap) {
                (None, _) if fenced => Err(unexpected()),
                (fence, [Self::Int(swapped @ 1..), Self::Int(before)]) => {
                    let (resources, counter) = (count(*swapped), number(*before));
                    Ok(Vote::Swapped { fence, resources, counter })
                }
                (fence, _) => Ok(Vote::Granted { fence }),
            },
            [Self::Int(2), ..] => Ok(Vote::AlreadyOurs),
            [
                Self::Int(0),
                Self::Int(left),
                Self::Int(fence),
                Self::Bytes(ref value),
                ref alone @ ..,
            ] => Ok(refused(left, number(fence), value, *alone == [Self::Int(1)])),
            [Self::Int(3), Self::Int(left), Self::Int(uptime)] => {
                let non_negative = |n: i64| u64::try_from(n).unwrap_or(0);
                Ok(Vote::Warming {
                    uptime: Duration::from_secs(non_negative(uptime)),
                    remaining: Duration::from_millis(non_negative(left)),
                })
            }
            [Self::Int(4), Self::Bytes(ref command), Self::Bytes(ref error)] => {
                Err(withheld(command, &String::from_utf8_lossy(error)))
            }
            [Self::Int(5), _] => Err(spoilt()),
            [Self::Int(6), _] => Err(NodeError::new(
                Fault::Unsupported,
                "the restart guard needs uptime_in_seconds of INFO, which this server hides",
            )),
            [Self::Int(7), Self::Int(behind)] => Err(NodeError::new(
                Fault::Refused,
                &format!(
                    "the server's clock was set back to {behind} s before its start: restart it"
                ),
            )),
            _ => Err(unexpected()),
        }
    }

    pub(crate) fn into_expiry(self) -> Expiry {
        match self {
            Self::Int(left) => expiry(left),
            _ => Expiry::Unknown,
        }
    }

    pub(crate) fn into_extension(self) -> Result<Extension, NodeError> {
        match self {
            Self::Int(1) => Ok(Extension::Extended),
            Self::Int(0) => Ok(Extension::Foreign),
            Self::Int(-1) => Ok(Extension::Gone),
            _ => Err(unexpected()),
        }
    }

    pub(crate) fn into_raise(self) -> Result<Extension, NodeError> {
        match self {
            Self::Int(-2) => Err(spoilt()),
            reply => reply.into_extension(),
        }
    }

    pub(crate) fn into_removal(self) -> Result<Removal, NodeError> {
        match self {
            Self::Int(1) => Ok(Removal::Removed),
            Self::Int(0) => Ok(Removal::Foreign),
            Self::Int(-1) => Ok(Removal::Gone),
            _ => Err(unexpected()),
        }
    }

    /// The answer of a script that tells.
    pub(crate) fn into_told(self) -> Result<Told, NodeError> {
        let Self::List(list) = self else {
            return Ok(Told { answer: self, refusal: None, unheard: false });
        };
        match &list[..] {
            [answer @ Self::Int(_), Self::Bytes(refusal)] => {
                let refusal = classify(&String::from_utf8_lossy(refusal));
                Ok(Told { answer: answer.clone(), refusal: Some(refusal), unheard: false })
            }
            [answer @ Self::Int(_), Self::Int(0)] => {
                Ok(Told { answer: answer.clone(), refusal: None, unheard: true })
            }
            _ => Err(unexpected()),
        }
    }

    pub(crate) fn into_holdings(self, resources: usize) -> Result<Vec<Option<Holding>>, NodeError> {
        let Self::List(list) = self else { return Err(unexpected()) };
        if list.len() != resources * 3 {
            return Err(unexpected());
        }
        list.chunks_exact(3)
            .map(|entry| match entry {
                [Self::Int(0), ..] => Ok(None),
                [Self::Int(1), Self::Bytes(value), Self::Int(left)] => {
                    Ok(Some(Holding::of(value, expiry(*left))))
                }
                [Self::Int(2), Self::List(shares), _] => shared(shares),
                _ => Err(unexpected()),
            })
            .collect()
    }

    /// The answer to a look at counters.
    pub(crate) fn into_counters(self, resources: usize) -> Result<Vec<Option<u64>>, NodeError> {
        let Self::List(list) = self else { return Err(unexpected()) };
        if list.len() != resources * 3 {
            return Err(unexpected());
        }
        list.chunks_exact(3)
            .map(|entry| match entry {
                [Self::Int(0), ..] => Ok(None),
                [Self::Int(1), Self::Bytes(value), _] => counter(value).map(Some),
                _ => Err(unexpected()),
            })
            .collect()
    }

    pub(crate) fn into_page(self) -> Result<Page, NodeError> {
        let Self::List(list) = self else { return Err(unexpected()) };
        let Some((Self::Bytes(cursor), entries)) = list.split_first() else {
            return Err(unexpected());
        };
        let cursor = str::from_utf8(cursor).ok().and_then(|cursor| cursor.parse::<u64>().ok());
        let cursor = cursor.ok_or_else(unexpected)?;
        let entries = entries.chunks(3).map(|entry| match entry {
            [Self::Bytes(name), Self::Bytes(value), Self::Int(left)] => {
                Ok(Some(Found::of_value(&**name, value, expiry(*left))))
            }
            // Shares that are all over are as good as gone.
            [Self::Bytes(name), Self::List(shares), Self::Int(_)] => {
                Ok(shared(shares)?.map(|who| Found::new(&**name, Ok(who))))
            }
            [Self::Bytes(name), Self::Nil, Self::Bytes(why)] => match unreadable(why) {
                Some(why) => Ok(Some(Found::new(&**name, Err(why)))),
                None => Err(classify(&String::from_utf8_lossy(why))),
            },
            _ => Err(unexpected()),
        });
        let found = entries.filter_map(Result::transpose).collect::<Result<_, _>>()?;
        Ok(Page::new(found, Some(cursor).filter(|next| *next > 0)))
    }
}

/// Why one value cannot be read, where others can; nothing if it is about all of them.
fn unreadable(why: &[u8]) -> Option<NodeError> {
    let text = String::from_utf8_lossy(why);
    let error = classify(&text);
    match error.fault() {
        Fault::WrongType => Some(error),
        // No right to the key, as every version says it; to a command it is a right to run it.
        Fault::Permission if text.contains("access") => Some(error),
        _ => None,
    }
}

/// A counter as it stands.
fn counter(text: &[u8]) -> Result<u64, NodeError> {
    let digits = text.len() <= 16 && text.iter().all(u8::is_ascii_digit);
    let number = str::from_utf8(text).ok().filter(|_| digits).and_then(|text| text.parse().ok());
    number.filter(|number| *number < LARGEST).ok_or_else(spoilt)
}

/// A refusal: what stands there longest, and for how long; `alone` where it is shares and nothing else.
fn refused(left: i64, fence: Option<u64>, value: &[u8], alone: bool) -> Vote {
    let expiry = expiry(left);
    if alone {
        Vote::Shared { expiry, fence, label: Label::of_value(value) }
    } else {
        Vote::held_by(value, expiry, fence)
    }
}

/// Who share a resource: their number, and a value and a rest for each that is told.
fn shared(list: &[Reply]) -> Result<Option<Holding>, NodeError> {
    let [Reply::Int(number), shares @ ..] = list else { return Err(unexpected()) };
    let share = |pair: &[Reply]| match pair {
        [Reply::Bytes(value), Reply::Int(left)] => Ok((value.clone(), expiry(*left))),
        _ => Err(unexpected()),
    };
    let shares = shares.chunks(2).map(share).collect::<Result<Vec<_>, _>>()?;
    Ok(Holding::of_shares(count(*number), shares))
}

/// How many resources, or shares.
fn count(number: i64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// What `PTTL` means.
pub(crate) fn expiry(left: i64) -> Expiry {
    match u64::try_from(left) {
        Ok(left) => Expiry::In(Duration::from_millis(left)),
        Err(_) if left == -1 => Expiry::Never,
        // The key went away between two commands.
        Err(_) => Expiry::In(Duration::ZERO),
    }
}

/// A server that lets nobody use what fencing or the restart guard stands on.
fn withheld(command: &[u8], error: &str) -> NodeError {
    let error = classify(error);
    match error.fault() {
        fault @ (Fault::Permission | Fault::Unsupported) => {
            let detail = match command {
                b"TIME" => "fencing and the restart guard need the command TIME",
                _ => "the restart guard needs the command INFO",
            };
            NodeError::new(fault, detail)
        }
        _ => error,
    }
}

/// Another program wrote over a counter.
fn spoilt() -> NodeError {
    NodeError::new(Fault::WrongType, "a fencing counter is no number")
}

pub(crate) fn unexpected() -> NodeError {
    NodeError::new(Fault::Unexpected, "an answer of another shape than the command gives")
}

#[cfg(test)]
#[path = "reply_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "reply_properties.rs"]
mod properties;
