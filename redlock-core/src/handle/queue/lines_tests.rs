use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

fn at(millis: u64) -> Moment {
    Moment(Duration::from_millis(millis))
}

const LATE: Moment = Moment(Duration::from_secs(1_000_000));

/// Calls by the names of their resources, a letter each.
#[derive(Default)]
struct Calls {
    lines: Lines<()>,
    keys: HashMap<u64, LockKey>,
    readers: HashSet<u64>,
    turns: Vec<u64>,
    waiting: Vec<u64>,
    now: u64,
}

fn key(resources: &str) -> LockKey {
    LockKey::all(resources.chars().map(String::from)).unwrap()
}

impl Calls {
    fn join(&mut self, resources: &str) -> u64 {
        self.join_as(resources, Mode::Exclusive)
    }

    fn join_as(&mut self, resources: &str, mode: Mode) -> u64 {
        self.now += 1;
        let key = key(resources);
        if mode == Mode::Shared {
            self.readers.insert(self.lines.tickets + 1);
        }
        let id = match self.lines.join(&key, mode, 1_000, LATE, at(self.now), || ()) {
            Joined::First(id) => {
                self.turns.push(id);
                id
            }
            Joined::Behind(id) => {
                self.waiting.push(id);
                id
            }
            Joined::Full => panic!("full"),
        };
        self.keys.insert(id, key);
        self.check();
        id
    }

    fn end(&mut self, id: u64) -> Vec<u64> {
        self.now += 1;
        self.turns.retain(|turn| *turn != id);
        let granted = self.lines.end(id, &self.keys[&id], at(self.now));
        self.granted(&granted)
    }

    /// The lock is had by whose turn it is.
    fn won(&mut self, id: u64) -> Vec<u64> {
        self.now += 1;
        let hold: Weak<dyn Holds> = Weak::<Lasting>::new();
        let granted = self.lines.keep(id, &self.keys[&id], &hold, LATE, at(self.now));
        self.granted(&granted)
    }

    fn leave(&mut self, id: u64) -> Vec<u64> {
        self.now += 1;
        self.waiting.retain(|waiting| *waiting != id);
        let (granted, _) = self.lines.leave(id, at(self.now));
        self.granted(&granted)
    }

    fn granted(&mut self, granted: &[Granted<()>]) -> Vec<u64> {
        let granted: Vec<_> = granted.iter().map(|granted| granted.id).collect();
        self.waiting.retain(|waiting| !granted.contains(waiting));
        self.turns.extend(&granted);
        self.check();
        granted
    }

    fn check(&self) {
        let mut taken = HashMap::new();
        for turn in &self.turns {
            let shares = self.readers.contains(turn);
            for resource in self.keys[turn].resources() {
                let other = taken.insert(resource, shares);
                assert!(other.is_none_or(|other| other && shares), "two turns on one resource");
            }
        }
        // Of those who wait, the first of all lacks a resource that somebody has.
        if let Some(first) = self.waiting.iter().min() {
            let mut wanted = self.keys[first].resources();
            assert!(wanted.any(|resource| taken.contains_key(resource)), "nobody keeps it waiting");
        }
    }
}

/// A hold that nobody asks.
struct Lasting;

impl Holds for Lasting {
    fn until(&self) -> Moment {
        LATE
    }

    fn is_over(&self) -> bool {
        false
    }
}

#[test]
fn those_who_share_have_their_turns_together_once_the_first_has_its_share() {
    let mut calls = Calls::default();
    let [a, b, c] = [(); 3].map(|()| calls.join_as("x", Mode::Shared));
    assert_eq!(calls.turns, [a], "the first alone asks");
    assert_eq!(calls.won(a), [b, c]);
    let d = calls.join_as("x", Mode::Shared);
    assert!(calls.turns.contains(&d), "at once, since it is shared");
    // One that lets go of its share makes no difference to the others.
    assert_eq!(calls.end(a), []);
    let e = calls.join_as("x", Mode::Shared);
    assert_eq!(calls.waiting, [e], "nobody is known to have a share any more");
    assert_eq!(calls.won(b), [e]);
}

