//! A PostgreSQL server, for the tests that fence rows of a real database: a container or a child process, as the Redis servers are.

use std::fs::File;
use std::net::SocketAddr;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::geteuid;
use tokio::process::{Child, Command};
use tokio::sync::OnceCell;
use tokio::time::sleep;

use super::docker::{Docker, Image};
use super::kind::Wanted;
use super::provider::{self, Source, output};
use super::watchdog::watchdog;
use crate::{background, ports};

/// Who runs the server where the tests run as root, which it refuses to run as. Debian's package makes this user.
const USER: &str = "postgres";

/// The name of the one database user, who needs no password on the loopback address.
const ROLE: &str = "test";

/// One server for the whole test process, started by whoever asks first. Make a database of your own in it.
///
/// # Panics
///
/// If it cannot be had or does not start: with the command to run, or with the server's log.
pub async fn postgres() -> &'static Postgres {
    static SHARED: OnceCell<Postgres> = OnceCell::const_new();
    let start = async || background::run(Postgres::start()).await;
    SHARED.get_or_init(async || start().await.unwrap_or_else(|why| panic!("{why}"))).await
}

/// A PostgreSQL server that nobody else uses. The watchdog ends it with the test process, and takes its directory away.
#[derive(Debug)]
pub struct Postgres {
    addr: SocketAddr,
    runs: Runs,
}

#[derive(Debug)]
enum Runs {
    Container { _server: Box<Docker> },
    Process { directory: PathBuf, _server: Box<Child> },
}

impl Postgres {
    /// The URL of one of its databases; `postgres` is there from the beginning.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://{ROLE}@{}/{database}", self.addr)
    }

    /// The loopback address.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Where it is a process of this machine: the number of the shared memory that it has from the system, which it must give
    /// back.
    ///
    /// # Panics
    ///
    /// If such a process has none, as far as its files say.
    pub fn shared_memory(&self) -> Option<u64> {
        let Runs::Process { directory, .. } = &self.runs else { return None };
        let pid_file = std::fs::read_to_string(directory.join(PID_FILE)).unwrap_or_default();
        let number = pid_file.lines().nth(6).and_then(|line| line.split_whitespace().nth(1));
        Some(number.and_then(|number| number.parse().ok()).expect("memory from the system"))
    }

    async fn start() -> Result<Self, String> {
        let (image, image_variable) = ("postgres", "REDLOCK_TEST_IMAGE_POSTGRES");
        let wanted = Wanted { image, image_variable, binary: binary() };
        let prepared = match provider::find(wanted).await {
            Source::Image { name, tag } => Prepared::Image { name, tag },
            Source::Binary(binary) | Source::Clocked { binary, .. } => {
                Prepared::Cluster(Cluster::make(&binary).await?)
            }
        };
        let mut conflicts = 0;
        loop {
            let addr = ports::loopback(ports::take());
            match prepared.start(addr).await {
                Ok(runs) => return Ok(Self { addr, runs }),
                Err(why) if ports::is_conflict(&why) && conflicts < 10 => conflicts += 1,
                Err(why) => return Err(format!("PostgreSQL on {addr} does not start: {why}")),
            }
        }
    }
}

/// What its log says, once and behind all that a container does before.
const READY: &str = "database system is ready to accept connections";

/// What a server is started from.
enum Prepared {
    Image { name: String, tag: String },
    Cluster(Cluster),
}

impl Prepared {
    async fn start(&self, addr: SocketAddr) -> Result<Runs, String> {
        match self {
            Self::Image { name, tag } => {
                let image = Image { name, tag, port: 5432, ready: Some(READY) };
                let command = [ROLE, "-c", "fsync=off"].map(str::to_owned);
                let container = Box::new(Docker::start(image, addr, command).await?);
                Ok(Runs::Container { _server: container })
            }
            Self::Cluster(cluster) => {
                let server = Box::new(cluster.serve(addr).await?);
                Ok(Runs::Process { directory: cluster.directory.clone(), _server: server })
            }
        }
    }
}

/// The files of a server that is a process.
struct Cluster {
    /// Of `initdb` and `postgres`.
    binaries: PathBuf,
    user: Option<User>,
    directory: PathBuf,
}

