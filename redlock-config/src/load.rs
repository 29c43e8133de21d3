//! Settings from code, before the environment, before a file.

use std::path::Path;

use crate::error::{SettingsError, SettingsErrorKind};
use crate::places;
use crate::rules;
use crate::settings::Settings;
use crate::surroundings::{Surroundings, absent};
use crate::text;
use crate::variables::{CLIENT, KEY_PREFIX, RESTART_GUARD, TTL};

impl Settings {
    /// What the environment says and, where it says nothing, the file: the one in `REDLOCK_CONFIG`, or
    /// `$XDG_CONFIG_HOME/redlock.toml` (`~/.config/redlock.toml`), or `/etc/redlock.toml`. As the command `redlock` reads them.
    ///
    /// That no node is named is no error yet: see [`nodes`](Self::nodes), and what [`open`](Self::open) says.
    ///
    /// It reads a file, which blocks for a moment.
    ///
    /// # Errors
    ///
    /// When a variable is set and cannot be used, or a file is there and cannot be read or understood.
    pub fn from_env() -> Result<Self, SettingsError> {
        Self::new().or_env()
    }

    /// The same settings, and what they do not say as [`from_env`](Self::from_env) has it.
    ///
    /// # Errors
    ///
    /// As [`from_env`](Self::from_env), and when these settings have a list of nodes that is empty, or a node with a user and
    /// no password.
    pub fn or_env(self) -> Result<Self, SettingsError> {
        self.resolve(&Surroundings::process())
    }

    /// The same settings, and what they do not say as `around` has it: variables first, then the file. A pure function of
    /// both.
    ///
    /// What comes later is not looked at where something comes before it, except that a file must be right as a whole.
    ///
    /// # Errors
    ///
    /// As [`or_env`](Self::or_env).
    pub fn resolve(self, around: &Surroundings<'_>) -> Result<Self, SettingsError> {
        let file = match around.file()? {
            Some((path, text)) => text::parse(Some(&path), &text)?,
            None => Self::new(),
        };
        let (username, password) = around.login()?;
        let mut nodes = or(self.nodes, || around.nodes(), file.nodes)?;
        if let Some(nodes) = &mut nodes {
            let login = |node: crate::NodeAddress| {
                let node = node.looked_up(around.var())?;
                let node = node.or_login(username.as_deref(), password.as_ref());
                node.check_login().map(|()| node)
            };
            let named = std::mem::take(&mut nodes.value);
            nodes.value = named.into_iter().map(login).collect::<Result<_, _>>()?;
        }
        let settings = Self {
            client: or(self.client, || around.read(CLIENT, rules::client), file.client)?,
            nodes,
            ttl: or(self.ttl, || around.read(TTL, rules::ttl), file.ttl)?,
            restart_guard: or(
                self.restart_guard,
                || around.read(RESTART_GUARD, rules::ttl),
                file.restart_guard,
            )?,
            fencing: self.fencing.or(file.fencing),
            key_prefix: or(self.key_prefix, || around.key_prefix(KEY_PREFIX), file.key_prefix)?,
            looked_around: true,
        };
        settings.check_nodes()?;
        Ok(settings)
    }

    /// Settings from a file, and from nothing else.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or as [`from_toml`](Self::from_toml); the error names file and line.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, SettingsError> {
        let path = path.as_ref();
        let unreadable = |error| {
            let shown = path.display().to_string();
            SettingsError::caused(SettingsErrorKind::Unreadable, shown, error)
        };
        let text = places::read(path).map_err(unreadable)?.ok_or_else(|| absent(path))?;
        text::parse(Some(path), &text)
    }

    /// Settings from the text of a file.
    ///
    /// ```
    /// use redlock_config::Settings;
    ///
    /// let error = Settings::from_toml("nodes = ['redis://a', 'http://b']").unwrap_err();
    /// assert!(error.to_string().starts_with("line 1, nodes[1]: `http://b` must be `redis://host"));
    /// ```
    ///
    /// # Errors
    ///
    /// When it is no TOML, has an unknown field or a value that breaks its rule; the error names the line.
    pub fn from_toml(text: &str) -> Result<Self, SettingsError> {
        text::parse(None, text)
    }

    /// An empty list is no way to say that there are no nodes.
    pub(crate) fn check_nodes(&self) -> Result<(), SettingsError> {
        match &self.nodes {
            Some(nodes) if nodes.value.is_empty() => {
                let rule = "must name one node at least; leave it out where none is meant";
                Err(SettingsError::invalid(nodes.origin.clone(), "[]", rule))
            }
            _ => Ok(()),
        }
    }
}

/// What is said first.
fn or<T>(
    code: Option<T>,
    environment: impl FnOnce() -> Result<Option<T>, SettingsError>,
    file: Option<T>,
) -> Result<Option<T>, SettingsError> {
    match code {
        Some(value) => Ok(Some(value)),
        None => Ok(environment()?.or(file)),
    }
}
