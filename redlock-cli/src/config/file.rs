//! The TOML file.

use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Deserializer};

use super::{Address, ConfigFault, Secret};

/// Which library speaks to the servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ClientKind {
    /// The `redis` crate.
    #[default]
    Redis,
    /// The `fred` crate.
    Fred,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) client: Option<ClientKind>,
    #[serde(default)]
    pub(super) nodes: Vec<NodeEntry>,
    #[serde(default, deserialize_with = "duration")]
    pub(super) ttl: Option<Duration>,
    #[serde(default, deserialize_with = "duration")]
    pub(super) restart_guard: Option<Duration>,
    pub(super) fencing: Option<bool>,
    pub(super) key_prefix: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum NodeEntry {
    Url(String),
    Table(Table),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Table {
    url: String,
    name: Option<String>,
    username: Option<String>,
    password: Option<Secret>,
    password_env: Option<String>,
}

impl File {
    pub(super) fn parse(path: &Path, text: &str) -> Result<Self, ConfigFault> {
        toml::from_str(text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or("");
            ConfigFault::Parse {
                path: path.display().to_string(),
                line: before.matches('\n').count() + 1,
                // An untagged enum says no more than this; the value itself may be a password.
                message: error.message().to_owned(),
            }
        })
    }
}

impl NodeEntry {
    pub(super) fn address(
        entry: &Self,
        at: usize,
        env: &impl Fn(&str) -> Option<String>,
    ) -> Result<Address, ConfigFault> {
        let field = format!("nodes[{at}]");
        let table = match entry {
            Self::Url(url) => return Address::parse(&field, url),
            Self::Table(table) => table,
        };
        let address =
            Address::parse(&format!("{field}.url"), &table.url)?.named(table.name.clone());
        let password = match (&table.password, &table.password_env) {
            (Some(_), Some(variable)) => {
                let rule = "stands beside `password`; give one of them";
                return Err(ConfigFault::rule(format!("{field}.password_env"), variable, rule));
            }
            (Some(password), None) => Some(password.clone()),
            (None, Some(variable)) => match env(variable).filter(|value| !value.is_empty()) {
                Some(value) => Some(Secret::new(value)),
                None => {
                    let rule = "is not set in the environment";
                    return Err(ConfigFault::rule(format!("{field}.password_env"), variable, rule));
                }
            },
            (None, None) => None,
        };
        Ok(address.or_login(table.username.as_deref(), password.as_ref()))
    }
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(deserializer)?;
    humantime::parse_duration(&text).map(Some).map_err(serde::de::Error::custom)
}
