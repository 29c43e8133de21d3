//! What the command gets.

use std::process::Stdio;
use std::time::{Duration, SystemTime};

use integration_tests::Servers;
use integration_tests::nodes::Client;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::time::timeout;

use crate::setup::{LIMIT, Running, ended, exec, had_by_most, until_free};

const SHOW: &str = r#"printf '%s|%s|%s' "$REDLOCK_KEY" "$REDLOCK_FENCE" "$REDLOCK_VALID_UNTIL""#;

async fn the_command_sees_its_lock_and_every_holder_has_a_greater_number(client: Client) {
    let servers = Servers::start(3).await;
    let mut last = 0;
    for _ in 0..3 {
        let ended = ended(exec(client, &servers, ["a b", "--", "sh", "-c", SHOW])).await;
        let [key, fence, until] = &*ended.stdout.split('|').collect::<Vec<_>>() else {
            panic!("{ended:?}")
        };
        assert_eq!(*key, "a b");
        let fence: u64 = fence.parse().unwrap();
        assert!(fence > last, "{fence} after {last}");
        last = fence;
        let until = Duration::from_secs_f64(until.parse().unwrap());
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap();
        assert!(until < now + Duration::from_secs(30), "{until:?} at {now:?}");
        assert!(until + Duration::from_secs(60) > now, "{until:?} at {now:?}");
    }
    let plain =
        ended(exec(client, &servers, ["b", "a", "--no-fence", "--", "sh", "-c", SHOW])).await;
    assert!(plain.stdout.starts_with("b\na||"), "{plain:?}");
    let mut counters = Vec::new();
    for server in servers.iter() {
        counters.extend(server.keys().await.into_iter().filter(|key| key.starts_with("redlock:")));
    }
    had_by_most(&counters, &["redlock:fence:a b"]);
}

async fn what_is_piped_in_and_out_is_the_command_s(client: Client) {
    let servers = Servers::start(3).await;
    let mut cat =
        Running::start(exec(client, &servers, ["k", "--", "sh", "-c", "cat; echo E >&2"]));
    let mut stdin = cat.stdin.take().unwrap();
    stdin.write_all("all of it\n".repeat(1_000).as_bytes()).await.unwrap();
    drop(stdin);
    let ended = cat.end().await;
    assert_eq!(ended.stdout, "all of it\n".repeat(1_000));
    assert_eq!((ended.code, &*ended.stderr), (Some(0), "E\n"));
    until_free(&servers).await;
}

async fn what_is_verbose_tells_of_lock_renewal_and_release(client: Client) {
    let servers = Servers::start(3).await;
    let mut command = exec(client, &servers, ["-v", "--ttl", "10s", "k", "--", "cat"]);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut process = command.spawn().unwrap();
    let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
    let mut said: Vec<String> = Vec::new();
    while let Some(line) = timeout(LIMIT, lines.next_line()).await.expect("a line").unwrap() {
        if line.starts_with("redlock: k: renewed (for ") {
            drop(process.stdin.take());
        }
        said.push(line);
    }
    assert_eq!(process.wait().await.unwrap().code(), Some(0), "{said:#?}");
    assert!(said[0].starts_with("redlock: k: locked (fence "), "{said:#?}");
    assert_eq!(said.last().unwrap(), "redlock: k: released", "{said:#?}");
}

integration_tests::with_both_clients! {
    the_command_sees_its_lock_and_every_holder_has_a_greater_number
    what_is_piped_in_and_out_is_the_command_s
    what_is_verbose_tells_of_lock_renewal_and_release
}
