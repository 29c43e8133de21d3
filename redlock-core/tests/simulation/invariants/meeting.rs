//! No node is asked for a lock before it has said who it is, and no server over two nodes that have said the same: how a first
//! contact may go on with a majority of the nodes.

use super::{Event, Ledger, World};

pub(super) fn check(_: &World, _: &Ledger, event: &Event) -> Result<(), String> {
    match *event {
        Event::Asked { process, entry, twin: None } => {
            Err(format!("p{process} asks its node {entry}, which has not said who it is"))
        }
        Event::Asked { process, entry, twin: Some(twin) } => Err(format!(
            "p{process} asks its node {entry}, the server of its node {twin}, for the same lock"
        )),
        _ => Ok(()),
    }
}
