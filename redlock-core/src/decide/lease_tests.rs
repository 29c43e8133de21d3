use proptest::prelude::*;

use super::*;

fn at(ms: u64) -> Moment {
    Moment(Duration::from_millis(ms))
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

const DRIFT: Drift = Drift { ppm: Drift::DEFAULT_PPM };

proptest! {
    #[test]
    fn validity_is_never_more_than_the_time_to_live_less_elapsed_and_drift(
        ttl in 0_u64..=u64::MAX, t0 in 0_u64..=u64::MAX, elapsed in 0_u64..=u64::MAX, ppm in 0_u32..=500_000,
    ) {
        let (ttl, drift) = (Duration::from_millis(ttl), Drift::new(ppm));
        let t0 = at(t0);
        let term = Term::new(t0, ttl, drift, None);
        let now = t0.plus(Duration::from_micros(elapsed));
        let left = term.until().since(now);
        let allowed = ttl.as_nanos().saturating_sub(now.since(t0).as_nanos()).saturating_sub(
            ttl.as_nanos() * u128::from(ppm) / 1_000_000 + 2_000_000,
        );
        prop_assert!(left.as_nanos() <= allowed);
        prop_assert_eq!(term.lost(now).is_some(), left.is_zero());
    }

    #[test]
    fn an_extension_never_shortens_and_never_revives(
        ttl in 10_u64..100_000, t1 in 0_u64..200_000, late in 0_u64..200_000, new in 10_u64..200_000,
    ) {
        let mut term = Term::new(at(0), ms(ttl), DRIFT, None);
        let (before, now) = (term.until(), at(t1 + late));
        let result = term.extended(at(t1), now, ms(new));
        prop_assert!(term.until() >= before);
        prop_assert_eq!(result.is_err(), now >= before);
        if result.is_err() {
            prop_assert_eq!(term.until(), before);
            prop_assert!(term.lost(now).is_some());
        }
    }

    #[test]
    fn no_hold_outlasts_its_cap(cap in 10_u64..10_000, steps in prop::collection::vec(1_u64..500, 1..50)) {
        let mut term = Term::new(at(0), ms(10), DRIFT, Some(ms(cap)));
        let mut now = at(0);
        for step in steps {
            now = now.plus(ms(step.min(5)));
            let _ = term.extended(now, now, ms(step * 10));
            prop_assert!(term.until() <= at(cap));
        }
        prop_assert!(term.lost(at(cap)).is_some());
    }
}

#[test]
fn the_drift_allowance_is_one_percent_and_two_milliseconds() {
    assert_eq!(DRIFT.of(ms(10_000)), ms(102));
    assert_eq!(Term::new(at(5), ms(10_000), DRIFT, None).until(), at(5 + 9_898));
}

#[test]
fn tiny_and_huge_times_to_live_leave_no_validity_or_all_of_it_without_overflow() {
    for ttl in [0, 1, 2] {
        assert_eq!(Term::new(at(7), ms(ttl), DRIFT, None).lost(at(7)), Some(LostReason::Expired));
    }
    assert!(Term::new(at(7), ms(3), DRIFT, None).lost(at(7)).is_none());
    let term = Term::new(Moment(Duration::MAX), Duration::MAX, Drift::new(0), None);
    assert_eq!(term.until(), Moment(Duration::MAX));
}

#[test]
fn an_extension_counts_from_before_its_send() {
    let mut term = Term::new(at(0), ms(1_000), DRIFT, None);
    term.extended(at(300), at(500), ms(1_000)).unwrap();
    assert_eq!(term.until(), at(300 + 988));
}

#[test]
fn an_extension_that_completes_after_the_old_deadline_is_lost() {
    let mut term = Term::new(at(0), ms(1_000), DRIFT, None);
    assert_eq!(term.extended(at(980), at(988), ms(1_000)), Err(LostReason::Expired));
    assert_eq!(term.until(), at(988));
}

#[test]
fn the_reason_tells_an_outage_from_a_forgotten_renewal() {
    let mut term = Term::new(at(0), ms(1_000), DRIFT, None);
    term.unanswered(at(400));
    assert_eq!(term.lost(at(988)), Some(LostReason::NoQuorum));

    let mut term = Term::new(at(0), ms(1_000), DRIFT, None);
    term.unanswered(at(400));
    term.extended(at(500), at(510), ms(1_000)).unwrap();
    assert_eq!(term.lost(at(1_488)), Some(LostReason::Expired));

    let mut term = Term::new(at(0), ms(1_000), DRIFT, None);
    term.unanswered(at(990));
    assert_eq!(
        term.lost(at(991)),
        Some(LostReason::Expired),
        "what comes after the deadline changes nothing"
    );
}

#[test]
fn the_first_reason_stays() {
    let mut term = Term::new(at(0), ms(1_000), DRIFT, None);
    term.end(at(10), LostReason::Stolen);
    term.end(at(20), LostReason::Released);
    assert_eq!(term.lost(at(20)), Some(LostReason::Stolen));
    assert_eq!(term.extended(at(20), at(21), ms(1_000)), Err(LostReason::Stolen));
    assert!(!term.renewable());
}

#[test]
fn the_cap_ends_a_hold_that_renewal_would_carry_on() {
    let mut term = Term::new(at(0), ms(1_000), DRIFT, Some(ms(1_500)));
    assert!(term.renewable());
    term.extended(at(700), at(701), ms(1_000)).unwrap();
    assert!(!term.renewable());
    assert_eq!(term.lost(at(1_499)), None);
    assert_eq!(term.lost(at(1_500)), Some(LostReason::MaxHold));
}

#[test]
fn renewal_leaves_room_for_a_second_try_before_the_deadline() {
    for ttl in [10, 100, 1_000, 60_000] {
        let node_timeout = ms(ttl) / 4;
        let first = renew_at(at(0), None, ms(ttl));
        let failed = first.plus(node_timeout);
        let second = renew_at(at(0), Some(failed), ms(ttl));
        assert!(second.plus(node_timeout) < at(ttl), "{ttl}");
    }
}

#[test]
fn locks_that_were_taken_together_are_renewed_apart() {
    let ttl = ms(10_000);
    let due = |micros| renew_at(Moment(Duration::from_micros(micros)), None, ttl).0;
    let all: Vec<_> = (5_000..6_000).map(due).collect();
    let (first, last) = (all.iter().min().copied().unwrap(), all.iter().max().copied().unwrap());
    assert!(last - first > ttl / 3 / 9, "they are spread over {:?}", last - first);
    assert!(first >= ttl / 3 * 7 / 8 && last <= ttl / 3 + ms(6));
}
