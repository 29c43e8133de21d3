use proptest::prelude::*;

use super::*;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn at(millis: u64) -> Moment {
    Moment(ms(millis))
}

const GAP: Duration = Duration::from_millis(5);

fn told() -> Pace {
    Pace::told(ms(150))
}

/// A turn of its own.
fn turn(rivalry: &mut Rivalry, now: u64) {
    rivalry.won(at(now), ms(1));
    rivalry.ended(at(now));
}

fn first(rivalry: &mut Rivalry, now: u64) -> Duration {
    rivalry.hold_back(at(now), Duration::ZERO, told(), 0)
}

#[test]
fn the_last_holders_line_never_asks_at_once_where_others_were_met() {
    let mut rivalry = Rivalry::default();
    rivalry.refused(true);
    turn(&mut rivalry, 0);
    assert!(rivalry.is_contested());
    assert_eq!(rivalry.heard(at(1), 0), None, "its own release");
    for random in 0..100_u64 {
        let delay = rivalry.hold_back(at(1), Duration::ZERO, told(), random << 40 | random);
        assert!(delay >= ms(1) && delay < ms(3), "{delay:?}");
    }
}

/// A line that had its turns after so many turns of others.
fn used_to(turns: u32) -> Rivalry {
    let mut rivalry = Rivalry::default();
    for _ in 0..30 {
        turn(&mut rivalry, 0);
        for _ in 0..=turns {
            let _ = rivalry.heard(at(1), 0);
        }
    }
    turn(&mut rivalry, 0);
    assert_eq!(rivalry.heard(at(1), 0), None, "its own release");
    rivalry
}

#[test]
fn of_those_who_take_turns_one_at_a_time_asks_at_once() {
    for others in 1..=4 {
        let mut rivalry = used_to(others);
        for _ in 1..others {
            assert!(!rivalry.heard(at(1), 0).unwrap().is_zero());
        }
        assert_eq!(rivalry.heard(at(1), 0), Some(Duration::ZERO));
        assert_eq!(rivalry.heard(at(1), 0), Some(Duration::ZERO), "until it has its turn");
    }
}

#[test]
fn who_had_too_few_turns_gets_more() {
    let mut rivalry = used_to(20);
    let mut waited = 20;
    for _ in 0..40 {
        waited = 1;
        while rivalry.heard(at(1), 0) != Some(Duration::ZERO) {
            waited += 1;
        }
        turn(&mut rivalry, 0);
        assert_eq!(rivalry.heard(at(1), 0), None);
    }
    assert!(waited <= 8, "still {waited}");
}

#[test]
fn who_was_starved_does_not_take_it_for_what_is_usual() {
    let mut rivalry = used_to(1);
    for _ in 0..300 {
        let _ = rivalry.heard(at(1), 0);
    }
    turn(&mut rivalry, 0);
    assert_eq!(rivalry.heard(at(1), 0), None, "its own release");
    let others = (1..).take_while(|_| rivalry.heard(at(1), 0) != Some(Duration::ZERO)).count();
    assert!(others <= 1, "sits through {others} and more");
}

#[test]
fn a_crowd_that_grew_is_known_after_a_few_turns() {
    let mut rivalry = used_to(1);
    for _ in 0..12 {
        for _ in 0..15 {
            let _ = rivalry.heard(at(1), 0);
        }
        turn(&mut rivalry, 0);
        assert_eq!(rivalry.heard(at(1), 0), None, "its own release");
    }
    let others = (1..).take_while(|_| rivalry.heard(at(1), 0) != Some(Duration::ZERO)).count();
    assert!((10..=15).contains(&others), "sits through {others}");
}

proptest! {
    #[test]
    fn who_holds_back_does_so_for_some_milliseconds(turns in 0_u32..10, random: u64) {
        let mut rivalry = used_to(turns);
        let delay = rivalry.heard(at(1), random).unwrap();
        prop_assert!(delay.is_zero() || (delay >= ms(1) && delay < ms(3)));
    }
}

#[test]
fn a_line_that_meets_nobody_any_more_asks_at_once_again() {
    let mut rivalry = Rivalry::default();
    rivalry.refused(true);
    for _ in 0..WARY {
        assert!(!first(&mut rivalry, 1).is_zero());
        turn(&mut rivalry, 1);
    }
    assert!(first(&mut rivalry, 1).is_zero());
}

#[test]
fn a_line_that_seems_alone_leaves_gaps_that_grow_rarer() {
    let mut rivalry = Rivalry::default();
    let mut gaps = Vec::new();
    for now in 0..3_000 {
        if first(&mut rivalry, now) == GAP {
            gaps.push(now);
        }
        turn(&mut rivalry, now);
    }
    assert_eq!(gaps[..4], [50, 150, 350, 750]);
    assert_eq!(gaps[4] - gaps[3], 500, "and no rarer");
}

