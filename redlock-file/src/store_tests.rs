use redlock_core::FenceGate;
use redlock_core::node::{FenceTerms, Vote};
use redlock_core::token::Token;

use super::*;
use crate::access::Access;
use crate::testing::Scratch;

const LONG: Duration = Duration::from_secs(60);
const KEYS: [&str; 4] = ["a", "b", "c", "d"];

fn claim<const N: usize>(keys: [&str; N]) -> Claim {
    Claim::new(LockKey::all(keys).unwrap(), Token::random().unwrap())
}

fn same<const N: usize>(claim: &Claim, keys: [&str; N]) -> Claim {
    Claim::new(LockKey::all(keys).unwrap(), *claim.token())
}

fn terms() -> Terms {
    Terms::new(LONG).with_fencing(Some(FenceTerms { hint: 0, life: LONG }))
}

fn granted(vote: Result<Vote, Failure>) -> u64 {
    match vote {
        Ok(Vote::Granted { fence: Some(fence) }) => fence,
        other => panic!("expected a grant, got {other:?}"),
    }
}

/// Runs a verb that dies after each possible number of changes to files, and looks at what it leaves.
fn dying<T>(
    prepare: impl Fn(&Store) -> T,
    verb: impl Fn(&Store, &T) -> Result<(), Failure>,
    left: impl Fn(&Scratch, &T, Option<&Failure>),
) {
    let mut deaths = 0;
    loop {
        let scratch = Scratch::new();
        let store = scratch.store();
        let prepared = prepare(&store);
        store.dir.steps_left.set(Some(deaths));
        let answer = verb(&store, &prepared);
        left(&scratch, &prepared, answer.as_ref().err());
        if answer.is_ok() {
            break;
        }
        deaths += 1;
    }
    assert!(deaths >= 4, "it died {deaths} times");
}

#[test]
fn the_resources_of_these_tests_stand_in_files_of_their_own() {
    let mut numbers = KEYS.map(|key| bucket_of(key.as_bytes()));
    numbers.sort_unstable();
    assert!(numbers.windows(2).all(|pair| pair[0] != pair[1]), "{numbers:?}");
}

#[test]
fn an_acquire_that_dies_leaves_free_resources_or_ones_that_end() {
    dying(
        |_| claim(KEYS),
        |store, claim| store.acquire(claim, &terms()).map(|vote| _ = granted(Ok(vote))),
        |scratch, claim, death| {
            let held = KEYS.iter().filter(|key| match scratch.hold(key.as_bytes()) {
                Some(hold) => {
                    assert_eq!(*hold.value, *claim.token().as_bytes());
                    assert!(hold.ends.is_some());
                    assert!(scratch.counter(key.as_bytes()).is_some());
                    true
                }
                None => false,
            });
            match (held.count(), death) {
                (held, None) => assert_eq!(held, KEYS.len()),
                (held, Some(Failure::NotApplied(_))) => assert_eq!(held, 0),
                (_, Some(Failure::Unknown(_))) => {}
                (_, Some(other)) => panic!("{other:?}"),
            }
            // Whoever comes next is not kept out by what lies about.
            let store = scratch.store();
            store.release(claim, false).unwrap();
            granted(store.acquire(&self::claim(KEYS), &terms()));
        },
    );
}

#[test]
fn an_extension_or_a_raise_that_dies_takes_nothing_from_the_holder() {
    let prepare = |store: &Store| {
        let claim = claim(KEYS);
        let fence = granted(store.acquire(&claim, &terms()));
        (claim, fence)
    };
    let still = |scratch: &Scratch, (claim, fence): &(Claim, u64), _: Option<&Failure>| {
        for key in KEYS {
            let hold = scratch.hold(key.as_bytes()).expect("a hold");
            assert_eq!(*hold.value, *claim.token().as_bytes());
            assert!(scratch.counter(key.as_bytes()).expect("a counter").number >= *fence);
        }
    };
    let longer = Terms::new(LONG * 2).with_fencing(terms().fencing);
    dying(prepare, |store, (claim, _)| store.extend(claim, &longer).map(drop), still);
    dying(prepare, |store, (claim, fence)| store.raise(claim, fence + 7, LONG).map(drop), still);
}

