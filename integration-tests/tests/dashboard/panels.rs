//! What the dashboard in `docs` asks for.

use serde_json::Value;

const DASHBOARD: &str = include_str!("../../../docs/telemetry/grafana-dashboard.json");

/// A panel that shows something.
#[derive(Debug)]
pub(crate) struct Panel {
    pub(crate) title: String,
    pub(crate) unit: String,
    pub(crate) is_table: bool,
    pub(crate) queries: Vec<Query>,
}

#[derive(Debug)]
pub(crate) struct Query {
    pub(crate) text: String,
    /// What its series are called: `{{label}}` stands for the label's value.
    pub(crate) legend: String,
}

/// All of them in their order, for every job, with rates over so much time as Grafana would take for scrapes each second.
pub(crate) fn panels() -> Vec<Panel> {
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    let all = dashboard["panels"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let query = |target: &Value| {
        let query = text(&target["expr"]).replace("$job", ".*").replace("$__rate_interval", "4s");
        assert!(!query.contains('$'), "a variable that is unknown here: {query}");
        Query { text: query, legend: text(&target["legendFormat"]) }
    };
    let shown = all.iter().filter(|panel| panel["type"] != "row");
    shown
        .map(|panel| Panel {
            title: text(&panel["title"]),
            unit: text(&panel["fieldConfig"]["defaults"]["unit"]),
            is_table: panel["type"] == "table",
            queries: panel["targets"].as_array().unwrap().iter().map(query).collect(),
        })
        .collect()
}

impl Query {
    /// What a series with these labels is called.
    pub(crate) fn name(&self, labels: &Value) -> String {
        let all = labels.as_object().unwrap();
        if self.legend.is_empty() {
            let told =
                all.iter().map(|(name, value)| format!("{name} {}", value.as_str().unwrap()));
            return told.collect::<Vec<_>>().join(", ");
        }
        all.iter().fold(self.legend.clone(), |name, (label, value)| {
            name.replace(&format!("{{{{{label}}}}}"), value.as_str().unwrap())
        })
    }
}

#[test]
fn a_series_is_named_by_its_labels() {
    let labels = serde_json::json!({ "kind": "refused", "node": "a:1" });
    let query = |legend: &str| Query { text: String::new(), legend: legend.to_owned() };
    assert_eq!(query("{{node}} {{kind}}").name(&labels), "a:1 refused");
    assert_eq!(query("p99").name(&labels), "p99");
    assert_eq!(query("").name(&labels), "kind refused, node a:1");
}
