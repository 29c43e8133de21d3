use super::*;

pub(super) const CASES: &[Case] = {
    use Check::*;
    use Level::*;
    &[
        (
            "good",
            |_| {},
            Clocks,
            Ok,
            &[],
            "the servers' clocks agree within a millisecond, and with ours",
            "",
        ),
        ("200 ms", |f| set_clock(f, 1, 200), Clocks, Ok, &[], "are 197.9 ms apart at least", ""),
        (
            "within the error",
            |f| {
                set_clock(f, 1, 1001);
                set_clock(f, 0, 0);
            },
            Clocks,
            Ok,
            &[],
            "are 999.0 ms apart",
            "",
        ),
        (
            "seconds",
            |f| set_clock(f, 1, 3_000),
            Clocks,
            Warn,
            &[1],
            "its clock is at least 2.9 s from that of n2:6379: fencing takes a second round trip",
            "NTP",
        ),
        ("behind", |f| set_clock(f, 1, -3_000), Clocks, Warn, &[1], "at least 2.9 s from", "NTP"),
        (
            "two of two",
            |f| {
                f.nodes.truncate(2);
                set_clock(f, 1, 3_000);
            },
            Clocks,
            Warn,
            &[0, 1],
            "their clocks are at least 2.9 s apart",
            "NTP",
        ),
        (
            "minutes",
            |f| set_clock(f, 2, 301_000),
            Clocks,
            Warn,
            &[2],
            "fencing takes a second round trip each time; beyond 10m later fences may be lower",
            "NTP",
        ),
        (
            "as far as the documents allow for",
            |f| set_clock(f, 2, 600_000),
            Clocks,
            Warn,
            &[2],
            "beyond 10m",
            "NTP",
        ),
        (
            "further than that",
            |f| set_clock(f, 2, 601_000),
            Clocks,
            Fail,
            &[2],
            "more than 10m, and later fences may be lower",
            "clock_error",
        ),
        (
            "beyond the guard",
            |f| {
                set_clock(f, 2, 31_000);
                f.restart_guard = Some(Duration::from_secs(30));
            },
            Clocks,
            Fail,
            &[2],
            "a fence after a restart may be lower",
            "clock_error",
        ),
        (
            "ours",
            |f| (0..3).for_each(|n| set_clock(f, n, 60_000)),
            Clocks,
            Warn,
            &[],
            "this machine's clock is at least 59.9 s from every",
            "this machine",
        ),
        (
            "no TIME",
            |f| server(f, 1).clock = Err(denied()),
            Clocks,
            Warn,
            &[1],
            "no right to TIME",
            "+time",
        ),
        (
            "directory",
            |f| directory(f, Result::Ok(Some(entry(1000, 0o700)))),
            Directory,
            Ok,
            &[0],
            "/d is this user's alone (mode 0700)",
            "",
        ),
        (
            "no directory",
            |f| directory(f, Result::Ok(None)),
            Directory,
            Ok,
            &[0],
            "/d is made when",
            "",
        ),
        (
            "a group's",
            |f| directory(f, Result::Ok(Some(entry(0, 0o2770)))),
            Directory,
            Ok,
            &[0],
            "/d is shared by its group (mode 2770)",
            "",
        ),
        (
            "others write",
            |f| directory(f, Result::Ok(Some(entry(1000, 0o777)))),
            Directory,
            Warn,
            &[0],
            "others may write to /d (mode 0777)",
            "chmod",
        ),
        (
            "another's",
            |f| directory(f, Result::Ok(Some(entry(0, 0o755)))),
            Directory,
            Warn,
            &[0],
            "belongs to user 0",
            "one user",
        ),
        (
            "a file",
            |f| directory(f, Result::Ok(Some(Entry { is_directory: false, ..entry(1000, 0o644) }))),
            Directory,
            Fail,
            &[0],
            "is no directory",
            "name",
        ),
        (
            "unreadable",
            |f| directory(f, Err("denied".into())),
            Directory,
            Fail,
            &[0],
            "/d: denied",
            "read",
        ),
    ]
};

fn directory(facts: &mut Facts, found: Result<Option<Entry>, String>) {
    facts.nodes[0].kind = Kind::Directory(Directory { path: "/d".into(), found, us: 1000 });
}

fn entry(owner: u32, mode: u32) -> Entry {
    Entry { is_directory: true, owner, mode }
}
