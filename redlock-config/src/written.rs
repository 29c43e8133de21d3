//! Settings as they are written: a table of serde, and what it means.
//!
//! Single values are taken as they come, so that what is wrong with one is said here, with its field, and not by serde, which
//! repeats whatever it finds.

use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::address::{Login, NodeAddress, Place};
use crate::error::SettingsError;
use crate::rules::{self, Sourced, shown};
use crate::secret::Secret;
use crate::settings::Settings;

/// Every field is optional; unknown ones are refused.
///
/// # Errors
///
/// When a field is unknown or breaks its rule. Values that may be secrets are not repeated.
impl<'de> Deserialize<'de> for Settings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = Written::deserialize(deserializer)?;
        written.settings(&|spot| spot.to_string()).map_err(D::Error::custom)
    }
}

#[derive(Deserialize)]
#[serde(rename = "Settings", deny_unknown_fields)]
pub(crate) struct Written {
    client: Option<Scalar>,
    nodes: Option<Nodes>,
    ttl: Option<Scalar>,
    restart_guard: Option<Scalar>,
    fencing: Option<Scalar>,
    key_prefix: Option<Scalar>,
}

/// Which value is spoken of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spot {
    Field(&'static str),
    Node(usize),
    InNode(usize, &'static str),
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(field) => f.write_str(field),
            Self::Node(at) => write!(f, "nodes[{at}]"),
            Self::InNode(at, field) => write!(f, "nodes[{at}].{field}"),
        }
    }
}

impl Written {
    /// What it means. `at` says where a value stands.
    pub(crate) fn settings(self, at: &dyn Fn(Spot) -> String) -> Result<Settings, SettingsError> {
        let field = |name| at(Spot::Field(name));
        let ttl = |value: Option<Scalar>, name| {
            value.map(|value| rules::ttl(value.text(), field(name))).transpose()
        };
        let node = |(index, entry): (usize, Entry)| entry.address(index, at);
        let nodes = |Nodes(entries)| entries.into_iter().enumerate().map(node).collect();
        let nodes: Option<Vec<NodeAddress>> = self.nodes.map(nodes).transpose()?;
        let client = self.client.map(|value| rules::client(value.text(), field("client")));
        let fencing = self.fencing.map(|value| value.flag(field("fencing")));
        let key_prefix = self.key_prefix.map(|value| value.prefix(field("key_prefix")));
        Ok(Settings {
            client: client.transpose()?,
            nodes: nodes.map(|value| Sourced { value, origin: field("nodes") }),
            ttl: ttl(self.ttl, "ttl")?,
            restart_guard: ttl(self.restart_guard, "restart_guard")?,
            fencing: fencing.transpose()?,
            key_prefix: key_prefix.transpose()?,
            looked_around: false,
        })
    }
}

/// A single value, of whatever type.
enum Scalar {
    Text(String),
    /// Anything else, as it is written.
    Other(String),
    Flag(bool),
}

impl Scalar {
    /// For what is text.
    fn text(&self) -> &str {
        match self {
            Self::Text(text) | Self::Other(text) => text,
            Self::Flag(true) => "true",
            Self::Flag(false) => "false",
        }
    }

    fn flag(self, origin: String) -> Result<Sourced<bool>, SettingsError> {
        match self {
            Self::Flag(value) => Ok(Sourced { value, origin }),
            other => Err(SettingsError::invalid(
                origin,
                shown(other.text()),
                "must be true or false, without quotes",
            )),
        }
    }

    fn prefix(self, origin: String) -> Result<Sourced<String>, SettingsError> {
        match self {
            Self::Text(text) => rules::key_prefix(text, origin),
            other => {
                Err(SettingsError::invalid(origin, shown(other.text()), "must be text in quotes"))
            }
        }
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl Visitor<'_> for Any {
            type Value = Scalar;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a single value")
            }

            fn visit_str<E>(self, text: &str) -> Result<Scalar, E> {
                Ok(Scalar::Text(text.to_owned()))
            }

