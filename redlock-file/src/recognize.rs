//! Pure: whether a directory without the file of a run is one of ours. In any other nothing is written or removed.
//!
//! What says so is a file with our checksum. Without one a directory may still be half made, or its files cut short by a
//! power failure: then each of them has a name of ours and a content that was going to be ours.

use crate::bulletin;
use crate::directory::Entry;
use crate::names::{LISTENERS, RELEASED, RUN, is_bucket, is_temporary};
use crate::record::{self, Bucket};
use crate::run::{self, Run};

/// What a file system puts into its root.
const NEUTRAL: &str = "lost+found";

/// What one entry of a directory tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    /// Written by us, which its checksum or its form proves.
    Ours,
    /// The run's file, or one that was going to be put in a place, cut short.
    Begun,
    /// May be ours, cut short, and proves nothing.
    Torn,
    Foreign,
}

/// The entry that makes a directory somebody else's; `None` if it is ours.
pub(crate) fn stranger(entries: &[Entry]) -> Option<&str> {
    let mut signs: Vec<_> = entries
        .iter()
        .filter(|(name, _)| name != NEUTRAL)
        .map(|(name, content)| (sign(name, content.as_deref()), name.as_str()))
        .collect();
    signs.sort_unstable_by_key(|(_, name)| *name);
    let first = |wanted| signs.iter().find(|(sign, _)| *sign == wanted).map(|(_, name)| *name);
    match (first(Sign::Ours), first(Sign::Foreign), first(Sign::Begun)) {
        (Some(_), ..) => None,
        (None, Some(foreign), _) => Some(foreign),
        (None, None, Some(_)) => None,
        // Empty files of whatever origin.
        (None, None, None) => first(Sign::Torn),
    }
}

fn sign(name: &str, content: Option<&[u8]>) -> Sign {
    let Some(content) = content else { return Sign::Foreign };
    let (run, bucket) = (Run::decode(content).is_ok(), Bucket::is_whole(content));
    let (whole, torn, cut) = match name {
        RUN => (run, is_torn(content, run::MAGIC), Sign::Begun),
        LISTENERS => (false, content.is_empty(), Sign::Torn),
        RELEASED => (bulletin::is_whole(content), is_torn(content, &[0; 4]), Sign::Torn),
        _ if is_temporary(name) => {
            let begun = [run::MAGIC, record::MAGIC].iter().any(|magic| is_torn(content, magic));
            (run || bucket || bulletin::is_whole(content), begun, Sign::Begun)
        }
        _ if is_bucket(name) => (bucket, is_torn(content, record::MAGIC), Sign::Torn),
        _ => (false, false, Sign::Foreign),
    };
    match (whole, torn) {
        (true, _) => Sign::Ours,
        (false, true) => cut,
        (false, false) => Sign::Foreign,
    }
}

/// Whether a power failure may have made this of a file that began so: it leaves nothing, a part, or zeros.
pub(crate) fn is_torn(content: &[u8], magic: &[u8; 4]) -> bool {
    let start = &content[..content.len().min(magic.len())];
    magic.starts_with(start) || start.iter().all(|byte| *byte == 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Boot, Times};

    fn run() -> Vec<u8> {
        let boot = Boot { id: [7; 16], namespace: 9 };
        Run::new(3, boot, Times { boot: 5, wall: 0 }).encode()
    }

    fn bucket() -> Vec<u8> {
        let boot = Boot { id: [7; 16], namespace: 9 };
        let mut bucket = Bucket::default();
        let counter = record::Counter { number: 1, ends: 2, ends_wall: 3 };
        bucket.entry(b"k").counter = Some(counter);
        bucket.encode(&boot, Times { boot: 5, wall: 0 })
    }

    fn found(entries: &[(&str, &[u8])]) -> Option<String> {
        let entries: Vec<_> = entries
            .iter()
            .map(|(name, content)| ((*name).to_owned(), Some(content.to_vec())))
            .collect();
        stranger(&entries).map(str::to_owned)
    }

    #[test]
    fn what_is_half_made_or_cut_short_is_ours() {
        let (run, bucket) = (run(), bucket());
        let torn = &bucket[..bucket.len() / 2];
        let cases: [&[(&str, &[u8])]; 11] = [
            &[],
            &[("lost+found", b"")],
            &[("new0", b"")],
            &[("new0", &run[..9])],
            &[("run", b"")],
            &[("run", &run[..3]), ("7f", b"")],
            &[("run", &[0; 60]), ("7f", torn), ("7f.spare", b""), ("listeners", b"")],
            &[("7f", &bucket), ("run", b"whatever"), ("notes", b"of somebody")],
            &[("7f.spare", &bucket)],
            &[("new12", &bucket)],
            &[("listeners", b""), ("released", &[8, 0, 0, 0, 0, 0, 0, 0])],
        ];
        for case in cases {
            assert_eq!(found(case), None, "{case:?}");
        }
    }

    #[test]
    fn anything_else_is_not() {
        let run = run();
        type Files<'a> = &'a [(&'a str, &'a [u8])];
        let cases: [(Files<'_>, &str); 10] = [
            (&[("run", b"precious\n"), ("00", b"x")], "00"),
            (&[("run", b"precious\n")], "run"),
            (&[("00", b"x\n")], "00"),
            (&[("00", b""), ("01", b"")], "00"),
            (&[("listeners", b"")], "listeners"),
            (&[("released", b"1.0, 2.0 and 3.0")], "released"),
            (&[("new0", b"a new one")], "new0"),
            (&[("notes", b"")], "notes"),
            (&[("run", &run[..9]), ("notes", b"")], "notes"),
            (&[("0", b""), ("run", b"")], "0"),
        ];
        for (case, name) in cases {
            assert_eq!(found(case).as_deref(), Some(name), "{case:?}");
        }
        assert_eq!(stranger(&[("run".into(), None)]), Some("run"), "no file, or too long a one");
    }
}
