//! What a node can be made from, and what shows of it.

#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use common::{Action, FakeServer, GRANT, LONG, bulk, claim, cut, error, reply, terms, word};
use redlock_fred::FredNode;
use redlock_fred::fred::prelude::{Builder, Config, ReconnectPolicy, ServerConfig};
use redlock_fred::redlock_core::node::LockNode;
use redlock_protocol::redacted_url;

const CANARY: &str = "canary-in-a-coal-mine";

#[test]
fn all_urls_of_a_list_are_nodes_or_the_one_at_fault_is_named() {
    let nodes = FredNode::connect_all(["redis://u:pw@a", " b:7000 "]).unwrap();
    assert_eq!(nodes.iter().map(LockNode::name).collect::<Vec<_>>(), ["a:6379", "b:7000"]);
    let error = FredNode::connect_all("a,redis://u:hunter2@b:0,c".split(',')).unwrap_err();
    assert_eq!((error.field(), error.value()), ("url", "redis://<redacted>@b:0 (2 of 3)"));
    assert_eq!(error.rule(), "must have a port other than 0");
}

#[test]
fn a_bad_url_is_an_error_that_says_which_rule_it_broke() {
    let scheme = "must be host[:port], or begin with redis:// or rediss://";
    let form = "must have the form redis://[[user]:password@]host[:port][/database], with user and password \
                percent-encoded, a port up to 65535 and a database from 0 to 255";
    let independent = "nodes must be independent masters, not a cluster or its sentinels";
    let no_query = "must have no query and no fragment (in a password write %3F and %23)";
    let cases = [
        ("", scheme),
        ("a/2", scheme),
        ("u:CANARY@a", scheme),
        ("a:CANARY", form),
        ("a:0", "must have a port other than 0"),
        ("http://u:CANARY@a", scheme),
        ("https://a", scheme),
        ("unix:///tmp/redis.sock", scheme),
        ("redis+unix:///tmp/redis.sock", scheme),
        ("redis:CANARY@a", scheme),
        ("redis-cluster://u:CANARY@a:1?node=b:2", independent),
        ("rediss-cluster://a", independent),
        ("redis-sentinel://a:1?sentinelServiceName=m", independent),
        ("redis://a?node=b:2", no_query),
        ("redis://a#CANARY", no_query),
        ("redis://u:CANARY?@a", no_query),
        ("redis://", form),
        ("redis://:6379", form),
        ("redis://:CANARY", form),
        ("redis://u:CANARY@", form),
        ("redis://u:CANARY/@a", form),
        ("redis://u:CANARY%40a", form),
        ("redis://u:CANARY@a:port", form),
        ("redis://u:CANARY@a:70000", form),
        ("redis://u:CANARY@a/CANARY", form),
        ("redis://u:CANARY@a/256", form),
        ("redis://u:CANARY@a/0/1", form),
        ("redis://u:CANARY%FF@a", form),
        ("redis://a:0", "must have a port other than 0"),
        ("redis://CANARY@a", "must have a password where it has a user"),
    ];
    for (url, rule) in cases {
        let url = url.replace("CANARY", CANARY);
        let error = FredNode::connect(&url).unwrap_err();
        assert_eq!((error.field(), error.rule()), ("url", rule), "{url}");
        assert_eq!(error.value(), redacted_url(&url));
        assert!(!format!("{error} {error:?}").contains(CANARY), "{error}");
    }
}

#[cfg(not(feature = "tls-rustls"))]
#[test]
fn tls_without_the_feature_is_an_error_that_names_it() {
    let error = FredNode::connect(&format!("rediss://u:{CANARY}@a")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "url = `rediss://<redacted>@a`: needs the cargo feature `tls-rustls` of redlock-fred"
    );
}

#[cfg(feature = "tls-rustls")]
#[tokio::test]
async fn tls_is_spoken_to_a_server_that_has_it_and_to_no_other() {
    use redlock_fred::redlock_core::node::Fault;
    let server = FakeServer::start(|_| reply(GRANT)).await;
    for url in [
        format!("rediss://{}", server.address),
        format!("rediss://[::1]:{}", server.address.port()),
    ] {
        let node = Arc::new(FredNode::connect(&url).unwrap());
        let error = node.acquire(claim(&["a"]), terms(), LONG).await.unwrap_err();
        assert_eq!(error.fault(), Fault::Refused);
    }
    assert!(server.seen().is_empty());
}

#[test]
fn a_client_of_a_cluster_or_of_sentinels_is_no_node() {
    let client = |server| {
        let config = Config { server, password: Some(CANARY.into()), ..Config::default() };
        Builder::from_config(config).build().unwrap()
    };
    let cases = [
        (ServerConfig::new_clustered(vec![("a", 1)]), "a cluster client"),
        (ServerConfig::new_sentinel(vec![("a", 1)], "service"), "a sentinel client"),
    ];
    for (server, value) in cases {
        let error = FredNode::from_client("n", client(server)).unwrap_err();
        assert_eq!((error.field(), error.value()), ("client", value));
        assert!(!format!("{error} {error:?}").contains(CANARY), "{error}");
    }
    let node = FredNode::from_client("n", client(ServerConfig::new_centralized("a", 1))).unwrap();
    assert_eq!(format!("{node:?}"), r#"FredNode("n")"#);
}

/// Everything that was logged, at the finest level.
struct Log(Mutex<String>);

static LOG: Log = Log(Mutex::new(String::new()));

impl log::Log for Log {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        use std::fmt::Write;
        let mut text = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = writeln!(text, "{}", record.args());
    }

    fn flush(&self) {}
}

