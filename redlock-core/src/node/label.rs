//! What a holder calls itself.

use std::fmt;
use std::sync::Arc;

use super::config_error::ConfigError;
use super::token::{self, Token};

/// Longest label in bytes.
pub const MAX_LABEL_BYTES: usize = 128;

/// What a holder calls itself, such as `orders@pod-7`: it stands behind the token in the value under the locked key, for
/// everybody who reads there.
///
/// 1 to [`MAX_LABEL_BYTES`] bytes of UTF-8, of which every character can be printed and the first and the last are no
/// blanks. No control character, line break or direction mark is in it, and no blank but the space, so it can be shown on a
/// terminal and written to a log as it is. It is a name and proves nothing: anybody who may write to a node can call himself
/// so, and letters look alike, or like nothing.
///
/// Cloning is one reference count.
///
/// ```
/// use redlock_core::Label;
///
/// let label = Label::new("orders@pod-7")?;
/// let value = format!("{} {label}", "0".repeat(40));
/// assert_eq!(Label::of_value(value.as_bytes()), Some(label));
/// assert_eq!(Label::of_value(b"what another program stores"), None);
/// assert!(Label::new("two\nlines").is_err());
/// # Ok::<(), redlock_core::ConfigError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Label(Arc<str>);

impl Label {
    /// Checks the text.
    ///
    /// # Errors
    ///
    /// When it is empty, longer than [`MAX_LABEL_BYTES`], begins or ends with a blank, or holds a character that cannot be
    /// printed.
    pub fn new(text: impl AsRef<str>) -> Result<Self, ConfigError> {
        let text = text.as_ref();
        let error = |rule| Err(ConfigError::new("label", text.escape_debug().to_string(), rule));
        if text.is_empty() {
            return error("must not be empty");
        }
        if text.len() > MAX_LABEL_BYTES {
            let value = format!("{} bytes", text.len());
            return Err(ConfigError::new("label", value, "must be at most 128 bytes"));
        }
        if !is_printable(text) {
            return error("must be printable characters");
        }
        if text.starts_with(' ') || text.ends_with(' ') {
            return error("must not begin or end with a blank");
        }
        Ok(Self(text.into()))
    }

    /// The label in a value that stands under a resource: a token, a blank, the label. A value of any other shape, as other
    /// programs store, has none.
    pub fn of_value(value: &[u8]) -> Option<Self> {
        let (token, rest) = value.split_at_checked(token::LEN)?;
        let label = rest.strip_prefix(b" ").filter(|label| label.len() <= MAX_LABEL_BYTES)?;
        if !token::is_token(token) {
            return None;
        }
        Self::new(std::str::from_utf8(label).ok()?).ok()
    }

    /// The label in clear.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What a node stores for the holder of `token` who calls itself so.
    pub(super) fn value(&self, token: &Token) -> Box<[u8]> {
        [token.as_bytes(), b" ", self.0.as_bytes()].concat().into()
    }
}

impl AsRef<str> for Label {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Label({:?})", &*self.0)
    }
}

/// What `Debug` of text would show as it is, and quotes and backslashes.
fn is_printable(text: &str) -> bool {
    let plain = |c| if matches!(c, '"' | '\'' | '\\') { '.' } else { c };
    let plain: String = text.chars().map(plain).collect();
    plain.escape_debug().eq(plain.chars())
}

#[cfg(test)]
#[path = "label_tests.rs"]
mod tests;
