mod clocks;
mod locks;
mod servers;
mod set;
mod upkeep;

use std::time::Duration;

use redlock_core::node::Fault;

use super::super::facts::{Directory, Entry, Kind, Verb};
use super::super::info::Info;
use super::fixture::*;
use super::*;
use crate::nodes::{Trouble, TroubleKind};

/// A change to the good set, and what one check then says: the level, the nodes, a part of the reason and of the remedy.
type Case =
    (&'static str, fn(&mut Facts), Check, Level, &'static [usize], &'static str, &'static str);

#[test]
fn every_check_passes_warns_and_fails_as_it_should_and_says_why_and_what_to_do() {
    let cases = [set::CASES, servers::CASES, upkeep::CASES, clocks::CASES, locks::CASES].concat();
    for (case, change, check, level, nodes, reason, remedy) in &cases {
        let mut facts = good();
        change(&mut facts);
        let names: Vec<_> = nodes.iter().map(|index| facts.nodes[*index].name.clone()).collect();
        let findings: Vec<_> =
            all(&facts, &[]).into_iter().filter(|finding| finding.check == *check).collect();
        let worst = findings.iter().max_by_key(|finding| finding.level);
        let found = findings.iter().find(|finding| finding.reason.contains(reason));
        let found = found.unwrap_or_else(|| panic!("{case}: {check:?}: {findings:#?}"));
        assert_eq!((found.level, &found.nodes), (*level, &names), "{case}: {found:?}");
        assert_eq!(worst.map(|worst| worst.level), Some(*level), "{case}: {findings:#?}");
        let told = found.remedy.as_deref().unwrap_or_default();
        assert!(told.contains(remedy), "{case}: {told}");
        assert_eq!(told.is_empty(), *level == Level::Ok, "{case}: whoever warns says what to do");
    }
}

#[test]
fn a_good_set_passes_every_check_that_is_about_servers() {
    let findings = all(&good(), &[]);
    assert_eq!(worst(&findings), Level::Ok, "{findings:#?}");
    let mut checks: Vec<_> = findings.iter().map(|finding| finding.check.name()).collect();
    checks.dedup();
    assert_eq!(
        checks,
        [
            "reachable",
            "distinct",
            "masters",
            "count",
            "hosts",
            "version",
            "eviction",
            "memory",
            "persistence",
            "clocks",
            "rights",
            "wake-ups",
            "listing",
            "sharing",
            "permits",
            "latency"
        ]
    );
}

#[test]
fn what_a_managed_service_hides_is_never_a_failure() {
    let mut facts = good();
    for index in 0..3 {
        let server = server(&mut facts, index);
        server.info = Err(Trouble::new(TroubleKind::Refused, "ERR unknown command 'INFO'"));
        server.settings = Err(denied());
        server.clock = Err(denied());
    }
    let findings = all(&facts, &[]);
    assert_eq!(worst(&findings), Level::Warn, "{findings:#?}");
    let all_nodes = findings.iter().filter(|finding| finding.nodes.len() == 3).count();
    assert_eq!(all_nodes, 7, "the same of all nodes is said once: {findings:#?}");
}

#[test]
fn one_server_that_is_wrong_says_nothing_of_our_clock() {
    let mut facts = good();
    set_clock(&mut facts, 1, 60_000);
    let findings = all(&facts, &[]);
    let of_clocks: Vec<_> =
        findings.iter().filter(|finding| finding.check == Check::Clocks).collect();
    assert_eq!(of_clocks.len(), 1, "{of_clocks:#?}");
}

#[test]
fn a_warning_can_be_accepted_and_a_failure_cannot() {
    let mut facts = good();
    facts.nodes.truncate(2);
    assert_eq!(worst(&all(&facts, &[Check::Hosts])), Level::Warn);
    assert_eq!(worst(&all(&facts, &[Check::Count])), Level::Accepted);
    info(&mut facts, 0).cluster = true;
    assert_eq!(worst(&all(&facts, &[Check::Count, Check::Masters])), Level::Fail);
}

#[test]
fn percentiles_are_of_the_times_that_were_measured() {
    use super::latency::percentile;
    let times: Vec<_> = (1..=50).rev().map(Duration::from_secs).collect();
    let seconds = |percent| percentile(&times, percent).map(|time| time.as_secs());
    assert_eq!((seconds(50), seconds(99), seconds(1)), (Some(25), Some(50), Some(1)));
    assert_eq!(percentile(&[], 50), None);
}
