use super::*;

#[test]
fn a_time_to_live_of_minus_one_never_ends() {
    assert_eq!(expiry(-1), Expiry::Never);
    assert_eq!(expiry(-2), Expiry::In(Duration::ZERO));
    assert_eq!(expiry(5), Expiry::In(Duration::from_millis(5)));
}

#[test]
fn a_release_that_could_not_be_told_is_a_release() {
    let refusal = "ERR ACL failure in script: No permissions to access a channel";
    for (code, removal) in [(1, Removal::Removed), (0, Removal::Foreign), (-1, Removal::Gone)] {
        let told = Reply::Int(code).into_told().unwrap();
        assert_eq!((told.answer.into_removal(), told.refusal), (Ok(removal), None));
        let list = vec![Reply::Int(code), Reply::Bytes(refusal.into())];
        let told = Reply::List(list).into_told().unwrap();
        assert_eq!(told.answer.into_removal(), Ok(removal));
        assert_eq!(told.refusal.unwrap().fault(), Fault::Permission);
    }
}

#[test]
fn a_grant_that_swapped_tells_how_many_and_the_counter_before() {
    let reply = |rest: &[i64]| Reply::List(rest.iter().copied().map(Reply::Int).collect());
    let swapped = |fence, counter| Ok(Vote::Swapped { fence, resources: 2, counter });
    assert_eq!(reply(&[1, 0, 2]).into_vote(), swapped(None, None));
    assert_eq!(reply(&[1, 0, 0]).into_vote(), Ok(Vote::Granted { fence: None }));
    assert_eq!(reply(&[2, 0, 1]).into_vote(), Ok(Vote::AlreadyOurs));
    assert_eq!(reply(&[1, 9, 2, 7]).into_fenced_vote(true), swapped(Some(9), Some(7)));
    assert_eq!(reply(&[1, 9, 2, 0]).into_fenced_vote(true), swapped(Some(9), None));
    assert_eq!(reply(&[1, 0, 2, 0]).into_fenced_vote(false), swapped(None, None));
    assert_eq!(reply(&[1, 9, 0, 7]).into_fenced_vote(true), Ok(Vote::Granted { fence: Some(9) }));
    assert_eq!(reply(&[2, 9, 1, 7]).into_fenced_vote(true), Ok(Vote::AlreadyOurs));
}

#[test]
fn a_refusal_by_shares_alone_is_told_from_any_other() {
    let bytes = || Reply::Bytes(b"x".to_vec());
    let reply = |rest: Vec<Reply>| Reply::List([vec![Reply::Int(0), Reply::Int(5)], rest].concat());
    let (expiry, label) = (Expiry::In(Duration::from_millis(5)), None::<Label>);
    for (alone, shares) in [(0, false), (1, true)] {
        let plain = reply(vec![bytes(), Reply::Int(alone)]).into_vote().unwrap();
        let fenced = reply(vec![Reply::Int(9), bytes(), Reply::Int(alone)]);
        let (fence, label) = (Some(9), label.clone());
        let wanted = if shares {
            Vote::Shared { expiry, fence, label }
        } else {
            Vote::Held { expiry, fence, label, kept: false }
        };
        assert_eq!(fenced.into_fenced_vote(true), Ok(wanted));
        assert_eq!(matches!(plain, Vote::Shared { fence: None, .. }), shares);
    }
    let to_shared = reply(vec![Reply::Int(0), bytes()]).into_fenced_vote(false);
    assert_eq!(to_shared, Ok(Vote::Held { expiry, fence: None, label, kept: false }));
}

#[test]
fn shares_are_told_with_their_number() {
    let share = |value: &str, left| [Reply::Bytes(value.into()), Reply::Int(left)];
    let list = [vec![Reply::Int(3)], share("a", 9).into(), share("b", 5).into()].concat();
    let reply = |shares| Reply::List(vec![Reply::Int(2), Reply::List(shares), Reply::Int(10)]);
    let holding = reply(list).into_holdings(1).unwrap().remove(0).unwrap();
    assert_eq!(holding.expiry, Expiry::In(Duration::from_millis(9)));
    let shares = holding.shares.unwrap();
    assert_eq!((shares.count, shares.shown.len()), (3, 2));
    assert_eq!(shares.shown[0].holder, holding.holder);
    assert_eq!(reply(vec![Reply::Int(0)]).into_holdings(1), Ok(vec![None]), "all are over");
    for odd in [vec![], vec![Reply::Nil], vec![Reply::Int(1), Reply::Bytes(vec![])]] {
        assert_eq!(reply(odd).into_holdings(1).unwrap_err().fault(), Fault::Unexpected);
    }
}

