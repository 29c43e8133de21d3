use proptest::prelude::*;

use super::*;
use crate::node::Fault;

const TOKEN: &str = "000d1a2734414e5b6875828f9ca9b6c3d0ddeaf7";

fn handover(fence: Option<u64>, value: &str) -> Handover {
    Handover {
        key: LockKey::all([&b"orders:42"[..], b"\xff:."]).unwrap(),
        former: Former {
            value: value.as_bytes().into(),
            fence: fence.map(|fence| Fence::try_from(fence).unwrap()),
        },
        ttl: Duration::from_secs(10),
        remaining: Duration::from_micros(9_876_543),
        nodes: nodes(["b", "a"].into_iter()),
    }
}

fn swapped(resources: usize, counter: Option<u64>) -> Result<Vote, NodeError> {
    Ok(Vote::Swapped { fence: Some(9), resources, counter })
}

#[test]
fn a_text_is_read_as_what_wrote_it() {
    let labelled = format!("{TOKEN} worker 7");
    for handover in [handover(Some(7), TOKEN), handover(None, &labelled)] {
        let text = handover.expose();
        assert!(text.bytes().all(|byte| byte.is_ascii_graphic()), "{text}");
        assert_eq!(Handover::parse(&text).unwrap(), handover);
    }
}

/// Services of two versions read each other's texts.
#[test]
fn the_text_is_this() {
    let hex: String = TOKEN.bytes().map(|byte| format!("{byte:02x}")).collect();
    let body = format!(
        "redlock-handover:1:{:016x}:7:10000000:9876543:{hex}:6f72646572733a3432.ff3a2e",
        fingerprint(b"a\nb")
    );
    let text = format!("{body}:{:016x}", fingerprint(body.as_bytes()));
    assert_eq!(handover(Some(7), TOKEN).expose(), text);
}

#[test]
fn nothing_shows_the_secret() {
    let shown = format!("{:?}", handover(Some(7), TOKEN));
    assert!(
        shown.contains("orders:42") && shown.contains('7') && !shown.contains("000d1a"),
        "{shown}"
    );
}

#[test]
fn a_text_of_another_version_is_told_by_its_version() {
    let text = handover(Some(7), TOKEN).expose().replacen(":1:", ":2:", 1);
    let error = Handover::parse(&text).unwrap_err();
    assert_eq!((error.field(), error.value()), ("handover.version", "2"));
    assert_eq!(error.rule(), "must be 1, the version that this program reads");
}

#[test]
fn a_text_that_is_none_is_refused_without_repeating_it() {
    for bad in ["", "abc", TOKEN, "redlock-handover", &"x".repeat(100_000)] {
        let error = Handover::parse(bad).unwrap_err();
        assert_eq!(error.field(), "handover");
        assert_eq!(error.value(), format!("<redacted>, {} bytes", bad.len()));
        assert!(error.rule().contains("must be the text"), "{error}");
    }
}

/// With a check that is right, as anybody can make one.
fn whole(fields: &str) -> String {
    let body = format!("redlock-handover:1:{fields}");
    format!("{body}:{:016x}", fingerprint(body.as_bytes()))
}

#[test]
fn no_field_of_a_text_that_somebody_made_reaches_a_log_as_it_is() {
    for field in ["\x1b[2J", "ff\nWARN all is lost", "\u{202e}ff", "f f", "\0"] {
        for fields in [format!("{field}:7:1:1:00:6b"), format!("ff:7:1:1:00:{field}")] {
            let error = Handover::parse(&whole(&fields)).unwrap_err();
            assert!(!error.to_string().contains(field), "{error:?}");
            assert!(error.rule().contains("must be the text"), "{error}");
        }
    }
}

