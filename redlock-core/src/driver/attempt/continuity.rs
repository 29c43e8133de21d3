//! Whether a lock that was taken over continues the hold of who handed it over.

use super::Attempt;
use crate::decide::handover::{Former, Succession};

impl Attempt<'_> {
    /// Waits for further answers only where those that are there leave it open, and then as long as for any answer. The
    /// round is won before.
    pub(super) async fn continues(&mut self, former: Option<&Former>) -> bool {
        let Some(former) = former else { return false };
        let fence = former.fence.filter(|_| self.plan.fencing);
        let resources = self.traced.claim.key().resources().len();
        loop {
            let mut succession =
                Succession::new(self.set.len(), resources, fence.map(|fence| fence.get()));
            self.fan.kept().for_each(|(_, answer, _)| succession.record(answer));
            if let Some(continued) = succession.verdict() {
                return continued;
            }
            match self.fan.next_place().await {
                Some(place) => self.record(place),
                None => return false,
            }
        }
    }
}
