//! What errors mean: those that a server answers with, and those that a connection is turned down with.

use redlock_core::node::{Fault, FaultClass, NodeError};

/// What an error reply means. Codes count as the first word and, where a script's error was wrapped by the
/// server (6.2 does), inside the text.
pub(crate) fn classify(text: &str) -> NodeError {
    let fault = by_code(text.split_whitespace().next().unwrap_or_default())
        .or_else(|| by_phrase(text))
        .or_else(|| {
            let wrapped = text.contains("rror running script") || text.contains("user_script");
            let mut words = text.split(|c: char| !c.is_ascii_alphanumeric());
            wrapped.then(|| words.find_map(by_code)).flatten()
        })
        .unwrap_or(Fault::Unexpected);
    let detail = match fault {
        // It may repeat a user's name.
        Fault::Authentication => "",
        // A server repeats the arguments of a command it does not know: a token, or the password of `HELLO`.
        _ => text.split(", with args").next().unwrap_or_default(),
    };
    NodeError::new(fault, detail)
}

fn by_code(word: &str) -> Option<Fault> {
    Some(match word {
        "LOADING" => Fault::Loading,
        "BUSY" => Fault::Busy,
        "OOM" => Fault::OutOfMemory,
        "MISCONF" => Fault::CannotPersist,
        "NOREPLICAS" => Fault::NoReplicas,
        "READONLY" | "MASTERDOWN" => Fault::Replica,
        "MOVED" | "ASK" | "TRYAGAIN" | "CLUSTERDOWN" | "CROSSSLOT" => Fault::ClusterMember,
        "WRONGTYPE" => Fault::WrongType,
        "NOAUTH" | "WRONGPASS" => Fault::Authentication,
        "NOPERM" => Fault::Permission,
        "DENIED" => Fault::ProtectedMode,
        "NOPROTO" => Fault::Unsupported,
        _ => return None,
    })
}

fn by_phrase(text: &str) -> Option<Fault> {
    const PHRASES: [(&str, Fault); 16] = [
        ("max number of clients", Fault::TooManyClients),
        ("max number of connections", Fault::TooManyClients),
        ("can't run this command", Fault::Permission),
        ("ACL failure in script", Fault::Permission),
        ("has no permissions", Fault::Permission),
        ("can't access at least one of the keys", Fault::Permission),
        ("can't publish to the channel", Fault::Permission),
        ("invalid password", Fault::Authentication),
        ("without any password configured", Fault::Authentication),
        ("no password is set", Fault::Authentication),
        ("unauthenticated", Fault::Authentication),
        ("operation not permitted", Fault::Authentication),
        ("unknown command", Fault::Unsupported),
        // Proxies.
        ("unsupported command", Fault::Unsupported),
        ("Unknown Redis command", Fault::Unsupported),
        ("Unknown command called from script", Fault::Unsupported),
    ];
    PHRASES.iter().find(|(phrase, _)| text.contains(phrase)).map(|(_, fault)| *fault)
}

/// A server that knows no `EVALSHA`, or a user without the right to it.
pub(crate) fn lacks_digests(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ["'evalsha'", "`evalsha`"].iter().any(|name| text.contains(name))
}

/// Why there is no connection. `said` is the server's error reply to the handshake, or the client's own text: of TLS it has
/// nothing else. Nothing of ours was sent, so what nobody knows is [`Fault::Refused`].
pub fn turned_down(said: &str) -> NodeError {
    match classify(said) {
        error if error.class() != FaultClass::Unknown => error,
        error => NodeError::new(handshake(said).unwrap_or(Fault::Refused), error.detail()),
    }
}

/// What only a handshake is refused with.
fn handshake(said: &str) -> Option<Fault> {
    const PHRASES: [(&str, Fault); 22] = [
        ("db index", Fault::Database),
        ("select is not allowed", Fault::Database),
        ("invalid database", Fault::Database),
        // rustls.
        ("invalid peer certificate", Fault::Tls),
        ("peer is incompatible", Fault::Tls),
        ("peer misbehaved", Fault::Tls),
        ("peer sent no certificates", Fault::Tls),
        ("invalidcontenttype", Fault::Tls),
        ("received fatal alert: handshakefailure", Fault::Tls),
        ("received fatal alert: protocolversion", Fault::Tls),
        ("received fatal alert: badcertificate", Fault::Tls),
        ("received fatal alert: certificate", Fault::Tls),
        ("received fatal alert: unknownca", Fault::Tls),
        ("received fatal alert: unsupportedcertificate", Fault::Tls),
        ("received fatal alert: unrecognisedname", Fault::Tls),
        ("received fatal alert: accessdenied", Fault::Tls),
        ("server name type wasn't supported", Fault::Tls),
        // OpenSSL, and others that speak as it does.
        ("certificate verify failed", Fault::Tls),
        ("wrong version number", Fault::Tls),
        ("alert handshake failure", Fault::Tls),
        ("certificate required", Fault::Tls),
        // What a web server answers, where a client quotes it.
        ("http/1.", Fault::Protocol),
    ];
    let said = said.to_ascii_lowercase();
    PHRASES.iter().find(|(phrase, _)| said.contains(phrase)).map(|(_, fault)| *fault)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::{ERROR_REPLIES, TURNED_DOWN};

    #[test]
    fn every_error_reply_of_the_table_is_classified() {
        for (text, fault) in ERROR_REPLIES {
            assert_eq!(classify(text).fault(), *fault, "{text}");
        }
    }

    #[test]
    fn an_unknown_error_reply_may_have_been_applied() {
        assert_eq!(classify("ERR something new").fault(), Fault::Unexpected);
        assert_eq!(classify("").fault(), Fault::Unexpected);
        assert_eq!(classify("ERR a key named OOM").fault(), Fault::Unexpected);
    }

    #[test]
    fn an_authentication_failure_repeats_nothing_the_server_said() {
        assert_eq!(classify("WRONGPASS invalid username-password pair for bob").detail(), "");
    }

    #[test]
    fn the_arguments_of_an_unknown_command_are_not_repeated() {
        let error =
            classify("ERR unknown command 'DELEX', with args beginning with: 'k' 'IFEQ' 't0ken'");
        assert_eq!(error.to_string(), "not supported: ERR unknown command 'DELEX'");
    }

    #[test]
    fn every_way_to_turn_a_connection_down_is_classified() {
        for (said, fault) in TURNED_DOWN {
            assert_eq!(turned_down(said).fault(), *fault, "{said}");
        }
    }

    #[test]
    fn what_every_command_may_be_answered_with_means_the_same_in_the_handshake() {
        for (text, fault) in ERROR_REPLIES {
            let wanted = if *fault == Fault::Unexpected { Fault::Refused } else { *fault };
            assert_eq!(turned_down(text).fault(), wanted, "{text}");
        }
    }

    #[test]
    fn what_only_a_handshake_is_refused_with_says_nothing_of_a_commands_fate() {
        for (said, fault) in TURNED_DOWN {
            let alone = classify(said);
            assert!(alone.fault() == *fault || alone.class() == FaultClass::Unknown, "{said}");
        }
    }
}
