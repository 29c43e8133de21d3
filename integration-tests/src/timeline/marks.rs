//! What is told of a run.

/// A run, or a part of one, that is to be drawn.
#[derive(Debug, Clone, Default)]
pub struct Timeline {
    /// What it is a picture of.
    pub title: String,
    /// What its numbers are, such as "ms of virtual time".
    pub unit: String,
    /// From top to bottom; marks name them by their place.
    pub lanes: Vec<Lane>,
    /// What happened, in any order.
    pub marks: Vec<Mark>,
    /// Draw no more than what lies between, in microseconds.
    pub window: Option<(u64, u64)>,
}

/// A process or a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lane {
    /// Stands at its left.
    pub name: String,
    /// Which of both.
    pub role: Role,
}

/// Whose lane it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Takes locks.
    Client,
    /// Votes.
    Node,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// Microseconds since the start.
    pub at: u64,
    /// What.
    pub what: What,
}

/// How a lock is had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    /// By one.
    Alone,
    /// Beside others.
    Share,
    /// As one of several permits.
    Permit,
    /// By a client that does not know fences.
    Plain,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A lock was given out.
    Held {
        /// Its number, by which other marks name it.
        hold: usize,
        /// Whose it is.
        lane: usize,
        /// What is locked.
        keys: Vec<String>,
        /// Its number for the resource.
        fence: Option<u64>,
        /// How it is had.
        mode: Mode,
    },
    /// A hold is over. The first of these ends the lease; what comes later is what its holder did not know.
    Ended {
        /// Which.
        hold: usize,
        /// By what.
        how: End,
    },
    /// From now on it is had beside others.
    Shared {
        /// Which.
        hold: usize,
    },
    /// Something is wrong for a while.
    Trouble {
        /// With whom.
        lane: usize,
        /// What.
        what: String,
        /// Till when, in microseconds.
        until: u64,
        /// It is the whole process or node that stands still.
        whole: bool,
    },
    /// Something went wrong at once.
    Happened {
        /// With whom.
        lane: usize,
        /// What.
        what: String,
    },
    /// A message to a node, or its answer, did not go as it should.
    Message {
        /// The node.
        lane: usize,
        /// It came late, and it came.
        slow: bool,
        /// What it was.
        what: String,
    },
    /// The resource let a holder write, or read.
    Wrote {
        /// Which.
        hold: usize,
    },
    /// The resource turned a holder away by its fence.
    Refused {
        /// Which hold's write it was.
        hold: usize,
        /// What it was.
        what: String,
    },
    /// A rule is broken.
    Broken {
        /// What is wrong.
        rule: String,
        /// How.
        message: String,
        /// Between which holds.
        holds: Vec<usize>,
        /// The rule was promised; else the run breaks an assumption, and this is what comes of it.
        promised: bool,
    },
}

/// What ended a hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// The holder let go.
    Released,
    /// The lease's own deadline, or a majority that no longer has it.
    Lost,
    /// Another process may go on with it.
    HandedOver,
    /// It goes on as a share.
    Downgraded,
    /// The process is gone.
    Killed,
}
