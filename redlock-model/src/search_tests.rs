use super::*;

/// Counts from 0, by one or by two, as far as it may.
#[derive(Debug)]
struct Counter(u8);

impl Model for Counter {
    type State = u8;
    type Action = u8;

    fn init_states(&self) -> Vec<u8> {
        vec![0]
    }

    fn actions(&self, _: &u8, steps: &mut Vec<u8>) {
        steps.extend([1, 2]);
    }

    fn next_state(&self, last: &u8, step: u8) -> Option<u8> {
        Some(last + step).filter(|next| *next <= self.0)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::<Self>::always("below five", |_, count: &u8| *count < 5),
            Property::<Self>::sometimes("three", |_, count: &u8| *count == 3),
            Property::<Self>::sometimes("a hundred", |_, count: &u8| *count == 100),
        ]
    }
}

#[test]
fn every_state_is_gone_through_once_and_ways_are_shortest() {
    let found = search(&Counter(9), &[]);
    assert_eq!((found.states, found.depth, found.complete), (10, 5, true));
    let steps: Vec<_> = found.ways.iter().map(|(name, way)| (*name, way.len())).collect();
    assert_eq!(steps, [("below five", 3), ("three", 2)]);
    let way = &found.ways["below five"];
    assert!(way.iter().sum::<u8>() >= 5 && way[..2].iter().sum::<u8>() < 5, "{way:?}");
}

#[test]
fn a_search_for_something_ends_when_it_is_found_or_all_is_gone_through() {
    let found = search(&Counter(99), &["three", "below five"]);
    assert_eq!((found.depth, found.complete), (3, false));
    assert!(found.states < 10, "{}", found.states);
    let found = search(&Counter(50), &["a hundred"]);
    assert_eq!((found.states, found.complete), (51, true));
    assert!(!found.ways.contains_key("a hundred"));
}
