use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use redlock_core::ConfigError;

/// Settings that cannot be used.
///
/// `Display` and `Debug` are one line that names where it came from (a variable, or a file with line and field), the value
/// unless it may be a secret, and the rule that it breaks: ``REDLOCK_NODES, node 2 of 3: `http://b` must be …``. A password
/// is never shown.
pub struct SettingsError {
    kind: SettingsErrorKind,
    origin: Cow<'static, str>,
    value: Option<Box<str>>,
    rule: Cow<'static, str>,
    /// Between the two, where there is no value.
    link: &'static str,
    cause: Option<Box<dyn Error + Send + Sync>>,
}

/// What is wrong with settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SettingsErrorKind {
    /// Nothing says what has to be said: no node is named, or no time to live.
    Missing,
    /// Something is set, and cannot be used: it breaks a rule, or is no text.
    Invalid,
    /// A file is there, or was named, and cannot be read.
    Unreadable,
    /// A directory cannot be used as a node.
    Unopened,
}

impl SettingsError {
    /// A value that breaks a rule. It must hold no secret.
    pub(crate) fn invalid(
        origin: impl Into<Cow<'static, str>>,
        value: impl Into<Box<str>>,
        rule: impl Into<Cow<'static, str>>,
    ) -> Self {
        let value = Some(value.into());
        Self { value, ..Self::new(SettingsErrorKind::Invalid, origin, ": ", rule) }
    }

    /// Something that is set, and whose value says nothing or is not shown.
    pub(crate) fn unusable(
        origin: impl Into<Cow<'static, str>>,
        rule: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::new(SettingsErrorKind::Invalid, origin, " ", rule)
    }

    /// Something whose form is wrong. The message must hold no secret.
    pub(crate) fn malformed(
        origin: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::new(SettingsErrorKind::Invalid, origin, ": ", message)
    }

    /// Something that has to be said, and is not.
    pub(crate) fn missing(
        origin: impl Into<Cow<'static, str>>,
        rule: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::new(SettingsErrorKind::Missing, origin, ": ", rule)
    }

    /// The same of another kind, with the error that says it.
    #[cfg(all(feature = "file", unix))]
    pub(crate) fn by(
        self,
        kind: SettingsErrorKind,
        cause: impl Error + Send + Sync + 'static,
    ) -> Self {
        Self { kind, cause: Some(Box::new(cause)), ..self }
    }

    /// Something that the system refuses.
    pub(crate) fn caused(
        kind: SettingsErrorKind,
        origin: impl Into<Cow<'static, str>>,
        cause: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        let cause = cause.into();
        Self { cause: Some(cause), ..Self::new(kind, origin, ": ", "") }
    }

    /// What a builder or a node says of a value that came from `origin`.
    pub(crate) fn of(origin: impl Into<Cow<'static, str>>, error: &ConfigError) -> Self {
        Self::invalid(origin, error.value(), error.rule().to_owned())
    }

    fn new(
        kind: SettingsErrorKind,
        origin: impl Into<Cow<'static, str>>,
        link: &'static str,
        rule: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { kind, origin: origin.into(), value: None, rule: rule.into(), link, cause: None }
    }

    /// What is wrong.
    pub fn kind(&self) -> SettingsErrorKind {
        self.kind
    }

    /// Where it came from: a variable (`REDLOCK_NODES, node 2 of 3`), a file with line and field (`/etc/redlock.toml, line 3,
    /// nodes[1].url`), or a field alone, where that was set in code or read by another deserializer.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// What was given, without secrets; nothing where it is not text, is empty or may be a secret as a whole.
    pub fn value(&self) -> Option<&str> {
        self.value.as_deref()
    }

    /// The rule that it breaks; empty where the [source](Error::source) says all.
    pub fn rule(&self) -> &str {
        &self.rule
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { origin, rule, link, .. } = self;
        match (&self.value, &self.cause) {
            (Some(value), _) => write!(f, "{origin}: `{value}` {rule}"),
            (None, Some(cause)) => write!(f, "{origin}{link}{cause}"),
            (None, None) => write!(f, "{origin}{link}{rule}"),
        }
    }
}

/// Reads as `Display` does, so that a `main` which ends with one prints a line; all fields, with `{:#?}`.
impl fmt::Debug for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !f.alternate() {
            return fmt::Display::fmt(self, f);
        }
        f.debug_struct("SettingsError")
            .field("kind", &self.kind)
            .field("origin", &self.origin)
            .field("value", &self.value)
            .field("rule", &self.rule)
            .field("cause", &self.cause)
            .finish()
    }
}

impl Error for SettingsError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as _)
    }
}
