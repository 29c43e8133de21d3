//! Standard output.

use crate::exit::Failure;
use crate::look::{Looker, View, slots};
use crate::output;

/// What is said of each key on standard output. That it cannot be said keeps no key from its turn.
#[derive(Default)]
pub(super) struct Told(Option<Failure>);

impl Told {
    pub(super) fn line(&mut self, text: impl std::fmt::Display) {
        if let Err(failure) = output::line(text) {
            self.0.get_or_insert(failure);
        }
    }

    /// Who has a lock; where nobody has, whether a semaphore may be meant.
    pub(super) async fn state(
        &mut self,
        looker: &mut Looker,
        view: &View,
        end: &str,
    ) -> Result<(), Failure> {
        self.line(format_args!("{}{end}", view.headline()));
        if let Some(hint) = slots::hint(&view.key, &slots::taken(looker, view).await?) {
            self.line(format_args!("  {hint}, each of which is released by its own name"));
        }
        Ok(())
    }

    pub(super) fn well(self) -> Result<(), Failure> {
        self.0.map_or(Ok(()), Err)
    }
}