impl Cluster {
    async fn make(binary: &Path) -> Result<Self, String> {
        let binaries = binary.parent().unwrap_or(binary).to_owned();
        let user = User::of_server().await?;
        let directory = watchdog().directory.join(USER);
        let data = directory.join(DATA);
        std::fs::create_dir_all(&data).map_err(|e| e.to_string())?;
        if let Some(user) = user {
            chown(&data, Some(user.uid), Some(user.gid)).map_err(|e| e.to_string())?;
        }
        let mut initdb = as_user(&binaries.join("initdb"), user, &data);
        initdb.args(["--no-sync", "--auth=trust", "--encoding=UTF8", "--locale=C"]);
        initdb.args(["--username", ROLE, "--pgdata", "."]);
        let inside = data.display();
        output(&mut initdb).await.map_err(|why| format!("initdb in {inside}: {why}"))?;
        Ok(Self { binaries, user, directory })
    }

    async fn serve(&self, addr: SocketAddr) -> Result<Child, String> {
        let mut server = self.spawn(addr)?;
        until_ready(&mut server, &self.directory).await?;
        Ok(server)
    }

    fn spawn(&self, addr: SocketAddr) -> Result<Child, String> {
        let log = File::create(self.directory.join("log")).map_err(|e| e.to_string())?;
        let log_too = log.try_clone().map_err(|e| e.to_string())?;
        let data = self.directory.join(DATA);
        let mut command = as_user(&self.binaries.join("postgres"), self.user, &data);
        command.args(["-D", ".", "-p", &addr.port().to_string()]);
        let settings = [
            &format!("listen_addresses={}", addr.ip()),
            "unix_socket_directories=",
            "fsync=off",
            // In files, which go with the directory.
            "dynamic_shared_memory_type=mmap",
        ];
        command.args(settings.iter().flat_map(|setting| ["-c", setting]));
        command.stdin(Stdio::null()).stdout(log).stderr(log_too).process_group(0);
        command.spawn().map_err(|e| format!("{}: {e}", self.binaries.display()))
    }
}

/// Where the watchdog looks for the server's process, below its directory.
const DATA: &str = "data";
const PID_FILE: &str = "data/postmaster.pid";

#[derive(Debug, Clone, Copy)]
struct User {
    uid: u32,
    gid: u32,
}

impl User {
    /// `None`: this one.
    async fn of_server() -> Result<Option<Self>, String> {
        if !geteuid().is_root() {
            return Ok(None);
        }
        let id = async |flag| {
            let printed = output(Command::new("id").args([flag, USER])).await.map_err(|why| {
                format!("PostgreSQL refuses to run as root and there is no user {USER}: {why}")
            })?;
            printed.parse().map_err(|_| format!("`id {flag} {USER}` says {printed}"))
        };
        Ok(Some(Self { uid: id("-u").await?, gid: id("-g").await? }))
    }
}

/// Where the server's binary is, with `initdb` beside it, or how to get them.
fn binary() -> Result<PathBuf, String> {
    // Debian has one for each version, none of which is in the PATH.
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let number = |path: &PathBuf| path.file_name()?.to_str()?.parse::<u32>().ok();
    let mut versions: Vec<PathBuf> = versions.map(|entry| entry.path()).collect();
    versions.sort_by_key(|path| std::cmp::Reverse(number(path)));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let directories = versions.into_iter().map(|version| version.join("bin"));
    directories
        .chain(std::env::split_paths(&path))
        .find(|bin| ["initdb", "postgres"].iter().all(|name| bin.join(name).is_file()))
        .map(|bin| bin.join("postgres"))
        .ok_or_else(|| {
            "no PostgreSQL server; run `./scripts/test-servers` or `apt-get install -y postgresql`"
                .to_owned()
        })
}

fn as_user(binary: &Path, user: Option<User>, directory: &Path) -> Command {
    let mut command = Command::new(binary);
    command.current_dir(directory).env("LC_ALL", "C");
    if let Some(user) = user {
        command.uid(user.uid).gid(user.gid);
    }
    command
}

async fn until_ready(server: &mut Child, directory: &Path) -> Result<(), String> {
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(60) {
        let pid_file = std::fs::read_to_string(directory.join(PID_FILE)).unwrap_or_default();
        if pid_file.lines().nth(7).is_some_and(|status| status.trim() == "ready") {
            return Ok(());
        }
        if !matches!(server.try_wait(), Ok(None)) {
            let log = std::fs::read_to_string(directory.join("log")).unwrap_or_default();
            return Err(format!("the server ended; its log: {log}"));
        }
        sleep(Duration::from_millis(5)).await;
    }
    Err("the server was not ready within a minute".to_owned())
}
