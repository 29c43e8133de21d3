use fred::types::RespVersion;
use fred::types::config::{Config, ServerConfig};
use redlock_core::error::ConfigError;
use redlock_protocol::{redacted_url, server_url};

/// A node's address, as fred is to be told it.
pub(crate) struct NodeUrl {
    /// `host:port`.
    pub(crate) name: String,
    /// Holds the password, and shows it in its `Debug`.
    pub(crate) config: Config,
}

impl NodeUrl {
    pub(crate) fn parse(url: &str) -> Result<Self, ConfigError> {
        let refuse = |rule: &'static str| ConfigError::new("url", redacted_url(url), rule);
        let full = server_url(url).ok_or_else(|| refuse(SCHEME))?;
        let (scheme, rest) = full.split_once("://").ok_or_else(|| refuse(SCHEME))?;
        let tls = match scheme.to_ascii_lowercase().as_str() {
            "redis" | "valkey" => false,
            "rediss" | "valkeys" => true,
            clustered if clustered.ends_with("-cluster") || clustered.ends_with("-sentinel") => {
                return Err(refuse(INDEPENDENT));
            }
            _ => return Err(refuse(SCHEME)),
        };
        if rest.contains(['?', '#']) {
            return Err(refuse(
                "must have no query and no fragment (in a password write %3F and %23)",
            ));
        }
        // Always as a plain URL: for TLS fred would pick whichever library another crate switched on, and
        // panics where it finds two sets of ciphers.
        let parsed =
            Config::from_url_centralized(&format!("redis://{rest}")).map_err(|_| refuse(FORM))?;
        if parsed.username.is_some() && parsed.password.is_none() {
            // fred would log in as the default user.
            return Err(refuse("must have a password where it has a user"));
        }
        let ServerConfig::Centralized { server } = &parsed.server else { return Err(refuse(FORM)) };
        if server.port == 0 {
            return Err(refuse("must have a port other than 0"));
        }
        let name = format!("{}:{}", server.host, server.port);
        let mut config = Config {
            // With RESP3 fred puts the password into a line of text, unquoted.
            version: RespVersion::RESP2,
            // Only of the first connection: tell that it failed, instead of waiting and trying again.
            fail_fast: true,
            ..parsed
        };
        if tls {
            use_tls(&mut config).map_err(refuse)?;
        }
        Ok(Self { name, config })
    }
}

#[cfg(feature = "tls-rustls")]
use crate::tls::use_tls;

#[cfg(not(feature = "tls-rustls"))]
fn use_tls(_: &mut Config) -> Result<(), &'static str> {
    Err("needs the cargo feature `tls-rustls` of redlock-fred")
}

pub(crate) const INDEPENDENT: &str =
    "nodes must be independent masters, not a cluster or its sentinels";
const SCHEME: &str = "must be host[:port], or begin with redis:// or rediss://";
const FORM: &str = "must have the form redis://[[user]:password@]host[:port][/database], with user and password \
                    percent-encoded, a port up to 65535 and a database from 0 to 255";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_its_node_without_credentials() {
        let cases = [
            ("redis://a", "a:6379", None, None, None),
            ("10.0.0.1", "10.0.0.1:6379", None, None, None),
            (" localhost:7000", "localhost:7000", None, None, None),
            ("[::1]:6379", "[::1]:6379", None, None, None),
            ("valkey://a:7000/", "a:7000", None, None, None),
            ("redis://a:7000/", "a:7000", None, None, None),
            ("REDIS://10.0.0.1:7000/3", "10.0.0.1:7000", None, None, Some(3)),
            ("redis://[::1]:7000", "[::1]:7000", None, None, None),
            (" redis://:pw@a ", "a:6379", None, Some("pw"), None),
            ("redis://u:p%40%3A%2F%3Fw@a/0", "a:6379", Some("u"), Some("p@:/?w"), Some(0)),
        ];
        for (url, name, user, password, database) in cases {
            let node = NodeUrl::parse(url).unwrap();
            assert_eq!(node.name, name, "{url}");
            assert_eq!(node.config.username.as_deref(), user, "{url}");
            assert_eq!(node.config.password.as_deref(), password, "{url}");
            assert_eq!(node.config.database, database, "{url}");
        }
    }

    #[test]
    fn what_is_no_secret_is_shown() {
        let shown = |url| NodeUrl::parse(url).err().unwrap().value().to_owned();
        assert_eq!(shown("redis://10.0.0.1:0"), "redis://10.0.0.1:0");
        assert_eq!(shown("10.0.0.1:0"), "10.0.0.1:0");
        assert_eq!(shown("http://10.0.0.1"), "http://10.0.0.1");
        assert_eq!(shown("redis://u:hunter2@10.0.0.1:0"), "redis://<redacted>@10.0.0.1:0");
        assert_eq!(shown("127.0.0.1:99999"), "127.0.0.1:99999");
        assert_eq!(shown("a:1 b:1"), "a:1 b:1");
        assert_eq!(shown("file:/d"), "file:/d");
        assert_eq!(shown("10.0.0.1:hunter2"), "<redacted>");
        assert_eq!(shown(""), "");
    }
}
