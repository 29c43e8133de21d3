use std::time::Duration;

use redlock_core::node::{Fault, NodeError};

use crate::doctor::facts::{Clock, Facts, Kind, NodeFacts, Rounds, Server, Settings, Trial, Verb};
use crate::doctor::info::Info;
use crate::nodes::{Trouble, TroubleKind};

pub(crate) const VERBS: [Verb; 10] = [
    Verb::Acquire,
    Verb::Extend,
    Verb::Inspect,
    Verb::Scan,
    Verb::Release,
    Verb::Fence,
    Verb::Guard,
    Verb::Share,
    Verb::Permit,
    Verb::WakeUp,
];

/// Three servers with which nothing is wrong.
pub(crate) fn good() -> Facts {
    Facts {
        client: "redis",
        restart_guard: None,
        nodes: (0..3).map(node).collect(),
        rounds: Rounds {
            cycles: (1..=50).map(|n| Duration::from_micros(n * 10)).collect(),
            node_timeout: Duration::from_millis(200),
            ..Rounds::default()
        },
    }
}

pub(crate) fn node(index: u8) -> NodeFacts {
    let info = format!(
        "redis_version:7.0.15\nrun_id:{index}bcdefghijk\nuptime_in_seconds:{index}00\nrole:master\ncluster_enabled:0\n\
         used_memory:10\nmaxmemory:1000\nmaxmemory_policy:noeviction\naof_enabled:1\nconnected_clients:9\nmaxclients:10000\n\
         connected_slaves:0\nrdb_last_bgsave_status:ok\naof_last_bgrewrite_status:ok\naof_last_write_status:ok\n"
    );
    NodeFacts {
        name: format!("n{index}:6379"),
        given: format!("redis://n{index}"),
        kind: Kind::Server {
            hosts: vec![[10, 0, 0, index].into()],
            server: Ok(Box::new(Server {
                connect: Duration::from_micros(900),
                ping: Duration::from_micros(100 + u64::from(index)),
                info: Ok(Info::parse(&info)),
                settings: Ok(Settings {
                    appendonly: true,
                    appendfsync: "always".into(),
                    save: String::new(),
                }),
                clock: Ok(Clock { ahead: 0, error: Duration::from_micros(50) }),
            })),
        },
        trial: Some(Trial {
            run_id: Some(format!("{index}bcdefghijk")),
            verbs: VERBS.map(|verb| (verb, Ok(()))).into(),
            denied: Vec::new(),
        }),
    }
}

pub(crate) fn server(facts: &mut Facts, index: usize) -> &mut Server {
    match &mut facts.nodes[index].kind {
        Kind::Server { server: Ok(server), .. } => server,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn info(facts: &mut Facts, index: usize) -> &mut Info {
    server(facts, index).info.as_mut().unwrap()
}

pub(crate) fn settings(facts: &mut Facts, index: usize) -> &mut Settings {
    server(facts, index).settings.as_mut().unwrap()
}

pub(crate) fn set_clock(facts: &mut Facts, index: usize, ahead_ms: i64) {
    let error = Duration::from_millis(2);
    server(facts, index).clock = Ok(Clock { ahead: ahead_ms * 1000, error });
}

pub(crate) fn fail(facts: &mut Facts, index: usize, verb: Verb, fault: Fault, detail: &str) {
    let trial = facts.nodes[index].trial.as_mut().unwrap();
    let tried = trial.verbs.iter_mut().find(|(tried, _)| *tried == verb).unwrap();
    tried.1 = Err(NodeError::new(fault, detail));
}

pub(crate) fn denied() -> Trouble {
    Trouble::new(TroubleKind::Denied, "NOPERM no permissions")
}

pub(crate) fn down(facts: &mut Facts, index: usize, kind: TroubleKind, text: &str) {
    let node = &mut facts.nodes[index];
    node.trial = None;
    node.kind = Kind::Server { hosts: Vec::new(), server: Err(Trouble::new(kind, text)) };
}
