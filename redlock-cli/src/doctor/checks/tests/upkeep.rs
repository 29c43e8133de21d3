use super::*;

pub(super) const CASES: &[Case] = {
    use Check::*;
    use Level::*;
    &[
        (
            "a replica",
            |f| info(f, 1).replicas = Some(1),
            Replicas,
            Warn,
            &[1],
            "has a replica, which has not heard of its last locks",
            "no automatic failover",
        ),
        (
            "replicas",
            |f| info(f, 1).replicas = Some(2),
            Replicas,
            Warn,
            &[1],
            "has 2 replicas",
            "detach",
        ),
        (
            "crowded",
            |f| info(f, 2).clients = Some(8000),
            Clients,
            Warn,
            &[2],
            "8000 of 10000 clients",
            "maxclients",
        ),
        (
            "no writes",
            |f| info(f, 0).writes_failed = true,
            Disk,
            Fail,
            &[0],
            "aof_last_write_status): it gives no locks",
            "log",
        ),
        (
            "no rewrite",
            |f| info(f, 0).rewrite_failed = true,
            Disk,
            Warn,
            &[0],
            "aof_last_bgrewrite_status",
            "log",
        ),
        (
            "no snapshot",
            |f| info(f, 0).snapshot_failed = true,
            Disk,
            Warn,
            &[0],
            "rdb_last_bgsave_status",
            "log",
        ),
    ]
};

#[test]
fn where_nothing_is_wrong_nothing_is_said() {
    let mut facts = good();
    info(&mut facts, 1).clients = Some(7_999);
    // Whoever does not tell is not suspected.
    let hidden = info(&mut facts, 2);
    (hidden.replicas, hidden.clients, hidden.maxclients) = (None, None, None);
    let silent = [Check::Replicas, Check::Clients, Check::Disk];
    let findings = all(&facts, &[]);
    assert!(findings.iter().all(|finding| !silent.contains(&finding.check)), "{findings:#?}");
    assert_eq!(worst(&findings), Level::Ok);
}
