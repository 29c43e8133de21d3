use super::*;

pub(crate) fn hold(token: &str, ms: u64) -> Hold {
    let expiry = Expiry::In(Duration::from_millis(ms));
    Hold::from(&Holding::of(token.as_bytes(), expiry))
}

pub(crate) fn view(state: State, said: &[Result<Option<Hold>, &str>]) -> View {
    let nodes = said.iter().enumerate().map(|(index, said)| NodeState {
        name: format!("n{index}:6379"),
        said: said.clone().map_err(str::to_owned),
        silent: false,
    });
    View { key: "orders:42".into(), state, nodes: nodes.collect() }
}

#[test]
fn people_get_a_headline_and_a_row_for_each_node() {
    let a = hold("a", 8_123);
    let held = view(
        State::Held(a.clone()),
        &[Ok(Some(a.clone())), Ok(Some(hold("a", 90_000))), Err("no answer in time")],
    );
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
    let split = view(State::Unknown, &[Ok(None), Err("x"), Ok(Some(a.clone()))]);
    assert_eq!(
        split.headline(),
        "orders:42: unknown: 1 held, 1 free, 1 failed of 3 nodes, and 2 must agree"
    );
    let never = Hold { expiry: Expiry::Never, ..a };
    let forever = view(State::Held(never.clone()), &[Ok(Some(never))]);
    assert!(forever.text().contains("never expires") && forever.text().ends_with("for ever"));
}

#[test]
fn what_is_kept_shows_as_such() {
    let token = hold("a", 8_123);
    let mark = hold(&format!("kept:{}", token.holder), 8_123);
    let states = [Ok(Some(mark.clone())), Ok(Some(token.clone())), Ok(Some(mark))];
    let kept = view(State::Kept(token), &states);
    assert_eq!(
        kept.text(),
        "orders:42: kept by af63dc4c8601ec8c, 8.1 s left\n\
         \x20 NODE     STATE  HOLDER            LEFT\n\
         \x20 n0:6379  kept   af63dc4c8601ec8c  8.1 s\n\
         \x20 n1:6379  held   af63dc4c8601ec8c  8.1 s\n\
         \x20 n2:6379  kept   af63dc4c8601ec8c  8.1 s"
    );
    let differing: Vec<_> = kept.differing().into_iter().map(NodeState::text).collect();
    assert_eq!(differing, ["n1:6379 (held by af63dc4c8601ec8c)"]);
    let json = output::json(&kept.json()).unwrap();
    assert!(json.starts_with(r#"{"key":"orders:42","state":"kept","holder":"af63dc4c8601ec8c""#));
}

#[test]
fn programs_get_fields_with_fixed_names() {
    let a = hold("a", 8_123);
    let never = Hold { expiry: Expiry::Never, ..a.clone() };
    let said = [Ok(Some(a.clone())), Ok(Some(never)), Ok(None), Err("why")];
    let held = view(State::Held(a), &said);
    assert_eq!(
        output::json(&held.json()).unwrap(),
        r#"{"key":"orders:42","state":"held","holder":"af63dc4c8601ec8c","label":null,"expiry":"in","remaining_ms":8123,"nodes":["#
            .to_owned()
            + r#"{"name":"n0:6379","state":"held","holder":"af63dc4c8601ec8c","label":null,"expiry":"in","remaining_ms":8123,"error":null},"#
            + r#"{"name":"n1:6379","state":"held","holder":"af63dc4c8601ec8c","label":null,"expiry":"never","remaining_ms":null,"error":null},"#
            + r#"{"name":"n2:6379","state":"free","holder":null,"label":null,"expiry":null,"remaining_ms":null,"error":null},"#
            + r#"{"name":"n3:6379","state":"failed","holder":null,"label":null,"expiry":null,"remaining_ms":null,"error":"why"}]}"#
    );
}

#[test]
fn nodes_that_say_something_else_than_the_majority_differ() {
    let (a, b) = (hold("a", 9), hold("b", 9));
    let names =
        |view: &View| -> Vec<String> { view.differing().iter().map(|node| node.text()).collect() };
    let b_holds = format!("n1:6379 (held by {})", b.holder);
    let held = view(State::Held(a), &[Ok(Some(hold("a", 5))), Ok(Some(b)), Ok(None), Err("why")]);
    assert_eq!(names(&held), [b_holds.as_str(), "n2:6379 (free)", "n3:6379 (why)"]);
    assert_eq!(names(&view(State::Free, &[Ok(None), Ok(None)])), [""; 0]);
    assert_eq!(names(&view(State::Unknown, &[Ok(None), Err("x")])).len(), 2);
}

#[test]
fn a_holder_that_calls_itself_something_is_named_so() {
    let token = "0".repeat(40);
    let a = hold(&format!("{token} orders@pod-7"), 8_123);
    let held = view(State::Held(a.clone()), &[Ok(Some(a.clone()))]);
    let named = format!("held by orders@pod-7 ({}), 8.1 s left", a.holder);
    assert_eq!(held.headline(), format!("orders:42: {named}"));
    assert!(held.text().contains(&format!("held   orders@pod-7 ({})  8.1 s", a.holder)));
    assert!(output::json(&held.json()).unwrap().contains(r#""label":"orders@pod-7""#));
    assert!(!held.text().contains(&token));
    let hostile = hold(&format!("{token} \x1b]0;me\x07"), 8_123);
    assert_eq!(hostile.who(), hostile.holder.to_string());
}

#[test]
fn what_is_shared_shows_by_how_many_and_who_is_the_last() {
    let ends = |ms| Expiry::In(Duration::from_millis(ms));
    let shares = |of: &[(&str, u64)]| {
        let shares = of.iter().map(|(value, ms)| (value.as_bytes().to_vec(), ends(*ms)));
        Hold::from(&Holding::of_shares(of.len(), shares).unwrap())
    };
    let label = Label::new("ann@web-1").unwrap();
    let sharing = Sharing { holders: 2, label: Some(label), expiry: ends(8_123) };
    let states =
        [Ok(Some(shares(&[("a", 8_123), ("b", 5_000)]))), Ok(Some(hold("c", 70))), Ok(None)];
    let shared = view(State::Shared(sharing.clone()), &states);
    assert_eq!(
        shared.text(),
        "orders:42: shared by 2 holders, the last of them ann@web-1, 8.1 s left\n\
         \x20 NODE     STATE   HOLDER                       LEFT\n\
         \x20 n0:6379  shared  af63dc4c8601ec8c and 1 more  8.1 s\n\
         \x20 n1:6379  held    af63de4c8601eff2             70 ms\n\
         \x20 n2:6379  free    -                            -"
    );
    let differing: Vec<_> = shared.differing().iter().map(|node| node.name.as_str()).collect();
    assert_eq!(differing, ["n1:6379", "n2:6379"]);
    let json = serde_json::to_value(shared.json()).unwrap();
    assert_eq!((&json["state"], &json["holders"]), (&"shared".into(), &2.into()));
    assert_eq!((&json["holder"], &json["label"]), (&().into(), &"ann@web-1".into()));
    assert_eq!(json["remaining_ms"], 8_123);
    assert_eq!(json["nodes"][0]["holders"], 2);
    assert!(json["nodes"][1].get("holders").is_none(), "{json}");
    let one = Sharing { holders: 1, label: None, ..sharing };
    assert_eq!(one.text(), "shared by 1 holder, 8.1 s left");
}
