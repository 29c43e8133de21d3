//! Pure: what stands in a file. A version that knows no shares takes a file that has some for one that is not ours. All integers are little-endian; a checksum ends each file.
//!
//! A file is replaced as a whole, so no process sees a part of one. A file that does not add up was cut by a power
//! failure (then nobody holds anything any more), or is not ours: it is never read as free, nor as held by somebody.

use crate::clock::{Boot, Times};

/// By how much the wall clock must be past a counter before it may be forgotten: what is granted then is above it.
const OVERTAKEN: u64 = 2 * redlock_core::backend::SLACK.as_micros() as u64;

pub(crate) const MAGIC: &[u8; 4] = b"RLB1";
const HEADER: usize = MAGIC.len() + 16 + 8;
const HELD: u8 = 1;
const ENDS: u8 = 2;
const COUNTED: u8 = 4;
const SHARED: u8 = 8;
const WANTED: u8 = 16;

/// The file was not written by this crate, or only in part.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Garbled;

/// What is known of one resource.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Record {
    pub(crate) key: Box<[u8]>,
    pub(crate) hold: Option<Hold>,
    /// Of a resource that nobody has whole.
    pub(crate) shares: Vec<Share>,
    pub(crate) counter: Option<Counter>,
    /// Until when no new shares are given, on the boot-time clock.
    pub(crate) intent: Option<u64>,
}

#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Hold {
    /// The holder's token, or whatever somebody stored there.
    pub(crate) value: Box<[u8]>,
    /// On the boot-time clock; `None` is never.
    pub(crate) ends: Option<u64>,
}

/// One of those who share a resource.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Share {
    /// The holder's token.
    pub(crate) value: Box<[u8]>,
    /// On the boot-time clock.
    pub(crate) ends: u64,
}

/// Shows no value: it is the holder's token.
impl std::fmt::Debug for Share {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Share").field("ends", &self.ends).finish_non_exhaustive()
    }
}

/// Shows no value: it is the holder's token.
impl std::fmt::Debug for Hold {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hold").field("ends", &self.ends).finish_non_exhaustive()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counter {
    pub(crate) number: u64,
    /// On the boot-time clock.
    pub(crate) ends: u64,
    /// The same on the wall clock, for the time after a restart of the machine.
    pub(crate) ends_wall: u64,
}

impl Record {
    fn drop_dead(&mut self, now: Times) {
        self.hold.take_if(|hold| hold.ends.is_some_and(|ends| ends <= now.boot));
        self.shares.retain(|share| now.boot < share.ends);
        self.intent.take_if(|ends| *ends <= now.boot);
        self.counter.take_if(|counter| {
            counter.ends <= now.boot && counter.number.saturating_add(OVERTAKEN) < now.wall
        });
    }

    /// Takes over what an earlier start of the machine left: counters live on by the wall clock, holders do not.
    fn rebase(&mut self, now: Times) {
        (self.hold, self.intent) = (None, None);
        self.shares.clear();
        if let Some(counter) = &mut self.counter {
            let left = counter.ends_wall.saturating_sub(now.wall);
            counter.ends = now.boot.saturating_add(left.saturating_mul(1000));
        }
    }

    fn is_empty(&self) -> bool {
        self.hold.is_none()
            && self.shares.is_empty()
            && self.counter.is_none()
            && self.intent.is_none()
    }
}

/// The resources of one file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Bucket {
    pub(crate) records: Vec<Record>,
}

impl Bucket {
    /// What of a file's content is alive.
    pub(crate) fn load(content: &[u8], boot: &Boot, now: Times) -> Result<Self, Garbled> {
        let (written_in, written_at, mut bucket) = Self::decode(content)?;
        let future = written_at > now.boot;
        if future && written_in == boot.id && boot.id != Boot::UNNAMED {
            // Within one start of the machine the clock never goes back.
            return Err(Garbled);
        }
        for record in &mut bucket.records {
            if written_in != boot.id || future {
                record.rebase(now);
            }
            record.drop_dead(now);
        }
        bucket.records.retain(|record| !record.is_empty());
        Ok(bucket)
    }

    pub(crate) fn get(&self, key: &[u8]) -> Option<&Record> {
        self.records.iter().find(|record| *record.key == *key)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.records.iter().all(Record::is_empty)
    }

    /// The record of this key, made if there is none.
    pub(crate) fn entry(&mut self, key: &[u8]) -> &mut Record {
        let at = self.records.iter().position(|record| *record.key == *key).unwrap_or_else(|| {
            self.records.push(Record { key: key.into(), ..Record::default() });
            self.records.len() - 1
        });
        &mut self.records[at]
    }

