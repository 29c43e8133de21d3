//! A server that is a container. Everything here runs on the harness's own runtime.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use testcontainers::core::{IntoContainerPort, WaitFor};
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerAsync, GenericImage, ImageExt};
use tokio::process::Command;

use super::provider::output;
use super::watchdog::{LABEL, watchdog};
use crate::{background, ports};

/// What is started.
#[derive(Debug)]
pub(super) struct Image<'a> {
    pub(super) name: &'a str,
    pub(super) tag: &'a str,
    /// The port inside the container.
    pub(super) port: u16,
    /// What its log says when it is ready; nothing where somebody asks it.
    pub(super) ready: Option<&'a str>,
}

#[derive(Debug)]
pub(super) struct Docker {
    name: String,
    port: u16,
    container: Option<ContainerAsync<GenericImage>>, // None only while dropping
}

impl Docker {
    pub(super) async fn start(
        image: Image<'_>,
        addr: SocketAddr,
        command: impl IntoIterator<Item = String>,
    ) -> Result<Self, String> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let owner = &watchdog().owner;
        let name = format!("redlock-test-{owner}-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let mut container = GenericImage::new(image.name, image.tag);
        if let Some(ready) = image.ready {
            container = container.with_wait_for(WaitFor::message_on_stderr(ready));
        }
        let started = container
            // A port of our choice: one that the engine picks would change with a restart.
            .with_mapped_port(addr.port(), image.port.tcp())
            .with_host_config_modifier(move |config| {
                for binding in config
                    .port_bindings
                    .iter_mut()
                    .flat_map(|ports| ports.values_mut())
                    .flatten()
                    .flatten()
                {
                    binding.host_ip = Some(addr.ip().to_string());
                }
            })
            .with_container_name(&name)
            .with_label(LABEL, owner)
            .with_cmd(command)
            .with_startup_timeout(Duration::from_secs(60))
            .start()
            .await;
        match started {
            Ok(container) => Ok(Self { name, port: image.port, container: Some(container) }),
            Err(error) => {
                let why = describe(&error);
                let _ = docker(&["rm", "-f", "-v", &name]).await; // created, perhaps, but not started
                Err(why)
            }
        }
    }

    pub(super) async fn start_again(&self) -> Result<(), String> {
        let mut result = Ok(());
        // The engine may need a moment to give the port back.
        for _ in 0..50 {
            result = self.container().start().await.map_err(|e| describe(&e));
            if !result.as_ref().is_err_and(|why| ports::is_conflict(why)) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        result
    }

    /// What the server logged, if it is no longer running.
    pub(super) async fn ended(&self) -> Option<String> {
        match self.container().is_running().await {
            Ok(false) => Some(docker(&["logs", &self.name]).await.unwrap_or_else(|why| why)),
            _ => None,
        }
    }

    /// SIGSTOP, and not the engine's own pause: that freezes a control group, which engines on cgroup v1 give up on when
    /// the machine is busy, and what is frozen they cannot kill.
    pub(super) async fn pause(&self) -> Result<(), String> {
        docker(&["kill", "--signal", "STOP", &self.name]).await.map(|_| ())
    }

    pub(super) async fn resume(&self) -> Result<(), String> {
        docker(&["kill", "--signal", "CONT", &self.name]).await.map(|_| ())
    }

    /// SIGKILL, through the command line: the crate can only stop a container.
    pub(super) async fn kill(&self) -> Result<(), String> {
        match docker(&["kill", &self.name]).await {
            Err(why) if !why.contains("is not running") => Err(why),
            _ => Ok(()),
        }
    }

    /// Where another container reaches this one.
    pub(super) async fn peer(&self) -> Result<(String, u16), String> {
        // Not `get_bridge_ip_address`: it takes the network mode, here `default`, for the name of a network.
        let format = "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}";
        let addresses = docker(&["inspect", "--format", format, &self.name]).await?;
        let ip = addresses.split_whitespace().next().ok_or("the container has no address")?;
        Ok((ip.to_string(), self.port))
    }

    /// Begins to remove the container; the receiver tells when that is done.
    pub(super) fn remove(&mut self) -> Option<Receiver<()>> {
        let container = self.container.take()?;
        let (done, removed) = mpsc::channel();
        background::spawn(async move {
            let _ = container.rm().await;
            let _ = done.send(());
        });
        Some(removed)
    }

    fn container(&self) -> &ContainerAsync<GenericImage> {
        self.container.as_ref().expect("the container of a live server")
    }
}

impl Drop for Docker {
    fn drop(&mut self) {
        if let Some(removed) = self.remove() {
            wait(&removed);
        }
    }
}

/// Waits for a removal, unless on the very threads that do the removing.
pub(super) fn wait(removed: &Receiver<()>) {
    if !background::is_current() {
        let _ = removed.recv_timeout(Duration::from_secs(30));
    }
}

async fn docker(args: &[&str]) -> Result<String, String> {
    output(Command::new("docker").args(args)).await
}

/// An error with its causes: the engine's own words are at the end of the chain.
fn describe(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