#[test]
fn who_wants_it_alone_has_its_turn_between_those_who_share() {
    let mut calls = Calls::default();
    let first = calls.join_as("x", Mode::Shared);
    calls.won(first);
    let second = calls.join_as("x", Mode::Shared);
    let writer = calls.join("x");
    let [behind, last] = [(); 2].map(|()| calls.join_as("x", Mode::Shared));
    assert_eq!(calls.waiting, [writer, behind, last], "nobody passes it by");
    assert_eq!(calls.won(second), []);
    assert_eq!(calls.end(first), []);
    assert_eq!(calls.end(second), [writer]);
    assert_eq!(calls.won(writer), []);
    assert_eq!(calls.end(writer), [behind]);
    assert_eq!(calls.won(behind), [last]);
}

#[test]
fn who_wanted_it_alone_and_left_holds_up_nobody() {
    let mut calls = Calls::default();
    let first = calls.join_as("x", Mode::Shared);
    calls.won(first);
    let writer = calls.join("x");
    let reader = calls.join_as("x", Mode::Shared);
    assert_eq!(calls.leave(writer), [reader]);
}

#[test]
fn the_shares_of_several_resources_are_had_at_once_or_not() {
    let mut calls = Calls::default();
    let (x, y) = (calls.join_as("x", Mode::Shared), calls.join("y"));
    calls.won(x);
    let both = calls.join_as("xy", Mode::Shared);
    assert_eq!(calls.waiting, [both]);
    assert_eq!(calls.end(y), [both]);
}

#[test]
fn whoever_comes_first_has_its_turn_first() {
    let mut calls = Calls::default();
    let [a, b, c] = ["x", "x", "x"].map(|key| calls.join(key));
    assert_eq!(calls.end(a), [b]);
    assert_eq!(calls.end(b), [c]);
    assert_eq!(calls.end(c), []);
}

#[test]
fn the_first_of_two_who_could_have_a_resource_has_it() {
    let mut calls = Calls::default();
    let [both, y, again] = ["xy", "y", "xy"].map(|key| calls.join(key));
    assert_eq!(calls.end(both), [y], "whichever of the lines comes first");
    assert_eq!(calls.end(y), [again]);
}

#[test]
fn a_call_for_several_resources_is_passed_until_each_was_free_once() {
    let mut calls = Calls::default();
    let [x, y] = ["x", "y"].map(|key| calls.join(key));
    let both = calls.join("xy");
    let [x1, x2] = ["x", "x"].map(|key| calls.join(key));
    assert_eq!(calls.end(x), [x1], "free for the first time");
    assert_eq!(calls.end(x1), [x2], "and as often as it likes, while the other one is not");
    let y1 = calls.join("y");
    assert_eq!(calls.end(y), [], "both were free once: it is kept");
    let x3 = calls.join("x");
    assert_eq!(calls.end(x2), [both]);
    assert_eq!(calls.end(both), [y1, x3]);
}

#[test]
fn a_resource_is_kept_for_the_first_of_those_it_is_kept_for() {
    let mut calls = Calls::default();
    let [x, y, z] = ["x", "y", "z"].map(|key| calls.join(key));
    let [xz, xy] = ["xz", "xy"].map(|key| calls.join(key));
    assert_eq!(calls.end(x), [], "free for the first time");
    let x = calls.join("x");
    assert_eq!((calls.end(y), calls.end(z)), (vec![], vec![]), "kept for both now");
    assert_eq!(calls.end(x), [xz]);
    assert_eq!(calls.end(xz), [xy]);
}

#[test]
fn one_that_leaves_is_waited_for_no_more() {
    let mut calls = Calls::default();
    let [x, y] = ["x", "y"].map(|key| calls.join(key));
    let both = calls.join("xy");
    let x1 = calls.join("x");
    calls.end(x);
    calls.end(y);
    let y1 = calls.join("y");
    assert_eq!(calls.turns, [x1]);
    assert_eq!(calls.leave(both), [y1]);
}

#[test]
fn a_call_is_kept_waiting_also_by_what_those_before_it_wait_for() {
    let mut calls = Calls::default();
    let [x, y] = ["x", "y"].map(|key| calls.join(key));
    let both = calls.join("xy");
    calls.end(x);
    let x = calls.join("x");
    calls.end(y);
    assert!(calls.turns.contains(&x));
    let behind = calls.join("yz");
    let blockers = calls.lines.blockers(behind, &key("yz"));
    let [Blocker::Waiting { id: waiting, .. }, Blocker::Turn(turn)] = &*blockers else {
        panic!("{blockers:?}");
    };
    assert_eq!((*waiting, turn.id), (both, x));
}

