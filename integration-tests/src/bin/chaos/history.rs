//! What happened: the checker's input, and the file that is left for people.

use std::fmt;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::time::{ClockId, clock_gettime};

/// Microseconds on the host's monotonic clock, the same for all processes.
pub(crate) type Micros = u64;

/// The time now.
pub(crate) fn now() -> Micros {
    let now = clock_gettime(ClockId::Monotonic);
    let seconds = u64::try_from(now.tv_sec).unwrap_or_default();
    seconds * 1_000_000 + u64::try_from(now.tv_nsec / 1_000).unwrap_or_default()
}

/// One hold among all: the worker's place, which of its lives, and a number within that life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct HoldId {
    pub(crate) worker: usize,
    pub(crate) life: u64,
    pub(crate) number: u64,
}

/// How a key is had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Writer,
    Reader,
    /// Of a semaphore; the key is the slot's.
    Permit,
    /// By a client of the plain algorithm, without a fence.
    Plain,
}

impl Mode {
    const ALL: [Self; 4] = [Self::Writer, Self::Reader, Self::Permit, Self::Plain];

    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.name() == name)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Writer => "writer",
            Self::Reader => "reader",
            Self::Permit => "permit",
            Self::Plain => "plain",
        }
    }
}

/// What a fault was done to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    Server(usize),
    Worker(usize),
    /// The way from a worker to a server.
    Link(usize, usize),
}

/// Something that happened. Workers tell of themselves, by the same clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    /// A worker has a lock. It asked for it at `asked`, had it at `begin`, and may use it until `until`.
    Held {
        hold: HoldId,
        mode: Mode,
        key: String,
        fence: Option<u64>,
        asked: Micros,
        begin: Micros,
        until: Micros,
    },
    /// Renewal moved the deadline.
    Renewed { hold: HoldId, until: Micros },
    /// A writer became a reader; from `at` on it claims no more than that.
    Downgraded { hold: HoldId, at: Micros },
    /// The worker gave the lock back or saw that it was lost; from `at` on it claims nothing.
    Ended { hold: HoldId, at: Micros },
    /// A writer asked the store for a value; with a stale fence it gives none.
    Read { hold: HoldId, key: String, fence: u64, at: Micros, accepted: bool },
    /// A reader looked; with a stale fence the store shows nothing.
    Look { hold: HoldId, key: String, fence: u64, value: u64, at: Micros, accepted: bool },
    /// The store was given a value.
    Write { hold: HoldId, key: String, fence: u64, value: u64, at: Micros, accepted: bool },
    /// A worker was killed; it may have run until `at`.
    Killed { worker: usize, life: u64, at: Micros },
    /// Something was broken on purpose.
    Fault { at: Micros, kind: &'static str, target: Target },
    /// And was mended.
    Mended { at: Micros, kind: &'static str, target: Target },
    /// A lock was still there when all was over.
    Left { server: usize, key: String },
}

/// As a line of JSON. All strings are the program's own and need no escapes.
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held { hold, mode, key, fence, asked, begin, until } => {
                let (mode, fence) =
                    (mode.name(), fence.map_or_else(|| "null".to_owned(), |f| f.to_string()));
                write!(
                    f,
                    r#"{{"event":"held",{hold},"mode":"{mode}","key":"{key}","fence":{fence},"asked":{asked},"begin":{begin},"until":{until}}}"#
                )
            }
            Self::Downgraded { hold, at } => {
                write!(f, r#"{{"event":"downgraded",{hold},"at":{at}}}"#)
            }
            Self::Look { hold, key, fence, value, at, accepted } => write!(
                f,
                r#"{{"event":"look",{hold},"key":"{key}","fence":{fence},"value":{value},"at":{at},"accepted":{accepted}}}"#
            ),
            Self::Renewed { hold, until } => {
                write!(f, r#"{{"event":"renewed",{hold},"until":{until}}}"#)
            }
            Self::Ended { hold, at } => write!(f, r#"{{"event":"ended",{hold},"at":{at}}}"#),
            Self::Read { hold, key, fence, at, accepted } => write!(
                f,
                r#"{{"event":"read",{hold},"key":"{key}","fence":{fence},"at":{at},"accepted":{accepted}}}"#
            ),
            Self::Write { hold, key, fence, value, at, accepted } => write!(
                f,
                r#"{{"event":"write",{hold},"key":"{key}","fence":{fence},"value":{value},"at":{at},"accepted":{accepted}}}"#
            ),
            Self::Killed { worker, life, at } => {
                write!(f, r#"{{"event":"killed","worker":{worker},"life":{life},"at":{at}}}"#)
            }
            Self::Fault { at, kind, target } => {
                write!(f, r#"{{"event":"fault","kind":"{kind}",{target},"at":{at}}}"#)
            }
            Self::Mended { at, kind, target } => {
                write!(f, r#"{{"event":"mended","kind":"{kind}",{target},"at":{at}}}"#)
            }
            Self::Left { server, key } => {
                write!(f, r#"{{"event":"left","server":{server},"key":"{key}"}}"#)
            }
        }
    }
}

impl fmt::Display for HoldId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, r#""worker":{},"life":{},"hold":{}"#, self.worker, self.life, self.number)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server(server) => write!(f, r#""server":{server}"#),
            Self::Worker(worker) => write!(f, r#""worker":{worker}"#),
            Self::Link(worker, server) => write!(f, r#""worker":{worker},"server":{server}"#),
        }
    }
}

/// Collects events, in the order in which they became known, here and in a file.
#[derive(Debug)]
pub(crate) struct Recorder {
    path: PathBuf,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    events: Vec<Event>,
    file: BufWriter<File>,
    broken: Option<std::io::Error>,
}

impl Recorder {
    /// Begins the file.
    pub(crate) fn create(path: &Path) -> std::io::Result<Self> {
        if let Some(directory) = path.parent() {
            std::fs::create_dir_all(directory)?;
        }
        let file = BufWriter::new(File::create(path)?);
        let inner = Inner { events: Vec::new(), file, broken: None };
        Ok(Self { path: path.to_owned(), inner: Mutex::new(inner) })
    }

    /// Where the file is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn record(&self, event: Event) {
        let inner = &mut *self.lock();
        if let Err(error) = writeln!(inner.file, "{event}") {
            inner.broken.get_or_insert(error);
        }
        inner.events.push(event);
    }

    /// A fault, as of now.
    pub(crate) fn fault(&self, kind: &'static str, target: Target) {
        self.record(Event::Fault { at: now(), kind, target });
    }

    /// The end of a fault, as of now.
    pub(crate) fn mended(&self, kind: &'static str, target: Target) {
        self.record(Event::Mended { at: now(), kind, target });
    }

    /// All events so far.
    pub(crate) fn so_far(&self) -> Vec<Event> {
        self.lock().events.clone()
    }

    /// All events so far, once they are in the file.
    pub(crate) fn finish(&self) -> std::io::Result<Vec<Event>> {
        let inner = &mut *self.lock();
        if let Some(error) = inner.broken.take() {
            return Err(error);
        }
        inner.file.flush()?;
        Ok(inner.events.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
