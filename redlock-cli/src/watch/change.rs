//! What changed between two looks. Pure.

use serde::Serialize;

use crate::look::{NodeJson, NodeState, State, View, ViewJson};
use crate::output::plain;

/// What a line is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Event {
    /// The first look.
    Seen,
    /// Free before, held now.
    Taken,
    /// Held by another than before, or shared by those who come from holding it alone, or the other way round.
    Passed,
    /// Held before, free now.
    Freed,
    /// Its holder is done, and nobody else is to have it yet.
    Kept,
    /// No majority agrees any more.
    Unclear,
    /// A majority agrees again.
    Clear,
    /// The same, but other nodes than before differ from it.
    Nodes,
}

impl Event {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Seen => "seen",
            Self::Taken => "taken",
            Self::Passed => "passed",
            Self::Freed => "freed",
            Self::Kept => "kept",
            Self::Unclear => "unclear",
            Self::Clear => "clear",
            Self::Nodes => "nodes",
        }
    }
}

/// What a look shows that the one before did not. How much time is left is no change: it always does.
pub(crate) fn change(before: Option<&View>, now: &View) -> Option<Event> {
    let Some(before) = before else { return Some(Event::Seen) };
    let event = match (&before.state, &now.state) {
        (State::Held(a), State::Held(b)) if a.holder != b.holder => Event::Passed,
        (State::Kept(a), State::Kept(b)) if a.holder != b.holder => Event::Kept,
        (State::Held(_), State::Shared(_)) | (State::Shared(_), State::Held(_)) => Event::Passed,
        (State::Free | State::Kept(_), State::Held(_) | State::Shared(_)) => Event::Taken,
        (State::Free | State::Held(_) | State::Shared(_), State::Kept(_)) => Event::Kept,
        (State::Held(_) | State::Kept(_) | State::Shared(_), State::Free) => Event::Freed,
        (State::Unknown, now) if *now != State::Unknown => Event::Clear,
        (before, State::Unknown) if *before != State::Unknown => Event::Unclear,
        (State::Held(_), State::Held(_))
        | (State::Kept(_), State::Kept(_))
        | (State::Shared(_), State::Shared(_))
        | (State::Free, State::Free)
        | (State::Unknown, _)
        | (_, State::Unknown) => {
            return (differences(before) != differences(now)).then_some(Event::Nodes);
        }
    };
    Some(event)
}

/// The nodes that differ, by what they say, but for the time.
fn differences(view: &View) -> Vec<(&str, Result<Option<String>, &str>)> {
    let said = |node: &&NodeState| match &node.said {
        Ok(hold) => Ok(hold.as_ref().map(|hold| format!("{:?}", hold.holder))),
        Err(_) => Err("failed"),
    };
    let differing = view.differing();
    differing.iter().map(|node| (node_name(node), said(node))).collect()
}

fn node_name<'a>(node: &&'a NodeState) -> &'a str {
    &node.name
}

/// One line for people.
pub(crate) fn text(at: &str, event: Event, view: &View) -> String {
    let state = match &view.state {
        State::Held(hold) => hold.text(),
        State::Kept(hold) => hold.kept_text(),
        State::Shared(sharing) => sharing.text(),
        State::Free => "free".to_owned(),
        State::Unknown => "unknown".to_owned(),
    };
    let differing: Vec<_> = view.differing().into_iter().map(NodeState::text).collect();
    let differing = match &differing[..] {
        [] => String::new(),
        nodes => format!("; differ: {}", nodes.join(", ")),
    };
    format!("{at}  {:<7}  {}: {state}{differing}", event.name(), plain(&view.key))
}

/// One object for programs. The fields are stable: those of `inspect`, and `at`, `event` and `differ`.
pub(crate) fn json(at: String, event: Event, view: &View) -> ChangeJson<'_> {
    let differ = view.differing().into_iter().map(NodeState::json).collect();
    ChangeJson { at, event, view: view.json(), differ }
}

