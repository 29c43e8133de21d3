//! Pure: values that are written in several ways.

use std::borrow::Cow;

use super::KeyError;
use crate::error::ConfigError;

/// In how many ways a parameter's value can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spelling {
    Text,
    Int,
    Uuid,
}

impl Spelling {
    /// Writes every spelling of a value in one way.
    pub(super) fn normalize(self, value: Cow<'_, str>) -> Result<Cow<'_, [u8]>, KeyError> {
        let bytes = |value| match value {
            Cow::Borrowed(value) => Cow::Borrowed(str::as_bytes(value)),
            Cow::Owned(value) => Cow::Owned(String::into_bytes(value)),
        };
        if self == Self::Text || value.is_empty() {
            return Ok(bytes(value));
        }
        let (normal, rule) = match self {
            Self::Uuid => (uuid(&value), "must be a UUID"),
            _ => (int(&value), "must be a whole number"),
        };
        let invalid = || ConfigError::new("path parameter", value.escape_debug().to_string(), rule);
        Ok(Cow::Owned(normal.ok_or_else(invalid)?.into_bytes()))
    }
}

/// A whole number as Rust reads it, of any size: digits behind an optional sign.
fn int(value: &str) -> Option<String> {
    let (minus, digits) = match value.strip_prefix(['+', '-']) {
        Some(digits) => (value.starts_with('-'), digits),
        None => (false, value),
    };
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let digits = digits.trim_start_matches('0');
    Some(match digits {
        "" => "0".to_owned(),
        digits if minus => format!("-{digits}"),
        digits => digits.to_owned(),
    })
}

/// A UUID with or without hyphens, in braces, or as a URN: 32 lower-case hexadecimal digits.
fn uuid(value: &str) -> Option<String> {
    let value = value.strip_prefix("urn:uuid:").unwrap_or(value);
    let value = value.strip_prefix('{').and_then(|v| v.strip_suffix('}')).unwrap_or(value);
    let digits: String = value.chars().filter(|c| *c != '-').collect();
    let is_uuid = digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_hexdigit());
    is_uuid.then(|| digits.to_ascii_lowercase())
}