#[test]
fn a_place_that_was_given_up_is_free_again() {
    let mut lines = Lines::default();
    let join =
        |lines: &mut Lines<()>| lines.join(&key("x"), Mode::Exclusive, 1, LATE, at(0), || ());
    assert_eq!(join(&mut lines), Joined::First(1));
    assert_eq!(join(&mut lines), Joined::Behind(2));
    assert_eq!(join(&mut lines), Joined::Full);
    lines.leave(2, at(0));
    assert_eq!(join(&mut lines), Joined::Behind(4));
}

#[test]
fn lines_are_forgotten_a_second_after_their_last_turn() {
    let mut lines = Lines::<()>::default();
    for i in 0..10_000 {
        let key = LockKey::new(i.to_string()).unwrap();
        let Joined::First(id) = lines.join(&key, Mode::Exclusive, 1, LATE, at(0), || ()) else {
            panic!("taken")
        };
        lines.end(id, &key, at(0));
    }
    assert_eq!(
        lines.join(&key("x"), Mode::Exclusive, 1, LATE, at(1), || ()),
        Joined::First(10_001)
    );
    assert!(lines.len() > 10_000, "still of use");
    assert_eq!(
        lines.join(&key("y"), Mode::Exclusive, 1, LATE, at(2_000), || ()),
        Joined::First(10_002)
    );
    assert_eq!(lines.len(), 2, "one whose turn it is, and the new one");
}

proptest! {
    /// Whatever comes and goes: [nobody waits without a reason](Calls::check), and all have their turns in the end.
    #[test]
    fn nobody_waits_for_ever(
        steps in prop::collection::vec((0_usize..7, "[a-d]{1,3}", any::<prop::sample::Index>()), 1..200),
    ) {
        let mut calls = Calls::default();
        for (what, resources, which) in steps {
            let mut resources: Vec<_> = resources.chars().collect();
            resources.sort_unstable();
            resources.dedup();
            match what {
                0 if !calls.turns.is_empty() => {
                    let id = *which.get(&calls.turns);
                    calls.end(id);
                }
                1 if !calls.waiting.is_empty() => {
                    let id = *which.get(&calls.waiting);
                    calls.leave(id);
                }
                2 if !calls.turns.is_empty() => {
                    let id = *which.get(&calls.turns);
                    calls.won(id);
                }
                _ => {
                    let mode = if what < 5 { Mode::Exclusive } else { Mode::Shared };
                    calls.join_as(&resources.into_iter().collect::<String>(), mode);
                }
            }
        }
        while let Some(id) = calls.turns.first().copied() {
            calls.end(id);
        }
        prop_assert!(calls.waiting.is_empty());
    }

    /// Calls that come again as soon as they are done: nobody is passed by more than two turns of everybody.
    #[test]
    fn nobody_is_passed_for_long(
        sets in prop::collection::vec("[a-d]{1,3}", 2..12),
        ends in prop::collection::vec(any::<prop::sample::Index>(), 100..300),
    ) {
        let sets: Vec<String> = sets
            .into_iter()
            .map(|set| set.chars().collect::<BTreeSet<_>>().into_iter().collect())
            .collect();
        let mut calls = Calls::default();
        let mut ids: Vec<u64> = sets.iter().map(|set| calls.join(set)).collect();
        let mut passed = vec![0; sets.len()];
        // Everybody's turn is over within so many others'.
        let mut began = HashMap::new();
        for (turn, which) in ends.into_iter().enumerate() {
            for id in &calls.turns {
                began.entry(*id).or_insert(turn);
            }
            let oldest = *calls.turns.iter().min_by_key(|id| began[id]).unwrap();
            let id = if turn - began[&oldest] > 4 { oldest } else { *which.get(&calls.turns) };
            let granted = calls.end(id);
            let task = ids.iter().position(|other| *other == id).unwrap();
            ids[task] = calls.join(&sets[task]);
            for (task, id) in ids.iter().enumerate() {
                let waits = calls.waiting.contains(id);
                passed[task] = if waits { passed[task] + granted.len() } else { 0 };
                prop_assert!(passed[task] <= sets.len() * 10, "{sets:?}: {passed:?}");
            }
        }
    }
}
