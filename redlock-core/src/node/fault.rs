use std::fmt;

/// Longest detail kept of what a server said, in bytes.
const MAX_DETAIL: usize = 200;

/// Why a node could not do what it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// No answer within the time limit.
    Timeout,
    /// The connection broke after the command may have been sent.
    ConnectionLost,
    /// An answer that makes no sense, or one this crate does not know.
    Unexpected,
    /// No connection could be made; nothing was sent.
    Refused,
    /// The server is reading its data from disk.
    Loading,
    /// The server is busy with somebody's script.
    Busy,
    /// The server is out of memory.
    OutOfMemory,
    /// The server cannot write its data to disk and refuses changes.
    CannotPersist,
    /// The server has fewer replicas than it was told to insist on.
    NoReplicas,
    /// The server has as many clients as it allows.
    TooManyClients,
    /// The server is a replica.
    Replica,
    /// The server is a member of a cluster.
    ClusterMember,
    /// Something that is no lock stands under the key.
    WrongType,
    /// User name or password are wrong or missing.
    Authentication,
    /// The user has no right to a command or a key.
    Permission,
    /// The server or the backend lacks what was asked for.
    Unsupported,
    /// One server answers for two nodes of the set, or a client sends commands twice.
    Duplicate,
    /// The server is in protected mode: it has no password, and takes connections from its own machine alone.
    ProtectedMode,
    /// TLS was not agreed on: a certificate that is not trusted, has expired or is another server's, or a side that speaks
    /// no TLS.
    Tls,
    /// The server has no database of that number, or lets nobody select one.
    Database,
    /// What listens there does not speak the backend's protocol, such as a port for TLS or for HTTP.
    Protocol,
}

impl Fault {
    /// What the fault says about the command's fate.
    pub fn class(self) -> FaultClass {
        match self {
            Self::Timeout | Self::ConnectionLost | Self::Unexpected => FaultClass::Unknown,
            Self::Refused
            | Self::Loading
            | Self::Busy
            | Self::OutOfMemory
            | Self::CannotPersist
            | Self::NoReplicas
            | Self::TooManyClients => FaultClass::NotApplied,
            Self::Replica
            | Self::ClusterMember
            | Self::WrongType
            | Self::Authentication
            | Self::Permission
            | Self::Unsupported
            | Self::Duplicate
            | Self::ProtectedMode
            | Self::Tls
            | Self::Database
            | Self::Protocol => FaultClass::Misconfigured,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Timeout => "no answer in time",
            Self::ConnectionLost => "connection lost",
            Self::Unexpected => "unexpected answer",
            Self::Refused => "no connection",
            Self::Loading => "loading its data",
            Self::Busy => "busy with a script",
            Self::OutOfMemory => "out of memory",
            Self::CannotPersist => "cannot persist",
            Self::NoReplicas => "too few replicas",
            Self::TooManyClients => "too many clients",
            Self::Replica => "is a replica",
            Self::ClusterMember => "is a cluster member",
            Self::WrongType => "key of another type",
            Self::Authentication => "authentication failed",
            Self::Permission => "missing right",
            Self::Unsupported => "not supported",
            Self::Duplicate => "one server for two nodes",
            Self::ProtectedMode => "in protected mode",
            Self::Tls => "TLS failed",
            Self::Database => "no such database",
            Self::Protocol => "speaks another protocol",
        })
    }
}

/// What a fault says about a command's fate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FaultClass {
    /// It may have been applied. An acquire must be released, and counts as no vote.
    Unknown,
    /// It was not applied; the node cannot be used for now.
    NotApplied,
    /// It was not applied, and will not be before somebody changes the set-up. A call does not
    /// ask again for a second.
    Misconfigured,
}

/// A node's failure: the fault, and at most 200 bytes of what was said about it, escaped.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("{fault}{}{detail}", if detail.is_empty() { "" } else { ": " })]
pub struct NodeError {
    fault: Fault,
    detail: Box<str>,
}

debug_reads_as_display!(NodeError { fault, detail });

impl NodeError {
    /// A failure. `detail` must hold no secret; it is escaped and cut at 200 bytes.
    pub fn new(fault: Fault, detail: &str) -> Self {
        let mut escaped = String::with_capacity(detail.len().min(MAX_DETAIL));
        for part in detail.trim().chars().map(|c| if c.is_control() { ' ' } else { c }) {
            if escaped.len() + part.len_utf8() > MAX_DETAIL {
                break;
            }
            escaped.push(part);
        }
        Self { fault, detail: escaped.into_boxed_str() }
    }

    /// The fault.
    pub fn fault(&self) -> Fault {
        self.fault
    }

    /// What the fault says about the command's fate.
    pub fn class(&self) -> FaultClass {
        self.fault.class()
    }

    /// What was said about it; may be empty.
    pub fn detail(&self) -> &str {
        &self.detail
    }
}

impl From<Fault> for NodeError {
    fn from(fault: Fault) -> Self {
        Self::new(fault, "")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_says_is_cut_and_kept_on_one_line() {
        let error = NodeError::new(Fault::OutOfMemory, &format!("OOM\r\n{}", "é".repeat(300)));
        assert!(error.detail().len() <= 200);
        assert!(!error.to_string().contains('\n'));
        assert!(error.to_string().starts_with("out of memory: OOM  é"));
        assert_eq!(NodeError::from(Fault::Timeout).to_string(), "no answer in time");
    }
}
