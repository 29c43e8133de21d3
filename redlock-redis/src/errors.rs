use redis::{ErrorKind, RedisError, Value};
use redlock_core::node::{Fault, FaultClass, NodeError};
use redlock_protocol::{CallError, Reply, turned_down};

use crate::trust::no_tls;

/// A server's answer.
pub(crate) fn reply(value: Value) -> Result<Reply, CallError> {
    if let Value::ServerError(error) = value {
        return Err(CallError::Server(error_text(error.code(), error.details())));
    }
    shape(value).ok_or_else(|| {
        NodeError::new(Fault::Unexpected, "an answer of a type that no command asks for").into()
    })
}

fn shape(value: Value) -> Option<Reply> {
    match value {
        Value::Nil => Some(Reply::Nil),
        Value::Int(number) => Some(Reply::Int(number)),
        Value::Boolean(truth) => Some(Reply::Int(truth.into())),
        Value::BulkString(bytes) => Some(Reply::Bytes(bytes)),
        Value::SimpleString(text) | Value::VerbatimString { text, .. } => {
            Some(Reply::Bytes(text.into()))
        }
        Value::Okay => Some(Reply::Bytes(b"OK".to_vec())),
        Value::Array(values) => {
            values.into_iter().map(shape).collect::<Option<_>>().map(Reply::List)
        }
        Value::Attribute { data, .. } => shape(*data),
        _ => None,
    }
}

/// Why a command that may have been sent has no answer.
pub(crate) fn unanswered(error: &RedisError) -> CallError {
    if let Some(code) = error.code() {
        return CallError::Server(error_text(code, error.detail()));
    }
    // Found before anything is sent, too.
    if let Some(error) = no_tls(error) {
        return error.into();
    }
    let fault = match error.kind() {
        ErrorKind::Io if error.is_timeout() => Fault::Timeout,
        ErrorKind::Io if error.is_connection_refusal() => Fault::Refused,
        ErrorKind::Io => Fault::ConnectionLost,
        ErrorKind::AuthenticationFailed => Fault::Authentication,
        ErrorKind::RESP3NotSupported => Fault::Unsupported,
        // Found before anything is sent, as by a client that connects while the command waits.
        ErrorKind::InvalidClientConfig => Fault::Refused,
        _ => Fault::Unexpected,
    };
    NodeError::new(fault, &detail(error)).into()
}

/// Why there is no connection; nothing of ours was sent.
pub(crate) fn not_connected(error: &RedisError) -> NodeError {
    if let Some(code) = error.code() {
        return turned_down(&error_text(code, error.detail()));
    }
    if let Some(error) = no_tls(error) {
        return error;
    }
    match error.kind() {
        // Of TLS redis-rs tells only the text.
        ErrorKind::Io if !error.is_timeout() && !error.is_connection_refusal() => {
            let error = turned_down(&error.to_string());
            let said = error.detail().to_ascii_lowercase();
            if said == "unexpected end of file"
                || ["broken pipe", "connection reset"].iter().any(|how| said.starts_with(how))
            {
                return NodeError::new(
                    Fault::Refused,
                    "the server closed the connection without a word",
                );
            }
            return error;
        }
        ErrorKind::Parse => return NodeError::new(Fault::Protocol, &detail(error)),
        _ => {}
    }
    match NodeError::from(unanswered(error)) {
        error if error.class() == FaultClass::Unknown => {
            NodeError::new(Fault::Refused, error.detail())
        }
        error => error,
    }
}

/// The reply as it was sent: the code and what follows it.
pub(crate) fn error_text(code: &str, detail: Option<&str>) -> String {
    detail.map_or_else(|| code.to_owned(), |detail| [code, " ", detail].concat())
}

