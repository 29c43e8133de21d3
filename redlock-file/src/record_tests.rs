use proptest::prelude::*;

use super::*;

const BOOT: Boot = Boot { id: [7; 16], namespace: 1 };
const OTHER: Boot = Boot { id: [8; 16], namespace: 1 };
const DAY: u64 = 86_400 * 1_000_000;

fn at(boot: u64, wall: u64) -> Times {
    Times { boot, wall }
}

prop_compose! {
    fn record()(
        key in prop::collection::vec(any::<u8>(), 1..60),
        hold in prop::option::of((prop::collection::vec(any::<u8>(), 0..60), any::<Option<u64>>())),
        counter in prop::option::of(any::<[u64; 3]>()),
        shares in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..60), any::<u64>()), 0..3),
        intent: Option<u64>,
    ) -> Record {
        let shares = shares.into_iter().filter(|_| hold.is_none());
        Record {
            key: key.into(),
            shares: shares.map(|(value, ends)| Share { value: value.into(), ends }).collect(),
            intent,
            hold: hold.map(|(value, ends)| Hold { value: value.into(), ends }),
            counter: counter.map(|[number, ends, ends_wall]| Counter { number, ends, ends_wall }),
        }
    }
}

prop_compose! {
    fn bucket()(records in prop::collection::vec(record(), 0..8)) -> Bucket {
        Bucket { records: records.into_iter().filter(|record| !record.is_empty()).collect() }
    }
}

proptest! {
    #[test]
    fn a_file_reads_as_it_was_written(bucket in bucket(), now: u64) {
        let content = bucket.encode(&BOOT, at(now, 0));
        prop_assert_eq!(Bucket::decode(&content), Ok((BOOT.id, now, bucket)));
    }

    #[test]
    fn a_cut_file_is_nobodys(bucket in bucket(), cut: prop::sample::Index) {
        let content = bucket.encode(&BOOT, at(1, 0));
        let len = cut.index(content.len());
        prop_assert_eq!(Bucket::load(&content[..len], &BOOT, at(1, 0)), Err(Garbled));
    }

    #[test]
    fn a_file_cut_to_zeros_is_nobodys(bucket in bucket(), cut: prop::sample::Index) {
        let mut content = bucket.encode(&BOOT, at(1, 0));
        let len = cut.index(content.len());
        let whole = content.clone();
        content[len..].fill(0);
        if content != whole {
            prop_assert_eq!(Bucket::load(&content, &BOOT, at(1, 0)), Err(Garbled));
        }
    }

    #[test]
    fn a_changed_byte_is_noticed(bucket in bucket(), place: prop::sample::Index, by in 1_u8..) {
        let mut content = bucket.encode(&BOOT, at(1, 0));
        let place = place.index(content.len());
        content[place] ^= by;
        prop_assert_eq!(Bucket::load(&content, &BOOT, at(1, 0)), Err(Garbled));
    }

    #[test]
    fn any_bytes_are_read_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert_eq!(Bucket::load(&bytes, &BOOT, at(1, 0)), Err(Garbled));
        // And behind a right beginning, before a right checksum.
        let header = &Bucket::default().encode(&BOOT, at(1, 0))[..HEADER];
        let content = seal([header, &bytes].concat());
        if let Ok((_, _, bucket)) = Bucket::decode(&content) {
            prop_assert_eq!(bucket.records.is_empty(), bytes.is_empty());
        }
    }
}

fn held(ends: Option<u64>) -> Bucket {
    let hold = Some(Hold { value: (*b"token").into(), ends });
    Bucket { records: vec![Record { key: (*b"k").into(), hold, ..Record::default() }] }
}

fn counted(number: u64, ends: u64, ends_wall: u64) -> Bucket {
    let counter = Some(Counter { number, ends, ends_wall });
    Bucket { records: vec![Record { key: (*b"k").into(), counter, ..Record::default() }] }
}

fn load(bucket: &Bucket, written: u64, boot: &Boot, now: Times) -> Result<Bucket, Garbled> {
    Bucket::load(&bucket.encode(&BOOT, at(written, 0)), boot, now)
}

#[test]
fn a_hold_ends_at_its_end_and_not_before() {
    let bucket = held(Some(100));
    assert_eq!(load(&bucket, 1, &BOOT, at(99, 0)), Ok(bucket.clone()));
    assert_eq!(load(&bucket, 1, &BOOT, at(100, 0)), Ok(Bucket::default()));
    assert_eq!(load(&held(None), 1, &BOOT, at(u64::MAX, 0)), Ok(held(None)));
}

#[test]
fn after_a_start_of_the_machine_nobody_holds_anything() {
    for ends in [None, Some(u64::MAX)] {
        assert_eq!(load(&held(ends), 1, &OTHER, at(99, 0)), Ok(Bucket::default()));
    }
}

#[test]
fn without_ids_of_starts_a_record_of_the_future_is_of_another_one() {
    let unnamed = Boot { id: Boot::UNNAMED, namespace: 0 };
    let content = held(Some(500)).encode(&unnamed, at(50, 0));
    assert_eq!(Bucket::load(&content, &unnamed, at(49, 0)), Ok(Bucket::default()));
    assert_eq!(Bucket::load(&content, &unnamed, at(50, 0)), Ok(held(Some(500))));
    assert_eq!(load(&held(Some(500)), 50, &BOOT, at(49, 0)), Err(Garbled));
}

#[test]
fn a_counter_is_forgotten_after_its_life_once_the_wall_clock_has_overtaken_it() {
    let bucket = counted(DAY, 100, DAY + 50);
    let overtaken = DAY + OVERTAKEN + 1;
    assert_eq!(load(&bucket, 1, &BOOT, at(99, overtaken)), Ok(bucket.clone()));
    assert_eq!(load(&bucket, 1, &BOOT, at(100, overtaken)), Ok(Bucket::default()));
    // A wall clock that was set back lets no counter fall.
    assert_eq!(load(&bucket, 1, &BOOT, at(u64::MAX, overtaken - 1)), Ok(bucket));
}

#[test]
fn a_counter_outlives_a_start_of_the_machine_by_the_wall_clock() {
    let (life, number) = (600 * 1_000_000, DAY - 1_000_000);
    let bucket = counted(number, 700 * 1_000_000_000, DAY + life);
    let kept = load(&bucket, 1, &OTHER, at(5, DAY + life - 1)).unwrap();
    assert_eq!(kept, counted(number, 5 + 1000, DAY + life));
    let over = load(&bucket, 1, &OTHER, at(5, DAY + life)).unwrap();
    assert_eq!(over, Bucket::default());
    let set_back = load(&bucket, 1, &OTHER, at(5, 0)).unwrap();
    assert_eq!(set_back.records[0].counter.map(|counter| counter.number), Some(number));
}

#[test]
fn debug_shows_no_token() {
    assert!(!format!("{:?}", held(None)).contains("token"));
    assert!(!format!("{:?}", held(Some(1))).contains(&format!("{:?}", b"token")));
}
