//! One running server, wherever it runs.

use std::net::SocketAddr;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::docker::{Docker, Image};
use super::local::Local;
use super::provider::Source;
use crate::resp::{self, Reply};

/// On the command line of every server in a container.
const CONTAINERS: [&str; 8] =
    ["--bind", "0.0.0.0", "--protected-mode", "no", "--save", "", "--appendonly", "no"];

#[derive(Debug)]
pub(super) enum Instance {
    Local(Local),
    Docker(Box<Docker>),
}

impl Instance {
    pub(super) async fn start(
        source: &Source,
        addr: SocketAddr,
        args: &[String],
    ) -> Result<Self, String> {
        let instance = match source {
            Source::Binary(binary) => Self::Local(Local::start(binary, None, addr, args)?),
            Source::Clocked { binary, library, clock } => {
                Self::Local(Local::start(binary, Some((library, clock)), addr, args)?)
            }
            Source::Image { name, tag } => {
                let image = Image { name, tag, port: 6379, ready: None };
                let defaults = CONTAINERS.map(str::to_owned).into_iter();
                let command = defaults.chain(args.iter().cloned());
                Self::Docker(Box::new(Docker::start(image, addr, command).await?))
            }
        };
        instance.until_ready(addr).await?;
        Ok(instance)
    }

    pub(super) async fn start_again(&self, addr: SocketAddr) -> Result<(), String> {
        match self {
            Self::Local(server) => server.start_again()?,
            Self::Docker(server) => server.start_again().await?,
        }
        self.until_ready(addr).await
    }

    pub(super) async fn pause(&self) -> Result<(), String> {
        match self {
            Self::Local(server) => server.pause().await,
            Self::Docker(server) => server.pause().await,
        }
    }

    pub(super) async fn resume(&self) -> Result<(), String> {
        match self {
            Self::Local(server) => server.resume(),
            Self::Docker(server) => server.resume().await,
        }
    }

    /// Returns when connections are refused.
    pub(super) async fn kill(&self, addr: SocketAddr) -> Result<(), String> {
        match self {
            Self::Local(server) => server.kill()?,
            Self::Docker(server) => server.kill().await?,
        }
        let deadline = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(addr).await.is_ok() {
            if Instant::now() > deadline {
                return Err("still accepts connections after SIGKILL".to_owned());
            }
            sleep(Duration::from_millis(2)).await;
        }
        Ok(())
    }

    pub(super) fn set_clock(&self, clock: &str) -> Result<(), String> {
        match self {
            Self::Local(server) => server.set_clock(clock),
            Self::Docker(_) => Err("a container has the engine's clock".to_owned()),
        }
    }

    pub(super) async fn peer(&self, addr: SocketAddr) -> Result<(String, u16), String> {
        match self {
            Self::Local(_) => Ok((addr.ip().to_string(), addr.port())),
            Self::Docker(server) => server.peer().await,
        }
    }

    /// Begins the removal; if that goes on in the background, the receiver tells when it is done.
    pub(super) fn remove(self) -> Option<Receiver<()>> {
        match self {
            Self::Local(_) => None,
            Self::Docker(mut server) => server.remove(),
        }
    }

    /// Any answer but "still loading" will do: a server with a password or a replica does not say PONG.
    async fn until_ready(&self, addr: SocketAddr) -> Result<(), String> {
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_secs(60) {
            match timeout(Duration::from_secs(2), resp::call(addr, &["PING"])).await {
                Ok(Ok(Reply::Error(why))) if why.starts_with("LOADING") => {}
                Ok(Ok(_)) => return Ok(()),
                _ => {}
            }
            let ended = match self {
                Self::Local(server) => server.ended(),
                // Asking costs more here, and starting takes longer.
                Self::Docker(server) if begin.elapsed() > Duration::from_secs(1) => {
                    server.ended().await
                }
                Self::Docker(_) => None,
            };
            if let Some(log) = ended {
                return Err(format!("the server ended; its log: {log}"));
            }
            sleep(Duration::from_millis(5)).await;
        }
        Err("the server did not answer PING within a minute".to_owned())
    }
}
