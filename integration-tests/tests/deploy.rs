//! What `deploy/` says is what the documents say, and what nodes started from it are fit for locks.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use integration_tests::Servers;
use serde_json::Value;

const COMPOSE: &str = include_str!("../../deploy/compose.yaml");
const KUBERNETES: &str = include_str!("../../deploy/kubernetes.yaml");
const USERS: &str = include_str!("../../deploy/users.acl");
const OPERATIONS: &str = include_str!("../../docs/OPERATIONS.md");
/// What `users.acl` holds the SHA-256 of.
const PASSWORD: &str = "change-me";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn line<'a>(text: &'a str, begin: &str) -> &'a str {
    text.lines().find(|line| line.starts_with(begin)).expect(begin)
}

/// The rules of a user, but for the password.
fn rules(line: &str) -> Vec<&str> {
    line.split(' ').filter(|word| !word.starts_with(['#', '>'])).collect()
}

/// The arguments of the nodes in the compose file, up to those that name a file in the container.
fn settings() -> Vec<String> {
    let lines = COMPOSE.lines().skip_while(|line| *line != "  command:").skip(1);
    let words = lines.map_while(|line| line.strip_prefix("    - "));
    let words: Vec<String> = words.map(|word| word.trim_matches('"').to_owned()).collect();
    assert_eq!(words[0], "--aclfile");
    words[2..].to_vec()
}

/// What doctor finds as the user of the file, what is known of these servers left aside.
fn doctor(nodes: &str, accept: &[&str]) -> (Output, Value) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_redlock-command"));
    command.env_clear().args(["doctor", "--json", "--timeout", "10s"]);
    for check in accept {
        command.args(["--accept", check]);
    }
    let command = command.env("REDLOCK_NODES", nodes).env("REDLOCK_KEY_PREFIX", "lock:");
    let command = command.env("REDLOCK_USERNAME", "locks").env("REDLOCK_PASSWORD", PASSWORD);
    let output = command.output().unwrap();
    let report = serde_json::from_slice(&output.stdout).unwrap_or_default();
    (output, report)
}

#[track_caller]
fn assert_fit(nodes: &str) {
    // All are on this machine, which may be slow, and the user may not ask how they are set up.
    let (output, report) = doctor(nodes, &["hosts", "persistence", "latency", "reachable"]);
    assert_eq!(output.status.code(), Some(0), "{report:#}\n{output:?}");
}

#[test]
fn users_have_the_rights_of_the_operations_guide() {
    let locks = line(USERS, "user locks ");
    assert_eq!(rules(locks), rules(line(OPERATIONS, "user locks ")));
    assert!(locks.split(' ').any(|word| word.starts_with('#')), "a password in the clear: {locks}");
    assert_eq!(
        line(USERS, "user default "),
        "user default off resetpass resetkeys resetchannels -@all"
    );
    assert_eq!(
        line(USERS, "user health "),
        "user health on nopass resetkeys resetchannels -@all +ping"
    );
    assert_eq!(USERS.lines().count(), 3);
}

#[test]
fn nodes_are_set_as_the_operations_guide_says() {
    let guide = OPERATIONS.split("## Settings of a node").nth(1).unwrap();
    let guide = guide.split("```conf\n").nth(1).unwrap().split("```").next().unwrap();
    let compose = settings().join(" ");
    for setting in guide.lines() {
        assert!(compose.contains(&format!("--{setting}")), "{setting} is not in {compose}");
        assert!(
            KUBERNETES.contains(&format!("    {setting}\n")),
            "{setting} is not in Kubernetes' file"
        );
    }
}

#[tokio::test]
async fn servers_with_these_settings_and_users_are_fit() {
    let mut builder = Servers::builder().count(3);
    for word in settings() {
        builder = builder.arg(word);
    }
    let servers = builder.start().await;
    let words: Vec<&str> = line(USERS, "user locks ").split(' ').skip(1).collect();
    for server in servers.iter() {
        let command: [&[&str]; 2] = [&["ACL", "SETUSER"], &words];
        server.exec(&command.concat()).await;
    }
    let urls = servers.urls().join(",");
    tokio::task::spawn_blocking(move || assert_fit(&urls)).await.unwrap();
}

