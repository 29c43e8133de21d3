//! What is wrong with the command line, where clap does not see it.

use crate::exit::Failure;

/// A value that breaks a rule. Never shows a password.
#[derive(Debug, thiserror::Error)]
#[error("{field}: `{value}` {rule}")]
pub(crate) struct ConfigFault {
    field: String,
    value: String,
    rule: String,
}

impl ConfigFault {
    pub(crate) fn rule(
        field: impl Into<String>,
        value: impl Into<String>,
        rule: impl Into<String>,
    ) -> Self {
        Self { field: field.into(), value: value.into(), rule: rule.into() }
    }
}

impl From<ConfigFault> for Failure {
    fn from(fault: ConfigFault) -> Self {
        Self::new(fault)
    }
}
