use redis::{Client, ConnectionAddr, IntoConnectionInfo, ProtocolVersion};
use redlock_core::error::ConfigError;
use redlock_protocol::{redacted_url, server_url};

use crate::settings;

/// A client for the node that the URL names.
pub(crate) fn client(url: &str) -> Result<Client, ConfigError> {
    let refuse = |rule: &'static str| ConfigError::new("url", redacted_url(url), rule);
    let full = server_url(url).ok_or_else(|| refuse(SCHEME))?;
    let url = full.as_str();
    let (scheme, _) = url.split_once("://").ok_or_else(|| refuse(SCHEME))?;
    let queries: &[&str] = match scheme.to_ascii_lowercase().as_str() {
        "redis" | "valkey" => &["protocol"],
        "rediss" | "valkeys" if cfg!(feature = "tls-rustls") => &["protocol"],
        "rediss" | "valkeys" => return Err(refuse(FEATURE)),
        "redis+unix" | "valkey+unix" | "unix" => &["protocol", "user", "pass", "db"],
        _ => return Err(refuse(SCHEME)),
    };
    let parsed = redis::parse_redis_url(url).ok_or_else(|| refuse(FORM))?;
    if parsed.query_pairs().any(|(name, _)| !queries.contains(&&*name)) {
        return Err(refuse(QUERY));
    }
    if parsed.fragment().is_some() {
        return Err(refuse("must have no fragment (in a password write %23)"));
    }
    let resp3 = parsed.query_pairs().all(|(name, _)| name != "protocol");
    let info = parsed.into_connection_info().map_err(|_| refuse(FORM))?;

    let redis = info.redis_settings();
    if redis.username().is_some() && redis.password().is_none() {
        // redis-rs would log in as the default user.
        return Err(refuse("must have a password where it has a user"));
    }
    if redis.db() < 0 {
        return Err(refuse(FORM));
    }
    match info.addr() {
        ConnectionAddr::Tcp(host, _) | ConnectionAddr::TcpTls { host, .. } if host.is_empty() => {
            return Err(refuse(FORM));
        }
        ConnectionAddr::Tcp(_, 0) | ConnectionAddr::TcpTls { port: 0, .. } => {
            return Err(refuse("must have a port other than 0"));
        }
        _ => {}
    }
    let redis = if resp3 {
        // With RESP2 the client does not notice that an idle connection was closed before it uses it.
        redis.clone().set_protocol(ProtocolVersion::RESP3)
    } else {
        redis.clone()
    };
    Client::open(settings::connection_info(info.set_redis_settings(redis)))
        .map_err(|_| refuse(FORM))
}

const SCHEME: &str = "must be host[:port], or begin with redis:// or rediss://";
const FORM: &str = "must have the form redis://[[user]:password@]host[:port][/database], with user and password \
                    percent-encoded, a port up to 65535 and a host that can be connected to";
const QUERY: &str =
    "must have no query but protocol=resp2 or protocol=resp3 (in a password write %3F)";
