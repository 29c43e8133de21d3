//! The recipes of `docs/OPERATIONS.md`, on servers: what the document shows is what is tried.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::process::Stdio;
use std::time::Duration;

use integration_tests::Servers;
use tokio::process::Command;
use tokio::time::timeout;

const DOCUMENT: &str = include_str!("../../docs/OPERATIONS.md");
const PASSWORD: &str = "canary-password";
/// Warnings of a machine that is busy otherwise, and of servers that share it.
const ACCEPTED: [&str; 6] = ["--accept", "hosts", "--accept", "reachable", "--accept", "latency"];

/// The only block of this language.
fn block(language: &str) -> &'static str {
    let begin = format!("```{language}\n");
    let mut blocks = DOCUMENT.split(&begin);
    let block = blocks.nth(1).expect(language);
    assert!(blocks.next().is_none(), "another block of {language}");
    block.split("\n```").next().unwrap()
}

/// Three servers as the document has them: settings, and a user with the least rights.
async fn servers() -> Servers {
    let servers = Servers::start(3).await;
    for server in servers.iter() {
        for line in block("conf").lines() {
            let (name, value) = line.split_once(' ').expect(line);
            server.exec(&["CONFIG", "SET", name, value]).await;
        }
        let user = block("acl").replace(">PASSWORD", &format!(">{PASSWORD}"));
        let user = user.strip_prefix("user ").expect("an ACL file's line");
        let words = ["ACL", "SETUSER"].into_iter().chain(user.split(' '));
        server.exec(&words.collect::<Vec<_>>()).await;
    }
    servers
}

async fn redlock(urls: &[String], args: &[&str], user: Option<&str>) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_redlock-command"));
    command.args(args).env("REDLOCK_NODES", urls.join(",")).env("HOME", "/nowhere");
    command.env_remove("REDLOCK_CONFIG").env_remove("XDG_CONFIG_HOME");
    command.env_remove("REDLOCK_USERNAME").env_remove("REDLOCK_PASSWORD");
    if let Some(user) = user {
        command.env("REDLOCK_USERNAME", user).env("REDLOCK_PASSWORD", PASSWORD);
    }
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output();
    let output = timeout(Duration::from_secs(60), output).await.expect("in time").unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().expect("a code"), String::from_utf8(text).unwrap())
}

#[tokio::test]
async fn the_settings_pass_the_doctor() {
    let servers = servers().await;
    let args = [&["doctor"][..], &ACCEPTED].concat();
    let (code, said) = redlock(&servers.urls(), &args, None).await;
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("appendfsync always"), "{said}");
}

#[tokio::test]
async fn the_least_rights_pass_the_doctor_and_run_commands() {
    let servers = servers().await;
    let urls = servers.urls();
    // What such a user cannot see is the settings, and no more.
    let args = ["doctor", "--key-prefix", "lock:", "--accept", "persistence"];
    let args = [&args[..], &ACCEPTED].concat();
    let (code, said) = redlock(&urls, &args, Some("locks")).await;
    assert_eq!(code, 0, "{said}");
    assert!(!said.contains(PASSWORD), "{said}");
    let args =
        ["exec", "--key-prefix", "lock:", "k", "--", "sh", "-c", "echo fence $REDLOCK_FENCE"];
    for client in ["redis", "fred"] {
        let (code, said) = redlock(
            &urls,
            &[&args[..1], &["--client", client], &args[1..]].concat(),
            Some("locks"),
        )
        .await;
        assert!(code == 0 && said.starts_with("fence ") && said.len() > 15, "{code}: {said}");
    }
    // And no key of anybody else's.
    let (code, said) = redlock(&urls, &["exec", "k", "--", "true"], Some("locks")).await;
    assert!(code == 125 && said.contains("missing right"), "{code}: {said}");
}

#[test]
fn every_error_and_reason_that_a_user_may_see_is_explained() {
    use redlock_core::node::Fault::*;
    let faults = [
        Timeout,
        ConnectionLost,
        Unexpected,
        Refused,
        Loading,
        Busy,
        OutOfMemory,
        CannotPersist,
        NoReplicas,
        TooManyClients,
        Replica,
        ClusterMember,
        WrongType,
        Authentication,
        Permission,
        Unsupported,
        Duplicate,
        ProtectedMode,
        Tls,
        Database,
        Protocol,
    ];
    for fault in faults {
        assert!(DOCUMENT.contains(&format!("| {fault} |")), "{fault}");
    }
}

#[test]
fn every_alert_leads_to_what_is_to_be_done() {
    let anchors: Vec<String> = DOCUMENT
        .lines()
        .filter_map(|line| Some(line.strip_prefix("### ")?.to_lowercase().replace(' ', "-")))
        .collect();
    let alerts = include_str!("../../docs/telemetry/alerts.yaml");
    let links: Vec<_> = alerts.split("runbook_url: ").skip(1).collect();
    assert!(links.len() >= 7, "{links:?}");
    for link in links {
        let link = link.lines().next().unwrap();
        let (page, anchor) = link.split_once('#').unwrap();
        assert_eq!(page, "https://docs.example/redlock/OPERATIONS.md", "pages are absolute");
        assert!(anchors.iter().any(|known| known == anchor), "{anchor}");
    }
}
