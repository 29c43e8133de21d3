//! What operators are given says what the library emits: the table, the dashboard, the alert rules.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeSet;

use redlock_core::telemetry::{METRICS, Metric, MetricKind};
use serde_json::Value;

const TABLE: &str = include_str!("../../docs/TELEMETRY.md");
const RUNBOOK: &str = include_str!("../../docs/OPERATIONS.md");
const DASHBOARD: &str = include_str!("../../docs/telemetry/grafana-dashboard.json");
const ALERTS: &str = include_str!("../../docs/telemetry/alerts.yaml");

/// Labels that Prometheus adds.
const ADDED: [&str; 2] = ["job", "le"];

/// Where `OPERATIONS.md` says what to do.
const ANCHORS: [&str; 8] = [
    "lock-lost",
    "no-quorum",
    "node-failing",
    "misconfigured-node",
    "contention",
    "renewals-failing",
    "slow-locks",
    "node-sets-that-differ",
];

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// The metric that Prometheus has under this name.
fn metric(series: &str) -> &'static Metric {
    let found = METRICS.iter().find(|metric| match metric.kind {
        MetricKind::Histogram => {
            let part = series.strip_prefix(metric.name);
            part.is_some_and(|part| ["_bucket", "_sum", "_count"].contains(&part))
        }
        _ => metric.name == series,
    });
    found.unwrap_or_else(|| panic!("{series} is emitted by nobody"))
}

/// Every word that begins like one of ours, with what stands behind it.
fn mentions(text: &str) -> Vec<(&str, &str)> {
    let begins = text.match_indices("redlock_").map(|(at, _)| at);
    let begins = begins.filter(|at| !text[..*at].ends_with(is_word));
    begins
        .map(|at| {
            let end = text[at..].find(|c| !is_word(c)).map_or(text.len(), |end| at + end);
            (&text[at..end], &text[end..])
        })
        .collect()
}

/// Checks the names and labels of a query; gives the labels that it sums by.
fn check(query: &str) -> BTreeSet<&str> {
    let mut labels = BTreeSet::from(ADDED);
    let mentions = mentions(query);
    assert!(!mentions.is_empty(), "{query}");
    for (name, behind) in mentions {
        let own = metric(name).labels;
        labels.extend(own);
        let selector = behind.strip_prefix('{').map_or("", |rest| rest.split_once('}').unwrap().0);
        // Values hold no comma.
        for matcher in selector.split(',').filter(|matcher| !matcher.is_empty()) {
            let label = matcher.split(|c| !is_word(c)).next().unwrap();
            assert!(own.contains(&label) || ADDED.contains(&label), "{name} has no {label}");
        }
    }
    let mut grouped = BTreeSet::new();
    for (at, _) in query.match_indices("by (") {
        let list = query[at + 4..].split_once(')').unwrap().0;
        grouped.extend(list.split(',').map(str::trim));
    }
    assert!(grouped.is_subset(&labels), "{query} sums by {grouped:?}");
    grouped
}

#[test]
fn the_table_is_the_codes_both_ways() {
    let rows = TABLE.lines().filter(|line| line.starts_with("| `redlock_"));
    let documented: Vec<_> = rows
        .map(|row| {
            let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
            let [name, kind, labels, help] = cells[..] else { panic!("{row}") };
            let bare = |text: &str| text.replace('`', "");
            (bare(name), kind.to_owned(), bare(labels), help.to_owned())
        })
        .collect();
    let coded: Vec<_> = METRICS
        .iter()
        .map(|metric| {
            let kind = format!("{:?}", metric.kind).to_lowercase();
            (metric.name.to_owned(), kind, metric.labels.join(", "), metric.help.to_owned())
        })
        .collect();
    assert_eq!(documented, coded);
}

/// Where events are told.
const SPEAKERS: [&str; 3] = [
    include_str!("../src/telemetry/speak.rs"),
    include_str!("../src/telemetry/outage.rs"),
    include_str!("../../redlock-protocol/src/telling.rs"),
];

#[test]
fn the_table_of_events_is_the_codes() {
    let table = TABLE.split_once("| event | level | when |").unwrap().1;
    let rows = table.lines().skip(2).take_while(|line| line.starts_with("| `"));
    let mut levels = Vec::new();
    for row in rows {
        let (event, rest) = row[3..].split_once('`').unwrap();
        let begin = event.trim_end_matches(['…', ':', ' ']);
        let told = SPEAKERS.iter().any(|text| text.contains(&format!("\"{begin}")));
        assert!(told, "{event} is told by nobody");
        levels.push(rest.split('|').nth(1).unwrap().trim());
    }
    for level in ["DEBUG", "INFO", "WARN", "ERROR"] {
        let told = format!("tracing::{}!(", level.to_lowercase());
        let told: usize = SPEAKERS.iter().map(|text| text.matches(&told).count()).sum();
        assert_eq!(levels.iter().filter(|of| **of == level).count(), told, "{level}");
    }
}

