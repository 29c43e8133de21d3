//! What `doctor` says about a server's version, against what `MONITOR` shows.

use std::collections::BTreeSet;

use integration_tests::nodes::Client;
use integration_tests::{Kind, Server, Servers};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::setup::*;

/// The commands that clients send while `work` is done, without those of scripts and of connecting.
async fn monitored(server: &Server, work: impl Future<Output = ()>) -> BTreeSet<String> {
    let mut stream = BufReader::new(TcpStream::connect(server.addr()).await.unwrap());
    stream.write_all(b"MONITOR\r\n").await.unwrap();
    let mut lines = stream.lines();
    assert_eq!(lines.next_line().await.unwrap().as_deref(), Some("+OK"));
    work.await;
    server.exec(&["ECHO", "it is done"]).await;
    let mut sent = BTreeSet::new();
    loop {
        let line = timeout(LIMIT, lines.next_line()).await.unwrap().unwrap().unwrap();
        if line.contains("it is done") {
            return sent;
        }
        let by_script = line.contains(" lua] ");
        let words: Vec<_> = line.split('"').collect();
        let command = words.get(1).map(|word| word.to_ascii_uppercase()).unwrap_or_default();
        let verbs = ["SET", "EVAL", "EVALSHA", "DELIFEQ", "DELEX", "DEL"];
        if !by_script && verbs.contains(&&*command) {
            sent.insert(if command == "EVALSHA" { "EVAL".to_owned() } else { command });
        }
    }
}

async fn exec(client: Client, urls: &[String], more: &[&str]) {
    let words = [&["exec", "k"], more, &["--client", client.name(), "--", "true"]].concat();
    // The client's flag stands before the command here.
    let run = ended(bare(urls, &words).spawn().unwrap()).await;
    run.expect(0);
}

async fn the_version_line_says_what_is_sent(client: Client) {
    for kind in Kind::ALL {
        let servers = Servers::start_kind(kind, 1).await;
        let urls = servers.urls();
        let doctor = run(client, &urls, &["doctor", "--json"]).await.json().remove(0);
        let findings = doctor["findings"].as_array().unwrap();
        let version = findings.iter().find(|finding| finding["check"] == "version").unwrap();
        let said = version["reason"].as_str().unwrap();

        // Fenced, and told: scripts in both directions, everywhere.
        let sent = monitored(&servers[0], exec(client, &urls, &[])).await;
        assert_eq!(sent, ["EVAL".to_owned()].into(), "{kind:?}");
        let sent = monitored(&servers[0], exec(client, &urls, &["--no-fence"])).await;
        let native = said.contains("takes by SET NX GET (by script with fencing or restart guard)");
        let wanted: &[&str] = if native { &["EVAL", "SET"] } else { &["EVAL"] };
        assert_eq!(sent, wanted.iter().map(ToString::to_string).collect(), "{kind:?}: {said}");

        // The first release finds out that nobody listens. So do later ones, each time that a moment has passed, which may be
        // any of them on a slow machine.
        for wake_ups in [false, true] {
            let redlock = builder(client, &urls).wake_ups(wake_ups).build().unwrap();
            let sent = monitored(&servers[0], async {
                for _ in 0..20 {
                    redlock.try_lock("k").await.unwrap().release().await.unwrap();
                }
            })
            .await;
            for command in ["DELIFEQ", "DELEX"] {
                let told = said
                    .contains(&format!("and by {command} for 50 ms after one that nobody heard"));
                assert_eq!(sent.contains(command), told, "{kind:?}: {said}: {sent:?}");
            }
            assert_eq!(kind == Kind::Valkey91, sent.contains("DELIFEQ"), "{sent:?}");
            assert_eq!(wake_ups || kind != Kind::Valkey91, sent.contains("EVAL"), "{sent:?}");
        }
    }
}

integration_tests::with_both_clients! {
    the_version_line_says_what_is_sent
}
