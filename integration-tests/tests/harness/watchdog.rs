use super::*;

/// Directories and containers of the process.
fn traces(pid: u32) -> Vec<String> {
    let mark = format!("redlock-test-{pid}-");
    let directories = std::fs::read_dir(std::env::temp_dir()).unwrap();
    let directories =
        directories.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    let docker = Command::new("docker").args(["ps", "-a", "--format", "{{.Names}}"]).output();
    let docker = docker
        .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
        .unwrap_or_default();
    let containers = docker.lines().map(str::to_owned);
    directories.chain(containers).filter(|name| name.starts_with(&mark)).collect()
}

#[tokio::test]
async fn nothing_survives_the_sigkill_of_a_test_process() {
    let mut leaker =
        Command::new(env!("CARGO_BIN_EXE_server-leaker")).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(leaker.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let addrs: Vec<SocketAddr> =
        line.split_whitespace().map(|port| format!("127.0.0.1:{port}").parse().unwrap()).collect();
    assert_eq!(addrs.len(), 3);
    for addr in &addrs {
        assert_eq!(resp::call(*addr, &["PING"]).await.unwrap(), Reply::Simple("PONG".to_owned()));
    }
    assert!(!traces(leaker.id()).is_empty());

    leaker.kill().unwrap(); // SIGKILL
    leaker.wait().unwrap();
    for addr in addrs {
        until("the end of an orphaned server", async || refused(addr).await).await;
    }
    until("the end of all traces", async || traces(leaker.id()).is_empty()).await;
}
