//! Releases of several claims in one command: a script has its price, for the server and for the client library.

use std::time::Duration;

use redlock_core::node::NodeError;
use tokio::time::Instant;

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

/// For how long each is sent by itself where they were refused together: the user may lack a right to one of the keys.
const APART: Duration = Duration::from_secs(1);

/// What is known of a server's way with releases that are sent together, on one connection.
#[derive(Debug, Default)]
pub struct Manner {
    has_run: bool,
    apart_until: Option<Instant>,
}

impl Manner {
    /// Whether each is to be sent by itself.
    pub fn is_apart(&self, now: Instant) -> bool {
        self.apart_until.is_some_and(|until| now < until)
    }

    /// Whether the server has run their script: then it is sent [by its digest](Together::of).
    pub fn has_run(&self) -> bool {
        self.has_run
    }

    /// The server answered for each of them.
    pub fn ran(&mut self) {
        self.has_run = true;
    }

    /// The server answered with an error for all of them: whoever sent them sends them again, each by itself where
    /// [that is called for](Self::is_apart) by then. A release may come late, and twice.
    pub fn refused(&mut self, said: &str, now: Instant) {
        self.has_run = false;
        if !said.starts_with("NOSCRIPT") {
            self.apart_until = Some(now + APART);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scripts::{RELEASE_SHARED, RELEASE_TELL};

    const KEY: Arg<'_> = Arg::Bytes(b"key");
    const VALUE: Arg<'_> = Arg::Bytes(b"value");

    #[test]
    fn a_release_of_one_resource_is_known_in_each_of_its_forms() {
        let digest = Arg::Text(RELEASE.digest());
        let tells = Arg::Text(RELEASE_TELL_ONE.digest());
        let channel = Arg::Text(RELEASED_CHANNEL);
        let release = |value, key, told| Some(Release { key, value, told });
        let args = [digest, Arg::Int(1), KEY, VALUE];
        assert_eq!(Release::of("EVALSHA", &args), release(3, 2, false));
        let args = [tells, Arg::Int(1), KEY, VALUE, channel];
        assert_eq!(Release::of("EVALSHA", &args), release(3, 2, true));
        assert_eq!(Release::of("DELIFEQ", &[KEY, VALUE]), release(1, 0, false));
        let args = [KEY, Arg::Text("IFEQ"), VALUE];
        assert_eq!(Release::of("DELEX", &args), release(2, 0, false));
    }

    #[test]
    fn nothing_else_is() {
        let digest = |script: &'static crate::scripts::Script| Arg::Text(script.digest());
        let channel = Arg::Text(RELEASED_CHANNEL);
        let others: [(&str, &[Arg<'_>]); 7] = [
            // Not run yet, as far as is known.
            ("EVAL", &[Arg::Text(RELEASE.text), Arg::Int(1), KEY, VALUE]),
            ("EVALSHA", &[digest(&RELEASE), Arg::Int(2), KEY, KEY, VALUE]),
            ("EVALSHA", &[digest(&RELEASE), Arg::Int(1), KEY, VALUE, channel]),
            ("EVALSHA", &[digest(&RELEASE_TELL), Arg::Int(1), KEY, VALUE, channel]),
            ("EVALSHA", &[digest(&RELEASE_SHARED), Arg::Int(1), KEY, VALUE, channel]),
            ("DELEX", &[KEY, VALUE]),
            ("PTTL", &[KEY]),
        ];
        for (name, args) in others {
            assert_eq!(Release::of(name, args), None, "{name} of {}", args.len());
        }
    }

    #[test]
    fn each_has_its_own_answer() {
        let text = |text: &str| Reply::Bytes(text.as_bytes().to_vec());
        let unheard = Reply::List(vec![Reply::Int(1), Reply::Int(0)]);
        let refused = Reply::List(vec![text("NOPERM no")]);
        let list = vec![Reply::Int(-1), unheard.clone(), refused];
        let answers = Together::answers(Reply::List(list), 3).unwrap();
        assert!(matches!(&answers[0], Ok(Reply::Int(-1))));
        assert!(matches!(&answers[1], Ok(answer) if *answer == unheard));
        assert!(matches!(&answers[2], Err(CallError::Server(said)) if said == "NOPERM no"));
    }

    #[test]
    fn too_many_answers_or_too_few_are_none() {
        for answer in [Reply::Int(1), Reply::List(vec![Reply::Int(1); 2]), Reply::List(Vec::new())]
        {
            assert!(Together::answers(answer, 1).is_err());
        }
    }

    #[test]
    fn a_script_is_sent_whole_until_it_has_run() {
        assert_eq!(Together::of(false, false).script, RELEASE_EACH.text);
        let together = Together::of(true, true);
        assert_eq!((together.name, together.script), ("EVALSHA", RELEASE_EACH.digest()));
        assert_eq!((together.channel, Together::of(false, true).channel), (RELEASED_CHANNEL, ""));
    }

    #[test]
    #[allow(clippy::disallowed_methods)]
    fn what_is_refused_together_is_sent_apart_for_a_while_and_a_script_that_is_gone_anew() {
        let (mut manner, now) = (Manner::default(), Instant::now());
        let just = Duration::from_millis(1);
        assert!(!manner.has_run() && !manner.is_apart(now));
        manner.ran();
        assert!(manner.has_run());
        manner.refused("NOSCRIPT No matching script", now);
        assert!(!manner.has_run() && !manner.is_apart(now));
        manner.refused("NOPERM no right to a key", now);
        assert!(manner.is_apart(now) && manner.is_apart(now + APART - just));
        assert!(!manner.is_apart(now + APART));
    }
}
