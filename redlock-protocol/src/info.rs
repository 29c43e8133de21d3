//! What `INFO` says.

use std::fmt;
use std::time::Duration;

use redlock_core::node::Identity;

/// The text of `INFO`. Whatever the server does not say, or leaves empty, is `None`.
///
/// ```
/// use redlock_protocol::{Info, Product};
///
/// let info = Info::new("# Server\r\nredis_version:7.2.4\r\nvalkey_version:9.1.2\r\nrole:master\r\n");
/// assert_eq!((info.product(), info.version()), (Product::Valkey, Some("9.1.2")));
/// assert_eq!(info.field("role"), Some("master"));
/// assert_eq!(info.number("uptime_in_seconds"), None);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Info<'a>(&'a str);

/// Whose server it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Product {
    /// Redis, or a server that passes for it.
    #[default]
    Redis,
    /// Valkey.
    Valkey,
}

impl fmt::Display for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Redis => "Redis",
            Self::Valkey => "Valkey",
        })
    }
}

impl<'a> Info<'a> {
    /// What a server answered to `INFO`.
    pub fn new(text: &'a str) -> Self {
        Self(text)
    }

    /// The first field of this name.
    pub fn field(&self, name: &str) -> Option<&'a str> {
        let mut values =
            self.0.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        values.next().map(str::trim).filter(|value| !value.is_empty())
    }

    /// The first field of this name, where it is a whole number.
    pub fn number(&self, name: &str) -> Option<u64> {
        self.field(name)?.parse().ok()
    }

    /// Whose server it is.
    pub fn product(&self) -> Product {
        match self.field("valkey_version") {
            Some(_) => Product::Valkey,
            None => Product::Redis,
        }
    }

    /// The version of the product.
    pub fn version(&self) -> Option<&'a str> {
        self.field("valkey_version").or_else(|| self.field("redis_version"))
    }

    /// Who the server says it is.
    pub fn identity(&self) -> Identity {
        let mut identity = Identity::unknown();
        identity.run_id = self.field("run_id").map(str::to_owned);
        identity.uptime = self.number("uptime_in_seconds").map(Duration::from_secs);
        identity.replica = self.field("role") == Some("slave");
        identity.cluster = self.field("redis_mode") == Some("cluster")
            || self.field("server_mode") == Some("cluster")
            || self.number("cluster_enabled") == Some(1);
        identity.evicts = self.number("maxmemory").is_some_and(|bytes| bytes > 0)
            && self.field("maxmemory_policy").is_some_and(|policy| policy != "noeviction");
        identity
    }
}

/// Major and minor number of a version as servers write it.
pub fn major_minor(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.split('.').map(|part| part.parse().ok());
    Some((parts.next()??, parts.next()??))
}

/// Which command compares and deletes in one step, as far as the server's version tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NativeRelease {
    /// `DELIFEQ key token`, Valkey 9.0.
    Delifeq,
    /// `DELEX key IFEQ token`, Redis 8.4.
    Delex,
    /// Neither is known to be there.
    None,
}

/// What a server can do, as far as its version tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Abilities {
    /// `SET … NX … GET`, Redis 7.0 and every Valkey.
    pub(crate) set_get: bool,
    pub(crate) native_release: NativeRelease,
}

/// Reads the text of `INFO`.
pub(crate) fn parse_info(text: &str) -> (Identity, Abilities) {
    let info = Info::new(text);
    let is_at_least = |field, wanted| {
        info.field(field).and_then(major_minor).is_some_and(|version| version >= wanted)
    };
    let native_release = match info.product() {
        Product::Valkey if is_at_least("valkey_version", (9, 0)) => NativeRelease::Delifeq,
        Product::Redis if is_at_least("redis_version", (8, 4)) => NativeRelease::Delex,
        _ => NativeRelease::None,
    };
    // A Valkey goes by the version of Redis that it is compatible with.
    let set_get = is_at_least("redis_version", (7, 0));
    (info.identity(), Abilities { set_get, native_release })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn info_tells_who_the_server_is() {
        let (identity, abilities) = parse_info(
            "# Server\r\nredis_version:7.0.15\r\nredis_mode:standalone\r\nrun_id:abc\r\nuptime_in_seconds:12\r\n\
             # Memory\r\nmaxmemory:1048576\r\nmaxmemory_policy:volatile-ttl\r\n# Replication\r\nrole:slave\r\n",
        );
        assert_eq!(identity.run_id.as_deref(), Some("abc"));
        assert_eq!(identity.uptime, Some(Duration::from_secs(12)));
        assert!(identity.replica && identity.evicts && !identity.cluster);
        assert_eq!(abilities, Abilities { set_get: true, native_release: NativeRelease::None });
        assert!(!parse_info("redis_version:6.2.14").1.set_get);
        let none = Abilities { set_get: false, native_release: NativeRelease::None };
        assert_eq!(parse_info("").1, none);
    }

    #[test]
    fn the_native_release_goes_by_the_version_of_the_right_product() {
        let native = |text| parse_info(text).1.native_release;
        assert_eq!(native("redis_version:8.4.0"), NativeRelease::Delex);
        assert_eq!(native("redis_version:8.10.0"), NativeRelease::Delex);
        assert_eq!(native("redis_version:8.2.1"), NativeRelease::None);
        assert_eq!(native("redis_version:7.2.4\r\nvalkey_version:9.1.2"), NativeRelease::Delifeq);
        assert_eq!(native("redis_version:7.2.4\r\nvalkey_version:8.1.1"), NativeRelease::None);
        assert_eq!(native("redis_version:garbage"), NativeRelease::None);
        assert_eq!(native(""), NativeRelease::None);
    }
}
