//! What `doctor` looks at in `INFO`. Pure.

use std::time::Duration;

use redlock_protocol::{Product, major_minor};

/// Who a server is, and what it keeps. Whatever it did not say is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Info {
    pub(crate) run_id: Option<String>,
    pub(crate) product: Product,
    /// Of the product, as it is written.
    pub(crate) version: Option<String>,
    pub(crate) replica_of: Option<String>,
    pub(crate) cluster: bool,
    pub(crate) uptime: Option<Duration>,
    pub(crate) used_memory: Option<u64>,
    /// Zero: no limit.
    pub(crate) maxmemory: Option<u64>,
    pub(crate) policy: Option<String>,
    pub(crate) aof: Option<bool>,
    /// Attached to it.
    pub(crate) replicas: Option<u64>,
    /// Connected now.
    pub(crate) clients: Option<u64>,
    pub(crate) maxclients: Option<u64>,
    /// The last write to the append-only file.
    pub(crate) writes_failed: bool,
    /// The last rewrite of it.
    pub(crate) rewrite_failed: bool,
    pub(crate) snapshot_failed: bool,
}

impl Info {
    pub(crate) fn parse(text: &str) -> Self {
        let info = redlock_protocol::Info::new(text);
        let owned = |name: &str| info.field(name).map(crate::output::plain);
        let master = || {
            let host = info.field("master_host").unwrap_or("another server");
            format!("{host}:{}", info.field("master_port").unwrap_or("?"))
        };
        let failed = |status: &str| info.field(status).is_some_and(|status| status != "ok");
        let identity = info.identity();
        Self {
            run_id: owned("run_id"),
            product: info.product(),
            version: info.version().map(crate::output::plain),
            replica_of: identity.replica.then(master),
            cluster: identity.cluster,
            uptime: identity.uptime,
            used_memory: info.number("used_memory"),
            maxmemory: info.number("maxmemory"),
            policy: owned("maxmemory_policy"),
            aof: info.number("aof_enabled").map(|enabled| enabled == 1),
            replicas: info.number("connected_slaves"),
            clients: info.number("connected_clients"),
            maxclients: info.number("maxclients"),
            writes_failed: failed("aof_last_write_status"),
            rewrite_failed: failed("aof_last_bgrewrite_status"),
            snapshot_failed: failed("rdb_last_bgsave_status"),
        }
    }

    /// `Redis 7.0.15`.
    pub(crate) fn server(&self) -> String {
        let version = self.version.as_deref().unwrap_or("of an unknown version");
        format!("{} {version}", self.product)
    }

    /// Major and minor.
    pub(crate) fn number(&self) -> Option<(u32, u32)> {
        major_minor(self.version.as_deref()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn info_says_who_a_server_is_and_what_it_keeps() {
        let info = Info::parse(
            "# Server\r\nredis_version:7.0.15\r\nredis_mode:standalone\r\nrun_id:abc\r\nuptime_in_seconds:12\r\n\
             # Memory\r\nused_memory:5\r\nused_memory_human:5B\r\nmaxmemory:10\r\nmaxmemory_human:10B\r\n\
             maxmemory_policy:noeviction\r\n# Persistence\r\naof_enabled:1\r\n# Replication\r\nrole:slave\r\n\
             master_host:10.0.0.9\r\nmaster_port:6379\r\n",
        );
        assert_eq!(
            (info.run_id.as_deref(), info.uptime),
            (Some("abc"), Some(Duration::from_secs(12)))
        );
        assert_eq!((info.used_memory, info.maxmemory), (Some(5), Some(10)));
        assert_eq!(info.policy.as_deref(), Some("noeviction"));
        assert_eq!(info.aof, Some(true));
        assert_eq!(info.replica_of.as_deref(), Some("10.0.0.9:6379"));
        assert_eq!((info.server(), info.number()), ("Redis 7.0.15".to_owned(), Some((7, 0))));
        assert!(!info.cluster && Info::parse("cluster_enabled:1").cluster);
        assert!(Info::parse("server_mode:cluster").cluster);
        let valkey = Info::parse("redis_version:7.2.4\nvalkey_version:9.1.2\nrole:master");
        assert_eq!((valkey.server(), valkey.replica_of), ("Valkey 9.1.2".to_owned(), None));
        assert_eq!(Info::parse(""), Info::default());
        let kept = Info::parse(
            "connected_clients:80\r\nmaxclients:100\r\nconnected_slaves:2\r\nrdb_last_bgsave_status:ok\r\n\
             aof_last_bgrewrite_status:err\r\naof_last_write_status:ok\r\n",
        );
        assert_eq!((kept.clients, kept.maxclients, kept.replicas), (Some(80), Some(100), Some(2)));
        assert!(kept.rewrite_failed && !kept.writes_failed && !kept.snapshot_failed);
        assert_eq!(Info::parse("redis_version:garbage").number(), None);
    }
}
