//! What changed between two looks at all locks. Pure.

use std::collections::BTreeMap;

use redlock_core::Cut;
use serde::Serialize;

use super::rows::{List, Row, RowJson};
use crate::look::State;
use crate::output::plain;
use crate::watch::{Event, change};

/// What the looks so far have shown.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// Nothing before the first look.
    before: Option<Before>,
}

#[derive(Debug)]
struct Before {
    /// By name. Nothing of which no majority was ever sure.
    rows: BTreeMap<Box<[u8]>, Row>,
    cut: bool,
    failed: Vec<(String, String)>,
}

/// A line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    Of(Event, Box<Row>),
    /// So many names are not looked at, or all are again.
    Cut(usize),
    /// These nodes fail now.
    Nodes(Vec<(String, String)>),
}

impl Changes {
    /// What this look shows that the one before did not.
    pub(super) fn step(&mut self, now: List) -> Vec<Change> {
        let first = self.before.is_none();
        let answered = now.is_answered();
        let failed: Vec<_> =
            now.failed().map(|(name, why)| (name.to_owned(), why.to_owned())).collect();
        let mut before = self.before.take().unwrap_or_else(|| Before {
            rows: BTreeMap::new(),
            cut: false,
            failed: Vec::new(),
        });
        let mut changes = Vec::new();
        let names = |failed: &[(String, String)]| -> Vec<String> {
            failed.iter().map(|(name, _)| name.clone()).collect()
        };
        if names(&failed) != names(&before.failed) {
            changes.push(Change::Nodes(failed.clone()));
        }
        if now.cut.is_some() != before.cut {
            changes.push(Change::Cut(now.cut.as_ref().map_or(0, |cut| cut.more)));
        }
        let mut rows = BTreeMap::new();
        for row in now.rows {
            let known = before.rows.remove(&row.name);
            let event = match (&known, &row.view.state) {
                // It may come or go just now.
                (None, State::Unknown | State::Free) => continue,
                (None, _) if first => Some(Event::Seen),
                (None, State::Kept(_)) => Some(Event::Kept),
                (None, State::Held(_) | State::Shared(_)) => Some(Event::Taken),
                // Not which nodes differ: those were not asked at one moment.
                (Some(known), _) => {
                    change(Some(&known.view), &row.view).filter(|event| *event != Event::Nodes)
                }
            };
            changes.extend(event.map(|event| Change::Of(event, Box::new(row.clone()))));
            rows.insert(row.name.clone(), row);
        }
        for (name, row) in before.rows {
            if now.cut.as_ref().is_some_and(|Cut { last, .. }| name > *last) {
                // Nobody looked.
                continue;
            }
            // Where no majority told all it may be there.
            let state = if answered { State::Free } else { State::Unknown };
            let gone = row.without(state);
            let event = change(Some(&row.view), &gone.view).filter(|event| *event != Event::Nodes);
            changes.extend(event.map(|event| Change::Of(event, Box::new(gone.clone()))));
            if !answered {
                rows.insert(name, gone);
            }
        }
        self.before = Some(Before { rows, cut: now.cut.is_some(), failed });
        changes
    }
}

impl Change {
    fn name(&self) -> &'static str {
        match self {
            Self::Of(event, _) => event.name(),
            Self::Cut(_) => "cut",
            Self::Nodes(_) => "nodes",
        }
    }

    /// One line for people.
    pub(super) fn text(&self, at: &str) -> String {
        let told = match self {
            Self::Of(_, row) => row.headline(),
            Self::Cut(0) => "all locks are followed".to_owned(),
            Self::Cut(more) => format!("about {more} more are not followed (--limit)"),
            Self::Nodes(failed) if failed.is_empty() => "all nodes tell what they hold".to_owned(),
            Self::Nodes(failed) => {
                let node =
                    |(name, why): &(String, String)| format!("{} ({})", plain(name), plain(why));
                failed.iter().map(node).collect::<Vec<_>>().join(", ")
            }
        };
        format!("{at}  {:<7}  {told}", self.name())
    }

    /// One object for programs. The fields are stable: `at`, `event`; those of a lock in a list, or `more` with the event `cut`,
    /// or `failed` with the event `nodes`.
    pub(super) fn json<'a>(&'a self, at: &'a str) -> ChangeJson<'a> {
        let about = match self {
            Self::Of(_, row) => About::Lock(Box::new(row.json())),
            Self::Cut(more) => About::Cut { more: *more },
            Self::Nodes(failed) => {
                let node = |(name, error): &'a (String, String)| Failed { name, error };
                About::Nodes { failed: failed.iter().map(node).collect() }
            }
        };
        ChangeJson { at, event: self.name(), about }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct ChangeJson<'a> {
    at: &'a str,
    event: &'static str,
    #[serde(flatten)]
    about: About<'a>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum About<'a> {
    Lock(Box<RowJson<'a>>),
    Cut { more: usize },
    Nodes { failed: Vec<Failed<'a>> },
}

#[derive(Debug, Serialize)]
struct Failed<'a> {
    name: &'a str,
    error: &'a str,
}

#[cfg(test)]
#[path = "changes_tests.rs"]
mod tests;
