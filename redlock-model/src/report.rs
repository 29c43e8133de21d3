//! Runs cases and tells what came of them.

use std::fmt;
use std::time::{Duration, Instant};

use stateright::{Checker, HasDiscoveries, Model};

use crate::cases::Case;
use crate::properties::{REACHED, SAFETY};
use crate::setting::Setting;

/// What came of a case.
#[derive(Debug, Clone)]
pub struct Report {
    /// The case's name.
    pub name: &'static str,
    /// Different states that were found.
    pub states: usize,
    /// Steps of the longest way there.
    pub depth: usize,
    /// By property, in the order of the table.
    pub findings: Vec<Finding>,
    /// How long it took.
    pub took: Duration,
    /// How the findings differ from what was expected.
    pub surprises: Vec<String>,
}

/// What is known of a property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// No state breaks it.
    Ok,
    /// A shortest way to break it has so many steps.
    Violated(usize),
    /// It can be reached in so many steps.
    Reached(usize),
    /// No state has it.
    Unreached,
    /// The case says nothing about it, or the search ended when it had found what it was looking for.
    Open,
}

/// Searches a case: all of it where nothing must be found, or else until that is found.
pub fn run(case: &Case) -> Report {
    let begin = Instant::now();
    let search = case.setting.clone().checker();
    // Nothing is a failure that may end the search of a case in which nothing must be found.
    let search = if case.violated.is_empty() {
        search
    } else {
        search.finish_when(HasDiscoveries::AllOf(case.violated.iter().copied().collect()))
    };
    let found = search.spawn_bfs().join();
    let discoveries = found.discoveries();
    // Also where the search ran out without having found it.
    let complete =
        case.violated.is_empty() || !case.violated.iter().all(|p| discoveries.contains_key(p));
    let finding = |property: &'static str| {
        let steps = discoveries.get(property).map(|path| path.clone().into_actions().len());
        let reaches = REACHED.contains(&property);
        let known = has(&case.setting, property) && !case.silent.contains(&property);
        match steps {
            _ if !known => Finding::Open,
            Some(steps) if reaches => Finding::Reached(steps),
            Some(steps) => Finding::Violated(steps),
            None if !complete => Finding::Open,
            None if reaches => Finding::Unreached,
            None => Finding::Ok,
        }
    };
    let surprise = |property: &'static str| {
        let as_expected = match finding(property) {
            Finding::Ok | Finding::Reached(_) | Finding::Open => !case.violated.contains(&property),
            Finding::Violated(_) => case.violated.contains(&property) || !complete,
            Finding::Unreached => false,
        };
        let way = || discoveries.get(property).map(|path| path.clone().into_actions());
        (!as_expected)
            .then(|| format!("{}: {property}: {:?} {:?}", case.name, finding(property), way()))
    };
    let all = || SAFETY.into_iter().chain(REACHED);
    Report {
        name: case.name,
        states: found.unique_state_count(),
        depth: found.max_depth(),
        findings: all().map(finding).collect(),
        took: begin.elapsed(),
        surprises: all().filter_map(surprise).collect(),
    }
}

fn has(setting: &Setting, property: &str) -> bool {
    setting.properties().iter().any(|known| known.name == property)
}

/// The table's first two lines.
pub fn heading() -> String {
    let names: Vec<_> = SAFETY.into_iter().chain(REACHED).collect();
    let line = "---|".repeat(names.len() + 4);
    format!("| case | states | depth | {} | seconds |\n|{line}", names.join(" | "))
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "| {} | {} | {} |", self.name, self.states, self.depth)?;
        for finding in &self.findings {
            write!(f, " {finding} |")?;
        }
        let millis = self.took.as_millis();
        write!(f, " {}.{} |", millis / 1_000, millis % 1_000 / 100)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ok => f.write_str("ok"),
            Self::Violated(steps) => write!(f, "**violated** ({steps})"),
            Self::Reached(steps) => write!(f, "reached ({steps})"),
            Self::Unreached => f.write_str("**not reached**"),
            Self::Open => f.write_str("-"),
        }
    }
}
