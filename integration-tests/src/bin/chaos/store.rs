//! The resource that the lock protects, in the parent process: one value for each key, behind a gate for the
//! fences of readers and writers. Workers speak to it over a socket, line by line, and tell it of their holds.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use redlock_core::{Fence, RwFenceGate};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::failure::Failure;
use crate::history::{Event, HoldId, Mode, Recorder, now};

/// Serves until it is dropped.
#[derive(Debug)]
pub(crate) struct Store {
    addr: SocketAddr,
    listener: JoinHandle<()>,
    reader: watch::Receiver<usize>,
    /// Closed once nobody is served any more.
    served: mpsc::Receiver<Infallible>,
}

#[derive(Debug, Default)]
struct Cell {
    value: u64,
    gate: RwFenceGate,
}

struct Shared {
    // One lock for all cells and the record, so that the record has the order in which things were done.
    cells: Mutex<HashMap<String, Cell>>,
    recorder: Arc<Recorder>,
    reader: watch::Sender<usize>,
}

impl Store {
    pub(crate) async fn start(recorder: Arc<Recorder>) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let addr = listener.local_addr()?;
        let (is_read, reader) = watch::channel(usize::MAX);
        let (serving, served) = mpsc::channel(1);
        let shared = Arc::new(Shared { cells: Mutex::default(), recorder, reader: is_read });
        let listener = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (shared, serving) = (Arc::clone(&shared), serving.clone());
                tokio::spawn(async move {
                    // A worker may die at any moment.
                    drop(serve(client, &shared).await);
                    drop(serving);
                });
            }
        });
        Ok(Self { addr, listener, reader, served })
    }

    /// Hears out those who are gone: what they said last may be on its way.
    pub(crate) async fn finish(mut self) {
        self.listener.abort();
        while self.served.recv().await.is_some() {}
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The worker that read or looked last, and is about to write or to look again.
    pub(crate) fn reader(&self) -> watch::Receiver<usize> {
        self.reader.clone()
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

async fn serve(client: TcpStream, shared: &Shared) -> Result<(), Failure> {
    client.set_nodelay(true)?;
    let (read, mut write) = client.into_split();
    let mut lines = BufReader::new(read).lines();
    while let Some(line) = lines.next_line().await? {
        if let Some(reply) = shared.answer(&line)? {
            write.write_all(format!("{reply}\n").as_bytes()).await?;
        }
    }
    Ok(())
}

impl Shared {
    /// Does what a line says. `None`: it wants no reply.
    fn answer(&self, line: &str) -> Result<Option<String>, Failure> {
        let words: Vec<&str> = line.split(' ').collect();
        let [verb, worker, life, number, rest @ ..] = &words[..] else {
            return Err(format!("not understood: {line}").into());
        };
        let hold = HoldId { worker: worker.parse()?, life: life.parse()?, number: number.parse()? };
        let reply = match (*verb, rest) {
            ("held", [mode, key, fence, asked, begin, until]) => {
                self.recorder.record(Event::Held {
                    hold,
                    mode: Mode::parse(mode).ok_or("no such mode")?,
                    key: (*key).to_owned(),
                    // One without a fence has none to tell.
                    fence: fence.parse().ok(),
                    asked: asked.parse()?,
                    begin: begin.parse()?,
                    until: until.parse()?,
                });
                None
            }
            ("renewed", [until]) => {
                self.recorder.record(Event::Renewed { hold, until: until.parse()? });
                None
            }
            ("downgraded", [at]) => {
                self.recorder.record(Event::Downgraded { hold, at: at.parse()? });
                None
            }
            ("ended", [at]) => {
                self.recorder.record(Event::Ended { hold, at: at.parse()? });
                None
            }
            ("read", [key, fence]) => Some(self.read(hold, key, fence.parse()?)?),
            ("look", [key, fence]) => Some(self.look(hold, key, fence.parse()?)?),
            ("write", [key, fence, value]) => {
                Some(self.write(hold, key, fence.parse()?, value.parse()?)?)
            }
            _ => return Err(format!("not understood: {line}").into()),
        };
        Ok(reply)
    }

    /// Whoever is about to write passes the gate too: what it was told must not change behind its back.
    fn read(&self, hold: HoldId, key: &str, fence: u64) -> Result<String, Failure> {
        let mut cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
        let cell = cells.entry(key.to_owned()).or_default();
        let accepted = cell.gate.admit_write(Fence::try_from(fence)?).is_ok();
        let key = key.to_owned();
        self.recorder.record(Event::Read { hold, key, fence, at: now(), accepted });
        self.reader.send_replace(hold.worker);
        Ok(if accepted { cell.value.to_string() } else { STALE.to_owned() })
    }

    /// One that shares is recorded: no writer that was before it comes after it.
    fn look(&self, hold: HoldId, key: &str, fence: u64) -> Result<String, Failure> {
        let mut cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
        let cell = cells.entry(key.to_owned()).or_default();
        let accepted = cell.gate.admit_read(Fence::try_from(fence)?).is_ok();
        let (key, value) = (key.to_owned(), cell.value);
        self.recorder.record(Event::Look { hold, key, fence, value, at: now(), accepted });
        self.reader.send_replace(hold.worker);
        Ok(if accepted { "ok" } else { STALE }.to_owned())
    }

    fn write(&self, hold: HoldId, key: &str, fence: u64, value: u64) -> Result<String, Failure> {
        let mut cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
        let cell = cells.entry(key.to_owned()).or_default();
        let accepted = cell.gate.admit_write(Fence::try_from(fence)?).is_ok();
        if accepted {
            cell.value = value;
        }
        let key = key.to_owned();
        self.recorder.record(Event::Write { hold, key, fence, value, at: now(), accepted });
        Ok(if accepted { "ok" } else { STALE }.to_owned())
    }
}

/// What the store says to a fence that is over.
pub(crate) const STALE: &str = "stale";
