//! `rediss://` through both clients: a server whose certificate is trusted, and one whose is not.
//!
//! Trust comes from the system's certificates, which `SSL_CERT_FILE` stands in for; so each test runs itself again as a
//! child process with that variable set.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use integration_tests::Servers;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redlock_core::node::{Claim, Fault, Listener, Terms};
use redlock_core::{LockErrorKind, LockKey, LockNode, LockOptions, Redlock, Token};
use redlock_fred::FredNode;
use redlock_redis::RedisNode;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

const URL: &str = "REDLOCK_TLS_TEST_URL";

#[tokio::test]
async fn a_lock_is_had_over_tls_from_a_server_that_the_system_trusts() {
    let Ok(url) = std::env::var(URL) else {
        let (url, authority) = tls_server("trusted").await;
        return again(
            "a_lock_is_had_over_tls_from_a_server_that_the_system_trusts",
            &url,
            &authority,
        )
        .await;
    };
    for node in nodes(&url) {
        let redlock = redlock(node);
        let guard = redlock.try_lock("k").await.unwrap();
        assert_eq!(redlock.try_lock("k").await.unwrap_err().kind(), LockErrorKind::Contended);
        guard.release().await.unwrap();
    }
}

/// Listens before anything else, so that the ciphers are this connection's to choose.
#[tokio::test]
async fn a_release_is_heard_of_over_tls() {
    let Ok(url) = std::env::var(URL) else {
        let (url, authority) = tls_server("heard").await;
        return again("a_release_is_heard_of_over_tls", &url, &authority).await;
    };
    for node in nodes(&url) {
        let (tell, mut heard) = unbounded_channel();
        let ear = Arc::new(Ear(tell));
        let listening = tokio::spawn(Arc::clone(&node).listen(ear, Duration::from_secs(10)));
        assert_eq!(heard.recv().await.unwrap(), b"");
        let claim = Claim::new(LockKey::new("k").unwrap(), Token::random().unwrap());
        let limit = Duration::from_secs(10);
        Arc::clone(&node).acquire(claim.clone(), Terms::new(limit * 6), limit).await.unwrap();
        Arc::clone(&node).release_and_tell(claim, limit).await.unwrap();
        assert_eq!(heard.recv().await.unwrap(), b"k");
        listening.abort();
    }
}

struct Ear(UnboundedSender<Vec<u8>>);

impl Listener for Ear {
    fn listening(&self) {
        self.0.send(Vec::new()).unwrap();
    }

    fn released(&self, resource: &[u8]) {
        self.0.send(resource.to_vec()).unwrap();
    }
}

#[tokio::test]
async fn a_server_whose_certificate_nobody_vouches_for_says_why() {
    let Ok(url) = std::env::var(URL) else {
        let (url, _) = tls_server("untrusted").await;
        let (_, other_authority) = tls_server("other").await;
        let name = "a_server_whose_certificate_nobody_vouches_for_says_why";
        return again(name, &url, &other_authority).await;
    };
    for node in nodes(&url) {
        let error = redlock(node).try_lock("k").await.unwrap_err();
        assert_eq!(error.kind(), LockErrorKind::Misconfigured, "{error}");
        assert!(error.to_string().to_lowercase().contains("certificate"), "{error}");
    }
    expect(&url, Fault::Tls).await;
}

#[tokio::test]
async fn what_tls_is_not_agreed_on_for_is_misconfigured() {
    let Ok(url) = std::env::var(URL) else {
        let (url, authority) = tls_server("disagreed").await;
        return again("what_tls_is_not_agreed_on_for_is_misconfigured", &url, &authority).await;
    };
    // The certificate is for another name.
    expect(&url.replace("localhost", "127.0.0.1"), Fault::Tls).await;
    // Only the server speaks TLS.
    expect(&url.replace("rediss", "redis"), Fault::Protocol).await;
    // Only the client does, and the server answers to what it takes for commands.
    let servers = Servers::start(1).await;
    let plain = format!("rediss://localhost:{}", servers[0].addr().port());
    expect(&plain, Fault::Refused).await;
}

