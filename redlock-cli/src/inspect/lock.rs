//! One lock.

use serde::Serialize;

use crate::exit::Failure;
use crate::look::{View, ViewJson};
use crate::output;

/// What was seen of it.
pub(super) struct Lock<'a> {
    pub(super) view: &'a View,
    pub(super) fence: Option<u64>,
}

/// The fields are stable: those of a look, and `fence`, the resource's fencing counter as a majority of nodes has it.
#[derive(Debug, Serialize)]
pub(super) struct LockJson<'a> {
    #[serde(flatten)]
    view: ViewJson<'a>,
    fence: Option<u64>,
}

impl<'a> Lock<'a> {
    pub(super) fn said(&self, json: bool) -> Result<String, Failure> {
        if json { output::json(&self.json()) } else { Ok(self.text()) }
    }

    fn text(&self) -> String {
        let fence = self.fence.map(|fence| format!("; fencing counter {fence}"));
        format!("{}{}\n{}", self.view.headline(), fence.unwrap_or_default(), self.view.rows())
    }

    pub(super) fn json(&self) -> LockJson<'a> {
        LockJson { view: self.view.json(), fence: self.fence }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::look::State;
    use crate::look::view::tests::{hold, view};

    #[test]
    fn the_counter_of_a_majority_stands_behind_the_headline_and_in_the_object() {
        let view = view(State::Held(hold("a", 8_123)), &[Ok(None)]);
        assert_eq!(
            Lock { view: &view, fence: Some(1_764_600_000_000_000) }.text().lines().next(),
            Some(
                "orders:42: held by af63dc4c8601ec8c, 8.1 s left; fencing counter 1764600000000000"
            )
        );
        assert_eq!(Lock { view: &view, fence: None }.text(), view.text());
        let json = |fence| Lock { view: &view, fence }.said(true).unwrap();
        assert!(
            json(Some(7)).ends_with(r#","fence":7}"#) && json(None).ends_with(r#","fence":null}"#)
        );
    }
}
