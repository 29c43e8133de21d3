use proptest::prelude::*;
use redlock_core::node::FaultClass;

use super::*;
use crate::info::parse_info;
use crate::url::redacted_url;

fn reply() -> impl Strategy<Value = Reply> {
    let leaf = prop_oneof![
        Just(Reply::Nil),
        (-3_i64..8).prop_map(Reply::Int),
        any::<i64>().prop_map(Reply::Int),
        prop::collection::vec(any::<u8>(), 0..8).prop_map(Reply::Bytes),
    ];
    leaf.prop_recursive(2, 16, 6, |inner| prop::collection::vec(inner, 0..7).prop_map(Reply::List))
}

/// Lists of numbers, which is what most scripts answer.
fn numbers() -> impl Strategy<Value = Reply> {
    let number = prop_oneof![3 => -2_i64..8, 1 => any::<i64>()];
    prop::collection::vec(number.prop_map(Reply::Int), 1..5).prop_map(Reply::List)
}

/// Words that mean something to somebody, in any order.
fn text() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "OOM",
        "ERR",
        "-READONLY",
        "Error running script",
        "@user_script:",
        "NOPERM",
        "WRONGPASS",
        "unknown command",
        "can't run this command",
        "MOVED",
        "bob",
        ": ",
        "\r\n",
        "'k'",
    ]);
    let words = prop::collection::vec(word, 0..8).prop_map(|words| words.join(" "));
    prop_oneof![words, any::<String>()]
}

