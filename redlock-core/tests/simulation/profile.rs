//! What a seed stands for: the kind of trouble, and how much of it.

use fastrand::Rng;

/// Most permits of a run.
pub(crate) const MOST_PERMITS: u16 = 4;

/// The kind of trouble of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    Calm,
    Lossy,
    /// Messages that take longer than a time to live.
    Slow,
    /// Callers that are not polled for a while, and nodes that hang.
    Pauses,
    /// Whole processes that stand still.
    Freezes,
    Partitions,
    /// Nodes that restart, most of them empty, under the restart guard.
    Crashes,
    /// All nodes at the drift bound, holds to the last moment, contenders that try at once.
    Edge,
    /// Eight processes and one key.
    Storm,
    /// Extensions by more and by less than the time to live.
    MixedTtl,
    Renewal,
    /// Several resources in one lock.
    Several,
    /// Outside the assumptions: nodes' clocks too fast.
    BeyondDrift,
    /// Outside the assumptions: nodes' clocks are set.
    ClockSteps,
    /// Outside the assumptions: a stranger deletes locks.
    EarlyExpiry,
    /// Outside the assumptions: nodes restart empty, and there is no guard.
    Unguarded,
}

impl Profile {
    pub(crate) const ALL: [Self; 16] = [
        Self::Calm,
        Self::Lossy,
        Self::Slow,
        Self::Pauses,
        Self::Freezes,
        Self::Partitions,
        Self::Crashes,
        Self::Edge,
        Self::Storm,
        Self::MixedTtl,
        Self::Renewal,
        Self::Several,
        Self::BeyondDrift,
        Self::ClockSteps,
        Self::EarlyExpiry,
        Self::Unguarded,
    ];

    pub(crate) fn of(seed: u64) -> Self {
        Self::ALL[(seed % Self::ALL.len() as u64) as usize]
    }

    /// Whether mutual exclusion is promised.
    pub(crate) fn keeps_assumptions(self) -> bool {
        !matches!(self, Self::BeyondDrift | Self::ClockSteps | Self::EarlyExpiry | Self::Unguarded)
    }
}

/// A run, drawn from its seed. Times are milliseconds unless they say otherwise, chances are per thousand.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    pub(crate) seed: u64,
    pub(crate) profile: Profile,
    pub(crate) nodes: usize,
    pub(crate) processes: usize,
    pub(crate) keys: usize,
    pub(crate) rounds: u32,
    pub(crate) ttl: u64,
    /// What the restart guard is told.
    pub(crate) longest: u64,
    pub(crate) node_timeout: u64,
    pub(crate) fencing: bool,
    pub(crate) guard: bool,
    /// Clock rates of the nodes, in parts per million.
    pub(crate) rates: Vec<i64>,
    /// By how much the nodes' clocks are wrong, in microseconds.
    pub(crate) node_wall: Vec<i64>,
    /// By how much the clients' wall clocks may be wrong, in microseconds.
    pub(crate) client_wall: i64,
    /// Another program's keys are on the nodes.
    pub(crate) foreign: bool,
    pub(crate) retry: (u64, u64),
    pub(crate) think: u64,
    pub(crate) delay: (u64, u64),
    pub(crate) slow: u64,
    pub(crate) slowest: u64,
    pub(crate) lost: u64,
    pub(crate) broken: u64,
    pub(crate) reorder: bool,
    pub(crate) pause: u64,
    pub(crate) drop: u64,
    pub(crate) extend: u64,
    pub(crate) mixed: bool,
    pub(crate) renew: u64,
    /// Rounds in which a process runs for leadership, where there are fences.
    pub(crate) lead: u64,
    pub(crate) several: u64,
    pub(crate) full: bool,
    pub(crate) leak: u64,
    /// Locks that are to stay taken for a while, per thousand.
    pub(crate) keep: u64,
    /// Locks are handed over, in so many of the ends.
    pub(crate) hand: u64,
    /// Rounds in which a process reads.
    pub(crate) read: u64,
    /// Rounds in which a process takes permits.
    pub(crate) permit: u64,
    /// How many permits there are, as every other process has it.
    pub(crate) permits: [u16; 2],
    /// A process sleeps until counters are forgotten.
    pub(crate) rest: bool,
    /// How many times the weather changes, and the weights of what comes.
    pub(crate) weather: u64,
    pub(crate) weights: Weights,
}

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Weights {
    pub(crate) hang: u64,
    pub(crate) partition: u64,
    pub(crate) amnesia: u64,
    pub(crate) restart: u64,
    pub(crate) freeze: u64,
    pub(crate) client_step: u64,
    pub(crate) node_step: u64,
    pub(crate) remove: u64,
}

