//! `redlock doctor`: facts are collected by asking the nodes, checks are functions of the facts.

mod checks;
mod claims;
mod facts;
mod info;
mod probe;
mod report;
mod rounds;
mod trial;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use redlock_core::{LockNode, Redlock};
use redlock_file::FileNode;
use tokio::task::JoinSet;
use tokio::time::timeout;

pub(crate) use self::checks::Check;
use self::claims::{Claims, Tried};
use self::facts::{Facts, Kind, NodeFacts, Rounds};
use crate::config::{Address, Config, ConfigFault, Flags, Nodes, Place};
use crate::exit::{Ending, Failure};
use crate::nodes::{Scratch, nodeset};
use crate::output::{self, progress};
use crate::process::Interrupt;

/// What `redlock doctor` is to do.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) json: bool,
    /// Of each question.
    pub(crate) timeout: Duration,
    /// Their warnings do not count.
    pub(crate) accept: Vec<Check>,
    pub(crate) flags: Flags,
}

pub(crate) async fn run(request: &Request) -> Ending {
    if request.timeout.is_zero() {
        return Err(ConfigFault::rule("--timeout", "0s", "must be above zero").into());
    }
    let mut interrupt = Interrupt::listen()?;
    let config = Config::load(&request.flags)?;
    nodeset::this_machine_only(&config);
    let doctor = Doctor::new(&config, request.timeout)?;
    let spinner = progress::spinner("asking the nodes");
    let facts = tokio::select! {
        facts = doctor.facts(&config) => Some(facts),
        () = interrupt.heard() => None,
    };
    spinner.finish_and_clear();
    doctor.clean_up(facts.as_ref()).await;
    let Some(facts) = facts else {
        return Err(Failure::new("interrupted; the scratch keys are removed"));
    };
    let findings = checks::all(&facts, &request.accept);
    output::line(if request.json {
        output::json(&report::json(&facts, &findings))?
    } else {
        report::text(&facts, &findings, output::colours())
    })?;
    Ok(ExitCode::from(report::code(&findings)))
}

struct Doctor {
    scratch: Scratch,
    nodes: Vec<Tried>,
    /// Why there is none, where a set cannot have one.
    handle: Result<(Redlock, Duration), String>,
    limit: Duration,
}

impl Doctor {
    fn new(config: &Config, limit: Duration) -> Result<Self, Failure> {
        let scratch = Scratch::new(&config.key_prefix, "doctor")?;
        let addresses: Vec<_> = match &config.nodes {
            Nodes::Named(addresses) => addresses.iter().cloned().map(Some).collect(),
            Nodes::Embedded => vec![None],
        };
        let mut nodes = Vec::new();
        for (index, (address, node)) in
            addresses.into_iter().zip(nodeset::nodes(config)?).enumerate()
        {
            nodes.push((address, node, Claims::new(&scratch, index)?));
        }
        let handle = rounds::handle(config).map_err(|failure| failure.to_string());
        Ok(Self { scratch, nodes, handle, limit })
    }

    /// Asks all nodes at once, then takes locks.
    async fn facts(&self, config: &Config) -> Facts {
        let mut asking = JoinSet::new();
        for (index, (address, node, claims)) in self.nodes.iter().enumerate() {
            let (address, node, claims) = (address.clone(), Arc::clone(node), claims.clone());
            let limit = self.limit;
            asking.spawn(async move { (index, ask(address, node, claims, limit).await) });
        }
        let mut nodes = asking.join_all().await;
        nodes.sort_by_key(|(index, _)| *index);
        let nodes: Vec<_> = nodes.into_iter().map(|(_, node)| node).collect();
        Facts {
            client: config.client.name(),
            restart_guard: config.restart_guard,
            rounds: self.rounds(&nodes).await,
            nodes,
        }
    }

    async fn rounds(&self, nodes: &[NodeFacts]) -> Rounds {
        let skipped = |why: &str| Rounds { skipped: Some(why.to_owned()), ..Rounds::default() };
        let answering = nodes.iter().filter(|node| node.trial.is_some()).count();
        match &self.handle {
            Err(why) => skipped(why),
            Ok(_) if answering <= nodes.len() / 2 => skipped("no majority of nodes answers"),
            Ok((redlock, node_timeout)) => {
                let key = self.scratch.key("round");
                // A node that is silent makes each of them long.
                let silent = nodes.iter().any(NodeFacts::is_silent);
                let limit = if silent { self.limit / 2 } else { self.limit * 5 };
                rounds::measure(redlock, *node_timeout, &key, limit).await
            }
        }
    }

    /// Nothing is removed where nothing can be: what stands on a silent node expires.
    async fn clean_up(self, facts: Option<&Facts>) {
        if let Ok((redlock, _)) = &self.handle {
            let _ = timeout(self.limit, redlock.close()).await;
        }
        let silent = |at: usize| {
            facts.and_then(|facts| facts.nodes.get(at)).is_some_and(NodeFacts::is_silent)
        };
        let nodes = self.nodes.into_iter().enumerate();
        let nodes = nodes.filter(|(at, _)| !silent(*at)).collect();
        claims::clean_up(&self.scratch, nodes, self.limit).await;
    }
}

async fn ask(
    address: Option<Address>,
    node: Arc<dyn LockNode>,
    claims: Claims,
    limit: Duration,
) -> NodeFacts {
    let name = node.name().to_owned();
    let (kind, raw) = match address.as_ref().map(Address::place) {
        Some(Place::Server(url)) => {
            let (hosts, server) = tokio::join!(probe::hosts(url, limit), probe::server(url, limit));
            let (server, raw) = match server {
                Ok((server, raw)) => (Ok(Box::new(server)), Some(raw)),
                Err(why) => (Err(why), None),
            };
            (Kind::Server { hosts, server }, raw)
        }
        Some(Place::Directory(path) | Place::Shared(path)) => {
            (Kind::Directory(probe::directory(path)), None)
        }
        None => (Kind::Directory(probe::directory(&FileNode::default_dir())), None),
    };
    let trial = match &kind {
        Kind::Server { server: Err(_), .. } => None,
        _ => Some(trial::verbs(&node, &claims, raw.as_ref(), limit).await),
    };
    let given = address.map_or_else(|| name.clone(), |address| address.to_string());
    NodeFacts { name, given, kind, trial }
}