#[tokio::test]
async fn a_certificate_that_has_expired_is_misconfigured() {
    let Ok(url) = std::env::var(URL) else {
        let (url, authority) = tls_server_with("expired", certificate(2020)).await;
        return again("a_certificate_that_has_expired_is_misconfigured", &url, &authority).await;
    };
    expect(&url, Fault::Tls).await;
}

/// Certificates to trust that cannot be read, in as many ways as redis-rs tells of: `SSL_CERT_FILE`, `SSL_CERT_DIR`.
fn unreadable(here: &Path) -> Vec<(&'static str, PathBuf, &'static str)> {
    let file = |name: &str, text: &str| {
        std::fs::write(here.join(name), text).unwrap();
        here.join(name)
    };
    let pem =
        |body: &str| format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n");
    vec![
        ("SSL_CERT_FILE", here.join("none.pem"), "No such file"),
        ("SSL_CERT_FILE", here.to_owned(), "directory"),
        ("SSL_CERT_FILE", file("base64.pem", &pem("!")), "base64"),
        ("SSL_CERT_FILE", file("cut.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n"), "end marker"),
        ("SSL_CERT_FILE", file("other.pem", &pem("AAAA")), "BadEncoding"),
        ("SSL_CERT_DIR", here.join("none"), "opening directory: No such file"),
    ]
}

/// fred's URL is refused for that when the node is made, or it trusts what is left.
#[tokio::test]
async fn certificates_that_cannot_be_read_are_misconfigured_and_not_waited_for() {
    const NAME: &str = "certificates_that_cannot_be_read_are_misconfigured_and_not_waited_for";
    let Ok(url) = std::env::var(URL) else {
        let (url, authority) = tls_server("unreadable").await;
        let here = authority.with_extension("d");
        std::fs::create_dir_all(&here).unwrap();
        for (variable, path, said) in unreadable(&here) {
            // Of files the last one that is named counts.
            let others = [("SSL_CERT_FILE", authority.as_path())];
            let set = [(variable, path.as_path()), ("REDLOCK_TLS_TEST_SAID", Path::new(said))];
            child(NAME, &url, &[&others[..], &set].concat()).await;
        }
        std::fs::remove_dir_all(here).unwrap();
        return std::fs::remove_file(authority).unwrap();
    };
    let said = std::env::var("REDLOCK_TLS_TEST_SAID").unwrap();
    let node = Arc::new(RedisNode::connect(&url).unwrap());
    let error = Arc::clone(&node).identity(Duration::from_secs(10)).await.unwrap_err();
    assert_eq!(error.fault(), Fault::Tls, "{error}");
    let text = error.to_string();
    assert!(text.starts_with("TLS failed: the trusted certificates cannot be read: "), "{text}");
    assert!(text.contains(&said), "{said}: {text}");
    // A client that connects while the command waits finds it out as late.
    let client = redis::Client::open(url).unwrap();
    let config = ConnectionManagerConfig::new().set_number_of_retries(0);
    let manager = ConnectionManager::new_lazy_with_config(client, config).unwrap();
    let lazy = Arc::new(RedisNode::from_connection("lazy", manager).unwrap());
    let error = lazy.identity(Duration::from_secs(10)).await.unwrap_err();
    assert_eq!(error.fault(), Fault::Tls, "{error}");
    // Nobody waits for it to mend itself.
    let redlock = redlock(node);
    let waiting = LockOptions::new().wait_for(Duration::from_secs(3_600));
    let error = redlock.lock_with("k", &waiting).await.unwrap_err();
    assert_eq!(error.kind(), LockErrorKind::Misconfigured, "{error}");
}

