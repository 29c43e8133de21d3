use std::borrow::Cow;

/// What fred says of an error, as a sentence: of I/O it has only what `Debug` shows.
pub(crate) fn readable(details: &str) -> Cow<'_, str> {
    let between = |start: &str, end: &str| {
        let rest = &details[details.find(start)? + start.len()..];
        rest.rfind(end).map(|end| &rest[..end])
    };
    if details.starts_with("Os {") || details.starts_with("Error {") {
        return between("message: \"", "\"").unwrap_or(details).into();
    }
    if details.starts_with("Custom {") {
        return between("error: ", " }").map_or(details.into(), inner);
    }
    match between("Kind(", ")") {
        Some(kind) if details.starts_with("Kind(") => words(kind).into(),
        _ => details.into(),
    }
}

/// An error that an I/O error stands for: a text, or one of rustls.
fn inner(error: &str) -> Cow<'_, str> {
    if let Some(text) = error.strip_prefix('"') {
        return text.trim_end_matches('"').into();
    }
    let (name, rest) = error.split_once('(').unwrap_or((error, ""));
    let what = rest.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
    let phrase = match name {
        "InvalidCertificate" => "invalid peer certificate: ",
        "InvalidMessage" => "received corrupt message of type ",
        "AlertReceived" => "received fatal alert: ",
        "PeerIncompatible" => "peer is incompatible: ",
        "PeerMisbehaved" => "peer misbehaved: ",
        "NoCertificatesPresented" => "peer sent no certificates",
        "UnsupportedNameType" => "server name type wasn't supported",
        _ => return words(&error[..error.find(['{', '(']).unwrap_or(error.len())]).into(),
    };
    [phrase, what].concat().into()
}

/// `BrokenPipe` as "broken pipe".
fn words(name: &str) -> String {
    let mut words = String::new();
    for c in name.trim().chars() {
        if c.is_ascii_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.push(c.to_ascii_lowercase());
    }
    words
}

#[cfg(test)]
mod tests {
    use std::io::{Error, ErrorKind};

    use super::*;

    #[test]
    fn an_error_of_io_reads_as_a_sentence() {
        let cases = [
            (Error::from_raw_os_error(111), "Connection refused"),
            (ErrorKind::BrokenPipe.into(), "broken pipe"),
            (Error::other("failed to lookup: no such host"), "failed to lookup: no such host"),
        ];
        for (error, text) in cases {
            assert_eq!(readable(&format!("{error:?}")), text);
        }
    }

    #[cfg(feature = "tls-rustls")]
    #[test]
    fn an_error_of_tls_reads_as_rustls_says_it_and_is_classified() {
        use fred::rustls::{AlertDescription, CertificateError, Error as Tls, InvalidMessage};
        use redlock_core::node::Fault;
        use redlock_protocol::turned_down;

        for error in [
            Tls::InvalidCertificate(CertificateError::UnknownIssuer),
            Tls::InvalidCertificate(CertificateError::Expired),
            Tls::InvalidMessage(InvalidMessage::InvalidContentType),
            Tls::AlertReceived(AlertDescription::HandshakeFailure),
            Tls::NoCertificatesPresented,
        ] {
            let said = format!("{:?}", Error::new(ErrorKind::InvalidData, error.clone()));
            assert_eq!(turned_down(&readable(&said)).fault(), Fault::Tls, "{said}");
            assert!(!readable(&said).contains(['{', '(']), "{}", readable(&said));
        }
    }

    #[test]
    fn what_is_no_debug_stays_as_it_is() {
        for text in
            ["", "Connection closed.", "ERR a Kind(x) of", "Custom", "Os {", "Custom { kind: X"]
        {
            assert_eq!(readable(text), text);
        }
    }
}
