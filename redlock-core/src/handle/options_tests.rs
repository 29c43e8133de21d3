use super::*;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn with_ttl(ttl: Duration) -> Settings {
    Settings { call: LockOptions::new().ttl(ttl), ..Settings::default() }
}

#[test]
fn defaults_fit_every_time_to_live() {
    for ttl in [MIN_TTL, ms(50), ms(100), ms(1_000), ms(10_000), MAX_TTL] {
        let plan = with_ttl(ttl).plan(&LockOptions::new()).unwrap();
        assert!(plan.node_timeout < ttl / 4);
        assert!(!plan.drift.validity(ttl).is_zero());
    }
    let timeout = |ttl| with_ttl(ttl).plan(&LockOptions::new()).unwrap().node_timeout;
    assert_eq!(timeout(ms(10)), ms(2));
    assert_eq!(timeout(ms(500)), ms(50));
    assert_eq!(timeout(ms(2_000)), ms(100));
    assert_eq!(timeout(ms(60_000)), ms(500));
    let waiting = |wait| LockOptions::new().wait_for(wait);
    let timeout = |wait| with_ttl(ms(60_000)).plan(&waiting(wait)).unwrap().node_timeout;
    assert_eq!(timeout(ms(300)), ms(300), "no longer than the call itself may wait");
    assert_eq!(timeout(ms(50)), ms(50));
}

#[test]
fn every_broken_rule_names_field_value_and_rule() {
    let base = with_ttl(ms(1_000));
    let cases: Vec<(Settings, LockOptions, &str, &str, &str)> = vec![
        (Settings::default(), LockOptions::new(), "ttl", "unset", "must be set"),
        (with_ttl(ms(9)), LockOptions::new(), "ttl", "9ms", "at least 10 ms"),
        (
            with_ttl(MAX_TTL + ms(1)),
            LockOptions::new(),
            "ttl",
            "9223362036854775.808s",
            "what PX takes",
        ),
        (
            with_ttl(Duration::MAX),
            LockOptions::new(),
            "ttl",
            "18446744073709551615.999999999s",
            "PX takes",
        ),
        (
            Settings { node_timeout: Some(ms(250)), ..base.clone() },
            LockOptions::new(),
            "node_timeout",
            "250ms",
            "a quarter of the time to live",
        ),
        (
            Settings { node_timeout: Some(ms(200)), ..base.clone() },
            LockOptions::new().ttl(ms(800)),
            "node_timeout",
            "200ms",
            "a quarter of the time to live",
        ),
        (
            Settings { node_timeout: Some(ms(0)), ..base.clone() },
            LockOptions::new(),
            "node_timeout",
            "0ns",
            "at least 1 ms",
        ),
        (
            base.clone(),
            LockOptions::new().wait_for(ms(49)),
            "wait_for",
            "49ms",
            "at least one node timeout",
        ),
        (base.clone(), LockOptions::new().wait_for(ms(0)), "wait_for", "0ns", "use try_lock"),
        (
            base.clone(),
            LockOptions::new().max_hold(ms(999)),
            "max_hold",
            "999ms",
            "at least the time to live",
        ),
        (
            Settings { restart_guard: Some(ms(9)), ..base.clone() },
            LockOptions::new(),
            "restart_guard",
            "9ms",
            "at least 10 ms",
        ),
        (
            Settings { restart_guard: Some(ms(2_000)), ..base.clone() },
            LockOptions::new().ttl(ms(2_001)),
            "ttl",
            "2.001s",
            "`restart_guard` was told",
        ),
        (
            Settings { restart_guard: Some(MAX_TTL + ms(1)), ..base.clone() },
            LockOptions::new(),
            "restart_guard",
            "9223362036854775.808s",
            "the longest ttl",
        ),
        (
            Settings { clock_error: Some(ms(86_400_001)), ..base.clone() },
            LockOptions::new(),
            "clock_error",
            "86400.001s",
            "at most a day",
        ),
        (
            Settings { drift_ppm: Some(500_001), ..base },
            LockOptions::new(),
            "drift_ppm",
            "500001",
            "at most",
        ),
    ];
    for (settings, options, field, value, rule) in cases {
        let error = settings.plan(&options).unwrap_err();
        assert_eq!((error.field(), error.value()), (field, value));
        assert!(error.rule().contains(rule), "{error}");
    }
}

#[test]
fn the_guard_is_made_of_the_longest_time_to_live_and_not_of_this_ones() {
    let settings = Settings { restart_guard: Some(ms(10_000)), ..with_ttl(ms(1_000)) };
    let plan = settings.plan(&LockOptions::new()).unwrap();
    // 1 % and 2 ms of drift, and twice a second of slack.
    assert_eq!(plan.terms(ms(1_000), None).guard, Some(ms(10_000 + 100 + 2 + 2_000)));
    assert_eq!(plan.terms(ms(1_000), None).fencing, None);
    assert_eq!(plan.terms(ms(1_000), Some(7)).fencing.map(|terms| terms.hint), Some(7));
    assert!(plan.check_ttl(ms(10_001)).is_err());
    assert_eq!(with_ttl(ms(1_000)).plan(&LockOptions::new()).unwrap().restart_guard, None);
}

#[test]
fn a_call_overrides_its_handle() {
    let settings = Settings {
        call: LockOptions::new().ttl(ms(1_000)).wait_for(ms(5_000)).renewal(Renewal::Auto),
        ..Settings::default()
    };
    let plan = settings.plan(&LockOptions::new().ttl(ms(2_000)).renewal(Renewal::Off)).unwrap();
    assert_eq!((plan.ttl, plan.wait_for, plan.renewal), (ms(2_000), ms(5_000), Renewal::Off));
}