/// What may be repeated: an error about a reply's text quotes the reply, which can be a token.
fn detail(error: &RedisError) -> String {
    match error.kind() {
        ErrorKind::Io => error.to_string(),
        ErrorKind::Parse => "it answers, but not as Redis does".to_owned(),
        ErrorKind::AuthenticationFailed => String::new(),
        _ => error.category().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn every_shape_that_a_command_can_answer_with_is_carried() {
        let bytes = |text: &str| Some(Reply::Bytes(text.into()));
        let verbatim =
            Value::VerbatimString { format: redis::VerbatimFormat::Text, text: "a:b".into() };
        let attribute = Value::Attribute { data: Box::new(Value::Int(3)), attributes: vec![] };
        let cases = [
            (Value::Nil, Some(Reply::Nil)),
            (Value::Int(-1), Some(Reply::Int(-1))),
            (Value::Boolean(true), Some(Reply::Int(1))),
            (Value::BulkString(vec![0, 255]), Some(Reply::Bytes(vec![0, 255]))),
            (Value::SimpleString("s".into()), bytes("s")),
            (Value::Okay, bytes("OK")),
            (verbatim, bytes("a:b")),
            (attribute, Some(Reply::Int(3))),
            (
                Value::Array(vec![Value::Int(0), Value::Nil]),
                Some(Reply::List(vec![Reply::Int(0), Reply::Nil])),
            ),
            (Value::Array(vec![Value::Double(1.0)]), None),
            (Value::Map(vec![]), None),
            (Value::Double(1.0), None),
        ];
        for (value, wanted) in cases {
            assert_eq!(reply(value.clone()).ok(), wanted, "{value:?}");
        }
    }

    #[test]
    fn what_was_not_sent_is_told_from_what_may_have_been() {
        let io = |kind| RedisError::from(io::Error::from(kind));
        let client = |kind| RedisError::from((kind, "canary"));
        let cases = [
            (io(io::ErrorKind::TimedOut), Fault::Timeout, Fault::Refused),
            (io(io::ErrorKind::BrokenPipe), Fault::ConnectionLost, Fault::Refused),
            (io(io::ErrorKind::ConnectionReset), Fault::ConnectionLost, Fault::Refused),
            (io(io::ErrorKind::HostUnreachable), Fault::ConnectionLost, Fault::Refused),
            (RedisError::from(io::Error::other("lookup")), Fault::ConnectionLost, Fault::Refused),
            (io(io::ErrorKind::ConnectionRefused), Fault::Refused, Fault::Refused),
            (client(ErrorKind::AuthenticationFailed), Fault::Authentication, Fault::Authentication),
            (client(ErrorKind::RESP3NotSupported), Fault::Unsupported, Fault::Unsupported),
            (client(ErrorKind::InvalidClientConfig), Fault::Refused, Fault::Refused),
            (client(ErrorKind::Parse), Fault::Unexpected, Fault::Protocol),
            (client(ErrorKind::Client), Fault::Unexpected, Fault::Refused),
        ];
        for (error, sent, connecting) in cases {
            assert_eq!(NodeError::from(unanswered(&error)).fault(), sent, "{error}");
            assert_eq!(not_connected(&error).fault(), connecting, "{error}");
            assert!(!not_connected(&error).to_string().contains("canary"));
        }
    }

    #[test]
    fn a_server_that_hangs_up_or_speaks_otherwise_is_told_from_one_that_is_down() {
        let told = |error: RedisError| not_connected(&error).to_string();
        let system = |code| told(io::Error::from_raw_os_error(code).into());
        let hung_up = "no connection: the server closed the connection without a word";
        for error in
            [system(104), system(32), told(io::Error::from(io::ErrorKind::BrokenPipe).into())]
        {
            assert!(error == hung_up || !cfg!(target_os = "linux"), "{error}");
        }
        let parse = told(RedisError::from((ErrorKind::Parse, "canary")));
        assert_eq!(parse, "speaks another protocol: it answers, but not as Redis does");
    }

    #[test]
    fn a_servers_refusal_while_connecting_keeps_its_own_meaning() {
        let refused = |code: &str, detail: &str| {
            let error = redis::make_extension_error(code.into(), Some(detail.into()));
            not_connected(&error)
        };
        assert_eq!(
            refused("WRONGPASS", "invalid username-password pair").fault(),
            Fault::Authentication
        );
        assert_eq!(refused("ERR", "max number of clients reached").fault(), Fault::TooManyClients);
        let unsupported = refused(
            "ERR",
            "unknown command 'HELLO', with args beginning with: '3' 'AUTH' 'u' 'hunter2'",
        );
        assert_eq!(
            (unsupported.fault(), unsupported.detail()),
            (Fault::Unsupported, "ERR unknown command 'HELLO'")
        );
        let database = refused("ERR", "DB index is out of range");
        assert_eq!(
            (database.fault(), database.detail()),
            (Fault::Database, "ERR DB index is out of range")
        );
    }

    #[test]
    fn every_way_to_turn_a_connection_down_means_what_the_shared_table_says() {
        for (said, fault) in redlock_protocol::TURNED_DOWN {
            let (code, detail) = said.split_once(' ').unwrap_or((said, ""));
            let by_server = redis::make_extension_error(code.into(), Some(detail.into()));
            assert_eq!(not_connected(&by_server).fault(), *fault, "{said}");
            let by_client = RedisError::from(io::Error::other(*said));
            assert_eq!(not_connected(&by_client).fault(), *fault, "{said}");
        }
    }
}
