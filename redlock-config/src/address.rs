//! Where one node is.

use std::borrow::Cow;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use redlock_protocol::{redacted_url, server_url};

use crate::error::SettingsError;
use crate::secret::Secret;

/// A node of the settings: a server or a directory, and where it was named. `Display` and `Debug` show no password.
#[derive(Clone)]
pub struct NodeAddress {
    origin: Cow<'static, str>,
    name: Option<String>,
    place: Place,
    /// Which variable has its password.
    password_env: Option<String>,
}

/// Where a node is. Exhaustive: whoever tells the places apart has to think of a further one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A server: its URL, with the login.
    Server(Secret),
    /// A directory of this machine, of one user.
    Directory(PathBuf),
    /// One that a group shares.
    Shared(PathBuf),
}

const SCHEMES: [&str; 5] = ["redis", "rediss", "valkey", "valkeys", "redis+unix"];

impl NodeAddress {
    /// Takes `host[:port]`, `redis://[[user]:password@]host[:port][/database]`, `rediss://…`, `redis+unix:///socket`,
    /// `file:/directory` or `file:/directory?shared`.
    ///
    /// # Errors
    ///
    /// When it has none of these forms. What a server's URL says beyond that is checked when it is opened.
    pub fn new(url: &str) -> Result<Self, SettingsError> {
        Self::at("node", url)
    }

    /// The same, named in messages by where it was found, such as `--node`.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn at(origin: impl Into<Cow<'static, str>>, url: &str) -> Result<Self, SettingsError> {
        let (origin, url) = (origin.into(), url.trim());
        match place(url) {
            Ok(place) => Ok(Self { origin, name: None, place, password_env: None }),
            Err(rule) => Err(SettingsError::invalid(origin, redacted_url_or_path(url), rule)),
        }
    }

    /// The same, a server called by another name than its address in reports, logs and metrics.
    pub(crate) fn named(self, name: String) -> Self {
        Self { name: Some(name), ..self }
    }

    /// The same, with the password that stands in a variable.
    pub(crate) fn with_password_in(self, variable: String) -> Self {
        Self { password_env: Some(variable), ..self }
    }

    /// Where it was named: `REDLOCK_NODES, node 2 of 3`.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The name that was given, if one was.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Where it is.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Whether its URL holds a password.
    pub fn has_password(&self) -> bool {
        self.login().password
    }

    /// Which parts of a login its URL has.
    pub(crate) fn login(&self) -> Login {
        let Place::Server(url) = &self.place else { return Login::default() };
        let Some((scheme, rest)) = url.expose().split_once("://") else { return Login::default() };
        if scheme == "redis+unix" {
            return Login { user: rest.contains("user="), password: rest.contains("pass=") };
        }
        match rest.split_once('@') {
            None => Login::default(),
            Some((login, _)) => match login.split_once(':') {
                Some((user, _)) => Login { user: !user.is_empty(), password: true },
                None => Login { user: !login.is_empty(), password: false },
            },
        }
    }

    /// The same with these credentials, unless the URL has its own.
    pub(crate) fn or_login(self, username: Option<&str>, password: Option<&Secret>) -> Self {
        let (Place::Server(url), Some(password)) = (&self.place, password) else { return self };
        let Some((scheme, rest)) = url.expose().split_once("://") else { return self };
        let own = self.login();
        if own.password {
            return self;
        }
        let password = encoded(password.expose());
        let url = if scheme == "redis+unix" {
            let user = username.filter(|_| !own.user).map(encoded);
            let user = user.map_or_else(String::new, |user| format!("&user={user}"));
            format!("{scheme}://{rest}{}pass={password}{user}", separator(rest))
        } else {
            let (user, address) = match rest.split_once('@') {
                Some((user, address)) => (user.to_owned(), address),
                None => (encoded(username.unwrap_or("")), rest),
            };
            format!("{scheme}://{user}:{password}@{address}")
        };
        Self { place: Place::Server(Secret::new(url)), ..self }
    }

    /// The same with this user and no password yet, unless the URL has a login.
    pub(crate) fn or_user(self, username: &str) -> Self {
        let Place::Server(url) = &self.place else { return self };
        let Some((scheme, rest)) = url.expose().split_once("://") else { return self };
        let url = match scheme {
            _ if self.login() != Login::default() => return self,
            "redis+unix" => {
                format!("{scheme}://{rest}{}user={}", separator(rest), encoded(username))
            }
            _ => format!("{scheme}://{}@{rest}", encoded(username)),
        };
        Self { place: Place::Server(Secret::new(url)), ..self }
    }

    /// The same with the password that its variable has, if it has one.
    pub(crate) fn looked_up(
        self,
        var: &dyn Fn(&str) -> Option<OsString>,
    ) -> Result<Self, SettingsError> {
        let Some(variable) = self.password_env.clone() else { return Ok(self) };
        let rule = match var(&variable).map(OsString::into_string) {
            Some(Ok(value)) if !value.is_empty() => {
                let password = Secret::new(value);
                return Ok(Self { password_env: None, ..self }.or_login(None, Some(&password)));
            }
            Some(Ok(_)) => "is empty in the environment",
            Some(Err(_)) => "is no UTF-8 in the environment",
            None => "is not set in the environment",
        };
        let origin = format!("{}.password_env", self.origin);
        Err(SettingsError::invalid(origin, variable.escape_debug().to_string(), rule))
    }

    /// Refuses a user without a password, as whom nobody would log in.
    pub(crate) fn check_login(&self) -> Result<(), SettingsError> {
        let Login { user, password } = self.login();
        if user && !password {
            let rule = "names a user and no password; give it in the URL, as `password` in the file, or in REDLOCK_PASSWORD";
            return Err(SettingsError::invalid(self.origin.clone(), self.to_string(), rule));
        }
        Ok(())
    }
}