#[derive(Debug, Serialize)]
pub(crate) struct ChangeJson<'a> {
    at: String,
    event: Event,
    #[serde(flatten)]
    view: ViewJson<'a>,
    differ: Vec<NodeJson<'a>>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::look::view::tests::{hold, view};
    use crate::look::view::{Hold, Sharing};

    #[test]
    fn a_change_is_another_holder_or_another_node_that_differs_and_no_passing_of_time() {
        let held = |token: &str, ms| {
            let hold = hold(token, ms);
            view(State::Held(hold.clone()), &[Ok(Some(hold.clone())), Ok(Some(hold)), Ok(None)])
        };
        let full = |token: &str, ms| {
            let hold = hold(token, ms);
            view(State::Held(hold.clone()), &[(); 3].map(|()| Ok(Some(hold.clone()))))
        };
        let partly = |token: &str, ms| {
            let hold = hold(token, ms);
            view(State::Held(hold.clone()), &[Ok(Some(hold.clone())), Ok(Some(hold)), Err("x")])
        };
        let kept = |token: &str, ms| {
            let holder = hold(token, ms);
            let mark = hold(&format!("kept:{}", holder.holder), ms);
            view(State::Kept(holder), &[Ok(Some(mark.clone())), Ok(Some(mark)), Ok(None)])
        };
        let free = || view(State::Free, &[Ok(None), Ok(None), Ok(None)]);
        let shared = |holders| {
            let expiry = redlock_core::node::Expiry::Never;
            let hold = Hold { shares: Some(holders), ..hold("a", 9) };
            let sharing = Sharing { holders, label: None, expiry };
            view(State::Shared(sharing), &[(); 3].map(|()| Ok(Some(hold.clone()))))
        };
        let unknown = |why| view(State::Unknown, &[Ok(None), Err(why), Err(why)]);
        let down = |why| view(State::Free, &[Ok(None), Ok(None), Err(why)]);
        let cases = [
            (None, free(), Some(Event::Seen)),
            (None, held("a", 1), Some(Event::Seen)),
            (Some(free()), free(), None),
            (Some(held("a", 900)), held("a", 400), None),
            (Some(held("a", 400)), held("a", 900), None),
            (Some(free()), held("a", 9), Some(Event::Taken)),
            (Some(held("a", 9)), held("b", 9), Some(Event::Passed)),
            (Some(held("a", 9)), free(), Some(Event::Freed)),
            (Some(held("a", 9)), kept("a", 9), Some(Event::Kept)),
            (Some(free()), kept("a", 9), Some(Event::Kept)),
            (Some(kept("a", 9)), kept("a", 4), None),
            (Some(kept("a", 9)), kept("b", 4), Some(Event::Kept)),
            (Some(kept("a", 9)), held("b", 9), Some(Event::Taken)),
            (Some(kept("a", 9)), free(), Some(Event::Freed)),
            (Some(free()), shared(2), Some(Event::Taken)),
            (Some(kept("a", 9)), shared(2), Some(Event::Taken)),
            (Some(held("a", 9)), shared(1), Some(Event::Passed)),
            (Some(shared(1)), held("a", 9), Some(Event::Passed)),
            (Some(shared(1)), shared(2), None),
            (Some(shared(1)), kept("a", 9), Some(Event::Kept)),
            (Some(shared(1)), free(), Some(Event::Freed)),
            (Some(shared(1)), unknown("x"), Some(Event::Unclear)),
            (Some(unknown("x")), shared(1), Some(Event::Clear)),
            (Some(held("a", 9)), unknown("x"), Some(Event::Unclear)),
            (Some(free()), unknown("x"), Some(Event::Unclear)),
            (Some(unknown("x")), held("a", 9), Some(Event::Clear)),
            (Some(unknown("x")), free(), Some(Event::Clear)),
            (Some(unknown("x")), unknown("y"), None),
            (Some(free()), down("x"), Some(Event::Nodes)),
            (Some(down("x")), down("y"), None),
            (Some(down("x")), free(), Some(Event::Nodes)),
            (Some(full("a", 9)), held("a", 9), Some(Event::Nodes)),
            (Some(held("a", 9)), partly("a", 9), Some(Event::Nodes)),
        ];
        for (before, now, event) in cases {
            assert_eq!(change(before.as_ref(), &now), event, "{before:?} -> {now:?}");
        }
    }

    #[test]
    fn a_line_says_when_what_and_which_nodes_differ() {
        let a = hold("a", 8_123);
        let held = view(
            State::Held(a.clone()),
            &[Ok(Some(a.clone())), Ok(Some(a)), Err("no answer in time")],
        );
        assert_eq!(
            text("2026-11-25 16:42:01.123", Event::Taken, &held),
            "2026-11-25 16:42:01.123  taken    orders:42: held by af63dc4c8601ec8c, 8.1 s left; differ: n2:6379 (no answer \
             in time)"
        );
        let free = view(State::Free, &[Ok(None)]);
        assert_eq!(text("T", Event::Freed, &free), "T  freed    orders:42: free");
        assert_eq!(
            crate::output::json(&json("T".into(), Event::Freed, &free)).unwrap(),
            r#"{"at":"T","event":"freed","key":"orders:42","state":"free","holder":null,"label":null,"expiry":null,"remaining_ms":null,"#
                .to_owned()
                + r#""nodes":[{"name":"n0:6379","state":"free","holder":null,"label":null,"expiry":null,"remaining_ms":null,"error":null}],"differ":[]}"#
        );
    }
}
