//! Pure: a history as pictures, some seconds in each.

use std::collections::{HashMap, HashSet};

use integration_tests::timeline::{
    End, Lane, Mark, Mode as Had, Page, Role, Section, Timeline, What, draw, grouped,
};

use crate::checker::Violation;
use crate::history::{Event, HoldId, Micros, Mode, Target};
use crate::holds::{Hold, holds};
use crate::profile::{SERVERS, WORKERS};

/// How much is in one picture, in microseconds.
const SPAN: Micros = 2_000_000;
/// Pictures of one page, beside those of violations.
const MOST: usize = 30;
/// Violations with a picture each.
const SHOWN: usize = 10;
/// What is done to the links of one worker at once is told within so long.
const AT_ONCE: Micros = 50_000;

/// The page; `command` begins another run.
pub(crate) fn page(
    title: &str,
    command: &str,
    events: &[Event],
    violations: &[Violation],
) -> String {
    let start = events.iter().filter_map(at).min().unwrap_or(0);
    let end = events.iter().filter_map(at).max().unwrap_or(start) - start;
    let holds = holds(events);
    let numbers = holds.iter().enumerate().map(|(number, hold)| (hold.id, number)).collect();
    let told = Told { start, holds, numbers };
    let mut marks = told.holds_and_ends(events);
    marks.extend(told.faults(events));
    marks.extend(told.at_the_store(events));
    marks.extend(violations.iter().filter_map(|violation| told.broken(violation)));
    let picture = |heading: String, window| {
        let timeline = Timeline {
            title: heading.clone(),
            unit: "ms".to_owned(),
            lanes: lanes(),
            marks: marks.clone(),
            window: Some(window),
        };
        Section { heading, svg: draw(&timeline) }
    };
    let around = marks.iter().filter(|mark| matches!(mark.what, What::Broken { .. }));
    let mut sections: Vec<Section> = around
        .take(SHOWN)
        .map(|mark| {
            let from = mark.at.saturating_sub(SPAN / 2);
            picture(format!("Violation at {} ms", grouped(mark.at)), (from, from + SPAN))
        })
        .collect();
    let parts = usize::try_from(end / SPAN + 1).unwrap_or(MOST);
    for part in 0..parts.min(MOST) as u64 {
        let (from, to) = (part * SPAN, (part + 1) * SPAN);
        let heading = format!("From {} to {} seconds", from / 1_000_000, to / 1_000_000);
        sections.push(picture(heading, (from, to)));
    }
    let more = match parts {
        ..=MOST => String::new(),
        _ => format!(
            " Shown are the violations and the first {} seconds of {}.",
            MOST as u64 * SPAN / 1_000_000,
            end / 1_000_000
        ),
    };
    Page {
        title: title.to_owned(),
        facts: vec![format!(
            "{} holds of {WORKERS} workers on {SERVERS} servers. Numbers count the holds of the run; whatever is pointed at says more.{more}",
            told.holds.len()
        )],
        commands: vec![command.to_owned()],
        broken: violations.iter().map(|violation| violation.what.clone()).collect(),
        sections,
        log: violations
            .iter()
            .flat_map(|violation| violation.events.iter().map(Event::to_string))
            .collect(),
    }
    .html()
}

fn lanes() -> Vec<Lane> {
    let workers = (0..WORKERS).map(|n| Lane { name: format!("worker {n}"), role: Role::Client });
    let servers = (0..SERVERS).map(|n| Lane { name: format!("server {n}"), role: Role::Node });
    workers.chain(servers).collect()
}

/// When an event was, of which that is known.
fn at(event: &Event) -> Option<Micros> {
    match event {
        Event::Held { begin, .. } => Some(*begin),
        Event::Downgraded { at, .. }
        | Event::Ended { at, .. }
        | Event::Read { at, .. }
        | Event::Look { at, .. }
        | Event::Write { at, .. }
        | Event::Killed { at, .. }
        | Event::Fault { at, .. }
        | Event::Mended { at, .. } => Some(*at),
        Event::Renewed { .. } | Event::Left { .. } => None,
    }
}

struct Told<'a> {
    start: Micros,
    /// A hold's place is its number.
    holds: Vec<Hold<'a>>,
    numbers: HashMap<HoldId, usize>,
}

