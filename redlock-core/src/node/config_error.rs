use std::borrow::Cow;

/// A setting or an argument that breaks a rule.
///
/// It names the field, the value as given (secrets are cut out) and the rule. Nothing is ever clamped
/// into range instead.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} = `{value}`: {rule}")]
pub struct ConfigError {
    field: &'static str,
    value: Cow<'static, str>,
    rule: Cow<'static, str>,
}

debug_reads_as_display!(ConfigError { field, value, rule });

impl ConfigError {
    /// An error about `field`, which was given as `value` and breaks `rule`. `value` must hold no secret.
    pub fn new(
        field: &'static str,
        value: impl Into<Cow<'static, str>>,
        rule: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { field, value: value.into(), rule: rule.into() }
    }

    /// The setting or argument at fault.
    pub fn field(&self) -> &'static str {
        self.field
    }

    /// What it was set to, without secrets.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// The rule it breaks.
    pub fn rule(&self) -> &str {
        &self.rule
    }
}
