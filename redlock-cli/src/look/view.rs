//! Who holds a lock, ready to be shown.

use std::time::Duration;

use redlock_core::node::{Expiry, Fault, Holder, Holding};
use redlock_core::{Inspection, Label, LockState};
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum State {
    Held(Hold),
    /// The holder is done, and nobody else is to have it yet.
    Kept(Hold),
    /// Nobody has it alone, and nobody else may.
    Shared(Sharing),
    Free,
    Unknown,
}

/// By how many, and until the last of them is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sharing {
    pub(crate) holders: usize,
    /// What the last of them calls itself.
    pub(crate) label: Option<Label>,
    pub(crate) expiry: Expiry,
}

/// By whom, and for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hold {
    pub(crate) holder: Holder,
    /// What the holder calls itself.
    pub(crate) label: Option<Label>,
    pub(crate) expiry: Expiry,
    /// How many share it there, of whom the holder's share is the last; nothing where it has it alone.
    pub(crate) shares: Option<usize>,
}

/// What one node says; or why it says nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NodeState {
    pub(crate) name: String,
    pub(crate) said: Result<Option<Hold>, String>,
    /// It gave no answer in time.
    pub(crate) silent: bool,
}

impl View {
    pub(crate) fn new(key: &str, inspection: &Inspection) -> Self {
        let state = match &inspection.state {
            LockState::Held { holder, label, expiry } => {
                State::Held(Hold::new(*holder, label.clone(), *expiry))
            }
            LockState::Kept { holder, expiry } => State::Kept(Hold::new(*holder, None, *expiry)),
            LockState::Shared { holders, label, expiry } => {
                State::Shared(Sharing { holders: *holders, label: label.clone(), expiry: *expiry })
            }
            LockState::Free => State::Free,
            _ => State::Unknown,
        };
        let nodes = inspection.nodes.iter().map(|node| {
            let said = match &node.holdings {
                Ok(holdings) => Ok(holdings.iter().flatten().next().map(Hold::from)),
                Err(error) => Err(error.to_string()),
            };
            let silent = matches!(&node.holdings, Err(error) if error.fault() == Fault::Timeout);
            NodeState { name: node.name.to_string(), said, silent }
        });
        Self { key: key.to_owned(), state, nodes: nodes.collect() }
    }

    /// Nodes that say something else than the majority; all of them where there is none.
    pub(crate) fn differing(&self) -> Vec<&NodeState> {
        let differs = |node: &&NodeState| match (&self.state, &node.said) {
            (State::Held(hold), Ok(Some(said))) => {
                said.shares.is_some() || said.holder != hold.holder
            }
            (State::Shared(_), Ok(Some(said))) => said.shares.is_none(),
            (State::Kept(hold), Ok(Some(said))) => {
                !said.holder.is_kept() || said.holder.holder() != hold.holder
            }
            (State::Free, Ok(None)) => false,
            _ => true,
        };
        self.nodes.iter().filter(differs).collect()
    }

    /// The key and what is known about it, in a line.
    pub(crate) fn headline(&self) -> String {
        let majority = self.nodes.len() / 2 + 1;
        let told = match &self.state {
            State::Held(hold) => hold.text(),
            State::Kept(hold) => hold.kept_text(),
            State::Shared(sharing) => sharing.text(),
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
        format!("{}\n{}", self.headline(), self.rows())
    }

    /// A row for each node.
    pub(crate) fn rows(&self) -> String {
        let mut table = output::table(&["NODE", "STATE", "HOLDER", "LEFT", ""]);
        for node in &self.nodes {
            let name = plain(&node.name);
            let [holder, left] = match &node.said {
                Ok(Some(hold)) => [hold.who(), remaining(hold.expiry)],
                _ => ["-".to_owned(), "-".to_owned()],
            };
            let json = node.json();
            table.add_row([&name, json.state, &holder, &left, json.error.unwrap_or_default()]);
        }
        output::rows(&table, "  ")
    }

    pub(crate) fn json(&self) -> ViewJson<'_> {
        let nodes = self.nodes.iter().map(NodeState::json).collect();
        ViewJson { key: &self.key, state: self.state.word(), hold: self.state.json(), nodes }
    }
}

impl State {
    /// As programs read it.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Held(_) => "held",
            Self::Kept(_) => "kept",
            Self::Shared(_) => "shared",
            Self::Free => "free",
            Self::Unknown => "unknown",
        }
    }

    /// By whom it is held or kept.
    pub(crate) fn hold(&self) -> Option<&Hold> {
        match self {
            Self::Held(hold) | Self::Kept(hold) => Some(hold),
            Self::Shared(_) | Self::Free | Self::Unknown => None,
        }
    }

    pub(crate) fn json(&self) -> HoldJson<'_> {
        let Self::Shared(sharing) = self else { return HoldJson::from(self.hold()) };
        let (expiry, remaining_ms) = words(Some(sharing.expiry));
        let label = sharing.label.as_ref().map(Label::as_str);
        HoldJson { holder: None, holders: Some(sharing.holders), label, expiry, remaining_ms }
    }
}

impl Sharing {
    /// `shared by 2 holders, the last of them ann@web-1, 8.1 s left`.
    pub(crate) fn text(&self) -> String {
        let last = match &self.label {
            Some(label) if self.holders == 1 => format!(" {label}"),
            Some(label) => format!(", the last of them {label}"),
            None => String::new(),
        };
        format!("shared by {}{last}, {}", count(self.holders, "holder"), left(self.expiry))
    }
}