#[test]
fn the_log_lines_in_the_runbook_are_the_codes() {
    let lines = RUNBOOK.lines().filter_map(|line| line.strip_prefix("WARN redlock: "));
    let events: Vec<_> = lines.map(|line| line.split(" redlock.").next().unwrap()).collect();
    assert_eq!(events.len(), 2);
    for event in events {
        assert!(SPEAKERS.iter().any(|text| text.contains(&format!("\"{event}\""))), "{event}");
    }
}

#[test]
fn the_dashboard_asks_for_what_there_is_and_leaves_nothing_out() {
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    assert_eq!(dashboard["uid"], "redlock");
    assert!(dashboard["schemaVersion"].as_u64().unwrap() >= 36);
    let variables = dashboard["templating"]["list"].as_array().unwrap();
    assert_eq!(
        (&variables[0]["name"], &variables[0]["type"]),
        (&"datasource".into(), &"datasource".into())
    );
    let panels = dashboard["panels"].as_array().unwrap();
    let ids: BTreeSet<_> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len());
    let mut shown = BTreeSet::new();
    for panel in panels.iter().filter(|panel| panel["type"] != "row") {
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{}", panel["title"]);
        for target in panel["targets"].as_array().unwrap() {
            let query = target["expr"].as_str().unwrap();
            let grouped = check(query);
            shown.extend(mentions(query).iter().map(|(name, _)| metric(name).name));
            for (at, _) in target["legendFormat"].as_str().unwrap().match_indices("{{") {
                let label =
                    target["legendFormat"].as_str().unwrap()[at + 2..].split_once('}').unwrap().0;
                assert!(grouped.contains(label), "{query} has no {label} to show");
            }
        }
    }
    for (name, _) in mentions(DASHBOARD) {
        metric(name);
    }
    assert_eq!(shown, METRICS.iter().map(|metric| metric.name).collect());
}

/// The rules, each as its lines.
fn rules() -> Vec<Vec<&'static str>> {
    let mut rules: Vec<Vec<_>> = Vec::new();
    for line in ALERTS.lines() {
        if line.trim_start().starts_with("- alert:") {
            rules.push(Vec::new());
        }
        if let Some(rule) = rules.last_mut() {
            rule.push(line);
        }
    }
    rules
}

/// What a rule has under `name`: the rest of the line, or the lines that are indented below it.
fn value(rule: &[&str], name: &str) -> String {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let is_it = |line: &&str| line.trim_start().trim_start_matches("- ").starts_with(name);
    let at = rule.iter().position(is_it).unwrap_or_else(|| panic!("no {name} in {rule:?}"));
    let rest = rule[at].split_once(name).unwrap().1.trim();
    if !matches!(rest, "|" | ">-") {
        return rest.trim_matches('"').to_owned();
    }
    let below = rule[at + 1..].iter().take_while(|line| indent(line) > indent(rule[at]));
    below.map(|line| line.trim()).collect::<Vec<_>>().join(" ")
}

#[test]
fn the_alerts_ask_for_what_there_is_and_say_what_to_do() {
    let mut anchors = Vec::new();
    for rule in rules() {
        let query = value(&rule, "expr:");
        let grouped = check(&query);
        let (summary, description) = (value(&rule, "summary:"), value(&rule, "description:"));
        for text in [&summary, &description] {
            assert!(text.len() > 20, "{text}");
            for (at, used) in text.match_indices("$labels.") {
                let label = text[at + used.len()..].split(|c| !is_word(c)).next().unwrap();
                assert!(grouped.contains(label), "{query} has no {label} to tell");
            }
        }
        assert!(["critical", "warning"].contains(&&*value(&rule, "severity:")));
        let runbook = value(&rule, "runbook_url:");
        anchors.push(
            runbook.strip_prefix("https://docs.example/redlock/OPERATIONS.md#").unwrap().to_owned(),
        );
    }
    assert_eq!(anchors, ANCHORS);
    assert_eq!(
        mentions(ALERTS).len(),
        rules().iter().map(|rule| mentions(&value(rule, "expr:")).len()).sum::<usize>()
    );
}
