//! One lock.

use serde::Serialize;

use crate::exit::Failure;
use crate::look::{View, ViewJson, slots};
use crate::output;

/// What was seen of it.
pub(super) struct Lock<'a> {
    pub(super) view: &'a View,
    pub(super) fence: Option<u64>,
    /// Held locks that a semaphore of this name would have its permits by; not asked for of a permit.
    pub(super) permits: Option<Vec<String>>,
}

/// The fields are stable: those of a look, `fence`, the resource's fencing counter as a majority of nodes has it, and
/// `permits`, of a lock that is free: which of the locks `<key>/0` to `<key>/63`, as of permits of a semaphore, are not; there without `--permits`.
#[derive(Debug, Serialize)]
pub(super) struct LockJson<'a> {
    #[serde(flatten)]
    view: ViewJson<'a>,
    fence: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    permits: Option<&'a [String]>,
}

impl Lock<'_> {
    pub(super) fn said(&self, json: bool) -> Result<String, Failure> {
        if json { output::json(&self.json()) } else { Ok(self.text()) }
    }

    fn text(&self) -> String {
        let fence = self.fence.map(|fence| format!("; fencing counter {fence}"));
        let (headline, rows) = (self.view.headline(), self.view.rows());
        format!("{headline}{}\n{rows}{}", fence.unwrap_or_default(), self.semaphore())
    }

    /// That there may be a semaphore of this name, and how to look at it.
    fn semaphore(&self) -> String {
        let taken = self.permits.as_deref().unwrap_or_default();
        let hint = slots::hint(&self.view.key, taken);
        hint.map(|hint| format!("\n  {hint}: --permits N shows them all")).unwrap_or_default()
    }

    pub(super) fn json(&self) -> LockJson<'_> {
        LockJson { view: self.view.json(), fence: self.fence, permits: self.permits.as_deref() }
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
            Lock { view: &view, fence: Some(1_764_600_000_000_000), permits: None }
                .text()
                .lines()
                .next(),
            Some(
                "orders:42: held by af63dc4c8601ec8c, 8.1 s left; fencing counter 1764600000000000"
            )
        );
        assert_eq!(Lock { view: &view, fence: None, permits: None }.text(), view.text());
        let taken = vec!["orders:42/0".to_owned(), "orders:42/7\x1b".to_owned()];
        let free = Lock { view: &view, fence: None, permits: Some(taken) };
        let said = "\n  not free: orders:42/0, orders:42/7\\u{1b}. Where orders:42 is a semaphore these are its permits: --permits N \
                    shows them all";
        assert_eq!(free.text(), format!("{}{said}", view.text()));
        assert!(
            free.said(true)
                .unwrap()
                .ends_with(r#","permits":["orders:42/0","orders:42/7\u001b"]}"#)
        );
        let json = |fence| Lock { view: &view, fence, permits: None }.said(true).unwrap();
        assert!(
            json(Some(7)).ends_with(r#","fence":7}"#) && json(None).ends_with(r#","fence":null}"#)
        );
    }
}
