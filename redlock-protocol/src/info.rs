use std::time::Duration;

use crate::node::Identity;

/// Which command compares and deletes in one step, as far as the server's version tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NativeRelease {
    /// `DELIFEQ key token`, Valkey 9.0.
    Delifeq,
    /// `DELEX key IFEQ token`, Redis 8.4.
    Delex,
    /// Neither is known to be there.
    None,
}

/// What a server can do, as far as its version tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Abilities {
    /// `SET … NX … GET`, Redis 7.0 and every Valkey.
    pub(super) set_get: bool,
    pub(super) native_release: NativeRelease,
}

/// Reads the text of `INFO`.
pub(super) fn parse_info(text: &str) -> (Identity, Abilities) {
    let field = |name: &str| {
        text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
    };
    let number = |name: &str| field(name).and_then(|value| value.parse::<u64>().ok());
    let at_least = |name: &str, wanted: (u32, u32)| {
        field(name)
            .and_then(|version| {
                let mut parts = version.split('.').map(|part| part.parse::<u32>().ok());
                Some((parts.next()??, parts.next()??))
            })
            .is_some_and(|version| version >= wanted)
    };
    let native = if field("valkey_version").is_some() {
        if at_least("valkey_version", (9, 0)) {
            NativeRelease::Delifeq
        } else {
            NativeRelease::None
        }
    } else if at_least("redis_version", (8, 4)) {
        NativeRelease::Delex
    } else {
        NativeRelease::None
    };
    let identity = Identity {
        run_id: field("run_id").filter(|id| !id.is_empty()).map(str::to_owned),
        uptime: number("uptime_in_seconds").map(Duration::from_secs),
        replica: field("role") == Some("slave"),
        cluster: field("redis_mode") == Some("cluster")
            || field("server_mode") == Some("cluster")
            || number("cluster_enabled") == Some(1),
        evicts: number("maxmemory").is_some_and(|bytes| bytes > 0)
            && field("maxmemory_policy").is_some_and(|policy| policy != "noeviction"),
    };
    (identity, Abilities { set_get: at_least("redis_version", (7, 0)), native_release: native })
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