            fn visit_bool<E>(self, flag: bool) -> Result<Scalar, E> {
                Ok(Scalar::Flag(flag))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Scalar, E> {
                Ok(Scalar::Other(number.to_string()))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Scalar, E> {
                Ok(Scalar::Other(number.to_string()))
            }

            fn visit_f64<E>(self, number: f64) -> Result<Scalar, E> {
                Ok(Scalar::Other(number.to_string()))
            }
        }

        deserializer.deserialize_any(Any)
    }
}

struct Nodes(Vec<Entry>);

impl<'de> Deserialize<'de> for Nodes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;

        impl<'de> Visitor<'de> for List {
            type Value = Nodes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of nodes")
            }

            fn visit_str<E: Error>(self, _: &str) -> Result<Nodes, E> {
                Err(E::custom("must be a list, such as [\"10.0.0.1\", \"10.0.1.1\"]"))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Nodes, A::Error> {
                let mut nodes = Vec::new();
                while let Some(node) = list.next_element()? {
                    nodes.push(node);
                }
                Ok(Nodes(nodes))
            }
        }

        deserializer.deserialize_any(List)
    }
}

/// A URL, or a table with one.
enum Entry {
    Url(String),
    Table(Table),
}

#[derive(Deserialize)]
#[serde(rename = "node", deny_unknown_fields)]
struct Table {
    url: Secret,
    name: Option<String>,
    username: Option<String>,
    password: Option<Secret>,
    password_env: Option<String>,
}

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct UrlOrTable;

        impl<'de> Visitor<'de> for UrlOrTable {
            type Value = Entry;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a URL in quotes, or a table with `url`")
            }

            fn visit_str<E>(self, url: &str) -> Result<Entry, E> {
                Ok(Entry::Url(url.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Entry, A::Error> {
                Table::deserialize(MapAccessDeserializer::new(map)).map(Entry::Table)
            }
        }

        deserializer.deserialize_any(UrlOrTable)
    }
}

impl Entry {
    fn address(
        self,
        index: usize,
        at: &dyn Fn(Spot) -> String,
    ) -> Result<NodeAddress, SettingsError> {
        match self {
            Self::Url(url) => NodeAddress::at(at(Spot::Node(index)), &url),
            Self::Table(table) => table.address(index, at),
        }
    }
}

impl Table {
    fn address(
        self,
        index: usize,
        at: &dyn Fn(Spot) -> String,
    ) -> Result<NodeAddress, SettingsError> {
        // To find out what is wrong with the URL its own line serves better than that of the table.
        NodeAddress::at(at(Spot::InNode(index, "url")), self.url.expose())?;
        let mut address = NodeAddress::at(at(Spot::Node(index)), self.url.expose())?;
        self.check(&address, &|field| at(Spot::InNode(index, field)))?;
        if let Some(name) = self.name {
            address = address.named(name);
        }
        // Of a user alone the password may still come from the environment.
        address = match (&self.username, &self.password) {
            (Some(username), None) => address.or_user(username),
            (username, password) => address.or_login(username.as_deref(), password.as_ref()),
        };
        Ok(match self.password_env {
            Some(variable) => address.with_password_in(variable),
            None => address,
        })
    }

    /// Refuses what would be passed over.
    fn check(
        &self,
        address: &NodeAddress,
        at: &dyn Fn(&'static str) -> String,
    ) -> Result<(), SettingsError> {
        let Login { user, password } = address.login();
        let directory = !matches!(address.place(), Place::Server(_));
        let refuse = |field, rule| Err(SettingsError::unusable(at(field), rule));
        for (field, given, twice) in [
            ("name", self.name.is_some(), false),
            ("username", self.username.is_some(), user),
            ("password", self.password.is_some(), password),
            ("password_env", self.password_env.is_some(), password || self.password.is_some()),
        ] {
            if given && directory {
                return refuse(field, "is for servers, and this node is a directory");
            }
            if given && twice {
                return refuse(field, "stands beside the one that the node has; give one of them");
            }
        }
        if self.name.as_ref().is_some_and(|name| name.trim().is_empty()) {
            return refuse("name", "must not be empty");
        }
        Ok(())
    }
}
