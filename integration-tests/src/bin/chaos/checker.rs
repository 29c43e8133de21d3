//! Pure: what a history must and must not hold.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::history::{Event, HoldId, Micros, Target};

/// What is asked of a history.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    /// The clocks keep to the lock's assumptions: holds must not overlap, and fences follow the order of holds.
    pub(crate) clocks_hold: bool,
    /// Fewest hand-overs from one process to another.
    pub(crate) hand_overs: u64,
    /// How many servers there are, each of which must have had a fault.
    pub(crate) servers: usize,
    /// How many workers there are, each of which must have had a fault.
    pub(crate) workers: usize,
    /// Fewest writes that the gate turned away.
    pub(crate) stale_refused: u64,
}

/// What was counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) holds: u64,
    /// Holds of a key whose holder before was another process.
    pub(crate) hand_overs: u64,
    pub(crate) renewed: u64,
    pub(crate) writes: u64,
    /// Writes with a fence below one that the store had seen: refused, and let through.
    pub(crate) stale_refused: u64,
    pub(crate) stale_accepted: u64,
    /// Writes of holders whose time had passed, and whom nobody had followed at the store yet.
    pub(crate) late_accepted: u64,
    /// Pairs of holds of one key that were at the same time.
    pub(crate) overlaps: u64,
    pub(crate) faults: BTreeMap<&'static str, u64>,
}

/// A rule that was broken, and the events that show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Violation {
    pub(crate) what: String,
    pub(crate) events: Vec<Event>,
}

/// A hold as far as its holder can have used it.
#[derive(Debug)]
struct Hold<'a> {
    id: HoldId,
    key: &'a str,
    fence: u64,
    asked: Micros,
    begin: Micros,
    /// By the lease.
    until: Micros,
    /// The holder gave up the lock, or was killed.
    ended: Option<Micros>,
    event: &'a Event,
}

impl Hold<'_> {
    fn end(&self) -> Micros {
        self.ended.map_or(self.until, |ended| ended.min(self.until))
    }

    /// Whether there was any time to use it: a process may be stopped before it learns of its own lock.
    fn was_usable(&self) -> bool {
        self.end() > self.begin
    }
}

/// Checks a history.
pub(crate) fn check(events: &[Event], rules: &Rules) -> (Counts, Vec<Violation>) {
    let mut checker = Checker { counts: Counts::default(), violations: Vec::new() };
    let holds = holds(events);
    checker.counts.holds = holds.len() as u64;
    let mut by_key: BTreeMap<&str, Vec<&Hold<'_>>> = BTreeMap::new();
    for hold in &holds {
        by_key.entry(hold.key).or_default().push(hold);
    }
    for holds in by_key.values_mut() {
        holds.sort_by_key(|hold| hold.begin);
        checker.uniqueness(holds);
        checker.real_time(holds);
        holds.retain(|hold| hold.was_usable());
        checker.exclusion(holds, rules);
        if rules.clocks_hold {
            checker.order(holds);
        }
    }
    checker.store(events, &holds);
    checker.faults(events, rules);
    for event in events {
        match event {
            Event::Renewed { .. } => checker.counts.renewed += 1,
            Event::Left { .. } => checker.violate("a lock was left on a server", [event]),
            _ => {}
        }
    }
    checker.floors(rules);
    (checker.counts, checker.violations)
}

fn holds(events: &[Event]) -> Vec<Hold<'_>> {
    let mut holds = Vec::new();
    let mut index = HashMap::new();
    for event in events {
        match event {
            Event::Held { hold: id, key, fence, asked, begin, until } => {
                index.insert(*id, holds.len());
                let (id, fence, asked, begin, until) = (*id, *fence, *asked, *begin, *until);
                holds.push(Hold { id, key, fence, asked, begin, until, ended: None, event });
            }
            Event::Renewed { hold, until } => {
                if let Some(hold) = index.get(hold).map(|at: &usize| &mut holds[*at]) {
                    hold.until = hold.until.max(*until);
                }
            }
            Event::Ended { hold, at } => {
                if let Some(hold) = index.get(hold).map(|at: &usize| &mut holds[*at]) {
                    hold.ended = Some(*at);
                }
            }
            _ => {}
        }
    }
    for event in events {
        if let Event::Killed { worker, life, at } = event {
            let of_the_dead = |hold: &&mut Hold<'_>| {
                (hold.id.worker, hold.id.life) == (*worker, *life) && hold.ended.is_none()
            };
            holds.iter_mut().filter(of_the_dead).for_each(|hold| hold.ended = Some(*at));
        }
    }
    holds
}

struct Checker {
    counts: Counts,
    violations: Vec<Violation>,
}

