use std::fmt;
use std::io;

use redlock_core::node::{Fault, NodeError};
use rustix::io::Errno;

/// Why a directory cannot be used as a lock node.
///
/// It names what is at fault, its value, the rule it breaks, and what was found instead or the system's error where there
/// was one.
pub struct FileNodeError {
    field: &'static str,
    value: Box<str>,
    rule: &'static str,
    found: Option<Box<str>>,
    cause: Option<io::Error>,
}

impl FileNodeError {
    pub(crate) fn new(
        field: &'static str,
        value: impl Into<Box<str>>,
        rule: &'static str,
        cause: Option<io::Error>,
    ) -> Self {
        Self { field, value: value.into(), rule, found: None, cause }
    }

    pub(crate) fn finding(self, found: &str) -> Self {
        Self { found: Some(found.into()), ..self }
    }

    /// What is at fault, such as `directory`.
    pub fn field(&self) -> &'static str {
        self.field
    }

    /// What it was.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// The rule it breaks.
    pub fn rule(&self) -> &'static str {
        self.rule
    }

    /// The name of the file in the directory that breaks the rule, if one does.
    pub fn found(&self) -> Option<&str> {
        self.found.as_deref()
    }

    /// The same as a node's answer. Opening changes nothing that a lock rests on.
    pub(crate) fn into_answer(self) -> NodeError {
        let other = if self.found.is_some() { Fault::WrongType } else { Fault::Unsupported };
        let fault = self.cause.as_ref().map_or(other, fault);
        NodeError::new(fault, &self.to_string())
    }
}

/// Reads as `Display` does; all fields, with `{:#?}`.
impl fmt::Debug for FileNodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !f.alternate() {
            return fmt::Display::fmt(self, f);
        }
        f.debug_struct("FileNodeError")
            .field("field", &self.field)
            .field("value", &self.value)
            .field("rule", &self.rule)
            .field("found", &self.found)
            .field("cause", &self.cause)
            .finish()
    }
}

impl fmt::Display for FileNodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = `{}`: {}", self.field, self.value.escape_debug(), self.rule)?;
        if let Some(found) = &self.found {
            write!(f, ": found `{}`", found.escape_debug())?;
        }
        self.cause.as_ref().map_or(Ok(()), |cause| write!(f, ": {cause}"))
    }
}

impl std::error::Error for FileNodeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.as_ref().map(|cause| cause as _)
    }
}

/// Why a verb on an open directory failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Before anything was changed.
    NotApplied(io::Error),
    /// After something may have been.
    Unknown(io::Error),
    /// A file is not what this crate writes.
    Garbled {
        /// Its name in the directory.
        file: Box<str>,
        /// What it must be, and is not.
        rule: &'static str,
    },
    /// A file would grow beyond all reason.
    Full,
    /// The directory is not there any more, or is another one.
    Replaced,
    /// The lock on the directory could not be had in time.
    Timeout,
}

impl Failure {
    pub(crate) fn garbled(file: &str, rule: &'static str) -> Self {
        Self::Garbled { file: file.into(), rule }
    }
}

/// From where nothing was changed yet.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::NotApplied(error)
    }
}

/// From where nothing was changed yet.
impl From<Errno> for Failure {
    fn from(error: Errno) -> Self {
        Self::NotApplied(error.into())
    }
}

impl From<Failure> for NodeError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::NotApplied(error) => Self::new(fault(&error), &error.to_string()),
            Failure::Unknown(error) => Self::new(Fault::Unexpected, &error.to_string()),
            Failure::Garbled { file, rule } => {
                Self::new(Fault::WrongType, &format!("file `{}` {rule}", file.escape_debug()))
            }
            Failure::Full => Self::new(Fault::OutOfMemory, "too many resources"),
            Failure::Replaced => Self::new(Fault::Refused, "the directory was removed or replaced"),
            Failure::Timeout => Self::from(Fault::Timeout),
        }
    }
}

/// What an error means that changed nothing.
fn fault(error: &io::Error) -> Fault {
    match Errno::from_io_error(error) {
        Some(Errno::ACCESS | Errno::PERM | Errno::ROFS) => Fault::Permission,
        Some(Errno::NOSPC | Errno::DQUOT | Errno::FBIG | Errno::IO) => Fault::CannotPersist,
        Some(Errno::NOMEM) => Fault::OutOfMemory,
        Some(Errno::MFILE | Errno::NFILE) => Fault::TooManyClients,
        Some(Errno::LOOP | Errno::ISDIR | Errno::NOTDIR) => Fault::WrongType,
        Some(Errno::NOSYS | Errno::OPNOTSUPP) => Fault::Unsupported,
        _ => Fault::Refused,
    }
}

#[cfg(test)]
mod tests {
    use redlock_core::node::FaultClass;

    use super::*;

    #[test]
    fn only_what_changed_nothing_is_called_not_applied() {
        for errno in [Errno::ACCESS, Errno::NOSPC, Errno::MFILE, Errno::NOENT, Errno::LOOP] {
            let before = NodeError::from(Failure::from(errno));
            assert_ne!(before.class(), FaultClass::Unknown, "{before}");
            let after = NodeError::from(Failure::Unknown(errno.into()));
            assert_eq!(after.class(), FaultClass::Unknown, "{after}");
        }
    }

    #[test]
    fn an_error_names_field_value_rule_and_cause() {
        let cause = io::Error::from(Errno::ACCESS);
        let error = FileNodeError::new("directory", "/d", "must be ours", Some(cause));
        assert_eq!(
            (error.field(), error.value(), error.rule()),
            ("directory", "/d", "must be ours")
        );
        assert!(error.to_string().starts_with("directory = `/d`: must be ours: Permission denied"));
        assert!(std::error::Error::source(&error).is_some());
        assert_eq!(format!("{error:?}"), error.to_string());
        assert!(format!("{error:#?}").starts_with("FileNodeError {"));
        assert_eq!(error.into_answer().fault(), Fault::Permission);
    }
}
