//! A server that is a child process.

use std::fs::File;
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::clock;
use super::watchdog::watchdog;

#[derive(Debug)]
pub(super) struct Local {
    binary: PathBuf,
    /// libfaketime, where the server has a clock of its own.
    clock: Option<PathBuf>,
    directory: PathBuf,
    addr: SocketAddr,
    args: Vec<String>,
    child: Mutex<Option<Child>>,
}

impl Local {
    pub(super) fn start(
        binary: &Path,
        clock: Option<(&PathBuf, &String)>,
        addr: SocketAddr,
        args: &[String],
    ) -> Result<Self, String> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let directory = watchdog().directory.join(format!("{count}-{}", addr.port()));
        std::fs::create_dir(&directory).map_err(|e| e.to_string())?;
        if let Some((_, setting)) = clock {
            clock::set(&directory, setting)?;
        }
        let server = Self {
            binary: binary.to_owned(),
            clock: clock.map(|(library, _)| library.clone()),
            directory,
            addr,
            args: args.to_vec(),
            child: Mutex::new(None),
        };
        server.start_again()?;
        Ok(server)
    }

    pub(super) fn start_again(&self) -> Result<(), String> {
        let log = File::create(self.log_file()).map_err(|e| e.to_string())?;
        let log_too = log.try_clone().map_err(|e| e.to_string())?;
        let mut command = Command::new(&self.binary);
        if let Some(library) = &self.clock {
            clock::attach(&mut command, library, &self.directory);
        }
        let child = command
            .current_dir(&self.directory) // the watchdog's mark
            .args(["--port", &self.addr.port().to_string(), "--bind", &self.addr.ip().to_string()])
            .args(["--save", "", "--appendonly", "no"])
            .args(&self.args)
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(log_too)
            .process_group(0)
            .spawn()
            .map_err(|e| format!("{}: {e}", self.binary.display()))?;
        *self.child.lock().unwrap() = Some(child);
        Ok(())
    }

    pub(super) fn set_clock(&self, clock: &str) -> Result<(), String> {
        match self.clock {
            Some(_) => clock::set(&self.directory, clock),
            None => Err("the server was started without a clock of its own".to_owned()),
        }
    }

    /// What the server logged, if it is no longer running.
    pub(super) fn ended(&self) -> Option<String> {
        let mut child = self.child.lock().unwrap();
        let running = matches!(child.as_mut().map(Child::try_wait), Some(Ok(None)));
        (!running).then(|| std::fs::read_to_string(self.log_file()).unwrap_or_default())
    }

    /// Returns when the process has really stopped, so that nothing sent later is answered.
    pub(super) async fn pause(&self) -> Result<(), String> {
        let pid = self.signal(Signal::STOP)?;
        let status = format!("/proc/{}/stat", pid.as_raw_nonzero());
        let deadline = Instant::now() + Duration::from_secs(5);
        while Instant::now() < deadline {
            // "pid (name) S …"; without /proc the signal has to do.
            match std::fs::read_to_string(&status) {
                Ok(stat) if !stat.rsplit(") ").next().is_some_and(|s| s.starts_with('T')) => {}
                _ => return Ok(()),
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Err("did not stop on SIGSTOP".to_owned())
    }

    pub(super) fn resume(&self) -> Result<(), String> {
        self.signal(Signal::CONT).map(|_| ())
    }

    pub(super) fn kill(&self) -> Result<(), String> {
        if let Some(mut child) = self.child.lock().unwrap().take() {
            child.kill().map_err(|e| e.to_string())?; // SIGKILL; also ends a stopped process
            child.wait().map_err(|e| e.to_string())?;
        }
        Ok(())
    }

    fn signal(&self, signal: Signal) -> Result<Pid, String> {
        let child = self.child.lock().unwrap();
        let child = child.as_ref().ok_or("the server was killed")?;
        let pid = Pid::from_child(child);
        kill_process(pid, signal).map_err(|e| e.to_string())?;
        Ok(pid)
    }

    fn log_file(&self) -> PathBuf {
        self.directory.join("log")
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        let _ = self.kill();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}
