//! Who holds a lock.

use std::fmt;

use super::config_error::ConfigError;

/// Length of a token in bytes: 20 random bytes as hexadecimal digits.
pub(super) const LEN: usize = 40;

/// Proof of holding: 20 bytes from the operating system's generator, written as 40 lower-case
/// hexadecimal digits.
///
/// A new token is drawn for every *attempt* to take a lock. Reusing one would be a safety bug: a late
/// release of one attempt would delete the key of the next.
///
/// A token is a capability, whoever has it can release the lock. `Debug` therefore shows nothing of
/// it, and there is no `Display`; see [`Token::expose`]. It is never an order between holders.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Token([u8; LEN]);

impl Token {
    /// Draws a fresh token.
    ///
    /// # Errors
    ///
    /// When the operating system has no randomness to give; there is no weaker fallback.
    pub fn random() -> Result<Self, NoEntropy> {
        let mut raw = [0_u8; LEN / 2];
        getrandom::fill(&mut raw).map_err(|_| NoEntropy(()))?;
        Ok(Self::from_raw(raw))
    }

    /// Reads a token that [`Token::expose`] gave out, to hand a lock over to another process.
    ///
    /// # Errors
    ///
    /// When `text` is not 40 lower-case hexadecimal digits. The error does not repeat the text.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        <[u8; LEN]>::try_from(text.as_bytes())
            .ok()
            .filter(|bytes| is_token(bytes))
            .map(Self)
            .ok_or_else(|| {
                ConfigError::new("token", "<redacted>", "must be 40 lower-case hexadecimal digits")
            })
    }

    /// The bytes a node stores under the locked key.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The token in clear. Keep it out of logs: it is the right to release the lock.
    pub fn expose(&self) -> &str {
        // Only hexadecimal digits are ever stored.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    fn from_raw(raw: [u8; LEN / 2]) -> Self {
        let halves: [u8; LEN] = std::array::from_fn(|i| raw[i / 2] >> (4 * (1 - i % 2)) & 0x0f);
        // Without a table the compiler does many at once.
        Self(halves.map(|half| half + if half < 10 { b'0' } else { b'a' - 10 }))
    }
}

/// Whether this is a token as text.
pub(super) fn is_token(text: &[u8]) -> bool {
    text.len() == LEN && text.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// The operating system gave no randomness for a [`Token`].
#[derive(Clone, Copy, thiserror::Error)]
#[error("the operating system gave no randomness for a lock token")]
pub struct NoEntropy(());

debug_reads_as_display!(NoEntropy {});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_unique_and_never_shown() {
        let (a, b) = (Token::random().unwrap(), Token::random().unwrap());
        assert_ne!(a, b);
        assert_eq!(format!("{a:?}"), "Token(…)");
        assert_eq!(a.expose().len(), 40);
    }

    #[test]
    fn a_token_survives_being_handed_over_as_text() {
        let token = Token::from_raw(std::array::from_fn(|i| i as u8 * 13));
        assert_eq!(token.expose(), "000d1a2734414e5b6875828f9ca9b6c3d0ddeaf7");
        assert_eq!(Token::parse(token.expose()).unwrap(), token);
    }

    #[test]
    fn a_text_that_is_no_token_is_refused_without_repeating_it() {
        for bad in ["", "abc", &"g".repeat(40), &"A".repeat(40), &"0".repeat(41)] {
            let error = Token::parse(bad).unwrap_err();
            assert_eq!(error.field(), "token");
            assert!(bad.is_empty() || !error.to_string().contains(&format!("`{bad}`")));
        }
    }
}
