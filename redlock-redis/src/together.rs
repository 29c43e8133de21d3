//! Which commands of one moment are sent as one.

use crate::asked::Queued;
use crate::command::Keys;

/// Parts the releases that can be sent as one before all else from the others: those that pass no command that may touch their
/// key. In both the order stays.
pub(crate) fn part(commands: impl ExactSizeIterator<Item = Queued>) -> (Vec<Queued>, Vec<Queued>) {
    let mut together = Vec::<Queued>::new();
    let (mut others, mut passed) = (Vec::with_capacity(commands.len()), Vec::<Keys>::new());
    for queued in commands {
        let command = &queued.command;
        let alike =
            together.first().is_none_or(|first| first.command.is_told() == command.is_told());
        let mut passes = || {
            // Looked at by the first release that comes behind them, and so by no batch without one.
            let new = others[passed.len()..].iter().map(|other: &Queued| other.command.keys());
            passed.extend(new);
            let keys = command.keys();
            passed.iter().all(|other| !other.meet(keys))
        };
        if command.release.is_some() && alike && (others.is_empty() || passes()) {
            together.push(queued);
        } else {
            others.push(queued);
        }
    }
    (together, others)
}
