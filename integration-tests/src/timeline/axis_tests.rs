#![cfg(test)]

use super::axis::{Axis, grouped};

#[test]
fn time_goes_evenly_from_left_to_right() {
    let axis = Axis::new(vec![1_000, 2_000, 3_000], 100.0, 200.0);
    for (time, x) in [(0, 100.0), (1_000, 100.0), (2_000, 200.0), (3_000, 300.0), (9_000, 300.0)] {
        assert_eq!(axis.at(time), x, "{time}");
    }
    assert_eq!(axis.cuts().count(), 0);
}

#[test]
fn what_is_long_and_empty_is_left_out() {
    let busy = |from: u64| (0..10).map(move |i| from + i * 1_000);
    let axis = Axis::new(busy(0).chain(busy(60_000_000)).collect(), 0.0, 1_000.0);
    let (x, width, length) = axis.cuts().next().unwrap();
    assert_eq!(axis.cuts().count(), 1);
    assert!(length > 59_900_000 && width < 100.0, "{length} {width}");
    assert!(axis.at(9_000) < x && axis.at(60_000_000) > x + width);
    assert_eq!(axis.at(60_009_000), 1_000.0);
    for (time, place) in axis.ticks() {
        assert!(place <= x || place >= x + width, "{time} is in what is left out");
    }
}

#[test]
fn labels_of_the_axis_are_round_and_keep_apart() {
    for last in [7, 900, 12_345, 999_999, 7_000_000, 4_000_000_000] {
        let ticks = Axis::new(vec![0, last / 2, last], 0.0, 1_000.0).ticks();
        assert!(ticks.len() >= 2, "{last}: {ticks:?}");
        assert!(ticks.windows(2).all(|pair| pair[1].1 - pair[0].1 >= 80.0), "{last}: {ticks:?}");
    }
}

#[test]
fn thousands_are_told_apart() {
    for (micros, text) in
        [(0, "0"), (1, "0.001"), (1_500, "1.5"), (999_000, "999"), (1_234_567_890, "1,234,567.89")]
    {
        assert_eq!(grouped(micros), text);
    }
}
