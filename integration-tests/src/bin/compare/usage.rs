//! What this process and the servers have used.

use std::future::Future;
use std::ops::{AddAssign, Sub};
use std::time::Duration;

use integration_tests::Server;
use rustix::time::{ClockId, clock_gettime};

/// What some work took beside time.
#[derive(Default, Clone, Copy)]
pub(crate) struct Usage {
    pub(crate) client_cpu: Duration,
    pub(crate) servers: Served,
}

/// What servers did, those commands included that are called by scripts.
#[derive(Default, Clone, Copy)]
pub(crate) struct Served {
    pub(crate) cpu: Duration,
    pub(crate) commands: u64,
}

impl Usage {
    /// Adds what is used during `work`.
    pub(crate) async fn during<T>(
        &mut self,
        servers: &[Server],
        work: impl Future<Output = T>,
    ) -> T {
        let before = Served::until_now(servers).await;
        let begin = cpu();
        let output = work.await;
        self.client_cpu += cpu() - begin;
        let mut served = Served::until_now(servers).await - before;
        served.commands -= servers.len() as u64; // our own question
        self.servers += served;
        output
    }

    /// Three cells: microseconds of this process, microseconds of the servers, commands.
    pub(crate) fn cells(&self, per: usize) -> String {
        let per = per as f64;
        let micros = |cpu: Duration| cpu.as_secs_f64() * 1e6 / per;
        let commands = self.servers.commands as f64 / per;
        format!("{:.1} | {:.1} | {commands:.1}", micros(self.client_cpu), micros(self.servers.cpu))
    }
}

impl Served {
    async fn until_now(servers: &[Server]) -> Self {
        let mut sum = Self::default();
        for server in servers {
            let info = server.exec(&["INFO", "cpu", "stats"]).await;
            let field = |name: &str| info.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            for name in ["used_cpu_sys:", "used_cpu_user:"] {
                sum.cpu += Duration::from_secs_f64(field(name).trim().parse().unwrap());
            }
            sum.commands += field("total_commands_processed:").trim().parse::<u64>().unwrap();
        }
        sum
    }
}

impl Sub for Served {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self { cpu: self.cpu.saturating_sub(before.cpu), commands: self.commands - before.commands }
    }
}

impl AddAssign for Served {
    fn add_assign(&mut self, more: Self) {
        self.cpu += more.cpu;
        self.commands += more.commands;
    }
}

/// Processor time of this process.
pub(crate) fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
