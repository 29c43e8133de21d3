use super::*;

pub(super) const CASES: &[Case] = {
    use Check::*;
    use Level::*;
    &[
        (
            "good",
            |_| {},
            Version,
            Ok,
            &[0, 1, 2],
            "Redis 7.0.15: takes by SET NX GET (by script with fencing or restart guard), releases by script",
            "",
        ),
        (
            "Valkey",
            |f| *info(f, 0) = Info::parse("valkey_version:9.1.2\nredis_version:7.2.4"),
            Version,
            Ok,
            &[0],
            "Valkey 9.1.2: takes by SET NX GET (by script with fencing or restart guard), releases by script, which tells who waits, and by DELIFEQ for 50 ms after one that nobody heard",
            "",
        ),
        (
            "DELEX",
            |f| info(f, 0).version = Some("8.4.0".into()),
            Version,
            Ok,
            &[0],
            "releases by script, which tells who waits, and by DELEX for 50 ms after one that nobody heard",
            "",
        ),
        (
            "6.2",
            |f| info(f, 0).version = Some("6.2.14".into()),
            Version,
            Ok,
            &[0],
            "Redis 6.2.14: takes and releases by script",
            "",
        ),
        (
            "old",
            |f| info(f, 0).version = Some("5.0.1".into()),
            Version,
            Warn,
            &[0],
            "Redis 5.0.1 is older",
            "6.2 or newer",
        ),
        (
            "no version",
            |f| info(f, 0).version = None,
            Version,
            Warn,
            &[0],
            "of an unknown version",
            "scripts",
        ),
        (
            "no INFO",
            |f| server(f, 1).info = Err(denied()),
            Version,
            Warn,
            &[1],
            "no right to INFO",
            "+info",
        ),
        ("good", |_| {}, Eviction, Ok, &[], "maxmemory-policy is noeviction", ""),
        (
            "evicts",
            |f| info(f, 1).policy = Some("allkeys-lru".into()),
            Eviction,
            Fail,
            &[1],
            "maxmemory-policy is allkeys-lru: locks that are held",
            "noeviction",
        ),
        (
            "would evict",
            |f| {
                info(f, 1).policy = Some("volatile-ttl".into());
                info(f, 1).maxmemory = Some(0);
            },
            Eviction,
            Warn,
            &[1],
            "as soon as maxmemory is set",
            "noeviction",
        ),
        (
            "not said",
            |f| info(f, 1).policy = None,
            Eviction,
            Warn,
            &[1],
            "could not be checked",
            "noeviction",
        ),
        (
            "no INFO",
            |f| server(f, 1).info = Err(denied()),
            Eviction,
            Warn,
            &[1],
            "no right to INFO",
            "+info",
        ),
        ("good", |_| {}, Memory, Ok, &[], "1 % of maxmemory is used at most", ""),
        (
            "no limit",
            |f| (0..3).for_each(|n| info(f, n).maxmemory = Some(0)),
            Memory,
            Ok,
            &[],
            "no maxmemory is set",
            "",
        ),
        (
            "almost full",
            |f| info(f, 1).used_memory = Some(850),
            Memory,
            Warn,
            &[1],
            "85 % of maxmemory",
            "raise",
        ),
        (
            "full",
            |f| info(f, 1).used_memory = Some(1000),
            Memory,
            Fail,
            &[1],
            "100 % of maxmemory is used: it gives no locks",
            "raise",
        ),
        ("good", |_| {}, Persistence, Ok, &[], "appendfsync always", ""),
        (
            "guarded",
            |f| {
                f.restart_guard = Some(Duration::from_secs(30));
                settings(f, 0).appendonly = false;
            },
            Persistence,
            Ok,
            &[],
            "gives no locks for 30.0 s",
            "",
        ),
        (
            "every second",
            |f| settings(f, 1).appendfsync = "everysec".into(),
            Persistence,
            Warn,
            &[1],
            "up to two seconds",
            "--restart-guard",
        ),
        (
            "never",
            |f| settings(f, 1).appendfsync = "no".into(),
            Persistence,
            Warn,
            &[1],
            "(appendfsync no)",
            "--restart-guard",
        ),
        (
            "nothing kept",
            |f| settings(f, 1).appendonly = false,
            Persistence,
            Warn,
            &[1],
            "forgets all locks when it restarts",
            "appendfsync always",
        ),
        (
            "snapshots",
            |f| {
                settings(f, 1).appendonly = false;
                settings(f, 1).save = "3600 1".into();
            },
            Persistence,
            Warn,
            &[1],
            "since its last snapshot",
            "--restart-guard",
        ),
        (
            "no CONFIG",
            |f| server(f, 1).settings = Err(denied()),
            Persistence,
            Warn,
            &[1],
            "could not be checked: no right to CONFIG",
            "--restart-guard",
        ),
        (
            "no CONFIG, no AOF",
            |f| {
                server(f, 1).settings = Err(denied());
                info(f, 1).aof = Some(false);
            },
            Persistence,
            Warn,
            &[1],
            "forgets locks when it restarts (aof_enabled 0",
            "--restart-guard",
        ),
        (
            "warm",
            |f| {
                f.restart_guard = Some(Duration::from_secs(60));
                info(f, 0).uptime = Some(Duration::from_secs(64));
            },
            Warm,
            Ok,
            &[],
            "no node is kept out",
            "",
        ),
        (
            "warming",
            |f| {
                f.restart_guard = Some(Duration::from_secs(60));
                info(f, 0).uptime = Some(Duration::from_secs(63));
            },
            Warm,
            Fail,
            &[0],
            "restarted 1m 3s ago, and gives no locks for 602 ms more",
            "do not restart another",
        ),
        (
            "uptime withheld",
            |f| {
                f.restart_guard = Some(Duration::from_secs(60));
                info(f, 0).uptime = Some(Duration::from_secs(90));
                server(f, 1).info = Err(denied());
            },
            Warm,
            Warn,
            &[1],
            "no right to INFO",
            "+info",
        ),
    ]
};