#[test]
fn a_release_that_dies_leaves_ours_or_nobodys_and_every_counter() {
    dying(
        |store| {
            let claim = claim(KEYS);
            let fence = granted(store.acquire(&claim, &terms()));
            (claim, fence)
        },
        |store, (claim, _)| store.release(claim, true).map(drop),
        |scratch, (claim, fence), death| {
            let gate = FenceGate::new();
            gate.admit((*fence).try_into().unwrap()).unwrap();
            for key in KEYS {
                match scratch.hold(key.as_bytes()) {
                    Some(hold) => {
                        assert!(death.is_some());
                        assert_eq!(*hold.value, *claim.token().as_bytes());
                    }
                    None => {
                        let next = self::claim([key]);
                        let next = granted(scratch.store().acquire(&next, &terms()));
                        assert!(next > *fence);
                    }
                }
            }
        },
    );
}

#[test]
fn what_ended_and_was_released_leaves_no_files() {
    let scratch = Scratch::new();
    let store = scratch.store();
    for i in 0..300 {
        let name = format!("released {i}");
        let claim = claim([name.as_str()]);
        assert!(store.acquire(&claim, &Terms::new(LONG)).is_ok());
        store.release(&claim, true).unwrap();
        let name = format!("expired {i}");
        let claim = self::claim([name.as_str()]);
        assert!(store.acquire(&claim, &Terms::new(Duration::ZERO)).is_ok());
    }
    let bytes = |name: &String| std::fs::metadata(scratch.path().join(name)).unwrap().len();
    let files = scratch.files();
    assert!(files.iter().filter(|name| *name != "run").all(|name| bytes(name) < 400), "{files:?}");
    assert!(files.len() <= 2 * usize::from(BUCKETS) + 2);
}

#[test]
fn a_file_that_is_not_ours_blocks_its_resources_and_only_them() {
    let scratch = Scratch::new();
    let store = scratch.store();
    granted(store.acquire(&claim(["a", "b"]), &terms()));
    let file = scratch.path().join(file_name(bucket_of(b"a")));
    for content in [&b""[..], b"junk", &[0; 64], &std::fs::read(&file).unwrap()[1..]] {
        std::fs::write(&file, content).unwrap();
        for keys in [&["a"][..], &["a", "c"]] {
            let key = LockKey::all(keys).unwrap();
            let claim = Claim::new(key.clone(), Token::random().unwrap());
            assert!(matches!(store.acquire(&claim, &terms()), Err(Failure::Garbled { .. })));
            assert!(matches!(store.release(&claim, true), Err(Failure::Garbled { .. })));
            let Err(failure) = store.inspect(&key) else { panic!("{content:?}") };
            let name = file.file_name().unwrap().to_str().unwrap();
            let text = redlock_core::node::NodeError::from(failure).to_string();
            assert!(
                text.ends_with(&format!("file `{name}` must be as this crate writes it")),
                "{text}"
            );
        }
        assert_eq!(std::fs::read(&file).unwrap(), content);
    }
    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir(&file).unwrap();
    assert!(store.acquire(&claim(["a"]), &terms()).is_err());
    assert!(matches!(store.acquire(&claim(["b"]), &terms()), Ok(Vote::Held { .. })));
    granted(store.acquire(&claim(["d"]), &terms()));
}

#[test]
fn the_first_run_after_a_start_removes_what_a_power_failure_cut_and_frees_the_rest() {
    let scratch = Scratch::new();
    let before = scratch.store();
    let fences = KEYS.map(|key| granted(before.acquire(&claim([key]), &terms())));
    let run = before.run().unwrap().unwrap();
    std::fs::write(scratch.path().join(file_name(bucket_of(b"d"))), "").unwrap();
    // Everything as another start of the machine left it.
    let other = Boot { id: [1; 16], ..before.boot };
    let now = Times::read();
    for key in ["a", "b", "c"] {
        let bucket = before.load(bucket_of(key.as_bytes()), now).unwrap().bucket;
        let file = scratch.path().join(file_name(bucket_of(key.as_bytes())));
        std::fs::write(file, bucket.encode(&other, now)).unwrap();
    }
    std::fs::write(scratch.path().join(RUN), Run::new(5, other, now).encode()).unwrap();
    let store = scratch.store();
    assert_ne!(store.run().unwrap().unwrap().id, run.id);
    for (key, fence) in KEYS.into_iter().zip(fences).take(3) {
        assert!(granted(store.acquire(&claim([key]), &terms())) > fence);
    }
    granted(store.acquire(&claim(["d"]), &terms()));
}

