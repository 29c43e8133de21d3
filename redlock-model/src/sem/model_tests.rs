use super::*;
use crate::sem::{Rule, fenced, resent, world};

/// Takes the steps; each must be among those that the model offers.
fn walk(setting: &Setting, steps: &[Step]) -> State {
    steps.iter().fold(State::beginning(setting), |state, step| {
        assert!(offers(setting, &state, *step), "{step:?} of {state:?}");
        setting.next_state(&state, *step).unwrap()
    })
}

fn offers(setting: &Setting, state: &State, step: Step) -> bool {
    let mut steps = Vec::new();
    setting.actions(state, &mut steps);
    steps.contains(&step)
}

fn index(state: &State, is: impl Fn(&Node) -> bool) -> usize {
    state.nodes.iter().position(is).unwrap()
}

/// Every client stands in this slot on each node, or is asked for.
fn placed(setting: &Setting, slots: [usize; 3]) -> State {
    let mut state = walk(setting, &[Step::Begin(0)]);
    for (node, slot) in state.nodes.iter_mut().zip(slots) {
        setting.place(node, 0, slot);
    }
    state
}

#[test]
fn a_node_grants_any_free_slot_that_is_known_to_who_asks() {
    let setting = world([3, 1, 0, 0]);
    let mut node = State::beginning(&setting).nodes[0];
    let free = |node: &Node, client| setting.free(node, client).collect::<Vec<_>>();
    assert_eq!((free(&node, 0), free(&node, 1)), (vec![0, 1, 2], vec![0]));
    let lowest = Setting { lowest_first: true, ..setting.clone() };
    assert_eq!(lowest.free(&node, 0).collect::<Vec<_>>(), [0]);
    setting.place(&mut node, 2, 0);
    assert_eq!((free(&node, 0), free(&node, 1)), (vec![1, 2], vec![]));
    assert_eq!(lowest.free(&node, 0).collect::<Vec<_>>(), [1]);
    node.forgot = 1;
    assert_eq!(free(&node, 0), Vec::<usize>::new());
}

#[test]
fn a_slot_is_won_by_a_majority_for_it_alone() {
    let won = |rule, slots| {
        let setting = Setting { rule, ..world([3, 0, 0, 0]) };
        let state = placed(&setting, slots);
        (1..8).filter(|mask| setting.won(&state, 0, *mask).is_some()).collect::<Vec<_>>()
    };
    assert_eq!(won(Rule::Final, [0, 0, 1]), [0b011, 0b111]);
    assert!(won(Rule::Final, [0, 1, 2]).is_empty());
    assert_eq!(won(Rule::Final, [1, 1, 1]), [0b011, 0b101, 0b110, 0b111]);
    for rule in [Rule::AnySlot, Rule::CountedOnNodes] {
        assert_eq!(won(rule, [0, 1, 2]), [0b011, 0b101, 0b110, 0b111]);
    }
}

#[test]
fn what_a_holder_has_in_other_slots_goes_and_what_it_holds_stays() {
    let setting = world([2, 2, 0, 0]);
    let held = setting.next_state(&placed(&setting, [0, 0, 1]), Step::Decide(0, 0b011)).unwrap();
    let extra = index(&held, |node| node.place_of(0) == Some(1));
    let own = index(&held, |node| node.place_of(0) == Some(0));
    assert!(offers(&setting, &held, Step::Free(extra, 1)));
    assert!(!offers(&setting, &held, Step::Free(own, 0)));
    let over = setting.next_state(&held, Step::End(0)).unwrap();
    let stands = |node: &Node| node.slots[0].holder.is_some();
    assert!(offers(&setting, &over, Step::Free(index(&over, stands), 0)));
}

#[test]
fn what_is_sent_twice_is_granted_again_where_its_token_is_gone() {
    let setting = resent([2, 0, 0, 0], 1);
    let state = walk(&setting, &[Step::Begin(0), Step::Acquire(0, 0, 0)]);
    let node = index(&state, |node| node.place_of(0).is_some());
    assert!(!offers(&setting, &state, Step::Again(0, node, 0)));
    let mut gone = setting.next_state(&state, Step::End(0)).unwrap();
    let node = index(&gone, |node| node.place_of(0).is_some());
    gone = setting.next_state(&gone, Step::Free(node, 0)).unwrap();
    let node = index(&gone, |node| node.mail[0] != Mail::Acquire);
    let again = setting.next_state(&gone, Step::Again(0, node, 0)).unwrap();
    assert!(again.nodes.iter().any(|node| node.place_of(0) == Some(0)));
}

#[test]
fn grants_are_moved_to_the_best_slot_where_it_is_free() {
    let moved = |rule, taken| {
        let setting = Setting { rule, ..world([2, 2, 0, 0]) };
        let mut state = placed(&setting, [0, 0, 1]);
        let node = index(&state, |node| node.place_of(0) == Some(1));
        if taken {
            setting.place(&mut state.nodes[node], 1, 0);
        }
        // It has read one of the two grants for slot 0.
        let mask = 1 << node | 1 << index(&state, |node| node.place_of(0) == Some(0));
        let state = setting.next_state(&state, Step::Settle(0, mask)).unwrap();
        let node = index(&state, |node| node.moving == 1);
        offers(&setting, &state, Step::Move(0, node))
    };
    assert!(moved(Rule::Settles, false) && !moved(Rule::Settles, true));
    assert!(moved(Rule::MovesBlindly, true));
    let setting = world([2, 2, 0, 0]);
    assert!(!offers(&setting, &placed(&setting, [0, 1, 1]), Step::Settle(0, 0b011)));
}

#[test]
fn each_slot_has_numbers_of_its_own() {
    let setting = fenced([2, 2, 0, 0]);
    let mut node = State::beginning(&setting).nodes[0];
    setting.place(&mut node, 0, 0);
    node.slots[0].holder = None;
    setting.place(&mut node, 0, 0);
    setting.place(&mut node, 1, 1);
    let numbers = [0, 1].map(|client| node.granted(client).map(|place| place.number));
    assert!(numbers[0] > numbers[1], "{numbers:?}");
}
