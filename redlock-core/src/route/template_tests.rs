use proptest::prelude::*;

use super::*;

#[derive(Default)]
struct Request {
    route: Option<&'static str>,
    params: Vec<(&'static str, String)>,
    headers: Vec<(&'static str, Vec<u8>)>,
}

impl RouteContext for Request {
    fn method(&self) -> &str {
        "POST"
    }

    fn route(&self) -> Option<Cow<'_, str>> {
        self.route.map(Cow::Borrowed)
    }

    fn param(&self, name: &str) -> Result<Option<Cow<'_, str>>, KeyError> {
        let found = self.params.iter().find(|(known, _)| *known == name);
        Ok(found.map(|(_, value)| Cow::Borrowed(value.as_str())))
    }

    fn header(&self, name: &str) -> Header<'_> {
        let all = self.headers.iter().filter(|(known, _)| *known == name);
        Header::of(all.map(|(_, value)| value.as_slice()))
    }
}

fn key(template: &str, request: &Request) -> Result<String, KeyError> {
    let key = KeyTemplate::parse(template).unwrap().key_of(request)?;
    Ok(String::from_utf8(key.single().unwrap().to_vec()).unwrap())
}

fn id(id: &str) -> Request {
    Request {
        route: Some("/orders/{id}"),
        params: vec![("id", id.to_owned())],
        ..Request::default()
    }
}

#[test]
fn a_bad_template_is_an_error_that_says_which_rule_it_broke() {
    for (template, rule) in [
        ("", "text of its own"),
        ("{id}", "text of its own"),
        ("{method}", "text of its own"),
        ("{method}-", "text of its own"),
        ("order:{id", "close each `{`"),
        ("order:{{id}", "a `{` for each `}`"),
        ("order:{{id", "ok"),
        ("order:{a{b}}", "close each `{`"),
        ("order:{}", "must name a parameter"),
        ("order:{a b}", "must name a parameter"),
        ("order:{param:}", "must name a parameter"),
        ("order:{header:}", "must name a header"),
        ("order:{header:x tenant}", "must name a header"),
        ("order:{query:id}", "must use the parts"),
        ("order:{int:}", "must name a parameter"),
        ("{kind}:{id}", "text of its own"),
        ("{header:x-tenant}:{id}", "text of its own"),
        ("{method}:{id}", "text of its own"),
        ("order{id}", "text of its own"),
        ("order", "ok"),
        ("order:{a}{b}", "between two parts"),
        ("order:{a}-{b}", "between two parts"),
        ("order:{a}b%/{b}", "between two parts"),
        ("order:{a}-:-{b}", "ok"),
        ("{route}{id}", "between two parts"),
        ("{method} {route}", "ok"),
        ("{route}:", "ok"),
        ("a\u{7}{id}", "control characters"),
        ("a#{id}", "`#`"),
        (&"x".repeat(201), "200 bytes"),
        (&"x".repeat(200), "ok"),
    ] {
        match KeyTemplate::parse(template) {
            Ok(parsed) => {
                assert_eq!(rule, "ok", "{template}");
                assert_eq!(parsed.to_string(), template);
            }
            Err(error) => {
                assert_eq!(error.field(), "key template");
                assert!(error.rule().contains(rule), "{template}: {error}");
            }
        }
    }
}

#[test]
fn parts_are_put_in_escaped() {
    let mut request = id("4/2:ü ");
    request.headers = vec![("x-tenant", b"\xff{}".to_vec())];
    assert_eq!(key("order:{id}", &request).unwrap(), "order:4%2F2%3A%C3%BC%20");
    assert_eq!(key("{{:{param:id}}}", &request).unwrap(), "{:4%2F2%3A%C3%BC%20}");
    assert_eq!(key("{method} {route}", &request).unwrap(), "POST /orders/{id}");
    assert_eq!(key("t:{header:X-Tenant}", &request).unwrap(), "t:%FF%7B%7D");
}

#[test]
fn a_part_that_is_missing_empty_or_repeated_is_an_error() {
    assert_eq!(key("o:{id}", &id("")).unwrap_err(), KeyError::missing("path parameter id"));
    let misuse = key("o:{no}", &id("1")).unwrap_err();
    assert_eq!(misuse.to_string(), "the route /orders/{id} has no parameter no");
    assert!(matches!(key("{route}", &Request::default()), Err(KeyError::Misuse(_))));
    assert!(matches!(key("o:{id}", &Request::default()), Err(KeyError::Misuse(_))));
    let mut request = id("1");
    let tenant = |request: &Request| key("t:{header:x-t}", request).unwrap_err();
    assert_eq!(tenant(&request), KeyError::missing("header x-t"));
    request.headers = vec![("x-t", Vec::new())];
    assert_eq!(tenant(&request), KeyError::missing("header x-t"));
    request.headers = vec![("x-t", b"a".to_vec()), ("x-t", b"a".to_vec())];
    assert_eq!(tenant(&request), KeyError::Repeated("header x-t".to_owned()));
}

