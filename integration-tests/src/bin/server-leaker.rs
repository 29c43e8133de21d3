//! Starts servers, says where, and waits to be killed: for the test that nothing is left behind.

use std::io::Write;

use integration_tests::{Kind, Servers, shared};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let servers = Servers::start(2).await;
    let ports = [servers[0].port(), servers[1].port(), shared(Kind::Redis70).await.port()];
    writeln!(std::io::stdout(), "{} {} {}", ports[0], ports[1], ports[2])?;
    std::future::pending().await
}