/// What `getaddrinfo` takes for an address, and TLS for no name.
#[tokio::test]
async fn a_host_that_no_certificate_can_be_for_is_misconfigured() {
    let Ok(url) = std::env::var(URL) else {
        let (url, authority) = tls_server("nameless").await;
        let name = "a_host_that_no_certificate_can_be_for_is_misconfigured";
        return again(name, &url, &authority).await;
    };
    let node = Arc::new(RedisNode::connect(&url.replace("localhost", "127.1")).unwrap());
    let error = node.identity(Duration::from_secs(10)).await.unwrap_err();
    assert_eq!(error.fault(), Fault::Tls, "{error}");
    assert!(error.to_string().contains("no certificate can be for such a host"), "{error}");
}

/// Expects this fault over both clients, at the first call.
async fn expect(url: &str, fault: Fault) {
    for node in nodes(url) {
        let error = Arc::clone(&node).identity(Duration::from_secs(10)).await.unwrap_err();
        assert_eq!(error.fault(), fault, "{node:?} {url}: {error}");
    }
}

fn nodes(url: &str) -> [Arc<dyn LockNode>; 2] {
    [Arc::new(RedisNode::connect(url).unwrap()), Arc::new(FredNode::connect(url).unwrap())]
}

fn redlock(node: Arc<dyn LockNode>) -> Redlock {
    // The first handshake, system certificates included, has to fit into one node timeout.
    let builder = Redlock::builder().nodes([node]).ttl(Duration::from_secs(60));
    builder.node_timeout(Duration::from_secs(10)).build().unwrap()
}

/// Runs one test of this binary as a child that trusts `authority`.
async fn again(test: &'static str, url: &str, authority: &Path) {
    child(test, url, &[("SSL_CERT_FILE", authority)]).await;
    std::fs::remove_file(authority).unwrap();
}

async fn child(test: &'static str, url: &str, set: &[(&str, &Path)]) {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", test, "--nocapture"]).env(URL, url).env_remove("SSL_CERT_DIR");
    child.envs(set.iter().copied());
    let output = tokio::task::spawn_blocking(move || child.output()).await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("1 passed"), "{said}");
}

type Certificate = (CertificateDer<'static>, PrivateKeyDer<'static>, String);

/// A server behind TLS: its URL, and the file of the authority that vouches for it.
async fn tls_server(name: &str) -> (String, PathBuf) {
    tls_server_with(name, certificate(4096)).await
}

async fn tls_server_with(name: &str, (chain, key, authority): Certificate) -> (String, PathBuf) {
    let servers = Servers::start(1).await;
    let upstream = servers[0].addr();
    let file = std::env::temp_dir().join(format!("redlock-tls-{name}-{}.pem", std::process::id()));
    std::fs::write(&file, authority).unwrap();

    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![chain], key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(serve(listener, TlsAcceptor::from(Arc::new(config)), upstream, servers));
    (format!("rediss://localhost:{port}"), file)
}

/// Takes TLS off and passes on what is inside. Holds the servers for as long.
async fn serve(listener: TcpListener, tls: TlsAcceptor, upstream: SocketAddr, servers: Servers) {
    let _servers = servers;
    while let Ok((client, _)) = listener.accept().await {
        let tls = tls.clone();
        tokio::spawn(async move {
            let Ok(mut client) = tls.accept(client).await else { return };
            let mut server = TcpStream::connect(upstream).await.unwrap();
            let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
        });
    }
}

/// A certificate for `localhost` until a year begins, its key, and the authority's certificate as PEM.
fn certificate(year: i32) -> Certificate {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_key = KeyPair::generate().unwrap();
    let authority_pem = authority.self_signed(&authority_key).unwrap().pem();
    let key = KeyPair::generate().unwrap();
    let mut leaf = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    leaf.not_after = date_time_ymd(year, 1, 1);
    let leaf = leaf.signed_by(&key, &Issuer::new(authority, authority_key)).unwrap();
    (leaf.der().clone(), PrivateKeyDer::Pkcs8(key.serialize_der().into()), authority_pem)
}
