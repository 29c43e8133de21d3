use redlock_core::Label;

use super::*;
use crate::look::view::Hold;
use crate::look::view::tests::{hold, view};

fn named() -> Hold {
    Hold { label: Some(Label::new("10.0.0.7:8080").unwrap()), ..hold("a", 8_123) }
}

#[test]
fn people_are_told_who_leads_in_a_line() {
    let led = view(State::Held(named()), &[Ok(Some(named()))]);
    assert_eq!(text(&led), "orders:42: led by 10.0.0.7:8080 (af63dc4c8601ec8c), 8.1 s left");
    let nameless = view(State::Held(hold("a", 8_123)), &[Ok(Some(hold("a", 8_123)))]);
    assert_eq!(text(&nameless), "orders:42: led by af63dc4c8601ec8c, 8.1 s left");
    assert_eq!(text(&view(State::Free, &[Ok(None)])), "orders:42: no leader");
    let unknown = text(&view(State::Unknown, &[Ok(None), Err("x"), Err("x")]));
    assert!(unknown.starts_with("orders:42: unknown: "), "{unknown}");
}

#[test]
fn programs_get_fields_with_fixed_names() {
    let led = view(State::Held(named()), &[Ok(Some(named()))]);
    assert_eq!(
        output::json(&json(&led)).unwrap(),
        r#"{"name":"orders:42","state":"led","holder":"af63dc4c8601ec8c","label":"10.0.0.7:8080","expiry":"in","remaining_ms":8123}"#
    );
    let none = view(State::Free, &[Ok(None)]);
    assert_eq!(
        output::json(&json(&none)).unwrap(),
        r#"{"name":"orders:42","state":"none","holder":null,"label":null,"expiry":null,"remaining_ms":null}"#
    );
}