#[test]
fn a_field_that_breaks_its_rule_is_named() {
    let hex: String = TOKEN.bytes().map(|byte| format!("{byte:02x}")).collect();
    let nodes = "00000000000000ff";
    let cases = [
        (format!("ff:7:1:1:{hex}:6b"), "handover.nodes", "ff"),
        (format!("{nodes}:x:1:1:{hex}:6b"), "handover.fence", "x"),
        (format!("{nodes}:9007199254740992:1:1:{hex}:6b"), "handover.fence", "9007199254740992"),
        (format!("{nodes}:7:-1:1:{hex}:6b"), "handover.ttl", "-1"),
        (format!("{nodes}:7:1:z:{hex}:6b"), "handover.remaining", "z"),
        (format!("{nodes}:7:1:1:{}:6b", &hex[2..]), "handover.value", REDACTED),
        (format!("{nodes}:7:1:1:{hex}2d:6b"), "handover.value", REDACTED),
        (format!("{nodes}:7:1:1:{hex}:6B"), "handover.key", "6B"),
        (format!("{nodes}:7:1:1:{hex}:6b.6b"), "handover.key", "k"),
        (format!("{nodes}:7:1:1:{hex}:"), "handover.key", ""),
    ];
    for (fields, field, value) in cases {
        let error = Handover::parse(&whole(&fields)).unwrap_err();
        assert_eq!((error.field(), error.value()), (field, value), "{fields}");
    }
    assert!(Handover::parse(&whole(&format!("{nodes}:7:1:1:{hex}:6b"))).is_ok());
}

proptest! {
    #[test]
    fn a_text_that_was_cut_or_changed_is_refused(at in 0_usize..300, to in any::<char>()) {
        let text = handover(Some(7), TOKEN).expose();
        let at = at % text.len();
        let secret = text.split(':').nth(6).unwrap();
        let changed = format!("{}{to}{}", &text[..at], &text[at + 1..]);
        for bad in [text[..at].to_owned(), changed, format!("{text}0")] {
            if bad == text {
                continue;
            }
            let error = Handover::parse(&bad).unwrap_err();
            prop_assert!(!error.to_string().contains(secret), "{}", error);
            prop_assert!(error.field().starts_with("handover"));
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in ".{0,80}") {
        let _ = Handover::parse(&text);
        let _ = Handover::parse(&format!("redlock-handover:1:{text}"));
    }
}

#[test]
fn a_majority_of_all_nodes_swapped_below_the_fence_continues() {
    let mut succession = Succession::new(3, 2, Some(7));
    succession.record(&swapped(2, Some(7)));
    assert_eq!(succession.verdict(), None);
    succession.record(&swapped(2, Some(3)));
    assert_eq!(succession.verdict(), Some(true));
}

#[test]
fn nothing_else_continues() {
    let others = [
        swapped(1, Some(7)),
        swapped(2, Some(8)),
        swapped(2, None),
        Ok(Vote::Granted { fence: Some(9) }),
        Ok(Vote::AlreadyOurs),
        Err(Fault::Timeout.into()),
    ];
    for other in others {
        let mut succession = Succession::new(3, 2, Some(7));
        succession.record(&swapped(2, Some(7)));
        succession.record(&other);
        assert_eq!(succession.verdict(), None, "{other:?}");
        succession.record(&other);
        assert_eq!(succession.verdict(), Some(false), "{other:?}");
    }
}

#[test]
fn without_a_fence_nothing_is_ever_known() {
    let mut succession = Succession::new(1, 1, None);
    assert_eq!(succession.verdict(), Some(false));
    succession.record(&swapped(1, Some(0)));
    assert_eq!(succession.verdict(), Some(false));
}

proptest! {
    #[test]
    fn the_verdict_is_that_of_all_endings_and_does_not_depend_on_the_order(
        nodes in 1_usize..6,
        answers in prop::collection::vec(any::<bool>(), 0..6),
    ) {
        let answers = &answers[..answers.len().min(nodes)];
        let all = |rest: bool| {
            let yes = answers.iter().filter(|yes| **yes).count();
            yes + if rest { nodes - answers.len() } else { 0 } >= majority(nodes)
        };
        let mut succession = Succession::new(nodes, 1, Some(7));
        for yes in answers {
            succession.record(&swapped(1, Some(if *yes { 7 } else { 8 })));
        }
        let wanted = (all(true) == all(false)).then(|| all(true));
        prop_assert_eq!(succession.verdict(), wanted);
    }
}
