use std::time::Duration;

use super::CallError;
use crate::node::{Expiry, Extension, Fault, Holder, Holding, NodeError, Removal, Vote};

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
    pub(super) fn into_vote(self) -> Result<Vote, NodeError> {
        match self {
            Self::List(list) => match list[..] {
                [Self::Int(1), ..] => Ok(Vote::Granted { fence: None }),
                [Self::Int(2), ..] => Ok(Vote::AlreadyOurs),
                [Self::Int(0), Self::Int(left)] => {
                    Ok(Vote::Held { expiry: expiry(left), fence: None })
                }
                _ => Err(unexpected()),
            },
            _ => Err(unexpected()),
        }
    }

    /// The answer to an acquire with fencing, a restart guard, or both.
    pub(super) fn into_fenced_vote(self, fenced: bool) -> Result<Vote, NodeError> {
        let number = |number: i64| u64::try_from(number).ok().filter(|n| fenced && *n > 0);
        let Self::List(list) = self else { return Err(unexpected()) };
        match list[..] {
            [Self::Int(1), Self::Int(fence)] => match number(fence) {
                None if fenced => Err(unexpected()),
                fence => Ok(Vote::Granted { fence }),
            },
            [Self::Int(2), _] => Ok(Vote::AlreadyOurs),
            [Self::Int(0), Self::Int(left), Self::Int(fence)] => {
                Ok(Vote::Held { expiry: expiry(left), fence: number(fence) })
            }
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

    pub(super) fn into_expiry(self) -> Expiry {
        match self {
            Self::Int(left) => expiry(left),
            _ => Expiry::Unknown,
        }
    }

    pub(super) fn into_extension(self) -> Result<Extension, NodeError> {
        match self {
            Self::Int(1) => Ok(Extension::Extended),
            Self::Int(0) => Ok(Extension::Foreign),
            Self::Int(-1) => Ok(Extension::Gone),
            _ => Err(unexpected()),
        }
    }

    pub(super) fn into_raise(self) -> Result<Extension, NodeError> {
        match self {
            Self::Int(-2) => Err(spoilt()),
            reply => reply.into_extension(),
        }
    }

    pub(super) fn into_removal(self) -> Result<Removal, NodeError> {
        match self {
            Self::Int(1) => Ok(Removal::Removed),
            Self::Int(0) => Ok(Removal::Foreign),
            Self::Int(-1) => Ok(Removal::Gone),
            _ => Err(unexpected()),
        }
    }

    /// The answer to a release that tells, and the server's refusal to tell.
    pub(super) fn into_told_removal(self) -> Result<(Removal, Option<NodeError>), NodeError> {
        let Self::List(list) = self else { return Ok((self.into_removal()?, None)) };
        match &list[..] {
            [removal @ Self::Int(_), Self::Bytes(refusal)] => {
                let refusal = classify(&String::from_utf8_lossy(refusal));
                Ok((removal.clone().into_removal()?, Some(refusal)))
            }
            _ => Err(unexpected()),
        }
    }

    pub(super) fn into_holdings(self, resources: usize) -> Result<Vec<Option<Holding>>, NodeError> {
        let Self::List(list) = self else { return Err(unexpected()) };
        if list.len() != resources * 3 {
            return Err(unexpected());
        }
        list.chunks_exact(3)
            .map(|entry| match entry {
                [Self::Int(0), ..] => Ok(None),
                [Self::Int(1), Self::Bytes(value), Self::Int(left)] => {
                    Ok(Some(Holding { holder: Holder::of(value), expiry: expiry(*left) }))
                }
                _ => Err(unexpected()),
            })
            .collect()
    }
}

/// What `PTTL` means.
fn expiry(left: i64) -> Expiry {
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

pub(super) fn unexpected() -> NodeError {
    NodeError::new(Fault::Unexpected, "an answer of another shape than the command gives")
}

/// What an error reply means. Codes count as the first word and, where a script's error was wrapped by the
/// server (6.2 does), inside the text.
pub(super) fn classify(text: &str) -> NodeError {
    let fault = by_code(text.split_whitespace().next().unwrap_or_default())
        .or_else(|| by_phrase(text))
        .or_else(|| {
            let wrapped = text.contains("rror running script") || text.contains("user_script");
            let mut words = text.split(|c: char| !c.is_ascii_alphanumeric());
            wrapped.then(|| words.find_map(by_code)).flatten()
        })
        .unwrap_or(Fault::Unexpected);
    let detail = match fault {
        // It may repeat a user's name.
        Fault::Authentication => "",
        // A server repeats the arguments of a command it does not know: a token, or the password of `HELLO`.
        _ => text.split(", with args").next().unwrap_or_default(),
    };
    NodeError::new(fault, detail)
}

fn by_code(word: &str) -> Option<Fault> {
    Some(match word {
        "LOADING" => Fault::Loading,
        "BUSY" => Fault::Busy,
        "OOM" => Fault::OutOfMemory,
        "MISCONF" => Fault::CannotPersist,
        "NOREPLICAS" => Fault::NoReplicas,
        "READONLY" | "MASTERDOWN" => Fault::Replica,
        "MOVED" | "ASK" | "TRYAGAIN" | "CLUSTERDOWN" | "CROSSSLOT" => Fault::ClusterMember,
        "WRONGTYPE" => Fault::WrongType,
        "NOAUTH" | "WRONGPASS" => Fault::Authentication,
        "NOPERM" => Fault::Permission,
        _ => return None,
    })
}

fn by_phrase(text: &str) -> Option<Fault> {
    const PHRASES: [(&str, Fault); 13] = [
        ("max number of clients", Fault::TooManyClients),
        ("max number of connections", Fault::TooManyClients),
        ("can't run this command", Fault::Permission),
        ("ACL failure in script", Fault::Permission),
        ("has no permissions", Fault::Permission),
        ("can't access at least one of the keys", Fault::Permission),
        ("can't publish to the channel", Fault::Permission),
        ("invalid password", Fault::Authentication),
        ("without any password configured", Fault::Authentication),
        ("no password is set", Fault::Authentication),
        ("unknown command", Fault::Unsupported),
        ("Unknown Redis command", Fault::Unsupported),
        ("Unknown command called from script", Fault::Unsupported),
    ];
    PHRASES.iter().find(|(phrase, _)| text.contains(phrase)).map(|(_, fault)| *fault)
}

/// A server without `SET … NX … GET` says so in these words.
pub(super) fn is_syntax_error(error: &CallError) -> bool {
    matches!(error, CallError::Server(text) if text.contains("syntax error"))
}

/// A server that knows no `EVALSHA`, or a user without the right to it.
pub(super) fn lacks_digests(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ["'evalsha'", "`evalsha`"].iter().any(|name| text.contains(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::cases::ERROR_REPLIES;

    #[test]
    fn every_error_reply_of_the_table_is_classified() {
        for (text, fault) in ERROR_REPLIES {
            assert_eq!(classify(text).fault(), *fault, "{text}");
        }
    }

    #[test]
    fn an_unknown_error_reply_may_have_been_applied() {
        assert_eq!(classify("ERR something new").fault(), Fault::Unexpected);
        assert_eq!(classify("").fault(), Fault::Unexpected);
        assert_eq!(classify("ERR a key named OOM").fault(), Fault::Unexpected);
    }

    #[test]
    fn an_authentication_failure_repeats_nothing_the_server_said() {
        assert_eq!(classify("WRONGPASS invalid username-password pair for bob").detail(), "");
    }

    #[test]
    fn the_arguments_of_an_unknown_command_are_not_repeated() {
        let error =
            classify("ERR unknown command 'DELEX', with args beginning with: 'k' 'IFEQ' 't0ken'");
        assert_eq!(error.to_string(), "not supported: ERR unknown command 'DELEX'");
    }

    #[test]
    fn a_time_to_live_of_minus_one_never_ends() {
        assert_eq!(expiry(-1), Expiry::Never);
        assert_eq!(expiry(-2), Expiry::In(Duration::ZERO));
        assert_eq!(expiry(5), Expiry::In(Duration::from_millis(5)));
    }

    #[test]
    fn a_release_that_could_not_be_told_is_a_release() {
        let refusal = "ERR ACL failure in script: No permissions to access a channel";
        for (code, removal) in [(1, Removal::Removed), (0, Removal::Foreign), (-1, Removal::Gone)] {
            assert_eq!(Reply::Int(code).into_told_removal(), Ok((removal, None)));
            let list = vec![Reply::Int(code), Reply::Bytes(refusal.into())];
            let (told, error) = Reply::List(list).into_told_removal().unwrap();
            assert_eq!((told, error.unwrap().fault()), (removal, Fault::Permission));
        }
    }

    #[test]
    fn an_answer_of_another_shape_is_unknown_and_no_panic() {
        for reply in [Reply::Nil, Reply::Int(7), Reply::Bytes(vec![]), Reply::List(vec![])] {
            assert_eq!(reply.clone().into_vote().unwrap_err().fault(), Fault::Unexpected);
            assert_eq!(reply.clone().into_extension().unwrap_err().fault(), Fault::Unexpected);
            assert_eq!(reply.clone().into_removal().unwrap_err().fault(), Fault::Unexpected);
            assert_eq!(reply.clone().into_told_removal().unwrap_err().fault(), Fault::Unexpected);
            assert_eq!(reply.into_holdings(1).unwrap_err().fault(), Fault::Unexpected);
        }
    }
}

#[cfg(test)]
#[path = "reply_properties.rs"]
mod properties;
