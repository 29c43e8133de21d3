//! Times as people write them in configurations. Pure.
//!
//! One grammar for every crate and for the command: a number and its unit, such as `500ms`, `8s` or `1m 30s`.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use serde::de::{Deserialize, Deserializer, Visitor};

/// Of any time; with room for however long a year is.
const LONGEST: Duration = Duration::from_secs(100 * 366 * 24 * 60 * 60);

/// Why a text is no time. `Display` is the rule that it breaks, without the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct DurationError(Cow<'static, str>);

/// Reads a time with its unit: `500ms`, `8s`, `1m 30s`, `2h`, at most a hundred years.
///
/// # Errors
///
/// When it has no unit, or is no time, or a longer one.
///
/// ```
/// use std::time::Duration;
/// use redlock_core::duration;
///
/// assert_eq!(duration::parse("1m 30s")?, Duration::from_secs(90));
/// let error = duration::parse("30").unwrap_err();
/// assert_eq!(error.to_string(), "has no unit: write 30s for seconds, 30ms for milliseconds");
/// # Ok::<(), duration::DurationError>(())
/// ```
pub fn parse(text: &str) -> Result<Duration, DurationError> {
    let text = text.trim();
    if is_bare(text) {
        let rule = format!("has no unit: write {text}s for seconds, {text}ms for milliseconds");
        return Err(DurationError(rule.into()));
    }
    let time = humantime::parse_duration(text).map_err(|error| {
        let rule = format!("must be a time with its unit, such as 8s or 1m 30s: {error}");
        DurationError(rule.into())
    })?;
    checked(time)
}

/// The same time, unless no clock can be moved on by it.
///
/// # Errors
///
/// When it is longer than a hundred years.
pub fn checked(time: Duration) -> Result<Duration, DurationError> {
    if time > LONGEST {
        return Err(DurationError("is too long: a hundred years are the most".into()));
    }
    Ok(time)
}

/// For `#[serde(deserialize_with = "redlock_core::duration::deserialize")]`.
///
/// # Errors
///
/// When it is no text, or no time as [`parse`] reads it.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    Time::deserialize(deserializer).map(|Time(time)| time)
}

/// A time that was written as text.
pub(crate) struct Time(pub(crate) Duration);

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl Visitor<'_> for Text {
            type Value = Time;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time with its unit, such as \"8s\"")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Time, E> {
                let refused = |rule| E::custom(format_args!("`{}` {rule}", text.escape_debug()));
                parse(text).map(Time).map_err(refused)
            }
        }

        deserializer.deserialize_str(Text)
    }
}

/// Whether it is a number and nothing else.
fn is_bare(text: &str) -> bool {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = [whole, part].concat();
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_its_unit() {
        let seconds = Duration::from_secs;
        for (text, time) in [
            ("8s", seconds(8)),
            (" 8s ", seconds(8)),
            ("1m 30s", seconds(90)),
            ("250ms", Duration::from_millis(250)),
            ("0s", Duration::ZERO),
            ("2h", seconds(7_200)),
        ] {
            assert_eq!(parse(text), Ok(time), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_says_its_rule() {
        for (text, rule) in [
            ("30", "has no unit: write 30s for seconds, 30ms for milliseconds"),
            (".5", "has no unit: write .5s"),
            ("", "must be a time with its unit, such as 8s or 1m 30s: "),
            ("soon", "must be a time with its unit, such as 8s or 1m 30s: "),
            ("-1s", "must be a time with its unit"),
            ("1 0", "must be a time with its unit"),
            ("101years", "is too long: a hundred years are the most"),
            ("99999999999999999999s", "must be a time with its unit"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.starts_with(rule), "{text}: {error}");
        }
    }
}
