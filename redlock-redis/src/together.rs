//! Which commands of one moment are sent as one.

use crate::queue::Queued;

/// Parts the releases that can be sent as one before all else from the others: those that pass no command that may touch their
/// key. In both the order stays.
pub(crate) fn part(commands: impl Iterator<Item = Queued>) -> (Vec<Queued>, Vec<Queued>) {
    let (mut together, mut others) = (Vec::<Queued>::new(), Vec::<Queued>::new());
    for queued in commands {
        let command = &queued.command;
        let alike =
            together.first().is_none_or(|first| first.command.is_told() == command.is_told());
        let passes = |other: &Queued| !other.command.keys().meet(command.keys());
        if command.release.is_some() && alike && others.iter().all(passes) {
            together.push(queued);
        } else {
            others.push(queued);
        }
    }
    (together, others)
}
