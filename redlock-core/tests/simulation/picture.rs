//! The timeline of a run, as a page.

use std::path::{Path, PathBuf};

use super::profile::{Profile, Setup};
use super::runner::Outcome;
use super::timeline::{Lane, Page, Role, Section, Timeline, draw, grouped};

/// Where a timeline is wanted; a relative path begins at the root of the workspace.
pub(crate) fn wanted() -> Option<PathBuf> {
    let path = std::env::var_os("REDLOCK_SIM_TIMELINE").filter(|path| !path.is_empty())?;
    Some(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path))
}

/// The picture of a run, told in full, of which `name` is the title.
pub(crate) fn timeline(name: &str, setup: &Setup, outcome: &Outcome) -> Timeline {
    let client = |name: String| Lane { name, role: Role::Client };
    let mut lanes: Vec<Lane> =
        (0..setup.processes).map(|number| client(format!("process {number}"))).collect();
    lanes.push(client("newcomer".into()));
    lanes.extend((0..setup.nodes).map(|n| Lane { name: format!("node n{n}"), role: Role::Node }));
    Timeline {
        title: name.into(),
        unit: "virtual ms".into(),
        lanes,
        marks: outcome.marks.clone(),
        window: None,
    }
}

/// The whole page. `command` makes it anew.
pub(crate) fn page(name: &str, command: &str, setup: &Setup, outcome: &Outcome) -> String {
    let profile = setup.profile;
    let promise = if profile.keeps_assumptions() {
        "within the assumptions: no rule may break"
    } else {
        "outside of the assumptions: holds may overlap, and stale writes must be refused"
    };
    let on = |on: bool| if on { "on" } else { "off" };
    let facts = vec![
        format!("{profile:?}, {promise}."),
        format!(
            "Time to live {} ms, node timeout {} ms, fencing {}, restart guard {}. The newcomer comes when all is well. Bars say hold, \
             key, and fence by its last digits; whatever is pointed at says more.",
            setup.ttl,
            setup.node_timeout,
            on(setup.fencing),
            on(setup.guard),
        ),
    ];
    let broken = outcome.violations.iter();
    let broken = broken.map(|v| format!("{} at {} ms: {}", v.invariant, grouped(v.at), v.message));
    Page {
        title: name.into(),
        facts,
        commands: vec![command.into()],
        broken: broken.collect(),
        sections: vec![Section {
            heading: String::new(),
            svg: draw(&timeline(name, setup, outcome)),
        }],
        log: outcome.lines.clone(),
    }
    .html()
}

/// Title of a seed's picture.
pub(crate) fn title(seed: u64) -> String {
    format!("Seed {seed}, {:?}", Profile::of(seed))
}
