//! Standard output.

use crate::exit::Failure;
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

    pub(super) fn well(self) -> Result<(), Failure> {
        self.0.map_or(Ok(()), Err)
    }
}