    /// The file's content. Empty records are left out.
    pub(crate) fn encode(&self, boot: &Boot, now: Times) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEADER + 8 + self.records.len() * 128);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&boot.id);
        put_u64(&mut out, now.boot);
        for record in self.records.iter().filter(|record| !record.is_empty()) {
            let ends = record.hold.as_ref().and_then(|hold| hold.ends);
            let flags = if record.hold.is_some() { HELD } else { 0 }
                | if ends.is_some() { ENDS } else { 0 }
                | if record.counter.is_some() { COUNTED } else { 0 }
                | if record.shares.is_empty() { 0 } else { SHARED }
                | if record.intent.is_some() { WANTED } else { 0 };
            out.push(flags);
            put_bytes(&mut out, &record.key);
            if let Some(hold) = &record.hold {
                put_bytes(&mut out, &hold.value);
            }
            ends.into_iter().for_each(|ends| put_u64(&mut out, ends));
            if let Some(Counter { number, ends, ends_wall }) = record.counter {
                [number, ends, ends_wall].into_iter().for_each(|part| put_u64(&mut out, part));
            }
            if !record.shares.is_empty() {
                put_u64(&mut out, record.shares.len() as u64);
            }
            for Share { value, ends } in &record.shares {
                put_bytes(&mut out, value);
                put_u64(&mut out, *ends);
            }
            record.intent.into_iter().for_each(|ends| put_u64(&mut out, ends));
        }
        seal(out)
    }

    /// Whether we wrote this, at whatever time.
    pub(crate) fn is_whole(content: &[u8]) -> bool {
        Self::decode(content).is_ok()
    }

    fn decode(content: &[u8]) -> Result<([u8; 16], u64, Self), Garbled> {
        let mut rest = Reader(unseal(content)?);
        if rest.array::<4>()? != *MAGIC {
            return Err(Garbled);
        }
        let (boot, written) = (rest.array()?, rest.u64()?);
        let mut records = Vec::new();
        while !rest.0.is_empty() {
            let [flags] = rest.array()?;
            let torn = flags & HELD == 0 && flags & ENDS != 0;
            let both = flags & HELD != 0 && flags & SHARED != 0;
            if flags > HELD | ENDS | COUNTED | SHARED | WANTED || torn || both {
                return Err(Garbled);
            }
            let mut record = Record { key: rest.bytes()?, ..Record::default() };
            if flags & HELD != 0 {
                let value = rest.bytes()?;
                let ends = if flags & ENDS != 0 { Some(rest.u64()?) } else { None };
                record.hold = Some(Hold { value, ends });
            }
            if flags & COUNTED != 0 {
                let (number, ends, ends_wall) = (rest.u64()?, rest.u64()?, rest.u64()?);
                record.counter = Some(Counter { number, ends, ends_wall });
            }
            if flags & SHARED != 0 {
                for _ in 0..rest.u64()? {
                    record.shares.push(Share { value: rest.bytes()?, ends: rest.u64()? });
                }
            }
            if flags & WANTED != 0 {
                record.intent = Some(rest.u64()?);
            }
            records.push(record);
        }
        Ok((boot, written, Self { records }))
    }
}

/// FNV-1a, 64 bits: which file a resource stands in, and the checksum of files. Neither resists an attacker, who
/// would have to write into our directory.
pub(crate) fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// Puts the checksum behind the content.
pub(crate) fn seal(mut content: Vec<u8>) -> Vec<u8> {
    let sum = fnv(&content);
    put_u64(&mut content, sum);
    content
}

/// The content before a checksum that is right.
pub(crate) fn unseal(content: &[u8]) -> Result<&[u8], Garbled> {
    let (body, sum) = content.split_last_chunk::<8>().ok_or(Garbled)?;
    if u64::from_le_bytes(*sum) == fnv(body) { Ok(body) } else { Err(Garbled) }
}

fn put_u64(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(&number.to_le_bytes());
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    // Keys have at most 512 bytes, values are tokens with labels.
    let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(&len.to_le_bytes());
    out.extend_from_slice(bytes);
}

/// Takes parts off the front, never more than there is.
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl Reader<'_> {
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Garbled> {
        let (first, rest) = self.0.split_first_chunk().ok_or(Garbled)?;
        self.0 = rest;
        Ok(*first)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, Garbled> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn bytes(&mut self) -> Result<Box<[u8]>, Garbled> {
        let len = u32::from_le_bytes(self.array()?) as usize;
        let (bytes, rest) = self.0.split_at_checked(len).ok_or(Garbled)?;
        self.0 = rest;
        Ok(bytes.into())
    }
}

#[cfg(test)]
#[path = "record_tests.rs"]
mod tests;
