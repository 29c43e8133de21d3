use proptest::prelude::*;
use redlock_core::node::{Expiry, Fault};

use super::*;

fn reply(numbers: [i64; 3], taken: &str) -> Reply {
    let mut list: Vec<_> = numbers.into_iter().map(Reply::Int).collect();
    list.push(Reply::Bytes(taken.into()));
    Reply::List(list)
}

fn held(expiry: Expiry) -> Vote {
    Vote::Held { expiry, fence: None, label: None, kept: false }
}

#[test]
fn a_slot_is_told_with_what_was_taken_before() {
    let granted = |fence| Vote::Granted { fence };
    let cases = [
        ([1, 1, 0], "101", false, granted(None), Some(1), 0b101),
        ([1, 2, 8], "100", true, granted(Some(8)), Some(2), 0b001),
        ([2, 0, 0], "110", true, Vote::AlreadyOurs, Some(0), 0b011),
        ([0, 5, 0], "111", true, held(Expiry::In(Duration::from_millis(5))), None, 0b111),
        ([0, -1, 0], "111", false, held(Expiry::Never), None, 0b111),
    ];
    for (numbers, digits, fenced, vote, slot, taken) in cases {
        let answer = reply(numbers, digits).into_placed(3, fenced);
        assert_eq!(answer, Ok(Placed { vote, slot, taken }), "{numbers:?}");
    }
    let (uptime, remaining) = (Duration::from_secs(4), Duration::from_millis(900));
    let warming = reply([3, 900, 4], "010").into_placed(3, true);
    let vote = Vote::Warming { uptime, remaining };
    assert_eq!(warming, Ok(Placed { vote, slot: None, taken: 0b010 }));
    let all = "1".repeat(63) + "0";
    let last = reply([1, 63, 0], &all).into_placed(64, false).unwrap();
    assert_eq!((last.slot, last.taken), (Some(63), u64::MAX >> 1));
}

#[test]
fn what_a_server_withholds_is_said_as_of_any_acquire() {
    let bytes = |text: &str| Reply::Bytes(text.into());
    let withheld = vec![Reply::Int(4), bytes("TIME"), bytes("NOPERM no permissions to run 'time'")];
    let spoilt = vec![Reply::Int(5), Reply::Int(0)];
    let hidden = vec![Reply::Int(6), Reply::Int(0)];
    let set_back = vec![Reply::Int(7), Reply::Int(9)];
    for (list, fault) in [
        (withheld, Fault::Permission),
        (spoilt, Fault::WrongType),
        (hidden, Fault::Unsupported),
        (set_back, Fault::Refused),
    ] {
        let said = Reply::List(list.clone()).into_fenced_vote(true).unwrap_err();
        assert_eq!(said.fault(), fault);
        assert_eq!(Reply::List(list).into_placed(3, true), Err(said));
    }
}

#[test]
fn an_answer_that_contradicts_itself_or_the_question_is_none() {
    let cases = [
        ([1, 3, 0], "000", false, "a slot that was not asked for"),
        ([1, -1, 0], "000", false, "no slot"),
        ([1, i64::MAX, 0], "000", false, "no slot at all"),
        ([2, 3, 0], "111", false, "a slot of somebody else's"),
        ([1, 1, 0], "010", false, "a slot that was taken"),
        ([2, 1, 0], "000", false, "its own slot, which was free"),
        ([0, 5, 0], "110", false, "full with a free slot"),
        ([0, -2, 0], "111", false, "a time that is none"),
        ([3, 9, 9], "111", true, "warming up where it would refuse"),
        ([1, 1, 0], "00", false, "too few slots"),
        ([1, 1, 0], "0000", false, "too many slots"),
        ([1, 1, 0], "0x0", false, "no digits"),
        ([1, 1, 0], "", false, "nothing of slots"),
        ([1, 1, 0], "000", true, "no number"),
        ([1, 1, -8], "000", true, "a number below none"),
        ([8, 0, 0], "000", true, "a code of nothing"),
    ];
    for (numbers, digits, fenced, why) in cases {
        let answer = reply(numbers, digits).into_placed(3, fenced);
        assert_eq!(answer.unwrap_err().fault(), Fault::Unexpected, "{why}");
    }
    let many = "0".repeat(65);
    let beyond = reply([1, 64, 0], &many).into_placed(65, false);
    assert_eq!(beyond.unwrap_err().fault(), Fault::Unexpected, "more than a claim has");
    for reply in [Reply::Nil, Reply::Int(1), Reply::List(vec![]), Reply::List(vec![Reply::Int(4)])]
    {
        assert_eq!(reply.into_placed(3, false).unwrap_err().fault(), Fault::Unexpected);
    }
}

proptest! {
    #[test]
    fn no_reply_is_read_as_a_slot_that_was_not_free_or_not_asked_for(
        numbers in (-3_i64..9, -3_i64..70, any::<i64>()),
        digits in "[01]{0,4}|[01]{64}",
        slots in 1_usize..66,
        fenced in any::<bool>(),
    ) {
        let slots = if digits.len() == 64 { 64 } else { slots % 5 + 1 };
        let Ok(placed) = reply(numbers.into(), &digits).into_placed(slots, fenced) else { return Ok(()) };
        prop_assert_eq!(digits.len(), slots);
        prop_assert_eq!(placed.taken.count_ones() as usize, digits.matches('1').count());
        let digit = |slot: usize| digits.as_bytes().get(slot).copied();
        match placed.vote {
            Vote::Granted { fence } => {
                prop_assert_eq!(digit(placed.slot.unwrap()), Some(b'0'));
                prop_assert_eq!(fence.is_some(), fenced);
                prop_assert!(fence != Some(0));
            }
            Vote::AlreadyOurs => prop_assert_eq!(digit(placed.slot.unwrap()), Some(b'1')),
            Vote::Held { .. } | Vote::Warming { .. } => prop_assert_eq!(placed.slot, None),
            vote => prop_assert!(false, "{:?}", vote),
        }
    }
}
