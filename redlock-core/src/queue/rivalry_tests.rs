use proptest::prelude::*;

use super::*;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn at(millis: u64) -> Moment {
    Moment(ms(millis))
}

fn first(rivalry: &mut Rivalry, now: u64) -> Duration {
    rivalry.hold_back(at(now), Duration::ZERO, Pace::TOLD, 0)
}

#[test]
fn the_last_holders_line_never_asks_at_once_where_others_were_met() {
    let mut rivalry = Rivalry::default();
    rivalry.refused();
    rivalry.won(at(0));
    assert!(rivalry.is_contested());
    assert_eq!(rivalry.heard(0), None, "its own release");
    for random in 0..100_u64 {
        let delay = rivalry.hold_back(at(1), Duration::ZERO, Pace::TOLD, random << 40 | random);
        assert!(delay >= ms(1) && delay < ms(3), "{delay:?}");
    }
}

proptest! {
    #[test]
    fn who_sat_through_more_turns_asks_at_once_more_probably(turns in 1_u64..20, random: u64) {
        let mut rivalry = Rivalry::default();
        let mut delay = None;
        for _ in 0..turns {
            delay = rivalry.heard(random);
        }
        let at_once = random % (turns + 1) < turns;
        let delay = delay.unwrap();
        prop_assert_eq!(delay.is_zero(), at_once);
        prop_assert!(at_once || (delay >= ms(1) && delay < ms(3)));
    }
}

#[test]
fn a_line_that_meets_nobody_any_more_asks_at_once_again() {
    let mut rivalry = Rivalry::default();
    rivalry.refused();
    for _ in 0..WARY {
        assert!(!first(&mut rivalry, 1).is_zero());
        rivalry.won(at(1));
    }
    assert!(first(&mut rivalry, 1).is_zero());
}

#[test]
fn a_line_that_seems_alone_leaves_gaps_that_grow_rarer() {
    let mut rivalry = Rivalry::default();
    let mut gaps = Vec::new();
    for now in 0..3_000 {
        if first(&mut rivalry, now) == Pace::TOLD.gap {
            gaps.push(now);
        }
        rivalry.won(at(now));
    }
    assert_eq!(gaps[..4], [50, 150, 350, 750]);
    assert_eq!(gaps[4] - gaps[3], 500, "and no rarer");
}

#[test]
fn who_leaves_pauses_by_nature_needs_no_gaps() {
    let mut rivalry = Rivalry::default();
    for now in 0..3_000 {
        assert!(rivalry.hold_back(at(now), Pace::TOLD.gap, Pace::TOLD, 0).is_zero());
        rivalry.won(at(now));
    }
}

#[test]
fn where_nothing_is_told_others_get_a_whole_retry_delay_now_and_then() {
    let pace = Pace::untold(ms(150));
    let mut rivalry = Rivalry::default();
    rivalry.refused();
    rivalry.won(at(0));
    assert!(rivalry.hold_back(at(3_999), Duration::ZERO, pace, 0).is_zero());
    assert_eq!(rivalry.hold_back(at(4_000), Duration::ZERO, pace, 0), ms(150));
}

#[test]
fn the_wait_after_a_split_vote_is_short_random_and_grows() {
    assert!((0..1_000).all(|random| after_split(1, random * 7) < ms(2)));
    assert!((0..1_000).all(|random| after_split(u32::MAX, random * 997) < ms(128)));
    assert_eq!(after_split(3, 7_999), Duration::from_micros(7_999));
}