/// Every fourth run hands over; by a generator of its own, so that the others stay as they are.
fn hand(seed: u64) -> u64 {
    let mut rng = Rng::with_seed(seed ^ 0x4a4d_0000_4a4d_0000);
    if seed / 16 % 4 == 1 { rng.u64(200..=800) } else { 0 }
}

/// In every fourth run there are readers; as above.
fn read(seed: u64) -> u64 {
    let mut rng = Rng::with_seed(seed ^ 0x5ead_0000_5ead_0000);
    if seed / 16 % 4 == 2 { rng.u64(300..=800) } else { 0 }
}

/// In every fourth run there are permits, and in every third of these processes differ about how many; as above.
fn permits(seed: u64) -> (u64, [u16; 2]) {
    let mut rng = Rng::with_seed(seed ^ 0x9e24_0000_9e24_0000);
    if seed / 16 % 4 != 3 {
        return (0, [1; 2]);
    }
    let most = rng.u16(1..=MOST_PERMITS);
    let other = if rng.u8(..3) == 0 { rng.u16(1..=most) } else { most };
    (rng.u64(400..=900), if rng.bool() { [most, other] } else { [other, most] })
}

impl Setup {
    pub(crate) fn draw(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed ^ 0x5eed_0000_5eed_0000);
        let profile = Profile::of(seed);
        let nodes = [1, 3, 3, 3, 4, 5][rng.usize(..6)];
        let ttl = rng.u64(80..=800);
        let mut setup = Self {
            seed,
            profile,
            nodes,
            processes: rng.usize(2..=4),
            keys: rng.usize(1..=2),
            rounds: rng.u32(2..=4),
            ttl,
            longest: ttl * 2,
            node_timeout: (ttl / rng.u64(5..=20)).max(10),
            fencing: rng.u64(..10) > 1,
            guard: rng.u64(..10) > 2,
            rates: (0..nodes).map(|_| rng.i64(-5_000..=5_000)).collect(),
            node_wall: (0..nodes).map(|_| rng.i64(-2_000_000..=2_000_000)).collect(),
            client_wall: [0, 1_000, 1_500_000, 200_000_000][rng.usize(..4)],
            foreign: rng.bool(),
            retry: (1, rng.u64(5..=60)),
            think: rng.u64(1..=ttl),
            delay: (0, rng.u64(0..=4)),
            slow: 0,
            slowest: 0,
            lost: 0,
            broken: 0,
            reorder: false,
            pause: 20,
            drop: 40,
            extend: 250,
            mixed: false,
            renew: 100,
            lead: 0,
            several: 100,
            full: false,
            leak: 60,
            keep: if seed % 5 == 2 { 500 } else { 0 },
            hand: hand(seed),
            read: read(seed),
            permit: permits(seed).0,
            permits: permits(seed).1,
            rest: false,
            weather: rng.u64(0..=3),
            weights: Weights { client_step: 1, ..Weights::default() },
        };
        setup.trouble(&mut rng);
        let renewed = matches!(profile, Profile::Freezes | Profile::Partitions | Profile::Renewal);
        setup.lead = if renewed && setup.fencing { 300 } else { 0 };
        setup
    }

    fn trouble(&mut self, rng: &mut Rng) {
        let busy = rng.u64(4..=16);
        match self.profile {
            Profile::Calm => {
                self.pause = 0;
                self.rest = rng.u64(..10) == 0;
                self.delay.1 = self.delay.1.min(self.node_timeout / 4);
            }
            Profile::Lossy => {
                (self.lost, self.broken) = (rng.u64(20..=200), rng.u64(20..=100));
                self.reorder = rng.bool();
                self.drop = 100;
            }
            Profile::Slow => {
                (self.slow, self.slowest) = (rng.u64(50..=400), self.ttl * 2);
                self.reorder = rng.bool();
            }
            Profile::Pauses => {
                self.pause = 300;
                self.weather = busy;
                self.weights.hang = 6;
            }
            Profile::Freezes => {
                self.renew = 400;
                self.weather = busy;
                self.weights.freeze = 6;
            }
            Profile::Partitions => {
                self.weather = busy * 2;
                self.weights.partition = 8;
                self.renew = 300;
            }
            Profile::Crashes => {
                self.restless(busy, rng);
                self.guard = true;
            }
            Profile::Edge => {
                self.ttl = rng.u64(300..=2_000);
                self.longest = self.ttl * 2;
                self.node_timeout = self.ttl / 10;
                self.delay = (0, 1);
                self.rates.iter_mut().for_each(|rate| *rate = 10_000);
                (self.full, self.keys, self.retry) = (true, 1, (1, 12));
                (self.think, self.drop, self.several, self.leak) = (5, 0, 0, 0);
            }
            Profile::Storm => {
                (self.processes, self.keys, self.think) = (8, 1, 5);
                self.retry = (1, rng.u64(2..=20));
                self.lost = 20;
            }
            Profile::MixedTtl => {
                (self.mixed, self.extend) = (true, 700);
                (self.slow, self.slowest) = (200, self.node_timeout * 2);
                self.reorder = rng.bool();
            }
            Profile::Renewal => {
                self.renew = 800;
                (self.lost, self.weather) = (60, busy);
                (self.weights.hang, self.weights.freeze) = (2, 2);
            }
            Profile::Several => (self.several, self.keys, self.lost) = (700, 3, 20),
            Profile::BeyondDrift => {
                let rate = rng.i64(50_000..=500_000);
                self.rates.iter_mut().for_each(|r| *r = rate);
                (self.full, self.keys, self.retry, self.think) = (true, 1, (1, 12), 5);
                self.outside();
            }
            Profile::ClockSteps => {
                (self.weather, self.weights.node_step) = (busy * 2, 20);
                (self.full, self.keys, self.retry, self.think) = (true, 1, (1, 12), 5);
                self.outside();
            }
            Profile::EarlyExpiry => {
                (self.weather, self.weights.remove) = (busy, 10);
                (self.full, self.keys, self.retry, self.think) = (true, 1, (1, 12), 5);
                self.outside();
            }
            Profile::Unguarded => {
                self.restless(busy * 2, rng);
                (self.full, self.keys, self.retry, self.think) = (true, 1, (1, 12), 5);
                self.outside();
                self.guard = false;
                // Without a guard numbers still follow real time if all clocks agree: then the hint is the later one's.
                self.weights.client_step = 0;
                self.client_wall = 0;
                self.rates.iter_mut().for_each(|rate| *rate = 0);
                self.node_wall.iter_mut().for_each(|wall| *wall = 0);
                self.delay = (1, 3);
            }
        }
    }

    /// Nodes restart. What they forget is made good by the guard if their clocks differ by less than its margin.
    fn restless(&mut self, busy: u64, rng: &mut Rng) {
        (self.weather, self.foreign) = (busy, false);
        (self.weights.amnesia, self.weights.restart) = (6, 2);
        let most = i64::try_from(self.longest).unwrap() * 1_000 / 4;
        self.node_wall.iter_mut().for_each(|wall| *wall = rng.i64(-most..=most));
        self.rates.iter_mut().for_each(|rate| *rate = rng.i64(-500..=500));
    }

    fn outside(&mut self) {
        (self.fencing, self.leak, self.renew) = (true, 0, 0);
        self.rounds = 4;
    }

    /// The largest number of permits that a process gives.
    pub(crate) fn most_permits(&self) -> u16 {
        self.permits[0].max(self.permits[1])
    }

    pub(crate) fn majority(&self) -> usize {
        self.nodes / 2 + 1
    }

    /// How long a restarted node keeps out, by this host's clock: the longest time to live, drift, two seconds of slack.
    pub(crate) fn warm_up(&self) -> u64 {
        if self.guard { self.longest + self.longest / 100 + 2_003 } else { 0 }
    }
}