#[test]
fn who_leaves_pauses_by_nature_needs_no_gaps() {
    let mut rivalry = Rivalry::default();
    for now in 0..3_000 {
        assert!(rivalry.hold_back(at(now), GAP, told(), 0).is_zero());
        turn(&mut rivalry, now);
    }
}

#[test]
fn who_is_not_told_gets_a_whole_retry_delay_now_and_then() {
    for (pace, due) in [(Pace::untold(ms(150)), 4_000), (told(), 8_000)] {
        let mut rivalry = Rivalry::default();
        let mut rests = Vec::new();
        for now in (0..60_000).step_by(5) {
            if rivalry.hold_back(at(now), Duration::ZERO, pace, 0) == ms(150) {
                rests.push(now);
            }
            turn(&mut rivalry, now);
        }
        assert_eq!(rests[0], due);
        assert!(rests[1] >= due * 3 && rests.len() < 5, "{rests:?}");
    }
}

#[test]
fn the_wait_after_a_collision_is_short_random_and_grows() {
    let mut patience = Patience::default();
    for spread in [4, 8, 16, 32, 64, 128, 256, 512, 512] {
        let delays: Vec<_> = (0..2_000).map(|i| { patience }.collided(i * 997)).collect();
        assert!(delays.iter().all(|delay| *delay >= ms(1) && *delay < ms(1 + spread)));
        assert!(delays.iter().any(|delay| *delay > ms(spread * 9 / 10)));
        let _ = patience.collided(0);
    }
}

#[test]
fn who_asks_in_vain_sits_through_more_and_more_turns() {
    let mut patience = Patience::default();
    assert!(patience.heard(Duration::ZERO, 0).is_zero());
    for (lost, most) in [(1, 1), (2, 3), (3, 7), (6, 63), (9, 63)] {
        let mut patience = Patience::default();
        for _ in 0..lost {
            patience.lost(u64::MAX, u32::MAX);
        }
        for _ in 0..most {
            assert!(!patience.heard(Duration::ZERO, 0).is_zero(), "after {lost}");
        }
        assert!(patience.heard(Duration::ZERO, 0).is_zero(), "after {lost}");
    }
    // A line that says no is not overruled.
    assert!(!patience.heard(ms(1), 0).is_zero());
}

#[test]
fn the_own_release_that_was_not_heard_in_time_stands_for_no_other() {
    let mut rivalry = used_to(1);
    rivalry.won(at(0), ms(1));
    rivalry.ended(at(100));
    assert_eq!(rivalry.clone().heard(at(104), 0), None, "its own release");
    let late = rivalry.clone().heard(at(105), 0).unwrap();
    assert!(late >= ms(1) && late < ms(3), "perhaps somebody else's: {late:?}");
    // Nobody listened while it was told.
    rivalry.refused(true);
    assert_eq!(rivalry.heard(at(101), 0), Some(Duration::ZERO));
}

#[test]
fn who_waits_for_a_permit_gives_each_that_is_due_before_a_moment() {
    let mut rivalry = used_to(4);
    let waits: Vec<_> = (0..4).map(|_| rivalry.heard_of_one(at(1), 0)).collect();
    assert_eq!(waits, [3, 2, 1, 0].map(|moments| Some(ms(moments))));
    let mut crowd = used_to(100);
    assert_eq!(crowd.heard_of_one(at(1), 0), Some(ms(1) * MOST_WAITED_FOR));
    // A permit of its own is no turn of others, and no reason to go first.
    let mut own = used_to(4);
    let waits: Vec<_> = (0..2).map(|_| own.released_one(at(1), told(), 0)).collect();
    assert_eq!(waits, [ms(4); 2]);
    assert_eq!(Rivalry::default().released_one(at(1), told(), 0), Duration::ZERO, "alone");
}

#[test]
fn who_lost_among_few_sits_through_few() {
    for (most, turns) in [(0, 0), (1, 1), (2, 3), (6, 7), (u32::MAX, 63)] {
        let mut patience = Patience::default();
        (0..10).for_each(|_| patience.lost(u64::MAX, most));
        assert_eq!(patience.turns, turns);
    }
}

#[test]
fn who_leaves_permits_to_others_need_not_pause_for_them() {
    let turns = |leaves: bool| {
        let mut rivalry = Rivalry::default();
        let mut paused = Duration::ZERO;
        for now in 0..10_000 {
            paused += first(&mut rivalry, now);
            rivalry.won(at(now), ms(1));
            if leaves {
                rivalry.leaves_some();
            }
        }
        paused
    };
    assert!(turns(false) > Duration::ZERO);
    assert_eq!(turns(true), Duration::ZERO);
}
