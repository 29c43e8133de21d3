use std::sync::Arc;
use std::time::Duration;

use super::background::Background;
use super::fan_out::FanOut;
use super::members::NodeSet;
use crate::decide::inspection::{Inspection, NodeView};
use crate::node::Fault;
use crate::node::key::LockKey;
use crate::telemetry::Verb;

/// Asks all nodes who holds `key`, and waits for each until its timeout: this is for people.
pub(crate) async fn inspect(
    set: &Arc<NodeSet>,
    background: &Background,
    key: &LockKey,
    node_timeout: Duration,
) -> Inspection {
    let mut fan = FanOut::new(background, set.len()).watched(set.told(), Verb::Inspect);
    for (index, member) in set.members.iter().enumerate() {
        fan.push(index, Arc::clone(&member.node).inspect(key.clone(), node_timeout));
    }
    let mut nodes: Vec<NodeView> = set
        .members
        .iter()
        .map(|member| NodeView {
            name: Arc::clone(&member.name),
            holdings: Err(Fault::Timeout.into()),
        })
        .collect();
    while let Some((index, holdings)) = fan.next().await {
        if let Err(error) = &holdings {
            set.note_error(index, error);
        }
        nodes[index].holdings = holdings;
    }
    Inspection::of(nodes, key.resources().len())
}