#[test]
fn a_value_that_cannot_be_read_is_a_fault_of_its_own_and_a_missing_command_one_of_the_page() {
    let bytes = |text: &str| Reply::Bytes(text.into());
    let page = |value, third| Reply::List(vec![bytes("0"), bytes("k"), value, third]).into_page();
    let read = page(bytes("v"), Reply::Int(-1)).unwrap();
    assert_eq!((read.found[0].holding.as_ref().unwrap().expiry, read.next), (Expiry::Never, None));
    for (said, fault) in [
        ("WRONGTYPE Operation against a key holding the wrong kind of value", Fault::WrongType),
        // Redis 7, Redis 6.2, Valkey 9.
        ("ERR ACL failure in script: No permissions to access a key", Fault::Permission),
        ("NOPERM No permissions to access a key", Fault::Permission),
        (
            "ERR The user executing the script can't access at least one of the keys mentioned in the command arguments",
            Fault::Permission,
        ),
    ] {
        let page = page(Reply::Nil, bytes(said)).unwrap();
        assert_eq!(page.found[0].holding.as_ref().unwrap_err().fault(), fault, "{said}");
    }
    for said in [
        "ERR ACL failure in script: User locks has no permissions to run the 'getrange' command",
        "ERR The user executing the script can't run this command or subcommand",
        "NOPERM this user has no permissions to run the 'getrange' command",
    ] {
        let error = page(Reply::Nil, bytes(said)).unwrap_err();
        assert_eq!(error.fault(), Fault::Permission, "{said}");
    }
    let busy = page(Reply::Nil, bytes("BUSY Redis is busy")).unwrap_err();
    assert_eq!(busy.fault(), Fault::Busy);
    for cursor in ["", "x", "-1", "18446744073709551616"] {
        let error = Reply::List(vec![bytes(cursor)]).into_page().unwrap_err();
        assert_eq!(error.fault(), Fault::Unexpected, "{cursor}");
    }
    let last = Reply::List(vec![bytes("18446744073709551615")]).into_page().unwrap();
    assert_eq!(last.next, Some(u64::MAX));
}

#[test]
fn a_counter_is_read_as_the_scripts_read_it() {
    let told = |text: &str| {
        let entry = [Reply::Int(1), Reply::Bytes(text.into()), Reply::Int(5)];
        let none = [Reply::Int(0), Reply::Bytes(vec![]), Reply::Int(-2)];
        Reply::List([entry, none].concat()).into_counters(2)
    };
    assert_eq!(told("1764600000000000"), Ok(vec![Some(1_764_600_000_000_000), None]));
    assert_eq!(told("9007199254740990"), Ok(vec![Some(LARGEST - 1), None]));
    for text in ["9007199254740991", "-1", "+1", "", "1.5", "x", "99999999999999999999"] {
        assert_eq!(told(text).unwrap_err().fault(), Fault::WrongType, "{text}");
    }
}

#[test]
fn an_answer_of_another_shape_is_unknown_and_no_panic() {
    for reply in [Reply::Nil, Reply::Int(7), Reply::Bytes(vec![]), Reply::List(vec![])] {
        assert_eq!(reply.clone().into_vote().unwrap_err().fault(), Fault::Unexpected);
        assert_eq!(reply.clone().into_extension().unwrap_err().fault(), Fault::Unexpected);
        assert_eq!(reply.clone().into_removal().unwrap_err().fault(), Fault::Unexpected);
        let told = reply.clone().into_told().and_then(|told| told.answer.into_removal());
        assert_eq!(told.unwrap_err().fault(), Fault::Unexpected);
        assert_eq!(reply.clone().into_page().unwrap_err().fault(), Fault::Unexpected);
        assert_eq!(reply.clone().into_counters(1).unwrap_err().fault(), Fault::Unexpected);
        assert_eq!(reply.into_holdings(1).unwrap_err().fault(), Fault::Unexpected);
    }
}
