use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::node::{Fault, Holder, Page};

const AT: Moment = Moment(Duration::from_secs(100));

fn held(name: &str, value: &str, ms: u64) -> Found {
    let expiry = Expiry::In(Duration::from_millis(ms));
    Found::of_value(name.as_bytes(), value.as_bytes(), expiry)
}

fn nodes(outcomes: &[Result<(), Fault>]) -> Vec<NodeListing> {
    let node = |(index, outcome): (usize, &Result<(), Fault>)| NodeListing {
        name: format!("n{index}").into(),
        outcome: outcome.map_err(NodeError::from),
    };
    outcomes.iter().enumerate().map(node).collect()
}

fn gathered(prefix: &str, hidden: usize, told: &[&[Found]]) -> Gathering {
    let mut gathering = Gathering::new(prefix.as_bytes().into(), hidden, 9, told.len());
    for (node, found) in told.iter().enumerate() {
        found.iter().for_each(|found| gathering.found(node, AT, found.clone()));
    }
    gathering
}

fn names(listing: &Listing) -> Vec<&str> {
    listing.locks.iter().map(|listed| str::from_utf8(&listed.resource).unwrap()).collect()
}

#[test]
fn a_lock_is_listed_where_a_majority_holds_it_or_none_is_sure_that_it_is_free() {
    let everywhere = held("a", "x", 10);
    let (one, other) = (held("b", "x", 10), held("b", "y", 10));
    let left_behind = held("c", "x", 10);
    let told: [&[Found]; 3] = [&[everywhere.clone(), one], &[everywhere, other], &[left_behind]];
    let whole = gathered("", 0, &told).listing(nodes(&[Ok(()), Ok(()), Ok(())]), AT);
    assert_eq!(names(&whole), ["a", "b"]);
    assert!(matches!(whole.locks[0].inspection.state, LockState::Held { .. }));
    assert_eq!(whole.locks[1].inspection.state, LockState::Unknown);
    assert!(whole.is_answered() && whole.cut.is_none());
    // What the node did not tell may be there all the same.
    let partly = gathered("", 0, &told).listing(nodes(&[Ok(()), Err(Fault::Timeout), Ok(())]), AT);
    assert_eq!(names(&partly), ["a", "b", "c"]);
    let views = &partly.locks[0].inspection.nodes;
    assert!(views[1].holdings.is_ok(), "what it told before it failed counts");
    assert_eq!(views[2].holdings, Ok(vec![None]));
    let views = &partly.locks[2].inspection.nodes;
    assert_eq!(views[1].holdings, Err(Fault::Timeout.into()));
    assert!(partly.is_answered());
    let hardly = gathered("", 0, &told)
        .listing(nodes(&[Ok(()), Err(Fault::Timeout), Err(Fault::Refused)]), AT);
    assert!(!hardly.is_answered());
}

#[test]
fn a_value_that_cannot_be_read_is_a_fault_of_its_own_name_alone() {
    let list = || Found::new(*b"a", Err(Fault::WrongType.into()));
    let long = Found::of_value(*b"b", &[b'x'; Page::LONGEST_VALUE + 1], Expiry::Never);
    let told: [&[Found]; 1] = [&[list(), long, held("c", "x", 1)]];
    let listing = gathered("", 0, &told).listing(nodes(&[Ok(())]), AT);
    let states: Vec<_> = listing.locks.iter().map(|listed| &listed.inspection.state).collect();
    assert_eq!(states[..2], [&LockState::Unknown, &LockState::Unknown]);
    assert!(matches!(states[2], LockState::Held { .. }));
    let fault = |at: usize| {
        listing.locks[at].inspection.nodes[0].holdings.as_ref().unwrap_err().to_string()
    };
    assert_eq!(fault(0), "key of another type");
    assert_eq!(fault(1), "key of another type: a longer value than a lock's");
}

#[test]
fn names_that_no_lock_can_have_or_that_were_not_asked_for_are_left_out() {
    let long = "p:".to_owned() + &"x".repeat(511);
    let told: [&[Found]; 1] = [&[
        held("redlock:fence:p:a", "7", 1),
        held("other", "x", 1),
        held("p:", "x", 1),
        held(&long, "x", 1),
        held("p:a", "x", 1),
    ]];
    let listing = gathered("p:", 2, &told).listing(nodes(&[Ok(())]), AT);
    assert_eq!((names(&listing), &listing.cut), (vec!["a"], &None));
    let listing = gathered("", 0, &told).listing(nodes(&[Ok(())]), AT);
    assert_eq!(names(&listing), ["other", "p:", "p:a"]);
}

#[test]
fn what_a_node_tells_twice_counts_as_it_told_it_last_and_time_goes_on_meanwhile() {
    let mut gathering = Gathering::new([].into(), 0, 9, 1);
    gathering.found(0, AT, held("a", "x", 500));
    gathering.found(0, Moment(AT.0 + Duration::from_millis(50)), held("a", "y", 900));
    let now = Moment(AT.0 + Duration::from_millis(250));
    let listing = gathering.listing(nodes(&[Ok(())]), now);
    let expiry = Expiry::In(Duration::from_millis(700));
    let state = LockState::Held { holder: Holder::of(b"y"), label: None, expiry };
    assert_eq!(listing.locks[0].inspection.state, state);
    assert_eq!(later(Expiry::In(Duration::ZERO), AT.0), Expiry::In(Duration::ZERO));
    assert_eq!(later(Expiry::Never, AT.0), Expiry::Never);
}

proptest! {
    /// Whatever comes in whatever order, the first names are whole.
    #[test]
    fn the_first_names_are_kept_with_all_that_was_told_of_them(
        told in prop::collection::vec((0_usize..3, 0_u8..40), 0..120),
        most in 1_usize..20,
    ) {
        let mut gathering = Gathering::new([].into(), 0, most, 3);
        for (node, name) in &told {
            gathering.found(*node, AT, held(&format!("{name:02}"), "x", 9));
            prop_assert!(gathering.names.len() <= most);
        }
        let all: BTreeSet<String> = told.iter().map(|(_, name)| format!("{name:02}")).collect();
        let on = |name: &str| -> BTreeSet<usize> {
            let of = told.iter().filter(|(_, other)| format!("{other:02}") == name);
            of.map(|(node, _)| *node).collect()
        };
        let first: Vec<&String> = all.iter().take(most).collect();
        let kept: Vec<_> = gathering.names.keys().map(|name| str::from_utf8(name).unwrap()).collect();
        prop_assert_eq!(kept, first);
        for (name, sightings) in &gathering.names {
            let seen: BTreeSet<usize> = sightings.iter().map(|sighting| sighting.node).collect();
            prop_assert_eq!(seen, on(str::from_utf8(name).unwrap()));
        }
        let listing = gathering.listing(nodes(&[Ok(()), Ok(()), Ok(())]), AT);
        prop_assert_eq!(listing.cut.is_some(), all.len() > most);
    }
}