const FEATURE: &str = "needs the cargo feature `tls-rustls` of redlock-redis";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_says_where_and_as_whom() {
        let tcp = |host: &str, port| ConnectionAddr::Tcp(host.into(), port);
        let cases = [
            ("redis://a", tcp("a", 6379), None, None, 0),
            ("10.0.0.1", tcp("10.0.0.1", 6379), None, None, 0),
            (" localhost:7000", tcp("localhost", 7000), None, None, 0),
            ("[::1]:6379", tcp("::1", 6379), None, None, 0),
            ("valkey://a:7000/", tcp("a", 7000), None, None, 0),
            ("REDIS://10.0.0.1:7000/3", tcp("10.0.0.1", 7000), None, None, 3),
            ("redis://[::1]:7000", tcp("::1", 7000), None, None, 0),
            (" redis://:pw@a ", tcp("a", 6379), None, Some("pw"), 0),
            ("redis://u:p%40%3A%2F%3Fw@a/0", tcp("a", 6379), Some("u"), Some("p@:/?w"), 0),
            (
                "redis+unix:///r.sock?pass=pw&db=2",
                ConnectionAddr::Unix("/r.sock".into()),
                None,
                Some("pw"),
                2,
            ),
        ];
        for (url, address, user, password, database) in cases {
            let client = client(url).unwrap();
            let info = client.get_connection_info();
            assert_eq!(*info.addr(), address, "{url}");
            let redis = info.redis_settings();
            assert_eq!(
                (redis.username(), redis.password(), redis.db()),
                (user, password, database),
                "{url}"
            );
            assert_eq!(redis.protocol(), ProtocolVersion::RESP3, "{url}");
        }
        let older = client("redis://a?protocol=resp2").unwrap();
        assert_eq!(older.get_connection_info().redis_settings().protocol(), ProtocolVersion::RESP2);
    }

    #[test]
    fn a_url_that_cannot_be_meant_is_refused_without_its_secrets() {
        let cases = [
            ("", SCHEME),
            ("a/2", SCHEME),
            ("a:hunter2", FORM),
            ("u:hunter2@a", SCHEME),
            ("http://u:hunter2@a", SCHEME),
            ("redis-cluster://u:hunter2@a", SCHEME),
            ("redis://", FORM),
            ("redis:///", FORM),
            ("redis://:hunter2@", FORM),
            ("redis://u:hunter2@a:99999", FORM),
            ("redis://u:hunter2@a/hunter2", FORM),
            ("redis://u:hunter2@a/-1", FORM),
            ("redis://u:hunter2@0.0.0.0", FORM),
            ("redis://u:%ff@a", FORM),
            ("redis://u:hunter2/x@a", FORM),
            ("redis://u:hunter2#x@a", FORM),
            ("redis://a?protocol=hunter2", FORM),
            ("redis://a?password=hunter2", QUERY),
            ("redis://a?pass=hunter2", QUERY),
            ("redis+unix:///r.sock?password=hunter2", QUERY),
            ("redis://a#hunter2", "must have no fragment (in a password write %23)"),
            ("redis://hunter2@a", "must have a password where it has a user"),
            ("redis://u:hunter2@a:0", "must have a port other than 0"),
        ];
        for (url, rule) in cases {
            let error = client(url).unwrap_err();
            assert_eq!((error.field(), error.rule()), ("url", rule), "{url}");
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{url} -> {error}");
        }
    }

    #[test]
    fn what_is_no_secret_is_shown() {
        let shown = |url| client(url).unwrap_err().value().to_owned();
        assert_eq!(shown("redis://10.0.0.1:0"), "redis://10.0.0.1:0");
        assert_eq!(shown("10.0.0.1:0"), "10.0.0.1:0");
        assert_eq!(shown("http://10.0.0.1"), "http://10.0.0.1");
        assert_eq!(shown("redis://u:hunter2@10.0.0.1:0"), "redis://<redacted>@10.0.0.1:0");
        assert_eq!(shown("127.0.0.1:99999"), "127.0.0.1:99999");
        assert_eq!(shown("a:1 b:1"), "a:1 b:1");
        assert_eq!(shown("file:/d"), "file:/d");
        assert_eq!(shown(""), "");
    }

    #[test]
    fn tls_is_asked_for_by_its_feature() {
        let result = client("rediss://u:hunter2@a");
        if cfg!(feature = "tls-rustls") {
            let client = result.unwrap();
            assert!(matches!(
                client.get_connection_info().addr(),
                ConnectionAddr::TcpTls { insecure: false, .. }
            ));
            assert!(super::client("rediss://a/#insecure").is_err());
        } else {
            let error = result.unwrap_err();
            assert_eq!((error.value(), error.rule()), ("rediss://<redacted>@a", FEATURE));
        }
    }
}