#[test]
fn a_long_key_is_hashed_behind_the_templates_beginning() {
    assert_eq!(key("o:{id}", &id(&"x".repeat(198))).unwrap().len(), 200);
    // echo -n "o:xxx…" (199 times x) | sha256sum
    let hashed = key("o:{id}", &id(&"x".repeat(199))).unwrap();
    assert_eq!(
        hashed,
        "o:#sha256=0a4a1364d52e7474531da340c7d26420196460c92f0225673026c5dd481c78c6"
    );
    let long = "ü".repeat(40);
    let hashed = key(&format!("{long}:{{id}}"), &id(&"x".repeat(199))).unwrap();
    assert!(hashed.starts_with(&format!("{}#sha256=", "ü".repeat(32))), "{hashed}");
}

#[test]
fn every_ascii_byte_is_escaped_but_the_unreserved_ones() {
    let mut request = id("x");
    for byte in 0..=0x7f_u8 {
        let value = char::from(byte).to_string();
        let unreserved = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        let escaped = if unreserved { value.clone() } else { format!("%{byte:02X}") };
        assert_eq!(key("o:{id}", &id(&value)).unwrap(), format!("o:{escaped}"));
        request.headers = vec![("x-t", vec![byte])];
        assert_eq!(key("o:{header:x-t}", &request).unwrap(), format!("o:{escaped}"));
        // A pattern is the developer's, and keeps what it is made of.
        request.route = Some(value.clone().leak());
        let kept = unreserved || b"/{}*".contains(&byte);
        let escaped = if kept { value } else { format!("%{byte:02X}") };
        assert_eq!(key("{route}", &request).unwrap(), escaped);
    }
}

/// Every byte that may stand between two parts, as a template has it: one that no part can contain.
fn separators() -> Vec<String> {
    let written = |byte| match char::from(byte) {
        brace @ ('{' | '}') => format!("{brace}{brace}"),
        other => other.to_string(),
    };
    let separates = |text: &String| KeyTemplate::parse(&format!("x:{{a}}{text}{{b}}")).is_ok();
    (0..=0x7f_u8).map(written).filter(separates).collect()
}

#[test]
fn what_separates_parts_stands_in_no_part() {
    let separators = separators();
    assert_eq!(separators.concat(), " !\"$&'()+,:;<=>?@[\\]^`|");
    for byte in 0..=0x7f_u8 {
        let value = char::from(byte).to_string();
        let mut request = id(&value);
        request.headers = vec![("x-t", vec![byte])];
        request.route = Some(value.leak());
        // Unchecked templates of one part each.
        for part in ["id", "header:x-t", "route"] {
            let inner = Inner {
                text: String::new(),
                pieces: vec![super::super::piece::part(part).unwrap()],
            };
            let key = KeyTemplate(Arc::new(inner)).key_of(&request).unwrap().to_string();
            assert!(!separators.iter().any(|separator| key.contains(separator)), "{part}: {key}");
        }
    }
}

proptest! {
    #[test]
    fn two_requests_share_a_key_only_if_all_their_parts_are_equal_whatever_separates_them(
        (a, b, c, d) in (any_part(), any_part(), any_part(), any_part()),
        separator in proptest::sample::select(separators()),
    ) {
        let request = |a: &str, b: &str| Request {
            route: Some("/{a}/{b}"),
            params: vec![("a", a.to_owned()), ("b", b.to_owned())],
            headers: vec![("x-b", b.as_bytes().to_vec())],
        };
        for (one, other) in [("{a}", "{b}"), ("{a}", "{header:x-b}")] {
            for template in [
                format!("x{separator}{one}{separator}{other}"),
                format!("{{route}}{separator}{one}{separator}{other}"),
            ] {
                let first = key(&template, &request(&a, &b)).unwrap();
                let second = key(&template, &request(&c, &d)).unwrap();
                prop_assert_eq!(first == second, (&a, &b) == (&c, &d), "{}", &template);
                // What would be the same, were the separator not escaped.
                let plain = separator.replace("{{", "{").replace("}}", "}");
                let left = key(&template, &request(&format!("{a}{plain}{b}"), &c)).unwrap();
                let right = key(&template, &request(&a, &format!("{b}{plain}{c}"))).unwrap();
                prop_assert_ne!(left, right, "{}", &template);
            }
        }
    }
}

