//! A listing as it is shown. Pure.

use redlock_core::decisions::quorum::majority;
use redlock_core::node::{Fault, NodeError};
use redlock_core::{Cut, Listed, Listing};
use serde::Serialize;

use crate::look::{HoldJson, State, View, remaining};
use crate::output::{self, count, plain};

/// What a look at all nodes shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct List {
    pub(super) rows: Vec<Row>,
    pub(super) cut: Option<Cut>,
    pub(super) nodes: Vec<Node>,
}

/// One lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    /// As it stands on the nodes, but for the key prefix.
    pub(super) name: Box<[u8]>,
    pub(super) view: View,
    /// On how many nodes it stands, in the holder's name where there is one.
    on: usize,
    /// Why a node could not read it.
    error: Option<String>,
}

/// What became of one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) name: String,
    pub(super) error: Option<String>,
}

impl List {
    pub(super) fn new(listing: &Listing) -> Self {
        let node = |node: &redlock_core::NodeListing| Node {
            name: node.name.to_string(),
            error: node.outcome.as_ref().err().map(NodeError::to_string),
        };
        Self {
            rows: listing.locks.iter().map(Row::new).collect(),
            cut: listing.cut.clone(),
            nodes: listing.nodes.iter().map(node).collect(),
        }
    }

    /// Whether a majority of nodes told all.
    pub(super) fn is_answered(&self) -> bool {
        self.told() >= majority(self.nodes.len())
    }

    fn told(&self) -> usize {
        self.nodes.iter().filter(|node| node.error.is_none()).count()
    }

    /// The nodes that did not tell all, and why.
    pub(super) fn failed(&self) -> impl Iterator<Item = (&str, &str)> {
        self.nodes.iter().filter_map(|node| Some((&*node.name, node.error.as_deref()?)))
    }

    /// How many locks there are, in a line.
    pub(super) fn headline(&self) -> String {
        let of = |word| self.rows.iter().filter(|row| row.view.state.word() == word).count();
        let mut parts = Vec::new();
        match of("held") {
            0 if self.rows.is_empty() => parts.push("no locks".to_owned()),
            0 => {}
            held => parts.push(format!("{} held", count(held, "lock"))),
        }
        for (number, word) in
            [(of("shared"), "shared"), (of("kept"), "kept"), (of("unknown"), "unknown")]
        {
            if number > 0 {
                parts.push(format!("{number} {word}"));
            }
        }
        if let Some(cut) = &self.cut {
            parts.push(format!("about {} more (--limit)", cut.more));
        }
        if !self.is_answered() {
            let (told, nodes) = (self.told(), count(self.nodes.len(), "node"));
            let needed = majority(self.nodes.len());
            parts.push(format!("{told} of {nodes} told all, and {needed} must"));
        }
        parts.join(", ")
    }

    /// A row for each lock, the headline, and a line for each node that failed.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        if !self.rows.is_empty() {
            let mut table = output::table(&["KEY", "MODE", "HOLDER", "LEFT", "NODES", ""]);
            for row in &self.rows {
                table.add_row(row.cells());
            }
            text = format!("{}\n\n", output::rows(&table, ""));
        }
        text.push_str(&self.headline());
        for (name, error) in self.failed() {
            text.push_str(&format!("\n{}: {}", plain(name), plain(error)));
        }
        text
    }

    pub(super) fn json(&self) -> ListJson<'_> {
        ListJson {
            locks: self.rows.iter().map(Row::json).collect(),
            more: self.cut.as_ref().map_or(0, |cut| cut.more),
            answered: self.is_answered(),
            nodes: self.nodes.iter().map(Node::json).collect(),
        }
    }
}

impl Row {
    fn new(listed: &Listed) -> Self {
        let name = listed.resource.clone();
        let key =
            str::from_utf8(&name).map_or_else(|_| name.escape_ascii().to_string(), str::to_owned);
        let view = View::new(&key, &listed.inspection);
        let holder = view.state.hold().map(|hold| hold.holder);
        let unreadable = listed.inspection.nodes.iter().filter_map(|node| {
            let error = node.holdings.as_ref().err()?;
            matches!(error.fault(), Fault::WrongType | Fault::Permission).then_some(error)
        });
        let mut unreadable = unreadable.peekable();
        let error = unreadable.peek().map(ToString::to_string);
        let stands = view.nodes.iter().filter(|node| match (&node.said, holder) {
            (Ok(Some(said)), Some(holder)) => said.holder.holder() == holder,
            (Ok(said), _) => said.is_some(),
            (Err(_), _) => false,
        });
        // What cannot be read stands there.
        let on = stands.count() + if holder.is_none() { unreadable.count() } else { 0 };
        Self { name, view, on, error }
    }