/// The services of the compose file, which end with this.
struct Composed {
    program: Vec<&'static str>,
    project: String,
    environment: Vec<(&'static str, String)>,
}

impl Composed {
    /// What runs the file here: the plugin, or the program that came before it.
    fn new() -> Result<Self, String> {
        let candidates = [vec!["docker", "compose"], vec!["docker-compose"]];
        let works = |program: &Vec<&str>| {
            let version = Command::new(program[0]).args(&program[1..]).arg("version").output();
            version.is_ok_and(|output| output.status.success())
        };
        let program = candidates.into_iter().find(works).ok_or("no `docker compose`")?;
        let project = format!("redlock-test-deploy-{}", std::process::id());
        Ok(Self { program, project, environment: Vec::new() })
    }

    fn run(&self, args: &[&str]) -> Result<String, String> {
        let file = PathBuf::from("deploy/compose.yaml");
        let mut command = Command::new(self.program[0]);
        command.args(&self.program[1..]).args(["-p", &self.project, "-f"]).arg(file).args(args);
        ran(command.current_dir(root()).envs(self.environment.clone()))
    }
}

impl Drop for Composed {
    fn drop(&mut self) {
        if !self.environment.is_empty() {
            let _ = self.run(&["down", "--volumes", "--timeout", "1"]);
        }
    }
}

fn ran(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    let text = |bytes| String::from_utf8_lossy(bytes).trim().to_owned();
    if !output.status.success() {
        return Err(format!("{command:?}: {}\n{}", text(&output.stderr), text(&output.stdout)));
    }
    Ok(text(&output.stdout))
}

/// Where an engine answers. Its settings and users are tried without one as well, above.
#[test]
fn the_compose_file_starts_three_nodes_that_are_fit() {
    let wish = std::env::var("REDLOCK_TEST_PROVIDER").unwrap_or_default();
    let image = match wish.as_str() {
        "local" => Err("REDLOCK_TEST_PROVIDER=local".to_owned()),
        _ => ran(Command::new("scripts/test-image").arg("redis").current_dir(root())),
    };
    let composed = image.and_then(|image| Ok((image, Composed::new()?)));
    let (image, mut composed) = match composed {
        Ok(ready) => ready,
        Err(why) if wish == "docker" => panic!("REDLOCK_TEST_PROVIDER=docker: {why}"),
        Err(why) => return eprintln!("the compose file was not started: {why}"),
    };
    composed.run(&["config", "--quiet"]).unwrap();

    let ports = [(); 3].map(|()| integration_tests::free_port());
    let names = ["FIRST_PORT", "SECOND_PORT", "THIRD_PORT"];
    composed.environment = names.into_iter().zip(ports.iter().map(u16::to_string)).collect();
    let image_of_ours = [("NODE", "redis"), ("NODE_IMAGE", image.as_str()), ("NODE_USER", "0:0")];
    composed.environment.extend(image_of_ours.map(|(name, value)| (name, value.to_owned())));
    composed.run(&["up", "-d"]).unwrap();

    let containers = composed.run(&["ps", "-q"]).unwrap();
    assert_eq!(containers.lines().count(), 3, "the doctor is not started with them: {containers}");
    let begin = Instant::now();
    for container in containers.lines() {
        let health = || {
            let format = "{{.State.Health.Status}}";
            ran(Command::new("docker").args(["inspect", "--format", format, container])).unwrap()
        };
        while health() != "healthy" {
            let logs = || ran(Command::new("docker").args(["logs", container]));
            assert!(begin.elapsed() < Duration::from_secs(120), "{}: {:?}", health(), logs());
            std::thread::sleep(Duration::from_millis(200));
        }
    }
    let nodes: Vec<String> = ports.iter().map(|port| format!("127.0.0.1:{port}")).collect();
    assert_fit(&nodes.join(","));
}
