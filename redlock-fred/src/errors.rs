use fred::error::{Error, ErrorKind};
use fred::types::{Resp3Frame, Value};
use redlock_core::node::{Fault, NodeError};
use redlock_protocol::{CallError, Reply, turned_down};

use crate::readable::readable;

/// What fred says of a command that it never handed to a connection, where the kind of error does not tell.
const NOT_SENT: [&str; 2] = ["Failed to send command to router.", "Failed to route command."];

/// What fred says, made readable, of a connection that the server ended before it said anything.
const HUNG_UP: [&str; 5] = [
    "Broken pipe",
    "Connection closed.",
    "Connection reset by peer",
    "Connection reset",
    "Unexpected EOF",
];

/// A server's answer.
///
/// Asking fred for the raw frame is what tells the server's errors from fred's own: fred puts both into
/// one type, of kind `Unknown` for most of either.
pub(crate) fn reply(frame: Resp3Frame) -> Result<Reply, CallError> {
    if let Resp3Frame::SimpleError { data, .. } = &frame {
        return Err(CallError::Server(data.to_string()));
    }
    if let Resp3Frame::BlobError { data, .. } = &frame {
        return Err(CallError::Server(String::from_utf8_lossy(data).into_owned()));
    }
    value(frame).ok_or_else(|| {
        NodeError::new(Fault::Unexpected, "an answer of a type that no command asks for").into()
    })
}

fn value(frame: Resp3Frame) -> Option<Reply> {
    match frame {
        Resp3Frame::Null => Some(Reply::Nil),
        Resp3Frame::Number { data, .. } => Some(Reply::Int(data)),
        Resp3Frame::Boolean { data, .. } => Some(Reply::Int(data.into())),
        Resp3Frame::BlobString { data, .. }
        | Resp3Frame::SimpleString { data, .. }
        | Resp3Frame::VerbatimString { data, .. } => Some(Reply::Bytes(data.into())),
        Resp3Frame::Array { data, .. } => {
            data.into_iter().map(value).collect::<Option<_>>().map(Reply::List)
        }
        _ => None,
    }
}

/// The answer to a command whose frame fred does not give, and fred's own errors.
///
/// What a server says begins with a word in capitals, or with the name of a script. None of fred's errors does.
pub(crate) fn told_apart(answer: Result<Value, Error>) -> Result<Result<Reply, CallError>, Error> {
    let value = match answer {
        Err(error) if is_servers(error.details()) => {
            return Ok(Err(CallError::Server(error.details().to_owned())));
        }
        answer => answer?,
    };
    Ok(match value {
        Value::Null => Ok(Reply::Nil),
        Value::Bytes(bytes) => Ok(Reply::Bytes(bytes.into())),
        Value::String(text) => Ok(Reply::Bytes(text.as_bytes().to_vec())),
        _ => {
            Err(NodeError::new(Fault::Unexpected, "an answer of a type that SET does not give")
                .into())
        }
    })
}

fn is_servers(details: &str) -> bool {
    let code = details.split(' ').next().unwrap_or_default();
    code.starts_with('@') || code.len() > 2 && code.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// Why fred gave no answer. `refusal` is looked up only when no connection was there.
pub(crate) fn unanswered(error: &Error, refusal: impl FnOnce() -> NodeError) -> CallError {
    let lost = |fault| NodeError::new(fault, &readable(error.details())).into();
    match error.kind() {
        ErrorKind::Timeout => NodeError::from(Fault::Timeout).into(),
        // A command is cancelled only while it waits in fred's own queue.
        ErrorKind::Canceled => refusal().into(),
        ErrorKind::Unknown if NOT_SENT.contains(&error.details()) => refusal().into(),
        ErrorKind::Backpressure => NodeError::new(Fault::Refused, error.details()).into(),
        // Replies that fred answers by reconnecting: `CLUSTERDOWN`, and `NOAUTH` where a client asks for it.
        ErrorKind::Auth | ErrorKind::Cluster => CallError::Server(error.details().to_owned()),
        // What is left of `Unknown` is a command whose connection went away under it.
        ErrorKind::IO | ErrorKind::Unknown => lost(Fault::ConnectionLost),
        _ => lost(Fault::Unexpected),
    }
}

/// There was no connection to send the command on; `cause` is why the last one ended or was not made.
pub(crate) fn refused(cause: Option<&Error>) -> NodeError {
    let Some(cause) = cause else { return Fault::Refused.into() };
    let said = readable(cause.details());
    if HUNG_UP.iter().any(|text| said.eq_ignore_ascii_case(text)) {
        return NodeError::new(Fault::Refused, "the server closed the connection without a word");
    }
    // A server that turns a connection down says so in the words of any other error reply.
    match turned_down(&said) {
        error if error.fault() == Fault::Refused && *cause.kind() == ErrorKind::Protocol => {
            NodeError::new(Fault::Protocol, "it answers, but not as Redis does")
        }
        error => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_hangs_up_or_speaks_otherwise_is_told_from_one_that_is_down() {
        let told =
            |kind, details: &'static str| refused(Some(&Error::new(kind, details))).to_string();
        let hung_up = "no connection: the server closed the connection without a word";
        for details in [
            "Os { code: 32, kind: BrokenPipe, message: \"Broken pipe\" }",
            "Os { code: 104, kind: ConnectionReset, message: \"Connection reset by peer\" }",
            "Kind(BrokenPipe)",
            "Kind(UnexpectedEof)",
            "Connection closed.",
        ] {
            assert_eq!(told(ErrorKind::IO, details), hung_up, "{details}");
        }
        let down = "Os { code: 111, kind: ConnectionRefused, message: \"Connection refused\" }";
        assert_eq!(told(ErrorKind::IO, down), "no connection: Connection refused");
        assert_eq!(
            told(ErrorKind::Protocol, "Decode Error: frame_type: Invalid frame type."),
            "speaks another protocol: it answers, but not as Redis does"
        );
    }

    #[test]
    fn what_a_server_says_is_told_from_what_fred_says() {
        let servers = [
            "ERR syntax error",
            "LOADING Redis is loading",
            "NOPERM no right",
            "OOM",
            "@user_script: 1: no",
        ];
        let freds = [
            "",
            "Failed to route command.",
            "Missing response.",
            "RecvError(())",
            "IO Error",
            "A b",
        ];
        assert!(servers.into_iter().all(is_servers));
        assert!(!freds.into_iter().any(is_servers));
        let answer =
            |details: &'static str| told_apart(Err(Error::new(ErrorKind::Unknown, details)));
        for details in servers {
            assert!(matches!(answer(details), Ok(Err(CallError::Server(said))) if said == details));
        }
        for details in freds {
            assert_eq!(answer(details).err(), Some(Error::new(ErrorKind::Unknown, details)));
        }
    }

    #[test]
    fn a_value_is_an_answer() {
        let answer = |value| told_apart(Ok(value)).unwrap().ok();
        assert_eq!(answer(Value::Null), Some(Reply::Nil));
        assert_eq!(answer(Value::from("x")), Some(Reply::Bytes(b"x".to_vec())));
        let bytes = Value::Bytes(fred::bytes::Bytes::from_static(b"\xff"));
        assert_eq!(answer(bytes), Some(Reply::Bytes(b"\xff".to_vec())));
        assert_eq!(answer(Value::Integer(1)), None);
    }
}
