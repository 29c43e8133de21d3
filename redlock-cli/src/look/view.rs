//! Who holds a lock, ready to be shown.

use std::time::Duration;

use redlock_core::node::{Expiry, Holder};
use redlock_core::{Inspection, LockState};
use serde::Serialize;

use crate::output::{self, count, plain, span};

/// What the nodes say about one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct View {
    pub(crate) key: String,
    pub(crate) state: State,
    pub(crate) nodes: Vec<NodeState>,
}

/// What a majority of them says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Held(Hold),
    Free,
    Unknown,
}

/// By whom, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hold {
    pub(crate) holder: Holder,
    pub(crate) expiry: Expiry,
}

/// What one node says; or why it says nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NodeState {
    pub(crate) name: String,
    pub(crate) said: Result<Option<Hold>, String>,
}

impl View {
    pub(crate) fn new(key: &str, inspection: &Inspection) -> Self {
        let state = match inspection.state {
            LockState::Held { holder, expiry } => State::Held(Hold { holder, expiry }),
            LockState::Free => State::Free,
            _ => State::Unknown,
        };
        let nodes = inspection.nodes.iter().map(|node| {
            let said = match &node.holdings {
                Ok(holdings) => Ok(holdings.iter().flatten().next())
                    .map(|held| held.map(|held| Hold { holder: held.holder, expiry: held.expiry })),
                Err(error) => Err(error.to_string()),
            };
            NodeState { name: node.name.to_string(), said }
        });
        Self { key: key.to_owned(), state, nodes: nodes.collect() }
    }

    /// Nodes that say something else than the majority; all of them where there is none.
    pub(crate) fn differing(&self) -> Vec<&NodeState> {
        let differs = |node: &&NodeState| match (self.state, &node.said) {
            (State::Held(hold), Ok(Some(said))) => said.holder != hold.holder,
            (State::Free, Ok(None)) => false,
            _ => true,
        };
        self.nodes.iter().filter(differs).collect()
    }

    /// The key and what is known about it, in a line.
    pub(crate) fn headline(&self) -> String {
        let majority = self.nodes.len() / 2 + 1;
        let told = match self.state {
            State::Held(hold) => format!("held by {}, {}", hold.holder, left(hold.expiry)),
            State::Free => "free".to_owned(),
            State::Unknown => {
                let free = self.nodes.iter().filter(|node| node.said == Ok(None)).count();
                let failed = self.nodes.iter().filter(|node| node.said.is_err()).count();
                let held = self.nodes.len() - free - failed;
                format!(
                    "unknown: {held} held, {free} free, {failed} failed of {}, and {majority} must agree",
                    count(self.nodes.len(), "node")
                )
            }
        };
        format!("{}: {told}", plain(&self.key))
    }

    /// The headline and a row for each node.
    pub(crate) fn text(&self) -> String {
        let mut table = output::table(&["NODE", "STATE", "HOLDER", "LEFT", ""]);
        for node in &self.nodes {
            let name = plain(&node.name);
            let [holder, left] = match &node.said {
                Ok(Some(hold)) => [hold.holder.to_string(), remaining(hold.expiry)],
                _ => ["-".to_owned(), "-".to_owned()],
            };
            let json = node.json();
            table.add_row([&name, json.state, &holder, &left, json.error.unwrap_or_default()]);
        }
        format!("{}\n{}", self.headline(), output::rows(&table, "  "))
    }

    pub(crate) fn json(&self) -> ViewJson<'_> {
        let (state, hold) = match self.state {
            State::Held(hold) => ("held", Some(hold)),
            State::Free => ("free", None),
            State::Unknown => ("unknown", None),
        };
        let nodes = self.nodes.iter().map(NodeState::json).collect();
        ViewJson { key: &self.key, state, hold: HoldJson::from(hold), nodes }
    }
}

impl NodeState {
    /// The name, and what it says in brackets.
    pub(crate) fn text(&self) -> String {
        let name = plain(&self.name);
        match &self.said {
            Ok(Some(hold)) => format!("{name} (held by {})", hold.holder),
            Ok(None) => format!("{name} (free)"),
            Err(why) => format!("{name} ({why})"),
        }
    }

    pub(crate) fn json(&self) -> NodeJson<'_> {
        let (state, hold, error) = match &self.said {
            Ok(Some(hold)) => ("held", Some(*hold), None),
            Ok(None) => ("free", None, None),
            Err(why) => ("failed", None, Some(why.as_str())),
        };
        NodeJson { name: &self.name, state, hold: HoldJson::from(hold), error }
    }
}

/// `8.1 s left`.
pub(crate) fn left(expiry: Expiry) -> String {
    match expiry {
        Expiry::In(time) => format!("{} left", span(time)),
        Expiry::Never => "never expires".to_owned(),
        Expiry::Unknown => "for an unknown time".to_owned(),
    }
}

fn remaining(expiry: Expiry) -> String {
    match expiry {
        Expiry::In(time) => span(time),
        Expiry::Never => "for ever".to_owned(),
        Expiry::Unknown => "?".to_owned(),
    }
}

/// The fields are stable: `key`, `state` (`held`, `free`, `unknown`), `holder`, `expiry`, `remaining_ms`, `nodes`.
#[derive(Debug, Serialize)]
pub(crate) struct ViewJson<'a> {
    key: &'a str,
    state: &'static str,
    #[serde(flatten)]
    hold: HoldJson,
    nodes: Vec<NodeJson<'a>>,
}

/// The fields are stable: `name`, `state` (`held`, `free`, `failed`), `holder`, `expiry`, `remaining_ms`, `error`.
#[derive(Debug, Serialize)]
pub(crate) struct NodeJson<'a> {
    name: &'a str,
    state: &'static str,
    #[serde(flatten)]
    hold: HoldJson,
    error: Option<&'a str>,
}

/// `holder` is a fingerprint of the token; `expiry` is `in`, `never` or `unknown`, and `remaining_ms` there for `in`. All
/// are null where nobody holds.
#[derive(Debug, Serialize)]
pub(crate) struct HoldJson {
    holder: Option<String>,
    expiry: Option<&'static str>,
    remaining_ms: Option<u64>,
}

impl From<Option<Hold>> for HoldJson {
    fn from(hold: Option<Hold>) -> Self {
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let (expiry, remaining_ms) = match hold.map(|hold| hold.expiry) {
            Some(Expiry::In(time)) => (Some("in"), Some(millis(time))),
            Some(Expiry::Never) => (Some("never"), None),
            Some(Expiry::Unknown) => (Some("unknown"), None),
            None => (None, None),
        };
        Self { holder: hold.map(|hold| hold.holder.to_string()), expiry, remaining_ms }
    }
}

#[cfg(test)]
#[path = "view_tests.rs"]
pub(crate) mod tests;