/// Values in which separators are as likely as letters.
fn any_part() -> impl Strategy<Value = String> {
    "[a-c!-/:-@\\[-`{-~ ]{1,6}"
}

proptest! {
    #[test]
    fn two_requests_share_a_key_only_if_all_their_parts_are_equal(
        a in ".{1,80}", b in ".{1,80}", c in ".{1,80}", d in ".{1,80}",
    ) {
        for template in ["x:{a}:{b}", ":{a}:{b}", "x: {a} -- {b}", "x:{a}:{b}y", "{{:{a}%:%{b}}}", "x {a}/:/{b}"] {
            let request = |a: &str, b: &str| Request {
                params: vec![("a", a.to_owned()), ("b", b.to_owned())],
                ..Request::default()
            };
            let one = key(template, &request(&a, &b)).unwrap();
            let other = key(template, &request(&c, &d)).unwrap();
            prop_assert_eq!(one == other, (&a, &b) == (&c, &d));
            let moved = key(template, &request(&format!("{a}{c}"), &b)).unwrap();
            prop_assert_ne!(one, moved);
        }
    }

    #[test]
    fn no_template_panics(template in ".{0,60}") {
        if let Ok(template) = KeyTemplate::parse(&template) {
            let _ = template.key_of(&id("1"));
        }
    }
}

#[test]
fn every_spelling_of_a_number_is_one_key() {
    for (spelling, key_part) in [
        ("42", Some("42")),
        ("042", Some("42")),
        ("+42", Some("42")),
        ("-7", Some("-7")),
        ("-07", Some("-7")),
        ("0", Some("0")),
        ("-0", Some("0")),
        ("000", Some("0")),
        ("99999999999999999999999999", Some("99999999999999999999999999")),
        ("4_2", None),
        ("42 ", None),
        ("4.2", None),
        ("++4", None),
        ("-", None),
        ("\u{664}", None),
        ("0x2a", None),
    ] {
        let got = key("order:{int:id}", &id(spelling));
        match key_part {
            Some(part) => assert_eq!(got.unwrap(), format!("order:{part}"), "{spelling}"),
            None => assert!(matches!(got, Err(KeyError::Invalid(_))), "{spelling}: {got:?}"),
        }
    }
    assert!(matches!(key("order:{int:id}", &id("")), Err(KeyError::Missing(_))));
}

#[test]
fn every_spelling_of_a_uuid_is_one_key() {
    const PLAIN: &str = "67e5504410b1426f9247bb680e5fe0c8";
    for spelling in [
        PLAIN,
        "67e55044-10b1-426f-9247-bb680e5fe0c8",
        "67E55044-10B1-426F-9247-BB680E5FE0C8",
        "{67e55044-10b1-426f-9247-bb680e5fe0c8}",
        "urn:uuid:67e55044-10b1-426f-9247-bb680e5fe0c8",
    ] {
        assert_eq!(key("order:{uuid:id}", &id(spelling)).unwrap(), format!("order:{PLAIN}"));
    }
    for bad in ["42", &PLAIN[1..], &format!("{PLAIN}0"), "67e5504410b1426f9247bb680e5fe0cg"] {
        assert!(matches!(key("order:{uuid:id}", &id(bad)), Err(KeyError::Invalid(_))), "{bad}");
    }
}

#[test]
fn a_template_is_checked_against_the_pattern_of_its_route() {
    let fits = |template: &str, pattern| {
        KeyTemplate::parse(template).unwrap().check_route(pattern).is_ok()
    };
    assert!(fits("order:{id}", "/orders/{id}/pay"));
    assert!(fits("order:{int:id}:{rest}", r"/orders/{id:\d+}/{*rest}"));
    assert!(fits("{method} {route}", "/orders"));
    assert!(!fits("order:{order_id}", "/orders/{id}"));
    assert!(!fits("order:{id}", "/orders"));
    let error = KeyTemplate::parse("order:{no}").unwrap().check_route("/orders/{id}").unwrap_err();
    assert_eq!(error.value(), "order:{no} on /orders/{id}");
    assert_eq!(error.rule(), "must name parameters of the route, and `no` is none");
    let twice = KeyTemplate::parse("order:{int:id}").unwrap();
    for pattern in ["/a/{id}/b/{id}", r"/a/{id}/b/{id:\d+}", "/a/{id}/{*id}"] {
        let error = twice.check_route(pattern).unwrap_err();
        let rule = "must name parameters that the route has once, and it has `id` more than once";
        assert_eq!(error.rule(), rule, "{pattern}");
    }
    assert!(fits("order:{other}", "/a/{id}/b/{id}/{other}"));
}