    /// The same lock, of which is known no more than this.
    pub(super) fn without(&self, state: State) -> Self {
        let view = View { state, ..self.view.clone() };
        Self { view, on: 0, error: None, ..self.clone() }
    }

    /// The name and what is known about it, in a line.
    pub(super) fn headline(&self) -> String {
        match &self.view.state {
            State::Unknown => format!("{}: unknown", plain(&self.view.key)),
            _ => self.view.headline(),
        }
    }

    /// Whom it leaves room for: nobody, or nobody though its holder is done. What is neither is a value that nobody agrees on,
    /// or one that a newer version stored.
    fn mode(&self) -> &'static str {
        match &self.view.state {
            State::Held(_) => "exclusive",
            State::Kept(_) => "kept",
            State::Shared(_) => "shared",
            State::Free | State::Unknown => "unknown",
        }
    }

    fn cells(&self) -> [String; 6] {
        let [holder, left] = match &self.view.state {
            State::Held(hold) | State::Kept(hold) => [hold.who(), remaining(hold.expiry)],
            State::Shared(sharing) => [count(sharing.holders, "holder"), remaining(sharing.expiry)],
            State::Free | State::Unknown => ["-".to_owned(), "-".to_owned()],
        };
        let nodes = format!("{} of {}", self.on, self.view.nodes.len());
        let why = match (&self.error, &self.view.state) {
            (Some(error), State::Unknown) => plain(error),
            (None, State::Unknown) => "no majority agrees".to_owned(),
            _ => String::new(),
        };
        [plain(&self.view.key), self.mode().to_owned(), holder, left, nodes, why]
    }

    pub(super) fn json(&self) -> RowJson<'_> {
        let hex = || self.name.iter().map(|byte| format!("{byte:02x}")).collect();
        RowJson {
            key: &self.view.key,
            bytes: str::from_utf8(&self.name).is_err().then(hex),
            state: self.view.state.word(),
            mode: self.mode(),
            hold: self.view.state.json(),
            on: self.on,
            of: self.view.nodes.len(),
            error: self.error.as_deref().filter(|_| self.view.state == State::Unknown),
        }
    }
}

impl Node {
    fn json(&self) -> NodeJson<'_> {
        NodeJson { name: &self.name, error: self.error.as_deref() }
    }
}

/// The fields are stable: `locks`; `more`, about how many names are behind the last that was looked at; `answered`, whether a
/// majority of nodes told all; `nodes`.
#[derive(Debug, Serialize)]
pub(super) struct ListJson<'a> {
    locks: Vec<RowJson<'a>>,
    more: usize,
    answered: bool,
    nodes: Vec<NodeJson<'a>>,
}

/// The fields are stable: `key`; `bytes` in hexadecimal where the name is no text, of which `key` then is an escaped form;
/// `state` (`held`, `kept`, `shared`, `unknown`), `mode` (`exclusive`, `kept`, `shared`, `unknown`; there may be others in
/// time), `holder`, `holders` of what is shared, `label`,
/// `expiry`, `remaining_ms`; `on` how many nodes of how many (`of`) it stands; `error`, why a node cannot read it.
#[derive(Debug, Serialize)]
pub(super) struct RowJson<'a> {
    key: &'a str,
    bytes: Option<String>,
    state: &'static str,
    mode: &'static str,
    #[serde(flatten)]
    hold: HoldJson<'a>,
    on: usize,
    of: usize,
    error: Option<&'a str>,
}

/// The fields are stable: `name`, and `error`, why it did not tell all.
#[derive(Debug, Serialize)]
pub(super) struct NodeJson<'a> {
    name: &'a str,
    error: Option<&'a str>,
}

#[cfg(test)]
#[path = "rows_tests.rs"]
pub(super) mod tests;
