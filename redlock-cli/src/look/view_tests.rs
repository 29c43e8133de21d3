use super::*;

pub(crate) fn hold(token: &str, ms: u64) -> Hold {
    let expiry = Expiry::In(Duration::from_millis(ms));
    Hold { holder: Holder::of(token.as_bytes()), expiry }
}

pub(crate) fn view(state: State, said: &[Result<Option<Hold>, &str>]) -> View {
    let nodes = said.iter().enumerate().map(|(index, said)| NodeState {
        name: format!("n{index}:6379"),
        said: (*said).map_err(str::to_owned),
    });
    View { key: "orders:42".into(), state, nodes: nodes.collect() }
}

#[test]
fn people_get_a_headline_and_a_row_for_each_node() {
    let a = hold("a", 8_123);
    let held =
        view(State::Held(a), &[Ok(Some(a)), Ok(Some(hold("a", 90_000))), Err("no answer in time")]);
    assert_eq!(
        held.text(),
        "orders:42: held by af63dc4c8601ec8c, 8.1 s left\n\
         \x20 NODE     STATE   HOLDER            LEFT\n\
         \x20 n0:6379  held    af63dc4c8601ec8c  8.1 s\n\
         \x20 n1:6379  held    af63dc4c8601ec8c  1m 30s\n\
         \x20 n2:6379  failed  -                 -       no answer in time"
    );
    let free = view(State::Free, &[Ok(None)]);
    assert_eq!(
        free.text(),
        "orders:42: free\n  NODE     STATE  HOLDER  LEFT\n  n0:6379  free   -       -"
    );
    let split = view(State::Unknown, &[Ok(None), Err("x"), Ok(Some(a))]);
    assert_eq!(
        split.headline(),
        "orders:42: unknown: 1 held, 1 free, 1 failed of 3 nodes, and 2 must agree"
    );
    let never = Hold { expiry: Expiry::Never, ..a };
    let forever = view(State::Held(never), &[Ok(Some(never))]);
    assert!(forever.text().contains("never expires") && forever.text().ends_with("for ever"));
}

#[test]
fn programs_get_fields_with_fixed_names() {
    let a = hold("a", 8_123);
    let never = Hold { expiry: Expiry::Never, ..a };
    let held = view(State::Held(a), &[Ok(Some(a)), Ok(Some(never)), Ok(None), Err("why")]);
    assert_eq!(
        output::json(&held.json()).unwrap(),
        r#"{"key":"orders:42","state":"held","holder":"af63dc4c8601ec8c","expiry":"in","remaining_ms":8123,"nodes":["#
            .to_owned()
            + r#"{"name":"n0:6379","state":"held","holder":"af63dc4c8601ec8c","expiry":"in","remaining_ms":8123,"error":null},"#
            + r#"{"name":"n1:6379","state":"held","holder":"af63dc4c8601ec8c","expiry":"never","remaining_ms":null,"error":null},"#
            + r#"{"name":"n2:6379","state":"free","holder":null,"expiry":null,"remaining_ms":null,"error":null},"#
            + r#"{"name":"n3:6379","state":"failed","holder":null,"expiry":null,"remaining_ms":null,"error":"why"}]}"#
    );
}

#[test]
fn nodes_that_say_something_else_than_the_majority_differ() {
    let (a, b) = (hold("a", 9), hold("b", 9));
    let names =
        |view: &View| -> Vec<String> { view.differing().iter().map(|node| node.text()).collect() };
    let held = view(State::Held(a), &[Ok(Some(hold("a", 5))), Ok(Some(b)), Ok(None), Err("why")]);
    let b_holds = format!("n1:6379 (held by {})", b.holder);
    assert_eq!(names(&held), [b_holds.as_str(), "n2:6379 (free)", "n3:6379 (why)"]);
    assert_eq!(names(&view(State::Free, &[Ok(None), Ok(None)])), [""; 0]);
    assert_eq!(names(&view(State::Unknown, &[Ok(None), Err("x")])).len(), 2);
}
