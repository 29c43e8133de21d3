//! A policy as it is written in a configuration.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};

use super::choices::{ContendedStatus, HoldUntil, MissingPart, NoQuorum, OnLost};
use super::methods::Methods;
use super::policy::LockPolicy;
use crate::duration::Time;
use crate::error::ConfigError;
use crate::handle::options::Renewal;

/// Named as the options are. What is left out is as [`LockPolicy::new`] has it.
///
/// # Errors
///
/// When a field is unknown or of another type, or when an option breaks a rule that needs no handle: what
/// [`RouteLock::new`](super::middleware::RouteLock::new) checks beyond that is the node timeout, `max_waiters`, and whether the handle
/// has fencing on.
impl<'de> Deserialize<'de> for LockPolicy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let policy = Self::from(Written::deserialize(deserializer)?);
        policy.check_alone().map_err(serde::de::Error::custom)?;
        Ok(policy)
    }
}

#[derive(Deserialize)]
#[serde(rename = "LockPolicy", deny_unknown_fields)]
struct Written {
    methods: Option<Methods>,
    shared_methods: Option<Vec<String>>,
    permits: Option<u16>,
    wait_up_to: Option<Time>,
    contended_status: Option<ContendedStatus>,
    retry_after: Option<Time>,
    names_holder: Option<bool>,
    no_quorum: Option<NoQuorum>,
    missing_part: Option<MissingPart>,
    hold_until: Option<HoldUntil>,
    on_lost: Option<OnLost>,
    run_to_completion: Option<bool>,
    ttl: Option<Time>,
    renewal: Option<Renewal>,
    max_hold: Option<Time>,
    fencing: Option<bool>,
    waiters_per_key: Option<usize>,
    waiters: Option<usize>,
    held: Option<usize>,
}

impl From<Written> for LockPolicy {
    fn from(written: Written) -> Self {
        let time = |time: Option<Time>| -> Option<Duration> { time.map(|Time(time)| time) };
        let usual = Self::new();
        Self {
            methods: written.methods.unwrap_or(usual.methods),
            shared_methods: written.shared_methods,
            permits: written.permits,
            wait_up_to: time(written.wait_up_to),
            contended_status: written.contended_status.unwrap_or(usual.contended_status),
            retry_after: time(written.retry_after),
            names_holder: written.names_holder.unwrap_or(usual.names_holder),
            no_quorum: written.no_quorum.unwrap_or(usual.no_quorum),
            missing_part: written.missing_part.unwrap_or(usual.missing_part),
            hold_until: written.hold_until.unwrap_or(usual.hold_until),
            on_lost: written.on_lost.unwrap_or(usual.on_lost),
            run_to_completion: written.run_to_completion.unwrap_or(usual.run_to_completion),
            ttl: time(written.ttl).unwrap_or(usual.ttl),
            renewal: written.renewal.unwrap_or(usual.renewal),
            max_hold: time(written.max_hold),
            fencing: written.fencing,
            waiters_per_key: written.waiters_per_key,
            waiters: written.waiters.unwrap_or(usual.waiters),
            held: written.held.unwrap_or(usual.held),
        }
    }
}

/// `"unsafe"`, `"all"`, or a list.
impl<'de> Deserialize<'de> for Methods {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Words;

        impl<'de> Visitor<'de> for Words {
            type Value = Methods;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("\"unsafe\", \"all\" or a list such as [\"POST\"]")
            }

            fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<Methods, E> {
                match word {
                    "unsafe" => Ok(Methods::Unsafe),
                    "all" => Ok(Methods::All),
                    other => {
                        let value = other.escape_debug().to_string();
                        let rule = "must be `unsafe`, `all` or a list such as [\"POST\"]";
                        Err(E::custom(ConfigError::new("methods", value, rule)))
                    }
                }
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Methods, A::Error> {
                let mut methods = Vec::new();
                while let Some(method) = list.next_element()? {
                    methods.push(method);
                }
                Ok(Methods::Only(methods))
            }
        }

        deserializer.deserialize_any(Words)
    }
}
