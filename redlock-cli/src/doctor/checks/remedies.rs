//! One remedy for each thing that is wrong with a connection or a node; docs/OPERATIONS.md has the same.

use redlock_core::node::{Fault, NodeError};

use crate::nodes::TroubleKind;

const LOGIN: &str =
    "check user and password (REDLOCK_USERNAME, REDLOCK_PASSWORD, the URL, the file)";
const START: &str = "start the server, or correct its address";
const HANGS: &str = "see whether the server hangs, or a firewall swallows what is sent";
const PROTECTED: &str = "set a password for the server (requirepass, or ACL users), or protected-mode no where nobody else can reach it";
const FULL: &str = "raise maxclients, or find who leaks connections";
const DATABASE: &str =
    "name a database that the server has (the number after the last slash of the URL)";
const CERTIFICATE: &str =
    "have its authority trusted (SSL_CERT_FILE), and name the server as its certificate does";
const TRUST: &str = "name certificates that can be read (SSL_CERT_FILE, SSL_CERT_DIR, as PEM), or unset both for those of the system";
const TLS: &str = "see whether the server speaks TLS on this port: rediss:// where it does, redis:// where it does not; and whether it hangs";
const CLOSED: &str = "see the server's log, and what closes connections on the way; a port that speaks TLS wants rediss://";
const PROTOCOL: &str = "correct the address: another kind of server listens there";
const LOG: &str = "see the server's log";

/// For a connection.
pub(super) fn by_trouble(kind: TroubleKind) -> &'static str {
    match kind {
        TroubleKind::Unreachable => START,
        TroubleKind::Closed => CLOSED,
        TroubleKind::Timeout => HANGS,
        TroubleKind::Login => LOGIN,
        TroubleKind::Denied => "let the user log in and choose its database",
        TroubleKind::Protected => PROTECTED,
        TroubleKind::Full => FULL,
        TroubleKind::Database => DATABASE,
        TroubleKind::Certificate => CERTIFICATE,
        TroubleKind::Trust => TRUST,
        TroubleKind::Tls => TLS,
        TroubleKind::Protocol => PROTOCOL,
        TroubleKind::Url => "correct the URL",
        TroubleKind::Refused => LOG,
    }
}

/// For a node. What is wrong with its connection has no fault of its own everywhere, so its text counts first.
pub(super) fn by_fault(error: &NodeError) -> &'static str {
    const PHRASES: [(&str, &str); 8] = [
        ("closed the connection", CLOSED),
        ("DENIED", PROTECTED),
        ("protected mode", PROTECTED),
        ("trusted certificates", TRUST),
        ("certificate", CERTIFICATE),
        ("DB index", DATABASE),
        ("database", DATABASE),
        ("max number of clients", FULL),
    ];
    // The fault's own words, too, whatever it is called.
    let said = error.to_string();
    if let Some((_, remedy)) = PHRASES.iter().find(|(phrase, _)| said.contains(phrase)) {
        return remedy;
    }
    match error.fault() {
        Fault::Timeout => HANGS,
        Fault::ConnectionLost => CLOSED,
        Fault::Refused => START,
        Fault::Loading => "wait until the server has read its data",
        Fault::Busy => "end the script that runs there (SCRIPT KILL)",
        Fault::OutOfMemory => "raise maxmemory",
        Fault::CannotPersist => "see why the server cannot write to its disk",
        Fault::NoReplicas => "unset min-replicas-to-write: nodes need no replicas",
        Fault::TooManyClients => FULL,
        Fault::Replica | Fault::ClusterMember => "name an independent master",
        Fault::WrongType => "choose a key prefix that nothing else uses (--key-prefix)",
        Fault::Authentication => LOGIN,
        Fault::Unsupported => {
            "take Redis 6.2 or newer, or Valkey, and let it have its commands (ACL, rename-command)"
        }
        Fault::Duplicate => "list every server once",
        Fault::ProtectedMode => PROTECTED,
        Fault::Tls => TLS,
        Fault::Database => DATABASE,
        Fault::Protocol => PROTOCOL,
        _ => LOG,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_turns_a_connection_down_has_its_own_remedy_whichever_fault_it_comes_with() {
        for fault in [Fault::Refused, Fault::Authentication, Fault::Unexpected, Fault::Unsupported]
        {
            for (said, kind) in [
                ("DENIED Redis is running in protected mode", TroubleKind::Protected),
                ("invalid peer certificate: UnknownIssuer", TroubleKind::Certificate),
                (
                    "the trusted certificates cannot be read: opening directory: x",
                    TroubleKind::Trust,
                ),
                ("ERR DB index is out of range", TroubleKind::Database),
                ("ERR max number of clients reached", TroubleKind::Full),
                ("the server closed the connection without a word", TroubleKind::Closed),
            ] {
                assert_eq!(
                    by_fault(&NodeError::new(fault, said)),
                    by_trouble(kind),
                    "{fault}: {said}"
                );
            }
        }
        assert_eq!(by_fault(&Fault::Refused.into()), by_trouble(TroubleKind::Unreachable));
        assert_eq!(by_fault(&Fault::Timeout.into()), by_trouble(TroubleKind::Timeout));
        assert_eq!(by_fault(&Fault::Authentication.into()), by_trouble(TroubleKind::Login));
        assert_eq!(by_fault(&Fault::Protocol.into()), by_trouble(TroubleKind::Protocol));
        assert_eq!(by_fault(&Fault::Tls.into()), by_trouble(TroubleKind::Tls));
        assert_eq!(by_fault(&Fault::Database.into()), by_trouble(TroubleKind::Database));
        assert_eq!(by_fault(&Fault::ProtectedMode.into()), by_trouble(TroubleKind::Protected));
    }
}
