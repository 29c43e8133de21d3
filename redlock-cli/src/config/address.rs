//! Where one node is.

use std::fmt;
use std::path::PathBuf;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use redlock_core::protocol::redacted_url;

use super::{ConfigFault, Secret};

/// A node's address. Shows no password.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Address {
    name: Option<String>,
    place: Place,
}

#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// A server: the URL in clear.
    Server(Secret),
    /// A directory of this machine.
    Directory(PathBuf),
}

const SCHEMES: [&str; 5] = ["redis", "rediss", "valkey", "valkeys", "redis+unix"];

impl Address {
    /// Takes `host:port`, a URL of a server, or `file:/directory`.
    pub(crate) fn parse(field: &str, url: &str) -> Result<Self, ConfigFault> {
        let url = url.trim();
        if let Some(path) = url.strip_prefix("file:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            if !path.starts_with('/') {
                return Err(ConfigFault::rule(
                    field,
                    url,
                    "must name an absolute path: `file:/directory`",
                ));
            }
            return Ok(Self { name: None, place: Place::Directory(path.into()) });
        }
        let full = match url.split_once("://") {
            Some((scheme, _)) if SCHEMES.contains(&scheme) => url.to_owned(),
            None if !url.is_empty() && !url.contains(['@', '/', '?', '#', ' ']) => {
                format!("redis://{url}")
            }
            _ => {
                let rule = "must be `redis://host[:port][/database]`, `rediss://…`, `host[:port]` or `file:/directory`";
                return Err(ConfigFault::rule(field, redacted_url(url), rule));
            }
        };
        Ok(Self { name: None, place: Place::Server(Secret::new(full)) })
    }

    /// The same from the command line, which every user of the machine can read.
    pub(crate) fn from_flag(url: &str) -> Result<Self, ConfigFault> {
        let address = Self::parse("--node", url)?;
        if let Place::Server(full) = &address.place
            && (has_password(full.expose()) || full.expose().contains("pass="))
        {
            let rule = "holds a password, which every user of this machine could read in the list of processes; \
                        use REDLOCK_PASSWORD, REDLOCK_NODES or a file";
            return Err(ConfigFault::rule("--node", redacted_url(url), rule));
        }
        Ok(address)
    }

    pub(crate) fn named(self, name: Option<String>) -> Self {
        Self { name, ..self }
    }

    /// The name that was given, if one was.
    pub(crate) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    /// The same with these credentials, unless the URL has its own.
    pub(crate) fn or_login(self, username: Option<&str>, password: Option<&Secret>) -> Self {
        let (Place::Server(url), Some(password)) = (&self.place, password) else { return self };
        let Some((scheme, rest)) = url.expose().split_once("://") else { return self };
        if scheme == "redis+unix" {
            let separator = if rest.contains('?') { '&' } else { '?' };
            if rest.contains("pass=") {
                return self;
            }
            let user = username.map_or(String::new(), |user| format!("&user={}", encoded(user)));
            let url =
                format!("{scheme}://{rest}{separator}pass={}{user}", encoded(password.expose()));
            return Self { place: Place::Server(Secret::new(url)), ..self };
        }
        let (user, address) = match rest.split_once('@') {
            // Its own password.
            Some((login, _)) if login.contains(':') => return self,
            // Its own user.
            Some((user, address)) => (user.to_owned(), address),
            None => (encoded(username.unwrap_or("")), rest),
        };
        let url = format!("{scheme}://{user}:{}@{address}", encoded(password.expose()));
        Self { place: Place::Server(Secret::new(url)), ..self }
    }
}

fn has_password(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split_once('@').is_some_and(|(login, _)| login.contains(':'))
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// As in every output: no password.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Server(url) => f.write_str(&redacted_url(url.expose())),
            Place::Directory(path) => write!(f, "file:{}", path.display()),
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
