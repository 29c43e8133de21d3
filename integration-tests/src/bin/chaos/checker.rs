//! Pure: what a history must and must not hold.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::history::{Event, Mode, Target};
use crate::holds::{Hold, Span, holds};

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
    /// Fewest pairs of shares of one key that were at the same time.
    pub(crate) shared: u64,
    /// Fewest holds of writers that became readers.
    pub(crate) downgrades: u64,
    /// Fewest holds of clients of the plain algorithm.
    pub(crate) plain: u64,
    /// Fewest permits.
    pub(crate) permits: u64,
    /// Most permits at once.
    pub(crate) most: u16,
}

/// What was counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) holds: u64,
    /// Holds of a key whose holder before was another process, but for readers after readers.
    pub(crate) hand_overs: u64,
    pub(crate) readers: u64,
    pub(crate) downgrades: u64,
    pub(crate) plain: u64,
    pub(crate) permits: u64,
    pub(crate) most_permits: u64,
    /// Pairs of shares of one key that were at the same time.
    pub(crate) shared: u64,
    pub(crate) renewed: u64,
    pub(crate) writes: u64,
    /// Writes with a fence below one that the store had seen: refused, and let through.
    pub(crate) stale_refused: u64,
    pub(crate) stale_accepted: u64,
    /// Writes of holders whose time had passed, and whom nobody had followed at the store yet.
    pub(crate) late_accepted: u64,
    /// Readers' looks, and those whose fence was below a writer's that the store had seen.
    pub(crate) looks: u64,
    pub(crate) stale_looks_refused: u64,
    /// Pairs of holds of one key that were at the same time and must not be: of a writer and of anybody.
    pub(crate) overlaps: u64,
    pub(crate) faults: BTreeMap<&'static str, u64>,
}

/// A rule that was broken, and the events that show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Violation {
    pub(crate) what: String,
    pub(crate) events: Vec<Event>,
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
    checker.count_modes(&holds);
    checker.permits(&holds, rules);
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

/// Whether nothing is missing from a history that goes on: what is missing has no events that show it.
pub(crate) fn is_enough(events: &[Event], rules: &Rules) -> bool {
    check(events, rules).1.iter().all(|violation| !violation.events.is_empty())
}

pub(crate) struct Checker {
    pub(crate) counts: Counts,
    violations: Vec<Violation>,
}

