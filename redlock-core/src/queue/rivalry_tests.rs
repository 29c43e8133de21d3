use super::*;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn at(millis: u64) -> Moment {
    Moment(ms(millis))
}

/// Three others had a turn between two own turns, for long enough.
fn one_of_four() -> Rivalry {
    let mut rivalry = Rivalry::default();
    for _ in 0..20 {
        for _ in 0..3 {
            let _ = rivalry.heard(0);
        }
        rivalry.won(at(0));
    }
    rivalry
}

#[test]
fn who_waited_longest_asks_at_once_and_the_others_one_after_another() {
    let mut rivalry = one_of_four();
    assert!(rivalry.is_contested());
    assert_eq!(rivalry.hold_back(at(1), Duration::ZERO, Pace::TOLD, 0), ms(3), "the last holder");
    assert_eq!(rivalry.heard(0), ms(2));
    assert_eq!(rivalry.heard(999), Duration::from_micros(1), "the next in order");
    assert_eq!(rivalry.heard(0), Duration::ZERO);
    assert_eq!(rivalry.heard(0), Duration::ZERO, "and so on until it has a turn");
}

#[test]
fn a_line_that_is_alone_again_holds_back_less_and_less() {
    let mut rivalry = one_of_four();
    let mut turns = 0;
    while !rivalry.hold_back(at(1), Duration::ZERO, Pace::TOLD, 0).is_zero() {
        rivalry.won(at(1));
        turns += 1;
        assert!(turns < 10);
    }
    assert!(!rivalry.is_contested());
}

#[test]
fn a_line_that_seems_alone_leaves_gaps_that_grow_rarer() {
    let mut rivalry = Rivalry::default();
    let mut gaps = Vec::new();
    for now in 0..3_000 {
        if rivalry.hold_back(at(now), Duration::ZERO, Pace::TOLD, 0) == Pace::TOLD.gap {
            gaps.push(now);
        }
        rivalry.won(at(now));
    }
    assert_eq!(gaps[..4], [50, 150, 350, 750]);
    assert_eq!(gaps[4] - gaps[3], 501, "and no rarer");
    // Somebody came in.
    rivalry.refused();
    rivalry.won(at(3_000));
    assert_eq!(rivalry.hold_back(at(3_049), Duration::ZERO, Pace::TOLD, 0), Duration::ZERO);
    assert_eq!(rivalry.hold_back(at(3_050), Duration::ZERO, Pace::TOLD, 0), Pace::TOLD.gap);
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
fn the_wait_after_a_split_vote_is_short_random_and_grows() {
    assert!((0..1_000).all(|random| after_split(1, random * 7) < ms(2)));
    assert!((0..1_000).all(|random| after_split(u32::MAX, random * 997) < ms(128)));
    assert_eq!(after_split(3, 7_999), Duration::from_micros(7_999));
}
