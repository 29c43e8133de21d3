use proptest::prelude::*;

use super::*;

fn labelled(label: &str) -> Option<Label> {
    Label::of_value(format!("{} {label}", "0a".repeat(20)).as_bytes())
}

#[test]
fn printable_text_is_a_label() {
    for text in ["orders@pod-7", "me@host 4711 redlock", "Grüße, 世界 'x' \"y\" \\", "e\u{301}"]
    {
        assert_eq!(Label::new(text).unwrap().to_string(), text);
        assert_eq!(labelled(text).unwrap().as_str(), text);
    }
    for longest in ["x".repeat(128), "é".repeat(64), format!("{}{}", "錠".repeat(42), "é")] {
        assert_eq!(longest.len(), MAX_LABEL_BYTES);
        assert_eq!(Label::new(&longest).unwrap().as_str(), longest);
        assert_eq!(labelled(&longest).unwrap().as_str(), longest);
    }
}

#[test]
fn what_would_act_on_a_terminal_or_break_a_line_is_none() {
    let control = (0..0x20).chain(0x7f..0xa0).filter_map(char::from_u32);
    // Line and paragraph separators, marks of direction, what nobody sees.
    let marks = "\u{2028}\u{2029}\u{202e}\u{2066}\u{200b}\u{feff}\u{ad}\u{e000}\u{a0}".chars();
    for bad in control.chain(marks) {
        let text = format!("a{bad}b");
        let error = Label::new(&text).unwrap_err();
        assert_eq!((error.field(), error.rule()), ("label", "must be printable characters"));
        assert!(!error.to_string().contains(bad), "{error}");
        assert_eq!(labelled(&text), None, "{text:?}");
    }
}

#[test]
fn a_label_that_is_empty_too_long_or_hard_to_see_is_refused() {
    let rule = |text: &str| {
        assert_eq!(labelled(text), None, "{text:?}");
        let error = Label::new(text).unwrap_err();
        (error.value().to_owned(), error.rule().to_owned())
    };
    assert_eq!(rule(""), (String::new(), "must not be empty".to_owned()));
    assert_eq!(rule(" a").1, "must not begin or end with a blank");
    assert_eq!(rule("a ").1, "must not begin or end with a blank");
    let long = ("129 bytes".to_owned(), "must be at most 128 bytes".to_owned());
    assert_eq!(rule(&"x".repeat(129)), long);
    assert_eq!(rule(&format!("{}é", "x".repeat(127))), long, "bytes, not characters");
    assert_eq!(rule(&"é".repeat(65)).0, "130 bytes");
}

#[test]
fn a_value_of_another_shape_has_no_label() {
    let token = "0a".repeat(20);
    for value in [
        String::new(),
        token.clone(),
        format!("{token} "),
        format!("{token}x"),
        format!("{token}\tx"),
        format!("{} x", token.to_uppercase()),
        format!("{} x", &token[1..]),
        format!("0{token} x"),
        "orders@pod-7".to_owned(),
        format!("{token} {}", "x".repeat(10_000)),
    ] {
        assert_eq!(Label::of_value(value.as_bytes()), None, "{value:?}");
    }
    assert_eq!(Label::of_value(&[token.as_bytes(), b" \xff"].concat()), None);
    assert_eq!(Label::of_value(&[0xff; 60]), None);
}

proptest! {
    #[test]
    fn any_label_is_read_back_from_its_value(text in "\\PC{0,40}") {
        if let Ok(label) = Label::new(&text) {
            let token = Token::random().unwrap();
            let value = label.value(&token);
            prop_assert_eq!(Label::of_value(&value), Some(label));
        }
    }

    #[test]
    fn whatever_stands_there_a_label_is_short_and_printable(
        rest in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        for value in [rest.clone(), [&[b'a'; 40][..], b" ", &rest].concat()] {
            if let Some(label) = Label::of_value(&value) {
                prop_assert!(label.as_str().len() <= MAX_LABEL_BYTES);
                prop_assert!(!label.as_str().chars().any(char::is_control));
                prop_assert!(value.ends_with(label.as_str().as_bytes()));
            }
        }
    }
}