#[test]
fn a_new_run_leaves_what_cannot_have_been_ours() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let other = Boot { id: [1; 16], ..store.boot };
    let run = Run::new(5, other, Times::read());
    std::fs::write(scratch.path().join(RUN), run.encode()).unwrap();
    let (notes, torn) = (file_name(bucket_of(b"a")), file_name(bucket_of(b"b")));
    std::fs::write(scratch.path().join(&notes), "notes").unwrap();
    std::fs::write(scratch.path().join(&torn), [0; 100]).unwrap();
    let store = scratch.store();
    assert_eq!(std::fs::read(scratch.path().join(&notes)).unwrap(), b"notes");
    assert!(matches!(store.acquire(&claim(["a"]), &terms()), Err(Failure::Garbled { .. })));
    granted(store.acquire(&claim(["b"]), &terms()));
}

#[test]
fn another_time_namespace_is_refused() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let boot = Boot { namespace: store.boot.namespace + 1, ..store.boot };
    let run = Run::new(5, boot, Times::read());
    std::fs::write(scratch.path().join(RUN), run.encode()).unwrap();
    let error = Store::open(Directory::open(scratch.path(), Access::Owner).unwrap()).err().unwrap();
    assert!(error.to_string().contains("time namespace"), "{error}");
}

#[test]
fn a_partly_own_claim_is_not_taken_for_a_new_one() {
    let scratch = Scratch::new();
    let (store, whole) = (scratch.store(), claim(["a", "b"]));
    granted(store.acquire(&same(&whole, ["b"]), &terms()));
    assert!(matches!(store.acquire(&whole, &terms()), Ok(Vote::AlreadyOurs)));
}

/// Resources that stand in one file, under names of this many bytes.
fn neighbours(count: usize, len: usize) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for i in 0.. {
        let name = format!("{i:0len$}");
        if names.len() == count {
            break;
        }
        if names.is_empty() || bucket_of(name.as_bytes()) == bucket_of(names[0].as_bytes()) {
            names.push(name);
        }
    }
    names
}

#[test]
fn with_a_full_disk_locks_are_extended_and_released_but_not_taken() {
    let neighbours = neighbours(36, 200);
    // The last one to come may be what makes their file a block longer.
    for count in 1..=neighbours.len() {
        full_disk(&neighbours[..count]);
    }
}

fn full_disk(neighbours: &[String]) {
    let scratch = Scratch::new();
    let store = scratch.store();
    let together = claim(KEYS);
    let alone = neighbours.iter().map(|name| claim([name.as_str()]));
    let claims: Vec<_> = std::iter::once(together).chain(alone).collect();
    for (i, claim) in claims.iter().enumerate() {
        let terms = if i % 2 == 0 { terms() } else { Terms::new(LONG) };
        assert!(matches!(store.acquire(claim, &terms), Ok(Vote::Granted { .. })));
    }
    store.dir.is_full.set(true);
    let error = store.acquire(&claim(["another"]), &terms()).unwrap_err();
    assert!(matches!(error, Failure::NotApplied(_)), "{error:?}");
    let text = redlock_core::node::NodeError::from(error).to_string();
    assert!(text.contains("No space left on device"), "{text}");
    for _ in 0..3 {
        for claim in &claims {
            let longer = Terms::new(LONG * 2).with_fencing(terms().fencing);
            assert_eq!(store.extend(claim, &longer).unwrap(), Extension::Extended);
        }
    }
    for claim in &claims {
        assert_eq!(store.release(claim, true).unwrap(), Removal::Removed);
    }
    // Where something was given back there is room.
    granted(store.acquire(&claims[0], &terms()));
}
