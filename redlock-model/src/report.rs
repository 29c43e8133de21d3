//! Runs cases of any of the models and tells what came of them.

use std::fmt::{self, Debug};
use std::hash::Hash;
use std::time::{Duration, Instant};

use stateright::{Expectation, Model};

use crate::search::search;

/// A model whose cases stand in one table.
pub trait World:
    Model<
        State: Debug + Hash + Clone + PartialEq + Send + Sync + 'static,
        Action: Debug + Clone + PartialEq,
    > + Clone
    + Send
    + Sync
    + 'static
{
    /// The properties that the worlds of its cases have, in the order of the table.
    const PROPERTIES: &'static [&'static str];
}

/// One world, and what must be found in it.
#[derive(Debug, Clone)]
pub struct Case<W> {
    /// What it is called in the table.
    pub name: &'static str,
    /// The world.
    pub setting: W,
    /// Properties that must be found violated; if there are any, the search ends there.
    pub violated: &'static [&'static str],
    /// Properties that the world does not promise and the case says nothing about.
    pub silent: &'static [&'static str],
}

impl<W> Case<W> {
    /// A world in which nothing must be found.
    pub fn holds(name: &'static str, setting: W) -> Self {
        Self { name, setting, violated: &[], silent: &[] }
    }

    /// A world in which these must be found violated.
    pub fn breaks(name: &'static str, violated: &'static [&'static str], setting: W) -> Self {
        Self { name, setting, violated, silent: &[] }
    }

    /// The same, which says nothing about these.
    #[must_use]
    pub fn silent(self, silent: &'static [&'static str]) -> Self {
        Self { silent, ..self }
    }
}

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
pub fn run<W: World>(case: &Case<W>) -> Report {
    let begin = Instant::now();
    let found = search(&case.setting, case.violated);
    let known = case.setting.properties();
    let finding = |property: &'static str| {
        let spoken_of = known.iter().find(|known| known.name == property);
        let Some(known) = spoken_of.filter(|_| !case.silent.contains(&property)) else {
            return Finding::Open;
        };
        let reaches = matches!(known.expectation, Expectation::Sometimes);
        match found.ways.get(property).map(Vec::len) {
            Some(steps) if reaches => Finding::Reached(steps),
            Some(steps) => Finding::Violated(steps),
            None if !found.complete => Finding::Open,
            None if reaches => Finding::Unreached,
            None => Finding::Ok,
        }
    };
    let surprise = |property: &'static str| {
        let as_expected = match finding(property) {
            Finding::Ok | Finding::Reached(_) | Finding::Open => !case.violated.contains(&property),
            Finding::Violated(_) => case.violated.contains(&property) || !found.complete,
            Finding::Unreached => false,
        };
        let way = found.ways.get(property);
        (!as_expected)
            .then(|| format!("{}: {property}: {:?} {way:?}", case.name, finding(property)))
    };
    let all = || W::PROPERTIES.iter().copied();
    Report {
        name: case.name,
        states: found.states,
        depth: found.depth,
        findings: all().map(finding).collect(),
        took: begin.elapsed(),
        surprises: all().filter_map(surprise).collect(),
    }
}

/// The first two lines of a model's table.
pub fn heading<W: World>() -> String {
    let line = "---|".repeat(W::PROPERTIES.len() + 4);
    format!("| case | states | depth | {} | seconds |\n|{line}", W::PROPERTIES.join(" | "))
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
