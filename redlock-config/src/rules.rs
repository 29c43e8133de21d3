//! What the text of a setting means. Pure.

use std::time::Duration;

use redlock_core::duration;
use redlock_core::options::MIN_TTL;
use redlock_core::{LockKey, MAX_KEY_BYTES};
use redlock_protocol::redacted_url;

use crate::client::ClientKind;
use crate::error::SettingsError;

/// A value, and where it came from.
#[derive(Clone)]
pub(crate) struct Sourced<T> {
    pub(crate) value: T,
    pub(crate) origin: String,
}

type Checked<T> = Result<Sourced<T>, SettingsError>;

pub(crate) fn client(text: &str, origin: String) -> Checked<ClientKind> {
    let all = [ClientKind::Redis, ClientKind::Fred];
    match all.into_iter().find(|client| client.name() == text) {
        Some(value) => Ok(Sourced { value, origin }),
        None => Err(SettingsError::invalid(origin, shown(text), "must be `redis` or `fred`")),
    }
}

/// A time to live, or the longest of them.
pub(crate) fn ttl(text: &str, origin: String) -> Checked<Duration> {
    match duration::parse(text) {
        Ok(value) if value >= MIN_TTL => Ok(Sourced { value, origin }),
        Ok(_) => Err(SettingsError::invalid(origin, shown(text), "must be at least 10 ms")),
        // What is wrong with it would repeat a part of it.
        Err(_) if may_be_secret(text) => {
            let rule = "must be a time with its unit, such as 8s or 1m 30s";
            Err(SettingsError::invalid(origin, shown(text), rule))
        }
        Err(error) => Err(SettingsError::invalid(origin, shown(text), error.to_string())),
    }
}

pub(crate) fn key_prefix(text: String, origin: String) -> Checked<String> {
    if text.len() >= MAX_KEY_BYTES {
        let value = format!("{} bytes", text.len());
        return Err(SettingsError::invalid(origin, value, "must be below 512 bytes"));
    }
    // What a resource must not be called, a prefix must not be either. That nothing precedes the names is fine.
    if !text.is_empty()
        && let Err(error) = LockKey::new(text.as_str())
    {
        return Err(SettingsError::invalid(origin, shown(&text), error.rule().to_owned()));
    }
    Ok(Sourced { value: text, origin })
}

/// A value for a message: on one line, and without what may be a secret where somebody mistook one variable for another.
pub(crate) fn shown(text: &str) -> String {
    if may_be_secret(text) { redacted_url(text) } else { text.escape_debug().to_string() }
}

fn may_be_secret(text: &str) -> bool {
    text.contains("://") || text.contains('@')
}
