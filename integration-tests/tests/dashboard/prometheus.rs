//! A Prometheus of the test's own, which asks services of this machine every second.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

/// Several times what it takes on a machine that is busy with other tests.
pub(crate) const LIMIT: Duration = Duration::from_secs(180);

pub(crate) struct Prometheus {
    addr: SocketAddr,
    process: Child,
    log: PathBuf,
}

/// Values of one series with their times.
#[derive(Debug)]
pub(crate) struct Series {
    pub(crate) labels: Value,
    pub(crate) values: Vec<(f64, f64)>,
}

fn binary() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let own = root.join("target/test-servers/prometheus/prometheus");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let installed = std::env::split_paths(&path).map(|folder| folder.join("prometheus"));
    let found = std::iter::once(own).chain(installed).find(|program| program.is_file());
    found.unwrap_or_else(|| panic!("no prometheus: run scripts/test-servers"))
}

impl Prometheus {
    /// Asks these, each a job of its own, and evaluates the alerts of the documents.
    pub(crate) async fn start(folder: &Path, jobs: &[(&str, SocketAddr)]) -> Self {
        let alerts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/telemetry/alerts.yaml");
        let mut config = format!(
            "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: ['{}']\nscrape_configs:\n",
            alerts.canonicalize().unwrap().display()
        );
        for (job, addr) in jobs {
            config +=
                &format!("- {{job_name: {job}, static_configs: [{{targets: ['{addr}']}}]}}\n");
        }
        let (file, log) = (folder.join("prometheus.yml"), folder.join("log"));
        std::fs::write(&file, config).unwrap();
        let addr = SocketAddr::from(([127, 0, 0, 1], integration_tests::free_port()));
        let mut command = Command::new(binary());
        command.arg(format!("--config.file={}", file.display()));
        command.arg(format!("--storage.tsdb.path={}", folder.join("data").display()));
        command.arg(format!("--web.listen-address={addr}")).arg("--log.level=warn");
        command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(std::fs::File::create(&log).unwrap()).kill_on_drop(true);
        let mut started = Self { addr, process: command.spawn().unwrap(), log };
        let ready = async {
            while get(addr, "/-/ready").await.is_none_or(|(status, _)| status != 200) {
                let ended = started.process.try_wait().unwrap();
                assert!(ended.is_none(), "{ended:?}: {}", started.said());
                sleep(Duration::from_millis(50)).await;
            }
        };
        timeout(LIMIT, ready).await.expect("prometheus is ready");
        started
    }

    fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    async fn api(&self, path: &str) -> Value {
        let (status, body) = get(self.addr, path).await.expect("an answer");
        assert_eq!(status, 200, "{path}: {body}");
        let mut answer: Value = serde_json::from_str(&body).unwrap();
        answer["data"].take()
    }

    /// Its own time, in seconds since 1970.
    pub(crate) async fn now(&self) -> f64 {
        let data = self.api("/api/v1/query?query=time%28%29").await;
        data["result"][1].as_str().unwrap().parse().unwrap()
    }

    /// Each second's values, as a panel asks for them; those that are no numbers are left out.
    pub(crate) async fn range(&self, query: &str, (from, to): (f64, f64)) -> Vec<Series> {
        let query = escaped(query);
        let path = format!("/api/v1/query_range?query={query}&start={from}&end={to}&step=1");
        let data = self.api(&path).await;
        let series = |result: &Value| {
            let pairs = result["values"].as_array().unwrap().iter();
            let values = pairs.map(|pair| {
                (pair[0].as_f64().unwrap(), pair[1].as_str().unwrap().parse::<f64>().unwrap())
            });
            let values = values.filter(|(_, value)| value.is_finite()).collect();
            Series { labels: result["metric"].clone(), values }
        };
        data["result"].as_array().unwrap().iter().map(series).collect()
    }

    /// Each alert's name with how its rule fares: `ok` where it was evaluated.
    pub(crate) async fn alerts(&self) -> Vec<(String, String)> {
        let data = self.api("/api/v1/rules").await;
        let groups = data["groups"].as_array().unwrap().iter();
        let rules = groups.flat_map(|group| group["rules"].as_array().unwrap());
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        rules.map(|rule| (text(&rule["name"]), text(&rule["health"]))).collect()
    }
}

fn escaped(query: &str) -> String {
    query.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// Status and body, if somebody answers.
async fn get(addr: SocketAddr, path: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(addr).await.ok()?;
    let request = format!("GET {path} HTTP/1.0\r\n\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut all = String::new();
    timeout(LIMIT, stream.read_to_string(&mut all)).await.ok()?.ok()?;
    let (head, body) = all.split_once("\r\n\r\n")?;
    Some((head.get(9..12)?.parse().ok()?, body.to_owned()))
}