/// Which parts of a login there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Login {
    pub(crate) user: bool,
    pub(crate) password: bool,
}

/// Where the text leads, or which rule it breaks.
fn place(url: &str) -> Result<Place, &'static str> {
    if let Some(path) = url.strip_prefix("file:") {
        let path = path.strip_prefix("//").unwrap_or(path);
        if !path.starts_with('/') {
            return Err("must name an absolute path: `file:/directory`");
        }
        return match path.split_once('?') {
            None => Ok(Place::Directory(path.into())),
            Some((path, "shared")) => Ok(Place::Shared(path.into())),
            Some(_) => Err("must have nothing behind `?` but `shared`: `file:/directory?shared`"),
        };
    }
    let is_known =
        |full: &String| SCHEMES.iter().any(|scheme| full.split("://").next() == Some(scheme));
    match server_url(url).filter(is_known) {
        Some(full) => Ok(Place::Server(Secret::new(full))),
        None if url.contains(char::is_whitespace) => {
            Err("must be one node and has a space in it; several nodes are separated by commas")
        }
        None => Err(
            "must be `redis://host[:port][/database]`, `rediss://…`, `host[:port]`, `file:/directory` or \
             `file:/directory?shared`",
        ),
    }
}

/// A path holds no password.
fn redacted_url_or_path(url: &str) -> String {
    let is_path = url.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("file:"));
    if is_path { url.escape_debug().to_string() } else { redacted_url(url) }
}

/// What comes before one more part of a query.
fn separator(rest: &str) -> char {
    if rest.contains('?') { '&' } else { '?' }
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// As in every output: no password.
impl fmt::Display for NodeAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Server(url) => f.write_str(&redacted_url(url.expose())),
            Place::Directory(path) => write!(f, "file:{}", path.display()),
            Place::Shared(path) => write!(f, "file:{}?shared", path.display()),
        }
    }
}

impl fmt::Debug for NodeAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
