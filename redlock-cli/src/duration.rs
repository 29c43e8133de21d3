//! Times as people write them: as in every configuration, and as `flock` and `timeout` take them. Pure.

use std::time::Duration;

use redlock_config::duration::{checked, parse};

/// A time with its unit, such as `500ms`, `1m 30s`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    parse(text).map_err(|error| error.to_string())
}

/// The same where `flock` and `timeout`, which people come from, take seconds: a bare number is so many.
pub(crate) fn wait(text: &str) -> Result<Duration, String> {
    match seconds(text) {
        Some(seconds) => seconds.and_then(|time| checked(time).map_err(|error| error.to_string())),
        None => duration(text),
    }
}

/// Nothing where it is no bare number.
fn seconds(text: &str) -> Option<Result<Duration, String>> {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let text = text.trim();
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    // `timeout` and `sleep` take `.5` and `5.`, too.
    if !digits(&[whole, part].concat()) {
        return None;
    }
    let seconds = text.parse().map_err(|_| "is no number".to_owned());
    Some(seconds.and_then(|seconds| {
        Duration::try_from_secs_f64(seconds).map_err(|_| "is too long a time".to_owned())
    }))
}
