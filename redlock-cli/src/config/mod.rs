//! Which nodes, and how to speak to them: flags, then the environment, then a file, then what is built in.

mod address;
mod file;
mod secret;

use std::path::{Path, PathBuf};
use std::time::Duration;

pub(crate) use address::{Address, Place};
pub(crate) use file::ClientKind;
use file::{File, NodeEntry};
pub(crate) use secret::Secret;

use crate::args::NodeArgs;

/// Where nodes may be named.
pub(crate) const NODES: &str = "REDLOCK_NODES";
/// The user and the password of those nodes whose URL has none.
pub(crate) const USERNAME: &str = "REDLOCK_USERNAME";
/// See [`USERNAME`].
pub(crate) const PASSWORD: &str = "REDLOCK_PASSWORD";

/// A configuration that cannot be used. Never shows a password.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigFault {
    /// A value breaks a rule.
    #[error("{field}: `{value}` {rule}")]
    Rule {
        /// Where it stands.
        field: String,
        /// What it is, redacted.
        value: String,
        /// What it must be.
        rule: String,
    },
    /// A file cannot be read.
    #[error("{path}: {error}")]
    Read {
        /// Which.
        path: String,
        /// Why.
        error: std::io::Error,
    },
    /// A file is not what it should be. The parser's message without the source line, which may hold a password.
    #[error("{path}, line {line}: {message}")]
    Parse {
        /// Which.
        path: String,
        /// Counted from one.
        line: usize,
        /// What is wrong.
        message: String,
    },
}

impl ConfigFault {
    pub(crate) fn rule(
        field: impl Into<String>,
        value: impl Into<String>,
        rule: impl Into<String>,
    ) -> Self {
        Self::Rule { field: field.into(), value: value.into(), rule: rule.into() }
    }
}

/// What flags, environment and file come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Config {
    pub(crate) client: ClientKind,
    pub(crate) nodes: Nodes,
    /// Default of `--ttl`.
    pub(crate) ttl: Option<Duration>,
    /// The longest time to live in use, where nodes that restarted are to be kept out of votes.
    pub(crate) restart_guard: Option<Duration>,
    pub(crate) fencing: Option<bool>,
    pub(crate) key_prefix: String,
}

/// The node set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Nodes {
    /// As configured.
    Named(Vec<Address>),
    /// None was named: a directory of this machine.
    Embedded,
}

/// What is read from outside, so that everything below is a pure function of it.
#[derive(Debug, Default)]
pub(crate) struct Surroundings {
    pub(crate) nodes: Option<String>,
    pub(crate) username: Option<String>,
    pub(crate) password: Option<Secret>,
    pub(crate) file: Option<(PathBuf, String)>,
}

impl Surroundings {
    /// Reads the environment, and the file that was named or, if there is one, the user's or the system's.
    pub(crate) fn read(args: &NodeArgs) -> Result<Self, ConfigFault> {
        let var = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let read = |path: &Path| {
            std::fs::read_to_string(path)
                .map_err(|error| ConfigFault::Read { path: path.display().to_string(), error })
        };
        let file = match &args.config {
            Some(path) => Some((path.clone(), read(path)?)),
            None => match usual_places().into_iter().find(|path| path.is_file()) {
                Some(path) => Some((path.clone(), read(&path)?)),
                None => None,
            },
        };
        let password = var(PASSWORD).map(Secret::new);
        Ok(Self { nodes: var(NODES), username: var(USERNAME), password, file })
    }
}

fn usual_places() -> Vec<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = set("XDG_CONFIG_HOME").or_else(|| set("HOME").map(|home| home.join(".config")));
    let own = home.map(|dir| dir.join("redlock.toml"));
    own.into_iter().chain([PathBuf::from("/etc/redlock.toml")]).collect()
}

impl Config {
    /// What was asked for. `env` looks a variable up that the file names (`password_env`).
    pub(crate) fn resolve(
        args: &NodeArgs,
        around: Surroundings,
        env: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigFault> {
        let file = match &around.file {
            Some((path, text)) => File::parse(path, text)?,
            None => File::default(),
        };
        let addresses = if !args.node.is_empty() {
            let named = args.node.iter().map(|url| Address::from_flag(url));
            named.collect::<Result<Vec<_>, _>>()?
        } else if let Some(list) = &around.nodes {
            let named = list.split(',').map(str::trim).filter(|url| !url.is_empty());
            named.map(|url| Address::parse(NODES, url)).collect::<Result<_, _>>()?
        } else {
            let entries = file.nodes.iter().enumerate();
            entries
                .map(|(at, entry)| NodeEntry::address(entry, at, &env))
                .collect::<Result<_, _>>()?
        };
        let nodes = if addresses.is_empty() {
            Nodes::Embedded
        } else {
            let login = |address: Address| {
                address.or_login(around.username.as_deref(), around.password.as_ref())
            };
            Nodes::Named(addresses.into_iter().map(login).collect())
        };
        Ok(Self {
            client: args.client.or(file.client).unwrap_or_default(),
            nodes,
            ttl: file.ttl,
            restart_guard: args.restart_guard.or(file.restart_guard),
            fencing: file.fencing,
            key_prefix: args.key_prefix.clone().or(file.key_prefix).unwrap_or_default(),
        })
    }

    /// From the process's own surroundings.
    pub(crate) fn load(args: &NodeArgs) -> Result<Self, ConfigFault> {
        Self::resolve(args, Surroundings::read(args)?, |name| std::env::var(name).ok())
    }
}

#[cfg(test)]
mod tests;
