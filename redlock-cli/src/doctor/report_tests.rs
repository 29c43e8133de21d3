use redlock_core::NodeSetFingerprint;

use super::super::checks::all;
use super::super::checks::fixture::*;
use super::*;
use crate::nodes::TroubleKind;

#[test]
fn people_get_a_table_of_the_nodes_and_the_findings_under_their_headings() {
    let mut facts = good();
    facts.nodes.truncate(2);
    down(&mut facts, 1, TroubleKind::Unreachable, "Connection refused");
    facts.rounds.cycles.clear();
    facts.rounds.skipped = Some("no majority of nodes answers".into());
    let findings = all(&facts, &[super::super::checks::Check::Count]);
    assert_eq!(
        text(&facts, &findings, false),
        "\
2 nodes over redis

  NODE     SERVER           ROLE    UP  CONNECT  PING     CLOCK
  n0:6379  Redis 7.0.15     master  0s  0.90 ms  0.10 ms  as ours
  n1:6379  does not answer  -       -   -        -        -

Node set
  FAIL  reachable    n1:6379: Connection refused
                     -> start the server, or correct its address
  ok    masters      all are independent masters
  (ok)  count        2 nodes: both are needed for a majority, so this fails more often than 1 node
  ok    hosts        no two nodes have one address

Nodes
  ok    version      n0:6379: Redis 7.0.15: takes by SET NX GET (by script with fencing or restart guard), releases by script
  ok    eviction     maxmemory-policy is noeviction
  ok    memory       1 % of maxmemory is used at most
  ok    persistence  every write is on disk before it is answered (appendfsync always)
  ok    clocks       the server's clock agrees with ours

Locks
  ok    rights       locks can be taken, extended, looked at and released, with fencing and under the restart guard
  ok    wake-ups     who waits for a lock hears of its release
  ok    listing      what is held can be listed
  ok    sharing      readers can share locks
  ok    permits      semaphores can give permits
  WARN  latency      was not measured: no majority of nodes answers
                     -> set right what fails above first

12 ok, 1 accepted, 1 warning, 1 failed"
    );
    assert_eq!(code(&findings), 2);
}

#[test]
fn symbols_and_colours_are_for_terminals() {
    let facts = good();
    let findings = all(&facts, &[]);
    let plain = text(&facts, &findings, false);
    assert!(plain.is_ascii(), "{plain}");
    let set = NodeSetFingerprint::of(["2bcdefghijk", "0bcdefghijk", "1bcdefghijk"]);
    assert!(plain.starts_with(&format!("3 nodes over redis, node set {set}\n")), "{plain}");
    assert!(text(&facts, &findings, true).contains("\x1b[32m✓\x1b[0m"));
    assert_eq!(code(&findings), 0);
    let mut two = good();
    two.nodes.truncate(2);
    assert_eq!(code(&all(&two, &[])), 1);
    assert_eq!(code(&all(&two, &[super::super::checks::Check::Count])), 0);
}

#[test]
fn programs_get_fields_with_fixed_names() {
    let mut facts = good();
    facts.nodes.truncate(1);
    set_clock(&mut facts, 0, -3);
    let findings = all(&facts, &[]);
    let json = output::json(&json(&facts, &findings[..1])).unwrap();
    assert_eq!(
        json,
        r#"{"verdict":"ok","exit_code":0,"client":"redis","restart_guard_ms":null,"#.to_owned()
            + &format!(
                r#""node_set":"{}","nodes":[{{"name":"n0:6379","#,
                NodeSetFingerprint::of(["0bcdefghijk"])
            )
            + r#""server":"Redis 7.0.15","role":"master","run_id":"0bcdefghijk","uptime_s":0,"connect_us":900,"ping_us":100,"#
            + r#""clock_ahead_us":-3000,"clock_error_us":2000,"error":null}],"findings":[{"check":"reachable","level":"ok","#
            + r#""nodes":[],"reason":"1 node, the slowest answers after 0.10 ms","remedy":null}],"#
            + r#""latency":{"rounds":50,"failed":0,"p50_us":250,"p99_us":500}}"#
    );
}
