use std::sync::Arc;
use std::time::Duration;

use super::background::Background;
use super::fan_out::FanOut;
use super::members::NodeSet;
use crate::decide::probe::{NodeProbe, Probe, Standing};
use crate::node::Fault;
use crate::telemetry::Verb;

/// Asks all nodes who they are, and waits for each until its timeout. `guard` is how long a node must have run to give locks.
pub(crate) async fn probe(
    set: &Arc<NodeSet>,
    background: &Background,
    guard: Option<Duration>,
    node_timeout: Duration,
) -> Probe {
    let asked = set.clock.now();
    let mut fan = FanOut::new(background, set.len()).watched(set.told(), Verb::Identity);
    for index in 0..set.len() {
        let set = Arc::clone(set);
        let asking = async move {
            let identity = set.identify(index, node_timeout).await;
            (identity.map(|identity| Standing::of(&identity, guard)), set.clock.now())
        };
        fan.push(index, Box::pin(asking));
    }
    let unanswered = |name: &Arc<str>| NodeProbe {
        name: Arc::clone(name),
        outcome: Err(Fault::Timeout.into()),
        round_trip: node_timeout,
    };
    let mut nodes: Vec<_> = set.members.iter().map(|member| unanswered(&member.name)).collect();
    while let Some((index, (outcome, at))) = fan.next().await {
        if let Err(error) = &outcome {
            set.note_error(index, error);
        }
        nodes[index].round_trip = at.since(asked);
        nodes[index].outcome = outcome;
    }
    Probe { nodes, node_set: set.fingerprint() }
}
