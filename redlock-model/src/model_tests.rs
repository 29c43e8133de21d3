use super::*;
use crate::setting::{Clock, Hints, Rule};
use crate::state::Node;

fn beginning(setting: &Setting) -> State {
    setting.init_states().remove(0)
}

/// Takes the steps; each must be among those that the model offers.
fn walk(setting: &Setting, steps: &[Step]) -> State {
    steps.iter().fold(beginning(setting), |state, step| {
        assert!(offers(setting, &state, *step), "{step:?} of {state:?}");
        setting.next_state(&state, *step).unwrap()
    })
}

fn offers(setting: &Setting, state: &State, step: Step) -> bool {
    let mut steps = Vec::new();
    setting.actions(state, &mut steps);
    steps.contains(&step)
}

fn plain() -> Setting {
    Setting { counters: &[None], ..Setting::new() }
}

fn index(state: &State, is: impl Fn(&Node) -> bool) -> usize {
    state.nodes.iter().position(is).unwrap()
}

#[test]
fn equal_nodes_are_one_state_whatever_their_order() {
    let setting = Setting::new();
    assert_eq!(setting.init_states().len(), 4, "none to three of three nodes with a counter");
    let state = walk(&plain(), &[Step::Begin(0), Step::Acquire(0, 0)]);
    assert!(state.nodes.is_sorted());
    assert_eq!(state.nodes.iter().filter(|node| node.lock == Some(0)).count(), 1);
}

#[test]
fn a_lock_stands_until_its_attempt_has_ended_unless_timing_is_broken() {
    let sound = plain();
    let mut state = walk(&sound, &[Step::Begin(0), Step::Acquire(0, 0)]);
    let node = index(&state, |node| node.lock.is_some());
    assert!(!offers(&sound, &state, Step::Free(node)));
    assert!(offers(&Setting { timing: Timing::Broken, ..plain() }, &state, Step::Free(node)));
    state = sound.next_state(&state, Step::End(0)).unwrap();
    let node = index(&state, |node| node.lock.is_some());
    assert!(offers(&sound, &state, Step::Free(node)));
}

#[test]
fn a_request_reaches_a_node_after_its_attempt_has_ended() {
    let state = walk(&plain(), &[Step::Begin(0), Step::End(0), Step::Acquire(0, 0)]);
    let node = index(&state, |node| node.lock == Some(0));
    assert_eq!(state.nodes[node].mail[0], Mail::None, "nobody reads the reply");
}

#[test]
fn a_raise_is_done_only_where_the_token_stands() {
    let raise = |rule, lock| {
        let setting = Setting { rule, ..plain() };
        let mut state = walk(&setting, &[Step::Begin(0), Step::Begin(0)]);
        (state.nodes[0].lock, state.nodes[0].mail[0]) = (lock, Mail::Raise(9));
        offers(&setting, &state, Step::Raise(0, 0))
    };
    assert!(raise(Rule::Final, Some(0)));
    assert!(!raise(Rule::Final, Some(1)) && !raise(Rule::Final, None));
    assert!(raise(Rule::Unconditional, Some(1)) && raise(Rule::AnyMajority, None));
}

#[test]
fn a_grant_after_the_decision_is_raised_and_one_above_the_fence_is_of_no_use() {
    let setting = plain();
    let mut state = walk(&setting, &[Step::Begin(0)]);
    for (node, number) in [2, 7, 4].into_iter().enumerate() {
        (state.nodes[node].lock, state.nodes[node].mail[0]) = (Some(0), Mail::Granted(number));
    }
    let decided = |mask| setting.next_state(&state, Step::Decide(0, mask)).unwrap();
    // The fence is 7, and 4 came late.
    let late = decided(0b011);
    let node = index(&late, |node| node.mail[0] == Mail::Granted(4));
    let late = setting.next_state(&late, Step::Follow(0, node)).unwrap();
    assert_eq!(late.nodes.iter().filter(|node| node.mail[0] == Mail::Raise(7)).count(), 2);
    // The fence is 4, and 7 came late.
    let above = decided(0b101);
    let node = index(&above, |node| node.mail[0] == Mail::Granted(7));
    assert!(!offers(&setting, &above, Step::Follow(0, node)));
    assert!(!offers(&setting, &above, Step::Confirm(0)));
    assert!(offers(&Setting { rule: Rule::LateAbove, ..plain() }, &above, Step::Confirm(0)));
}

#[test]
fn time_ends_attempts_and_a_restarted_node_waits() {
    let clock = Clock { ttl: 2, guard: 3, horizon: 9, forget: None };
    let hints = Hints::Wall { error: 0, slack: None };
    let setting = Setting { clock: Some(clock), crashes: 1, hints, ..plain() };
    let begin = Step::Begin(BEGINNING);
    let mut state = walk(&setting, &[begin, Step::Tick, Step::Crash(0)]);
    assert_eq!(state.attempts[0].phase, Phase::Asking);
    for now in 2..=4 {
        state = setting.next_state(&state, Step::Tick).unwrap();
        assert_eq!(state.attempts[0].phase, Phase::Over { fence: None });
        let node = index(&state, |node| node.restarted.is_some());
        assert_eq!(offers(&setting, &state, Step::Acquire(0, node)), now == 4);
    }
}

#[test]
fn a_returned_fence_is_compared_with_those_before() {
    let hold = |floor, fence| {
        let mut state = walk(&plain(), &[Step::Begin(0), Step::Begin(0)]);
        client::hold(&mut state, 0, 5, false);
        state.attempts[1].floor = floor;
        client::hold(&mut state, 1, fence, false);
        let faults = state.faults;
        (faults.grant_order, faults.real_time, faults.unique)
    };
    assert_eq!(hold(5, 6), (false, false, false));
    assert_eq!(hold(5, 5), (true, true, true));
    assert_eq!(hold(0, 4), (true, false, false));
}