impl From<&Holding> for Hold {
    fn from(held: &Holding) -> Self {
        let shares = held.shares.as_ref().map(|shares| shares.count);
        Self { shares, ..Self::new(held.holder, held.label.clone(), held.expiry) }
    }
}

impl Hold {
    /// Somebody who has it alone.
    pub(crate) fn new(holder: Holder, label: Option<Label>, expiry: Expiry) -> Self {
        Self { holder, label, expiry, shares: None }
    }

    /// What the holder calls itself, if anything, and its fingerprint; of shares also how many there are beside its own.
    pub(crate) fn who(&self) -> String {
        let who = match &self.label {
            Some(label) => format!("{label} ({})", self.holder),
            None => self.holder.to_string(),
        };
        match self.shares {
            Some(shares) if shares > 1 => format!("{who} and {} more", shares - 1),
            _ => who,
        }
    }

    /// `0a1b…, 8.1 s left`.
    pub(crate) fn known(&self) -> String {
        format!("{}, {}", self.who(), left(self.expiry))
    }

    /// `held by 0a1b…, 8.1 s left`.
    pub(crate) fn text(&self) -> String {
        format!("held by {}", self.known())
    }

    /// `kept by 0a1b…, 8.1 s left`.
    pub(crate) fn kept_text(&self) -> String {
        format!("kept by {}, {}", self.who(), left(self.expiry))
    }
}

impl NodeState {
    /// The name, and what it says in brackets.
    pub(crate) fn text(&self) -> String {
        let name = plain(&self.name);
        match &self.said {
            Ok(Some(hold)) => format!("{name} ({} by {})", hold.word(), hold.who()),
            Ok(None) => format!("{name} (free)"),
            Err(why) => format!("{name} ({why})"),
        }
    }

    pub(crate) fn json(&self) -> NodeJson<'_> {
        let (state, hold, error) = match &self.said {
            Ok(Some(hold)) => (hold.word(), Some(hold), None),
            Ok(None) => ("free", None, None),
            Err(why) => ("failed", None, Some(why.as_str())),
        };
        NodeJson { name: &self.name, state, hold: HoldJson::from(hold), error }
    }
}

impl Hold {
    /// Whether what stands there is a token, the mark of a holder that is done, or shares.
    fn word(&self) -> &'static str {
        match self.shares {
            Some(_) => "shared",
            None if self.holder.is_kept() => "kept",
            None => "held",
        }
    }
}

/// `8.1 s left`.
fn left(expiry: Expiry) -> String {
    match expiry {
        Expiry::In(time) => format!("{} left", span(time)),
        Expiry::Never => "never expires".to_owned(),
        Expiry::Unknown => "for an unknown time".to_owned(),
    }
}

/// `8.1 s`.
pub(crate) fn remaining(expiry: Expiry) -> String {
    match expiry {
        Expiry::In(time) => span(time),
        Expiry::Never => "for ever".to_owned(),
        Expiry::Unknown => "?".to_owned(),
    }
}

/// The fields are stable: `key`, `state` (`held`, `kept`, `shared`, `free`, `unknown`), `holder`, `holders` of what is shared,
/// `label`, `expiry`, `remaining_ms`, `nodes`.
#[derive(Debug, Serialize)]
pub(crate) struct ViewJson<'a> {
    key: &'a str,
    state: &'static str,
    #[serde(flatten)]
    hold: HoldJson<'a>,
    nodes: Vec<NodeJson<'a>>,
}

/// The fields are stable: `name`, `state` (`held`, `kept`, `shared`, `free`, `failed`), `holder`, `label`, `expiry`,
/// `remaining_ms`, `error`.
#[derive(Debug, Serialize)]
pub(crate) struct NodeJson<'a> {
    name: &'a str,
    state: &'static str,
    #[serde(flatten)]
    hold: HoldJson<'a>,
    error: Option<&'a str>,
}

/// `holder` is a fingerprint of the token, or of the one that a mark took the place of, `label` what the holder calls itself,
/// if anything; `expiry` is `in`, `never` or `unknown`, and `remaining_ms` there for `in`. All are null where nobody holds. Of
/// what is shared `holders` is there, how many, and label and time are those of the share that ends last.
#[derive(Debug, Serialize)]
pub(crate) struct HoldJson<'a> {
    holder: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    holders: Option<usize>,
    label: Option<&'a str>,
    expiry: Option<&'static str>,
    remaining_ms: Option<u64>,
}

impl<'a> From<Option<&'a Hold>> for HoldJson<'a> {
    fn from(hold: Option<&'a Hold>) -> Self {
        let (expiry, remaining_ms) = words(hold.map(|hold| hold.expiry));
        let holders = hold.and_then(|hold| hold.shares);
        let holder = hold.map(|hold| hold.holder.to_string());
        let label = hold.and_then(|hold| hold.label.as_ref()).map(Label::as_str);
        Self { holder, holders, label, expiry, remaining_ms }
    }
}

/// A time as programs read it.
fn words(expiry: Option<Expiry>) -> (Option<&'static str>, Option<u64>) {
    let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    match expiry {
        Some(Expiry::In(time)) => (Some("in"), Some(millis(time))),
        Some(Expiry::Never) => (Some("never"), None),
        Some(Expiry::Unknown) => (Some("unknown"), None),
        None => (None, None),
    }
}

#[cfg(test)]
#[path = "view_tests.rs"]
pub(crate) mod tests;
