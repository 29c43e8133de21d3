use proptest::prelude::*;

use super::*;

fn names() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let name = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..4),
        prop::collection::vec(any::<u8>(), 510..515),
        prop::collection::vec(any::<u8>(), 0..3)
            .prop_map(|end| [COUNTER_PREFIX.as_bytes(), &end].concat()),
        prop::collection::vec(any::<u8>(), 0..3)
            .prop_map(|end| [INTENT_PREFIX.as_bytes(), &end].concat()),
    ];
    prop::collection::vec(name, 0..70)
}

fn good(names: &[Vec<u8>]) -> bool {
    let unlike = |name: &Vec<u8>| {
        ![COUNTER_PREFIX, INTENT_PREFIX].iter().any(|prefix| name.starts_with(prefix.as_bytes()))
    };
    let fits = |name: &Vec<u8>| (1..=MAX_KEY_BYTES).contains(&name.len());
    let distinct = names.iter().collect::<std::collections::HashSet<_>>().len();
    (1..=MAX_RESOURCES).contains(&names.len())
        && distinct == names.len()
        && names.iter().all(|name| unlike(name) && fits(name))
}

proptest! {
    #[test]
    fn names_make_a_key_exactly_if_they_keep_the_rules(names in names(), few in 0_usize..4) {
        // Few names are good more often.
        for names in [&names[..], &names[..few.min(names.len())]] {
            match LockKey::all(names) {
                Ok(key) => {
                    prop_assert!(good(names));
                    let mut sorted = names.to_vec();
                    sorted.sort();
                    prop_assert_eq!(key.resources().map(<[u8]>::to_vec).collect::<Vec<_>>(), sorted);
                    prop_assert!(key.to_string().bytes().all(|byte| (b' '..=b'~').contains(&byte)));
                }
                Err(error) => {
                    prop_assert!(!good(names), "{}", error);
                    prop_assert_eq!(error.field(), "key");
                }
            }
        }
    }

    #[test]
    fn a_prefix_keeps_different_keys_apart_and_no_key_reaches_a_counter_or_an_intent(
        prefix in prop_oneof![prop::collection::vec(any::<u8>(), 0..4), Just(b"redlock:".to_vec())],
        one in prop_oneof![
            prop::collection::vec(any::<u8>(), 1..4),
            Just(b"fence:a".to_vec()),
            Just(b"want:a".to_vec()),
        ],
        other in prop::collection::vec(any::<u8>(), 1..4),
    ) {
        let key = |name: &[u8]| LockKey::new(name).and_then(|key| key.with_prefix(&prefix));
        if let (Ok(first), Ok(second)) = (key(&one), key(&other)) {
            prop_assert_eq!(first == second, one == other);
            prop_assert!(reserved(first.single().unwrap()).is_none());
        }
    }
}
