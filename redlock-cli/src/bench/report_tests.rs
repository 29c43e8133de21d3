use super::*;

fn args() -> Request {
    Request {
        duration: Duration::from_secs(5),
        tasks: 2,
        contended: false,
        fencing: false,
        ttl: Duration::from_secs(10),
        json: false,
        flags: crate::config::Flags::default(),
    }
}

fn figures() -> Figures {
    let mut figures = Figures::new().unwrap();
    for _ in 0..30 {
        figures.cycle(Duration::from_micros(100), Duration::from_micros(50));
    }
    for _ in 0..10 {
        figures.cycle(Duration::from_micros(300), Duration::from_micros(100));
    }
    figures.cycle(Duration::from_millis(2), Duration::from_millis(1));
    figures.failures.insert("no majority of nodes answered".into(), 2);
    figures
}

#[test]
fn people_get_rates_quantiles_and_bars() {
    let (args, figures) = (args(), figures());
    let summary = Summary {
        request: &args,
        nodes: 3,
        figures: &figures,
        elapsed: Duration::from_secs(2),
        interrupted: false,
    };
    assert_eq!(
        summary.text(),
        "\
2 tasks each with a lock of its own, 3 nodes
41 cycles in 2.0 s: 20 cycles/s
2 failed: no majority of nodes answered

           P50      P90      P99      P99.9    MAX
  take     0.10 ms  0.30 ms  2.00 ms  2.00 ms  2.00 ms
  release  0.05 ms  0.10 ms  1.00 ms  1.00 ms  1.00 ms
  cycle    0.15 ms  0.40 ms  3.00 ms  3.00 ms  3.00 ms

  CYCLE BELOW
  0.26 ms      30  ########################################
  0.51 ms      10  ##############
  1.02 ms      0
  2.05 ms      0
  4.10 ms      1   ##"
    );
}

#[test]
fn a_measurement_without_a_cycle_says_why_and_shows_no_figures() {
    let mut figures = Figures::new().unwrap();
    figures.failures.insert("the node set is misconfigured".into(), 1);
    let args = Request { contended: true, fencing: true, tasks: 1, ..args() };
    let elapsed = Duration::from_millis(5);
    let summary =
        Summary { request: &args, nodes: 1, figures: &figures, elapsed, interrupted: true };
    assert_eq!(
        summary.text(),
        "1 task on one lock, fenced, 1 node\n0 cycles in 5 ms, interrupted: 0 cycles/s\n1 failed: the node set is misconfigured"
    );
}

#[test]
fn programs_get_fields_with_fixed_names() {
    let (args, figures) = (args(), figures());
    let elapsed = Duration::from_secs(2);
    let summary =
        Summary { request: &args, nodes: 3, figures: &figures, elapsed, interrupted: false };
    assert_eq!(
        output::json(&summary.json()).unwrap(),
        r#"{"tasks":2,"contended":false,"fencing":false,"nodes":3,"elapsed_ms":2000,"interrupted":false,"cycles":41,"#
            .to_owned()
            + r#""cycles_per_s":20.5,"failures":{"no majority of nodes answered":2},"latency_us":{"#
            + r#""cycle":{"p50":150,"p90":400,"p99":3001,"p99_9":3001,"max":3001},"#
            + r#""release":{"p50":50,"p90":100,"p99":1000,"p99_9":1000,"max":1000},"#
            + r#""take":{"p50":100,"p90":300,"p99":2000,"p99_9":2000,"max":2000}},"histogram":["#
            + r#"{"from_us":128,"below_us":256,"count":30},{"from_us":256,"below_us":512,"count":10},"#
            + r#"{"from_us":512,"below_us":1024,"count":0},{"from_us":1024,"below_us":2048,"count":0},"#
            + r#"{"from_us":2048,"below_us":4096,"count":1}]}"#
    );
}
