//! Every query of the dashboard in `docs/telemetry` is answered by a Prometheus that asks the example service and a worker, and
//! every alert beside it can be evaluated.
//!
//! `REDLOCK_PICTURES=write cargo test --workspace --all-features --test dashboard` draws `docs/dashboard.svg` of it anew.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod drawing;
mod load;
mod panels;
mod prometheus;
#[allow(dead_code)]
#[path = "../orders/replica.rs"]
mod replica;

use std::path::{Path, PathBuf};
use std::time::Duration;

use drawing::Drawn;
use integration_tests::Servers;
use panels::{Panel, panels};
use prometheus::{LIMIT, Prometheus, Series};
use replica::Replica;
use tokio::task::JoinSet;
use tokio::time::sleep;

/// How much of it is drawn.
const SECONDS: f64 = 40.0;

fn picture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/dashboard.svg")
}

fn is_to_be_drawn() -> bool {
    std::env::var_os("REDLOCK_PICTURES").is_some_and(|value| value == "write")
}

/// What each query of a panel gives, in their order.
async fn answers(prometheus: &Prometheus, panel: &Panel, window: (f64, f64)) -> Vec<Vec<Series>> {
    let mut answers = Vec::new();
    for query in &panel.queries {
        let mut series = prometheus.range(&query.text, window).await;
        series.retain(|series| !series.values.is_empty());
        answers.push(series);
    }
    answers
}

/// Queries that give nothing.
async fn silent(prometheus: &Prometheus, panels: &[Panel]) -> Vec<String> {
    let now = prometheus.now().await;
    let mut silent = Vec::new();
    for panel in panels {
        let answers = answers(prometheus, panel, (now - SECONDS, now)).await;
        let without = panel.queries.iter().zip(&answers).filter(|(_, series)| series.is_empty());
        silent.extend(without.map(|(query, _)| format!("{}: {}", panel.title, query.text)));
    }
    silent
}

#[tokio::test]
async fn every_query_of_the_dashboard_and_every_alert_is_answered() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("dashboard");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let (shops, workers) = (Servers::start(3).await, Servers::start(3).await);
    let replica = Replica::start(env!("CARGO_BIN_EXE_orders-axum"), Some(&shops), "redis").await;
    let mut load = JoinSet::new();
    let worker = load::metrics(&mut load).await;
    load::use_orders(replica.addr, &mut load);
    load::work(workers, &mut load);
    let jobs = [("orders", replica.addr), ("worker", worker)];
    let prometheus = Prometheus::start(&folder, &jobs).await;
    let (begin, panels) = (prometheus.now().await, panels());
    assert!(panels.len() > 15, "{panels:?}");
    loop {
        let silent = silent(&prometheus, &panels).await;
        let waited = prometheus.now().await - begin;
        if silent.is_empty() && (waited > SECONDS || !is_to_be_drawn()) {
            println!("{} panels after {waited:.0} s", panels.len());
            break;
        }
        assert!(waited < LIMIT.as_secs_f64(), "nothing in {waited:.0} s of\n{}", silent.join("\n"));
        sleep(Duration::from_millis(500)).await;
    }
    let alerts = prometheus.alerts().await;
    assert!(alerts.len() >= 8, "{alerts:?}");
    assert!(alerts.iter().all(|(_, health)| health == "ok"), "{alerts:?}");
    if is_to_be_drawn() {
        write(&prometheus, &panels).await;
    }
    load.shutdown().await;
}

async fn write(prometheus: &Prometheus, panels: &[Panel]) {
    let now = prometheus.now().await;
    let from = now - SECONDS;
    let mut drawn = Vec::new();
    for panel in panels {
        let answers = answers(prometheus, panel, (from, now)).await;
        let mut all = Vec::new();
        for (query, series) in panel.queries.iter().zip(answers) {
            // A table is of the moment, in which a server's former run is no more.
            let is_now = |series: &Series| series.values.iter().any(|(at, _)| *at > now - 2.0);
            for Series { labels, values } in
                series.into_iter().filter(|s| !panel.is_table || is_now(s))
            {
                let values = values.into_iter().map(|(at, value)| (at - from, value));
                all.push((query.name(&labels), values.collect()));
            }
        }
        let Panel { title, unit, is_table, .. } = panel;
        let (title, unit) = (title.clone(), unit.clone());
        drawn.push(Drawn { title, unit, is_table: *is_table, series: all });
    }
    std::fs::write(picture(), drawing::draw(&drawn, SECONDS)).unwrap();
}

#[test]
fn the_picture_shows_the_panels_of_the_dashboard() {
    let svg = std::fs::read_to_string(picture()).unwrap();
    let groups = svg.split("<g class=\"panel\" data-name=\"").skip(1);
    let shown: Vec<_> = groups.map(|group| group.split('"').next().unwrap()).collect();
    let there: Vec<_> = panels().into_iter().map(|panel| panel.title).collect();
    assert_eq!(
        shown, there,
        "REDLOCK_PICTURES=write cargo test --workspace --all-features --test dashboard"
    );
    assert!(svg.len() <= 60_000, "{} bytes", svg.len());
}