impl Checker {
    fn violate<'a>(
        &mut self,
        what: impl Into<String>,
        events: impl IntoIterator<Item = &'a Event>,
    ) {
        let events = events.into_iter().cloned().collect();
        self.violations.push(Violation { what: what.into(), events });
    }

    /// No two holds of one key at the same time. `holds` are in the order of their begin.
    fn exclusion(&mut self, holds: &[&Hold<'_>], rules: &Rules) {
        let processes = holds.windows(2).map(|pair| [pair[0].id, pair[1].id]);
        self.counts.hand_overs +=
            processes.filter(|[before, hold]| before.worker != hold.worker).count() as u64;
        let mut last: Option<&Hold<'_>> = None;
        for hold in holds {
            if let Some(before) = last.filter(|before| hold.begin < before.end()) {
                self.counts.overlaps += 1;
                if rules.clocks_hold {
                    self.violate("two holds at the same time", [before.event, hold.event]);
                }
            }
            // Of those that began so far the one that lasts longest is the one to keep clear of.
            if last.is_none_or(|before| hold.end() >= before.end()) {
                last = Some(hold);
            }
        }
    }

    fn uniqueness(&mut self, holds: &[&Hold<'_>]) {
        let mut seen: HashMap<u64, &Event> = HashMap::new();
        for hold in holds {
            if let Some(other) = seen.insert(hold.fence, hold.event) {
                self.violate("one fence for two holds", [other, hold.event]);
            }
        }
    }

    /// Who asks when another already has his fence gets a larger one, whatever the clocks do.
    fn real_time(&mut self, holds: &[&Hold<'_>]) {
        let mut by_asked = holds.to_vec();
        by_asked.sort_by_key(|hold| hold.asked);
        let mut begun = holds.iter().peekable();
        let mut highest: Option<&Hold<'_>> = None;
        for hold in by_asked {
            while let Some(earlier) = begun.next_if(|earlier| earlier.begin < hold.asked) {
                if highest.is_none_or(|highest| earlier.fence > highest.fence) {
                    highest = Some(earlier);
                }
            }
            if let Some(earlier) = highest.filter(|highest| highest.fence >= hold.fence) {
                let events = [earlier.event, hold.event];
                self.violate("a fence that is not above one that was there when asked", events);
            }
        }
    }

    /// Fences follow the order of holds.
    fn order(&mut self, holds: &[&Hold<'_>]) {
        for pair in holds.windows(2) {
            if pair[1].fence <= pair[0].fence {
                let events = [pair[0].event, pair[1].event];
                self.violate("a fence that is not above the one before", events);
            }
        }
    }

    /// What the store took is in the order of fences, and each value follows the one before. Events of the store are in
    /// its own order.
    fn store(&mut self, events: &[Event], holds: &[Hold<'_>]) {
        let until: HashMap<HoldId, Micros> = holds.iter().map(|h| (h.id, h.until)).collect();
        let mut highest: HashMap<&str, (u64, &Event)> = HashMap::new();
        let mut written: HashMap<&str, (u64, &Event)> = HashMap::new();
        for event in events {
            let (key, fence, accepted) = match event {
                Event::Read { key, fence, accepted, .. }
                | Event::Write { key, fence, accepted, .. } => (key.as_str(), *fence, *accepted),
                _ => continue,
            };
            let before = highest.get(key).copied();
            let stale = before.filter(|(highest, _)| fence < *highest);
            if accepted && before.is_none_or(|(highest, _)| fence > highest) {
                highest.insert(key, (fence, event));
            }
            let Event::Write { hold, value, at, .. } = event else { continue };
            self.counts.writes += 1;
            match (stale, accepted) {
                (Some((_, later)), true) => {
                    self.counts.stale_accepted += 1;
                    self.violate("a stale write was let through", [later, event]);
                }
                (Some(_), false) => self.counts.stale_refused += 1,
                (None, false) => self.violate("a write that was not stale was refused", [event]),
                (None, true) if until.get(hold).is_some_and(|until| at > until) => {
                    self.counts.late_accepted += 1;
                }
                (None, true) => {}
            }
            if accepted {
                let before = written.insert(key, (*value, event));
                if before.map_or(0, |(value, _)| value) + 1 != *value {
                    let events = before.map(|(_, event)| event).into_iter().chain([event]);
                    self.violate("an update was lost", events);
                }
            }
        }
    }

    /// Every server and every worker was disturbed itself: a run in calm shows nothing.
    fn faults(&mut self, events: &[Event], rules: &Rules) {
        let (mut servers, mut workers) = (HashSet::new(), HashSet::new());
        for event in events {
            let Event::Fault { kind, target, .. } = event else { continue };
            *self.counts.faults.entry(kind).or_default() += 1;
            match target {
                Target::Server(server) => {
                    servers.insert(*server);
                }
                Target::Worker(worker) => {
                    workers.insert(*worker);
                }
                Target::Link(..) => {}
            }
        }
        for server in (0..rules.servers).filter(|server| !servers.contains(server)) {
            self.violate(format!("server {server} was never disturbed"), []);
        }
        for worker in (0..rules.workers).filter(|worker| !workers.contains(worker)) {
            self.violate(format!("worker {worker} was never disturbed"), []);
        }
    }

    fn floors(&mut self, rules: &Rules) {
        let Counts { hand_overs, stale_refused, overlaps, .. } = self.counts;
        if hand_overs < rules.hand_overs {
            self.violate(format!("{hand_overs} hand-overs, want {}", rules.hand_overs), []);
        }
        if stale_refused < rules.stale_refused {
            let want = rules.stale_refused;
            self.violate(format!("{stale_refused} stale writes were refused, want {want}"), []);
        }
        if !rules.clocks_hold && overlaps == 0 {
            self.violate("clocks that break the lock broke nothing: they were not broken", []);
        }
    }
}

#[cfg(test)]
#[path = "checker_tests.rs"]
mod tests;
