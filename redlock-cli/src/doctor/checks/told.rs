//! What the servers told, and what a check says where they did not.

use super::finding::{Check, Finding};
use crate::doctor::facts::{Facts, Kind, NodeFacts, Server};
use crate::doctor::info::Info;
use crate::nodes::{Trouble, TroubleKind};

/// The servers that answer.
pub(super) fn servers(facts: &Facts) -> impl Iterator<Item = (&NodeFacts, &Server)> {
    facts.nodes.iter().filter_map(|node| match &node.kind {
        Kind::Server { server: Ok(server), .. } => Some((node, &**server)),
        _ => None,
    })
}

/// The servers that said who they are.
pub(super) fn infos(facts: &Facts) -> impl Iterator<Item = (&NodeFacts, &Info)> {
    servers(facts).filter_map(|(node, server)| Some((node, server.info.as_ref().ok()?)))
}

/// What cannot be known without `INFO`: once for each node that withholds it. Nothing else to say about it is no failure.
pub(super) fn withheld(facts: &Facts, check: Check) -> impl Iterator<Item = Finding> {
    servers(facts).filter_map(move |(node, server)| {
        Some(unchecked(check, "INFO", server.info.as_ref().err()?).on(node))
    })
}

pub(super) fn unchecked(check: Check, command: &str, why: &Trouble) -> Finding {
    let (reason, remedy) = match why.kind {
        TroubleKind::Denied => (
            format!("could not be checked: no right to {command}"),
            format!("give the user +{} for a moment, or look it up", command.to_lowercase()),
        ),
        _ => (
            format!("could not be checked: {command}: {why}"),
            "look it up where the service is configured".to_owned(),
        ),
    };
    Finding::warn(check, reason, remedy)
}

/// The findings, or that all is well where there are none and something was looked at.
pub(super) fn or_ok(findings: Vec<Finding>, ok: Option<Finding>) -> Vec<Finding> {
    if findings.is_empty() { ok.into_iter().collect() } else { findings }
}