impl Told<'_> {
    fn since(&self, at: Micros) -> Micros {
        at.saturating_sub(self.start)
    }

    fn number(&self, id: HoldId) -> Option<usize> {
        self.numbers.get(&id).copied()
    }

    fn holds_and_ends(&self, events: &[Event]) -> Vec<Mark> {
        let deaths: HashSet<(usize, u64, Micros)> = events
            .iter()
            .filter_map(|event| match event {
                Event::Killed { worker, life, at } => Some((*worker, *life, *at)),
                _ => None,
            })
            .collect();
        let killed = |hold: &Hold<'_>, at| deaths.contains(&(hold.id.worker, hold.id.life, at));
        let mut marks = Vec::new();
        for (number, hold) in self.holds.iter().enumerate() {
            let mut mark = |at, what| marks.push(Mark { at: self.since(at), what });
            let (lane, fence, mode) = (hold.id.worker, hold.fence, had(hold.mode));
            let keys = vec![named(hold.key).to_owned()];
            mark(hold.begin, What::Held { hold: number, lane, keys, fence, mode });
            if let Some(at) = hold.downgraded {
                mark(at, What::Shared { hold: number });
            }
            if hold.ended.is_none_or(|at| at > hold.until) {
                mark(hold.until, What::Ended { hold: number, how: End::Lost });
            }
            if let Some(at) = hold.ended {
                let how = if killed(hold, at) { End::Killed } else { End::Released };
                mark(at, What::Ended { hold: number, how });
            }
        }
        marks
    }

    fn faults(&self, events: &[Event]) -> Vec<Mark> {
        let mut marks: Vec<Mark> = Vec::new();
        // Links that were cut last, by worker: which mark tells of them.
        let mut cut: HashMap<(usize, &str), usize> = HashMap::new();
        for (place, event) in events.iter().enumerate() {
            let Event::Fault { at, kind, target } = event else { continue };
            let until = events[place..].iter().find_map(|later| match later {
                Event::Mended { at, kind: of, target: whom } => {
                    (of == kind && whom == target).then_some(self.since(*at))
                }
                _ => None,
            });
            let at = self.since(*at);
            let lasting = |lane, what: String, whole| match until {
                Some(until) => What::Trouble { lane, what, until: until.max(at), whole },
                None => What::Happened { lane, what },
            };
            let what = match *target {
                Target::Worker(worker) => lasting(worker, brief(kind), true),
                Target::Server(server) => lasting(WORKERS + server, brief(kind), true),
                Target::Link(worker, server) if is_cut(kind) => {
                    let known = cut.get(&(worker, *kind)).and_then(|place| marks.get_mut(*place));
                    if let Some(Mark { at: first, what: What::Trouble { what, .. } }) = known
                        && at - *first < AT_ONCE
                    {
                        *what += &format!(",{server}");
                        continue;
                    }
                    cut.insert((worker, kind), marks.len());
                    lasting(worker, format!("{kind} to {server}"), false)
                }
                Target::Link(worker, server) => What::Message {
                    lane: WORKERS + server,
                    slow: kind.contains("delayed"),
                    what: format!("worker {worker}: {kind}"),
                },
            };
            marks.push(Mark { at, what });
        }
        marks
    }

    fn at_the_store(&self, events: &[Event]) -> Vec<Mark> {
        let mark = |event: &Event| {
            let (hold, at, accepted, what) = match event {
                Event::Write { hold, key, at, accepted, .. } => {
                    (hold, at, accepted, format!("write to {} refused", named(key)))
                }
                Event::Look { hold, key, at, accepted, .. }
                | Event::Read { hold, key, at, accepted, .. } => {
                    (hold, at, accepted, format!("read of {} refused", named(key)))
                }
                _ => return None,
            };
            let (hold, at) = (self.number(*hold)?, self.since(*at));
            let what = if *accepted { What::Wrote { hold } } else { What::Refused { hold, what } };
            Some(Mark { at, what })
        };
        events.iter().filter_map(mark).collect()
    }

    /// Of a violation that events show; what is missing has no time.
    fn broken(&self, violation: &Violation) -> Option<Mark> {
        let at = violation.events.iter().filter_map(at).max()?;
        let of = violation.events.iter().filter_map(|event| match event {
            Event::Held { hold, .. }
            | Event::Read { hold, .. }
            | Event::Look { hold, .. }
            | Event::Write { hold, .. } => self.number(*hold),
            _ => None,
        });
        let holds: Vec<usize> = of.collect();
        let names: Vec<_> = holds.iter().map(|hold| format!("hold {hold}")).collect();
        let (rule, message) = (violation.what.clone(), names.join(", "));
        Some(Mark {
            at: self.since(at),
            what: What::Broken { rule, message, holds, promised: true },
        })
    }
}

/// A key without what all keys of a run begin with.
fn named(key: &str) -> &str {
    key.strip_prefix("chaos-").unwrap_or(key)
}

fn had(mode: Mode) -> Had {
    match mode {
        Mode::Writer => Had::Alone,
        Mode::Reader => Had::Share,
        Mode::Permit => Had::Permit,
        Mode::Plain => Had::Plain,
    }
}

/// A worker does not reach a server at all, or hears nothing of it.
fn is_cut(kind: &str) -> bool {
    kind.starts_with("link ") || kind == "replies dropped"
}

/// What is done, in a lane that says to whom.
fn brief(kind: &str) -> String {
    kind.trim_start_matches("worker ").trim_start_matches("server ").to_owned()
}

#[cfg(test)]
#[path = "drawing_tests.rs"]
mod tests;