impl Checker {
    pub(crate) fn violate<'a>(
        &mut self,
        what: impl Into<String>,
        events: impl IntoIterator<Item = &'a Event>,
    ) {
        let events = events.into_iter().cloned().collect();
        self.violations.push(Violation { what: what.into(), events });
    }

    /// No writer beside anybody. `holds` are in the order of their begin.
    fn exclusion(&mut self, holds: &[&Hold<'_>], rules: &Rules) {
        for pair in holds.windows(2) {
            let read = pair.iter().all(|hold| hold.mode == Mode::Reader);
            self.counts.hand_overs += u64::from(pair[0].id.worker != pair[1].id.worker && !read);
        }
        let mut spans: Vec<Span<'_>> = holds.iter().flat_map(|hold| hold.spans()).collect();
        spans.sort_by_key(|span| span.begin);
        let mut living: Vec<Span<'_>> = Vec::new();
        for span in spans {
            living.retain(|before| span.begin < before.end);
            for before in living.iter().filter(|before| before.hold.id != span.hold.id) {
                if !before.alone && !span.alone {
                    self.counts.shared += 1;
                    continue;
                }
                self.counts.overlaps += 1;
                if rules.clocks_hold {
                    let what = match before.alone && span.alone {
                        true => "two holds at the same time",
                        false => "a writer beside a reader",
                    };
                    self.violate(what, [before.hold.event, span.hold.event]);
                }
            }
            living.push(span);
        }
    }

    /// No more at once than there are; no two of one slot is what [`exclusion`](Self::exclusion) looks at.
    fn permits(&mut self, holds: &[Hold<'_>], rules: &Rules) {
        let permits = holds.iter().filter(|hold| hold.mode == Mode::Permit);
        let mut spans: Vec<Span<'_>> = permits.flat_map(|hold| hold.spans()).collect();
        spans.sort_by_key(|span| span.begin);
        let mut living: Vec<Span<'_>> = Vec::new();
        for span in spans {
            living.retain(|before| span.begin < before.end);
            living.push(span);
            self.counts.most_permits = self.counts.most_permits.max(living.len() as u64);
            if rules.clocks_hold && living.len() > usize::from(rules.most) {
                let events = living.iter().map(|span| span.hold.event);
                self.violate("more permits at once than there are", events);
            }
        }
    }

    /// Readers between two writers may have one number.
    fn uniqueness(&mut self, holds: &[&Hold<'_>]) {
        let mut seen: HashMap<u64, &Hold<'_>> = HashMap::new();
        for hold in holds {
            let Some(fence) = hold.fence else { continue };
            if let Some(other) = seen.insert(fence, hold)
                && (other.mode, hold.mode) != (Mode::Reader, Mode::Reader)
            {
                self.violate("one fence for two holds", [other.event, hold.event]);
            }
        }
    }

    /// Who asks when another already has his fence gets a larger one, whatever the clocks do; but for readers after readers.
    fn real_time(&mut self, holds: &[&Hold<'_>]) {
        let mut by_asked = holds.to_vec();
        by_asked.sort_by_key(|hold| hold.asked);
        let mut begun = holds.iter().peekable();
        let mut highest = Highest::default();
        for hold in by_asked {
            while let Some(earlier) = begun.next_if(|earlier| earlier.begin < hold.asked) {
                highest.note(earlier);
            }
            if let Some(earlier) = highest.not_below(hold) {
                let events = [earlier.event, hold.event];
                self.violate("a fence that is not above one that was there when asked", events);
            }
        }
    }

    /// Fences follow the order of holds.
    fn order(&mut self, holds: &[&Hold<'_>]) {
        let mut highest = Highest::default();
        for hold in holds {
            if let Some(earlier) = highest.not_below(hold) {
                let events = [earlier.event, hold.event];
                self.violate("a fence that is not above the one before", events);
            }
            highest.note(hold);
        }
    }

    fn count_modes(&mut self, holds: &[Hold<'_>]) {
        let of = |mode| holds.iter().filter(|hold| hold.mode == mode).count() as u64;
        self.counts.readers = of(Mode::Reader);
        self.counts.plain = of(Mode::Plain);
        self.counts.permits = of(Mode::Permit);
        self.counts.downgrades =
            holds.iter().filter(|hold| hold.downgraded.is_some()).count() as u64;
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
        let Counts { shared, downgrades, plain, permits, .. } = self.counts;
        for (what, count, want) in [
            ("hand-overs", hand_overs, rules.hand_overs),
            ("stale writes refused", stale_refused, rules.stale_refused),
            ("pairs of shares at once", shared, rules.shared),
            ("downgrades", downgrades, rules.downgrades),
            ("holds of plain clients", plain, rules.plain),
            ("permits", permits, rules.permits),
        ] {
            if count < want {
                self.violate(format!("{count} {what}, want {want}"), []);
            }
        }
        if !rules.clocks_hold && overlaps == 0 {
            self.violate("clocks that break the lock broke nothing: they were not broken", []);
        }
    }
}

/// The largest fences so far, of writers and of anybody.
#[derive(Default)]
struct Highest<'a> {
    writer: Option<&'a Hold<'a>>,
    any: Option<&'a Hold<'a>>,
}

impl<'a> Highest<'a> {
    fn note(&mut self, hold: &'a Hold<'a>) {
        let Some(fence) = hold.fence else { return };
        let above = |seen: Option<&Hold<'_>>| seen.is_none_or(|seen| Some(fence) > seen.fence);
        if hold.mode != Mode::Reader && above(self.writer) {
            self.writer = Some(hold);
        }
        if above(self.any) {
            self.any = Some(hold);
        }
    }

    /// Whose fence this one's should be above and is not.
    fn not_below(&self, hold: &Hold<'_>) -> Option<&'a Hold<'a>> {
        let fence = hold.fence?;
        let seen = if hold.mode == Mode::Reader { self.writer } else { self.any };
        seen.filter(|seen| seen.fence >= Some(fence))
    }
}

#[cfg(test)]
#[path = "checker_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "modes_tests.rs"]
mod modes;
