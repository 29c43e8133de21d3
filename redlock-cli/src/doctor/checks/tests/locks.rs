use super::*;

pub(super) const CASES: &[Case] = {
    use Check::*;
    use Level::*;
    &[
        (
            "good",
            |_| {},
            Rights,
            Ok,
            &[],
            "locks can be taken, extended, looked at and released",
            "",
        ),
        (
            "named",
            |f| {
                fail(
                    f,
                    1,
                    Verb::Acquire,
                    Fault::Permission,
                    "NOPERM no permissions to run the 'set' command",
                )
            },
            Rights,
            Fail,
            &[1],
            "locks cannot be taken: missing right: NOPERM",
            "grant +eval +evalsha +get +set +pttl",
        ),
        (
            "found",
            |f| {
                fail(f, 1, Verb::Extend, Fault::Permission, "ERR can't run this command");
                f.nodes[1].trial.as_mut().unwrap().denied = vec!["pexpire"];
            },
            Rights,
            Fail,
            &[1],
            "extended or renewed: missing right",
            "grant +pexpire to the user",
        ),
        (
            "release",
            |f| fail(f, 1, Verb::Release, Fault::Permission, "ERR can't run this command"),
            Rights,
            Fail,
            &[1],
            "stay until they expire",
            "+del",
        ),
        (
            "keys",
            |f| {
                fail(
                    f,
                    1,
                    Verb::Acquire,
                    Fault::Permission,
                    "NOPERM no access to one of the keys used",
                )
            },
            Rights,
            Fail,
            &[1],
            "missing right",
            "~redlock:*",
        ),
        (
            "inspect",
            |f| fail(f, 1, Verb::Inspect, Fault::Permission, "ERR can't run this command"),
            Rights,
            Warn,
            &[1],
            "nobody can look",
            "+pttl",
        ),
        (
            "fence",
            |f| fail(f, 1, Verb::Fence, Fault::Permission, "ERR can't run this command"),
            Rights,
            Warn,
            &[1],
            "--no-fence",
            "+time",
        ),
        (
            "guard, unused",
            |f| fail(f, 1, Verb::Guard, Fault::Permission, "ERR can't run this command"),
            Rights,
            Warn,
            &[1],
            "restart guard cannot tell",
            "+lastsave",
        ),
        (
            "guard",
            |f| {
                fail(f, 1, Verb::Guard, Fault::Permission, "ERR can't run this command");
                f.restart_guard = Some(Duration::from_secs(9));
            },
            Rights,
            Fail,
            &[1],
            "restart guard cannot tell",
            "+info",
        ),
        (
            "full",
            |f| fail(f, 1, Verb::Acquire, Fault::OutOfMemory, "OOM"),
            Rights,
            Fail,
            &[1],
            "out of memory",
            "maxmemory",
        ),
        ("good", |_| {}, WakeUps, Ok, &[], "hears of its release", ""),
        (
            "said already",
            |f| {
                fail(f, 1, Verb::Acquire, Fault::Replica, "READONLY");
                fail(f, 1, Verb::WakeUp, Fault::Replica, "READONLY");
            },
            WakeUps,
            Ok,
            &[],
            "hears of its release",
            "",
        ),
        (
            "mute",
            |f| fail(f, 1, Verb::WakeUp, Fault::Permission, "NOPERM no channels"),
            WakeUps,
            Warn,
            &[1],
            "not told of releases",
            "+publish +subscribe &redlock:released",
        ),
        ("good", |_| {}, Sharing, Ok, &[], "readers can share locks", ""),
        (
            "no shares",
            |f| {
                fail(f, 1, Verb::Share, Fault::Permission, "NOPERM no permissions to run 'zadd'");
                f.nodes[1].trial.as_mut().unwrap().denied = vec!["zadd", "zrem"];
            },
            Sharing,
            Warn,
            &[1],
            "cannot be shared, which those need who read (`read`, `try_read`) and nobody else: missing right",
            "grant +zadd +zrem to the user (ACL SETUSER), or --accept sharing where nobody reads",
        ),
        ("good", |_| {}, Permits, Ok, &[], "semaphores can give permits", ""),
        (
            "no permits",
            |f| {
                fail(f, 1, Verb::Permit, Fault::Permission, "NOPERM no permissions to run 'mget'");
                f.nodes[1].trial.as_mut().unwrap().denied = vec!["mget"];
            },
            Permits,
            Warn,
            &[1],
            "no permits can be had, which those need who have a semaphore and nobody else: missing right",
            "grant +mget to the user (ACL SETUSER), or --accept permits where nobody has a semaphore",
        ),
        ("good", |_| {}, Listing, Ok, &[], "what is held can be listed", ""),
        (
            "no list",
            |f| {
                fail(f, 1, Verb::Scan, Fault::Permission, "NOPERM no permissions to run 'scan'");
                f.nodes[1].trial.as_mut().unwrap().denied = vec!["getrange", "scan"];
            },
            Listing,
            Warn,
            &[1],
            "nobody can list what is held (redlock list): missing right",
            "grant +scan +getrange to the user",
        ),
        (
            "good",
            |_| {},
            Latency,
            Ok,
            &[],
            "a lock is taken and released in 0.25 ms (p99 0.50 ms, of 50 rounds)",
            "",
        ),
        (
            "slow",
            |f| f.rounds.cycles = vec![Duration::from_millis(150)],
            Latency,
            Warn,
            &[],
            "near to the 200.0 ms",
            "node_timeout",
        ),
        (
            "skipped",
            |f| f.rounds.skipped = Some("no majority".into()),
            Latency,
            Warn,
            &[],
            "was not measured: no majority",
            "above",
        ),
        (
            "some failed",
            |f| {
                f.rounds.failed = 2;
                f.rounds.failures = vec!["late".into()];
            },
            Latency,
            Warn,
            &[],
            "2 of 52 locks failed: late",
            "slow",
        ),
        (
            "all failed",
            |f| {
                f.rounds.cycles.clear();
                f.rounds.failed = 3;
                f.rounds.failures = vec!["late".into()];
            },
            Latency,
            Fail,
            &[],
            "3 of 3 locks failed: late",
            "above",
        ),
        (
            "warming",
            |f| {
                f.rounds.cycles.clear();
                f.rounds.failed = 3;
                f.rounds.warming = true;
            },
            Latency,
            Warn,
            &[],
            "3 of 3 locks failed",
            "warmed up",
        ),
    ]
};
