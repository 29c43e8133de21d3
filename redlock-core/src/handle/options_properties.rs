use proptest::prelude::*;

use super::*;

/// Around every bound, and as far away as can be.
fn duration() -> impl Strategy<Value = Duration> {
    prop_oneof![
        (0_u64..2_000).prop_map(Duration::from_millis),
        (0_u64..5_000_000).prop_map(Duration::from_micros),
        (0_u64..3).prop_map(
            |more| MAX_TTL.saturating_add(Duration::from_nanos(more)) - Duration::from_nanos(1)
        ),
        any::<Duration>(),
    ]
}

fn call() -> impl Strategy<Value = LockOptions> {
    let some = || prop::option::of(duration());
    (some(), some(), some(), prop::option::of(any::<bool>())).prop_map(
        |(ttl, wait_for, max_hold, fencing)| LockOptions {
            ttl,
            wait_for,
            max_hold,
            fencing,
            ..LockOptions::new()
        },
    )
}

fn settings() -> impl Strategy<Value = Settings> {
    let ppm = prop::option::of(prop_oneof![0_u32..=600_000, any::<u32>()]);
    let some = || prop::option::of(duration());
    (call(), some(), ppm, some()).prop_map(|(call, node_timeout, drift_ppm, restart_guard)| {
        Settings { call, node_timeout, drift_ppm, restart_guard, ..Settings::default() }
    })
}

proptest! {
    #[test]
    fn any_settings_are_an_error_about_one_of_them_or_a_plan_that_keeps_the_rules(
        settings in settings(), options in call(),
    ) {
        let known = ["ttl", "restart_guard", "node_timeout", "wait_for", "max_hold", "drift_ppm"];
        match settings.plan(&options) {
            Err(error) => {
                prop_assert!(known.contains(&error.field()), "{}", error);
                prop_assert!(error.rule().starts_with("must be"), "{}", error);
            }
            Ok(plan) => {
                prop_assert_eq!(Some(plan.ttl), options.ttl.or(settings.call.ttl));
                prop_assert!(MIN_TTL <= plan.ttl && plan.ttl <= MAX_TTL);
                prop_assert!(plan.restart_guard.is_none_or(|longest| plan.ttl <= longest));
                prop_assert!(Duration::from_millis(1) <= plan.node_timeout);
                prop_assert!(plan.node_timeout < plan.ttl / 4);
                prop_assert!(plan.node_timeout <= plan.wait_for);
                prop_assert!(plan.max_hold.is_none_or(|longest| plan.ttl <= longest));
                prop_assert!(plan.drift.validity(plan.ttl) < plan.ttl);
                let terms = plan.terms(plan.ttl, plan.fencing.then_some(1));
                prop_assert!(terms.guard.is_none_or(|guard| guard > plan.ttl));
                prop_assert!(terms.fencing.is_none_or(|fencing| fencing.life > plan.ttl));
            }
        }
    }
}
