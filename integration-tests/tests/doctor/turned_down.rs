//! Servers that turn the connection down: each has a remedy of its own.

use std::sync::Arc;

use integration_tests::Servers;
use integration_tests::nodes::Client;
use rcgen::{CertificateParams, KeyPair};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use crate::setup::*;

const PROTECTED: &str = "-DENIED Redis is running in protected mode because protected mode is enabled and no password \
                         is set for the default user.\r\n";

/// Says a line to everybody, and closes: at once, or when it was asked something.
async fn closing(line: &'static str, at_once: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            if !at_once {
                let _ = stream.read(&mut [0; 256]).await;
            }
            let _ = stream.write_all(line.as_bytes()).await;
        }
    });
    url
}

/// Speaks TLS with a certificate that nobody signed.
async fn untrusted() -> String {
    let key = KeyPair::generate().unwrap();
    let own = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(&key);
    let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![own.unwrap().der().clone()], key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("rediss://localhost:{}", listener.local_addr().unwrap().port());
    let tls = TlsAcceptor::from(Arc::new(config));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = tls.accept(stream).await;
        }
    });
    url
}

/// Why the node is not reachable, and what to do.
async fn diagnosed(client: Client, url: &str) -> (String, String) {
    let words = ["doctor", "--json", "--timeout", "10s"];
    let report = run(client, &[url.to_owned()], &words).await.expect(2).json();
    let findings = report[0]["findings"].as_array().unwrap();
    let finding = findings.iter().find(|finding| finding["check"] == "reachable").unwrap();
    assert_eq!(finding["level"], "fail", "{finding:#}");
    let text = |field: &str| finding[field].as_str().unwrap().to_owned();
    (text("reason"), text("remedy"))
}

async fn every_way_to_be_turned_down_has_a_remedy_of_its_own(client: Client) {
    let servers = Servers::start(1).await;
    let plain = servers[0].addr();
    let cases = [
        (closing(PROTECTED, true).await, "protected mode", "protected-mode no"),
        (closing(PROTECTED, false).await, "protected mode", "protected-mode no"),
        (closing("-ERR max number of clients reached\r\n", true).await, "max number", "maxclients"),
        (
            closing("-ERR max number of clients reached\r\n", false).await,
            "max number",
            "maxclients",
        ),
        (closing("", true).await, "closed the connection", "rediss://"),
        (closing("", false).await, "closed the connection", "rediss://"),
        (closing("SSH-2.0-x\r\n", true).await, "not as Redis does: `SSH-2.0-x`", "another kind of"),
        (
            closing("HTTP/1.1 400 Bad Request\r\n", false).await,
            "not as Redis does: `HTTP/1.1 400 Bad Request`",
            "another kind of",
        ),
        ("redis://127.0.0.1:1".to_owned(), "refused", "start the server"),
        (format!("redis://{plain}/99"), "DB index is out of range", "name a database"),
        (format!("redis://:wrong@{plain}"), "", "check user and password"),
        (untrusted().await, "certificate", "SSL_CERT_FILE"),
        (format!("rediss://{plain}"), "", "speaks TLS"),
    ];
    for (url, reason, remedy) in cases {
        let (said, todo) = diagnosed(client, &url).await;
        assert!(said.contains(reason), "{url}: {said}");
        assert!(todo.contains(remedy), "{url}: {said}: {todo}");
        assert!(!said.contains("wrong@") && !said.contains('\n'), "{said}");
    }
}

#[tokio::test]
async fn certificates_that_cannot_be_read_are_what_has_to_be_mended() {
    let url = [untrusted().await];
    let with = |words: &[&str], file: &str| {
        let mut command = redlock(Client::Redis, &url, words);
        command.env("SSL_CERT_FILE", file).env_remove("SSL_CERT_DIR");
        command.spawn().unwrap()
    };
    let doctor = ended(with(&["doctor", "--timeout", "10s"], "/nonexistent.pem")).await.expect(2);
    let said =
        "the trusted certificates cannot be read: failed to read PEM from file: No such file";
    assert!(doctor.out.contains(said), "{}", doctor.out);
    assert!(doctor.out.contains("name certificates that can be read (SSL_CERT_FILE"), "{doctor:?}");
    let words = ["exec", "--wait", "1h", "k", "--", "true"];
    let exec = ended(with(&words, "/nonexistent.pem")).await.expect(125);
    assert!(exec.err.contains(said), "{}", exec.err);
}

integration_tests::with_both_clients! {
    every_way_to_be_turned_down_has_a_remedy_of_its_own
}