#[tokio::test]
async fn neither_password_nor_token_shows_in_errors_debug_or_logs() {
    log::set_logger(&LOG).unwrap();
    log::set_max_level(log::LevelFilter::Trace);
    let mut shown = String::new();
    let mut tokens = Vec::new();

    let wrong_password = |command: &common::Command| match word(command, 0).as_str() {
        "AUTH" => error("WRONGPASS invalid username-password pair or user is disabled."),
        _ => common::greet(command),
    };
    let servers = [
        FakeServer::start(|_| reply(GRANT)).await,
        FakeServer::start(|_| bulk("somebody else's")).await,
        FakeServer::start(|_| error("NOAUTH Authentication required.")).await,
        FakeServer::start(|_| cut()).await,
        FakeServer::start(|_| Action::Ignore).await,
        FakeServer::greeting(wrong_password, |_| cut()).await,
    ];
    let dead = common::dead_address().await;
    for address in servers.iter().map(|server| server.address).chain([dead]) {
        let node =
            Arc::new(FredNode::connect(&format!("redis://locks:{CANARY}@{address}")).unwrap());
        shown += &format!("{node:?} {}", node.name());
        let lock = claim(&["a", "b"]);
        tokens.push(lock.token().expose().to_owned());
        for claim in [lock.clone(), claim(&["a"])] {
            tokens.push(claim.token().expose().to_owned());
            let vote =
                node.clone().acquire(claim.clone(), terms(), Duration::from_millis(50)).await;
            shown += &format!(
                "{vote:?} {}",
                vote.as_ref().err().map(ToString::to_string).unwrap_or_default()
            );
            let removal = node.clone().release(claim, Duration::from_millis(50)).await;
            shown += &format!("{removal:?}");
        }
    }
    log::set_max_level(log::LevelFilter::Off);
    let log = LOG.0.lock().unwrap();
    assert!(log.contains("Authenticating client"), "nothing was logged");
    for secret in tokens.iter().map(String::as_str).chain([CANARY]) {
        assert!(!shown.contains(secret), "{shown}");
        assert!(
            !log.contains(secret),
            "logged: {:?}",
            log.lines().find(|line| line.contains(secret))
        );
    }
}

/// fred must be asked for the password in the way that cannot break it.
#[tokio::test]
async fn a_password_arrives_as_it_is_whatever_it_holds() {
    let password = "p w\"'\r\nFLUSHALL\r\n\u{e9}";
    let seen = Arc::new(Mutex::new(Vec::new()));
    let handshake = seen.clone();
    let server = FakeServer::greeting(
        move |command| {
            handshake.lock().unwrap().push(command.clone());
            common::greet(command)
        },
        |_| reply(GRANT),
    )
    .await;
    let encoded: String = password.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let node = Arc::new(
        FredNode::connect(&format!("redis://u%20:{encoded}@{}/3", server.address)).unwrap(),
    );
    node.acquire(claim(&["a"]), terms(), LONG).await.unwrap();
    assert_eq!(seen.lock().unwrap()[0], [&b"AUTH"[..], b"u ", password.as_bytes()]);
    assert_eq!(seen.lock().unwrap()[1], [&b"SELECT"[..], b"3"]);
}

#[tokio::test]
async fn a_borrowed_client_that_lost_its_connection_refuses_and_says_why() {
    use redlock_fred::fred::interfaces::ClientLike;
    use redlock_fred::redlock_core::node::Fault;
    let server = FakeServer::start(|_| cut()).await;
    let client = Builder::from_config(Config::from_url(&server.url()).unwrap())
        .set_policy(ReconnectPolicy::new_constant(0, 1))
        .build()
        .unwrap();
    let node = Arc::new(FredNode::from_client("n", client.clone()).unwrap());
    let error = node.clone().acquire(claim(&["a"]), terms(), LONG).await.unwrap_err();
    assert_eq!(error.fault(), Fault::Refused, "not connected yet");
    client.init().await.unwrap();
    let error = node.clone().acquire(claim(&["a"]), terms(), LONG).await.unwrap_err();
    assert_eq!(error.fault(), Fault::ConnectionLost);
    server.stop().await;
    // What comes before fred begins to reconnect waits in its queue, for its whole time.
    tokio::time::timeout(LONG, async {
        loop {
            let error = node
                .clone()
                .acquire(claim(&["a"]), terms(), Duration::from_millis(100))
                .await
                .unwrap_err();
            if error.fault() == Fault::Refused && error.detail().contains("Connection refused") {
                return;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await
    .unwrap();
}