proptest! {
    #[test]
    fn a_vote_is_a_fenced_grant_only_with_a_number_above_zero(
        reply in prop_oneof![reply(), numbers()], fenced: bool,
    ) {
        match reply.clone().into_fenced_vote(fenced) {
            Ok(Vote::Granted { fence }) => {
                prop_assert_eq!(fence.is_some(), fenced);
                prop_assert_ne!(fence, Some(0));
                let Reply::List(list) = reply else { return Err(TestCaseError::fail("no list")) };
                prop_assert_eq!(&list[0], &Reply::Int(1));
                let told = fence.map(|fence| Reply::Int(fence as i64));
                prop_assert!(told.is_none_or(|told| list[1] == told));
            }
            Ok(Vote::Held { fence, label, .. } | Vote::Shared { fence, label, .. }) => {
                prop_assert!(label.is_none_or(|label| Label::new(&label).is_ok()));
                prop_assert!(fence.is_none() || fenced);
                prop_assert_ne!(fence, Some(0));
            }
            Ok(Vote::Swapped { fence, resources, counter }) => {
                prop_assert_eq!(fence.is_some(), fenced);
                prop_assert!(resources > 0 && fence != Some(0) && counter != Some(0));
                prop_assert!(fenced || counter.is_none());
                let Reply::List(list) = reply else { return Err(TestCaseError::fail("no list")) };
                prop_assert_eq!((&list[0], &list[2]), (&Reply::Int(1), &Reply::Int(resources as i64)));
            }
            Ok(_) => {}
            Err(error) => prop_assert!(error.detail().len() <= 200),
        }
    }

    #[test]
    fn no_reply_makes_a_verb_panic_or_is_read_as_more_than_it_says(
        reply in prop_oneof![reply(), numbers()], resources in 0_usize..4,
    ) {
        if let Ok(Vote::Granted { fence }) = reply.clone().into_vote() {
            prop_assert_eq!(fence, None);
        }
        let number = |reply: &Reply| match reply { Reply::Int(number) => Some(*number), _ => None };
        let extended = matches!(reply.clone().into_extension(), Ok(Extension::Extended));
        let removed = matches!(reply.clone().into_removal(), Ok(Removal::Removed));
        prop_assert_eq!(extended, number(&reply) == Some(1));
        prop_assert_eq!(removed, number(&reply) == Some(1));
        if let Ok(Told { answer, refusal }) = reply.clone().into_told()
            && let Ok(removal) = answer.into_removal()
        {
            let code = match &reply {
                Reply::List(list) if list.len() == 2 => number(&list[0]),
                reply => number(reply),
            };
            prop_assert_eq!(code == Some(1), removal == Removal::Removed);
            prop_assert_eq!(refusal.is_some(), number(&reply).is_none());
        }
        let known = reply.clone().into_expiry() != Expiry::Unknown;
        prop_assert_eq!(known, number(&reply).is_some());
        if let Ok(holdings) = reply.clone().into_holdings(resources) {
            prop_assert_eq!(holdings.len(), resources);
        }
        if let Ok(counters) = reply.into_counters(resources) {
            prop_assert_eq!(counters.len(), resources);
            prop_assert!(counters.iter().flatten().all(|counter| *counter < LARGEST));
        }
    }

    #[test]
    fn a_page_tells_each_name_once_with_its_value_or_why_it_has_none(
        cursor in prop_oneof![Just(0_u64), any::<u64>()],
        entries in prop::collection::vec(
            (prop::collection::vec(any::<u8>(), 0..9), prop_oneof![reply(), Just(Reply::Nil)], reply()),
            0..5,
        ),
    ) {
        let mut list = vec![Reply::Bytes(cursor.to_string().into())];
        for (name, value, left) in &entries {
            list.extend([Reply::Bytes(name.clone()), value.clone(), left.clone()]);
        }
        let Ok(page) = Reply::List(list).into_page() else { return Ok(()) };
        prop_assert_eq!(page.next, Some(cursor).filter(|cursor| *cursor > 0));
        // Shares of which none is left are no entry.
        let is_over = |value: &Reply| matches!(value, Reply::List(shares) if shares.len() == 1);
        let told: Vec<_> = entries.iter().filter(|(_, value, _)| !is_over(value)).collect();
        prop_assert_eq!(page.found.len(), told.len());
        for (found, (name, value, left)) in page.found.iter().zip(told) {
            prop_assert_eq!(&*found.resource, &**name);
            let read = matches!((value, left), (Reply::Bytes(_) | Reply::List(_), Reply::Int(_)));
            prop_assert_eq!(found.holding.is_ok(), read);
        }
    }

    #[test]
    fn any_error_text_is_told_in_one_short_line_and_as_unknown_unless_it_says_otherwise(text in text()) {
        let error = classify(&text);
        prop_assert!(error.detail().len() <= 200);
        prop_assert!(!error.to_string().contains(char::is_control));
        prop_assert_eq!(error.class() == FaultClass::Unknown, error.fault() == Fault::Unexpected);
        if error.fault() == Fault::Authentication {
            prop_assert_eq!(error.detail(), "");
        }
    }

    #[test]
    fn any_info_is_read(text in any::<String>(), uptime in any::<u64>()) {
        parse_info(&text);
        let (identity, _) = parse_info(&format!("{text}\nuptime_in_seconds:{uptime}"));
        let other = text.contains("uptime_in_seconds");
        prop_assert!(other || identity.uptime == Some(Duration::from_secs(uptime)));
    }

    #[test]
    fn no_url_shows_what_stands_where_a_password_does(
        scheme in "[a-z+]{0,8}", user in any::<String>(), rest in any::<String>(), address in any::<String>(),
    ) {
        const SECRET: &str = "hunter2hunter2";
        let urls = [
            format!("{scheme}://{user}:{SECRET}{rest}@{address}"),
            format!("{scheme}://{address}?{user}={SECRET}{rest}"),
            format!("{SECRET}{user}@{address}"),
        ];
        for url in urls {
            let shown = redacted_url(&url);
            prop_assert!(!shown.contains(SECRET), "{} is shown as {}", url, shown);
        }
        let shown = redacted_url(&format!("{scheme}://{address}"));
        // What is shown is shown the same when it is shown again.
        let again = redacted_url(&shown);
        prop_assert!(shown.contains("<redacted>") || again == shown);
    }
}
