use percent_encoding::percent_decode_str;

use crate::route::{HeldLocks, KeyError, KeyTemplate};

/// A request, and the key its handler is to run under.
#[derive(Debug)]
pub struct KeyCase {
    /// The template.
    pub template: &'static str,
    /// The route's pattern, in the notation that axum and actix-web share.
    pub route: &'static str,
    /// The request's path, as sent. Its method is POST.
    pub target: &'static str,
    /// The request's headers.
    pub headers: &'static [(&'static str, &'static str)],
    /// What becomes of it.
    pub expected: Key,
}

/// What becomes of a [`KeyCase`].
#[derive(Debug)]
pub enum Key {
    /// The handler runs under this key.
    Is(&'static str),
    /// The handler runs under a hashed key that begins like this.
    Hashed(&'static str),
    /// The request is rejected with this status.
    Rejected(u16),
}

const TEN_KILOBYTES: &str = {
    const BYTES: [u8; 10_240] = [b'x'; 10_240];
    match str::from_utf8(&BYTES) {
        Ok(text) => text,
        Err(_) => "",
    }
};

const fn case(
    template: &'static str,
    route: &'static str,
    target: &'static str,
    headers: &'static [(&'static str, &'static str)],
    expected: Key,
) -> KeyCase {
    KeyCase { template, route, target, headers, expected }
}

/// Keys made of requests.
pub const KEYS: &[KeyCase] = &[
    case("order:{id}", "/orders/{id}/pay", "/orders/42/pay", &[], Key::Is("order:42")),
    case("order:{id}", "/orders/{id}/pay", "/orders/42/pay?x=1", &[], Key::Is("order:42")),
    case("all", "/orders/{id}/pay", "/orders/42/pay", &[], Key::Is("all")),
    case(
        "{method} {route}",
        "/orders/{id}/pay",
        "/orders/42/pay",
        &[],
        Key::Is("POST /orders/{id}/pay"),
    ),
    case("{route}:{id}", "/orders/{id}", "/orders/42", &[], Key::Is("/orders/{id}:42")),
    case("x:{b}:{a}", "/{a}/{b}", "/1/2", &[], Key::Is("x:2:1")),
    case("p:{param:method}", "/{method}", "/1", &[], Key::Is("p:1")),
    // The same resource, however the path is written.
    case("order:{id}", "/orders/{id}", "/orders/%34%32", &[], Key::Is("order:42")),
    case("order:{id}", "/orders/{id}", "/orders/a%20b", &[], Key::Is("order:a%20b")),
    case("order:{id}", "/orders/{id}", "/orders/a%2Fb", &[], Key::Is("order:a%2Fb")),
    case("order:{id}", "/orders/{id}", "/orders/a%2fb", &[], Key::Is("order:a%2Fb")),
    case("order:{id}", "/orders/{id}", "/orders/a%252Fb", &[], Key::Is("order:a%252Fb")),
    case("order:{id}", "/orders/{id}", "/orders/a+b", &[], Key::Is("order:a%2Bb")),
    case("order:{id}", "/orders/{id}", "/orders/%C3%BC", &[], Key::Is("order:%C3%BC")),
    case("order:{id}", "/orders/{id}", "/orders/%FF", &[], Key::Rejected(400)),
    // What would read like another part or another key.
    case("x:{a}:{b}", "/{a}/{b}", "/1:2/3", &[], Key::Is("x:1%3A2:3")),
    case("x:{a}:{b}", "/{a}/{b}", "/1/2:3", &[], Key::Is("x:1:2%3A3")),
    // What the handler takes for one number is one key.
    case("order:{int:id}", "/orders/{id}", "/orders/42", &[], Key::Is("order:42")),
    case("order:{int:id}", "/orders/{id}", "/orders/042", &[], Key::Is("order:42")),
    case("order:{int:id}", "/orders/{id}", "/orders/+42", &[], Key::Is("order:42")),
    case("order:{int:id}", "/orders/{id}", "/orders/%2B42", &[], Key::Is("order:42")),
    case("order:{int:id}", "/orders/{id}", "/orders/4x2", &[], Key::Rejected(400)),
    case(
        "order:{uuid:id}",
        "/orders/{id}",
        "/orders/67E55044-10B1-426F-9247-BB680E5FE0C8",
        &[],
        Key::Is("order:67e5504410b1426f9247bb680e5fe0c8"),
    ),
    case("order:{id}", "/orders/{id}", "/orders/%7Bid%7D", &[], Key::Is("order:%7Bid%7D")),
    case("order:{id}", "/orders/{id}", "/orders/%0D%0ADEL", &[], Key::Is("order:%0D%0ADEL")),
    case("order:{id}", "/orders/{id}", "/orders/%00", &[], Key::Is("order:%00")),
    // Headers.
    case("t:{header:x-tenant}:{id}", "/{id}", "/1", &[("x-tenant", "acme")], Key::Is("t:acme:1")),
    case(
        "t:{header:X-Tenant}:{id}",
        "/{id}",
        "/1",
        &[("x-TENANT", "a:b c")],
        Key::Is("t:a%3Ab%20c:1"),
    ),
    case("t:{header:x-tenant}", "/{id}", "/1", &[], Key::Rejected(400)),
    case("t:{header:x-tenant}", "/{id}", "/1", &[("x-tenant", "")], Key::Rejected(400)),
    case(
        "t:{header:x-tenant}",
        "/{id}",
        "/1",
        &[("x-tenant", "a"), ("x-tenant", "a")],
        Key::Rejected(400),
    ),
    case("t:{header:x-long}", "/{id}", "/1", &[("x-long", TEN_KILOBYTES)], Key::Hashed("t:")),
    // A template that does not fit its route is no fault of the client's.
    case("order:{order_id}", "/orders/{id}", "/orders/42", &[], Key::Rejected(500)),
];

impl KeyCase {
    /// Looks at the answer. The handler gives its lease's key for a body, see [`key_of`]; outside of a request the same values
    /// are to [render](KeyTemplate::render) the same key.
    ///
    /// # Panics
    ///
    /// When it is not as expected.
    #[allow(clippy::panic)]
    pub fn check(&self, status: u16, body: &str) {
        match self.expected {
            Key::Is(key) => {
                assert_eq!((status, body), (200, key), "{self:?}");
                assert_eq!(self.rendered().as_deref(), Ok(key), "{self:?}");
            }
            Key::Hashed(head) => {
                assert_eq!(status, 200);
                assert!(body.starts_with(&format!("{head}#sha256=")) && body.len() < 140, "{body}");
                assert_eq!(self.rendered().as_deref(), Ok(body));
            }
            Key::Rejected(expected) => {
                assert_eq!(status, expected, "{self:?}: {body}");
                assert!(body.contains(&format!(r#""status":{expected}"#)), "{self:?}: {body}");
            }
        }
    }
}

impl KeyCase {
    /// The key that a worker makes of what the request names.
    fn rendered(&self) -> Result<String, KeyError> {
        let template = KeyTemplate::parse(self.template)?;
        let path = self.target.split('?').next().unwrap_or_default();
        let mut values = Vec::new();
        for (name, value) in self.route.split('/').zip(path.split('/')) {
            let Some(name) = name.strip_prefix('{').and_then(|name| name.strip_suffix('}')) else {
                continue;
            };
            if template.params().any(|param| param == name) {
                let special = matches!(name, "method" | "route");
                let name = if special { format!("param:{name}") } else { name.to_owned() };
                values.push((name, percent_decode_str(value).decode_utf8_lossy().into_owned()));
            }
        }
        for (name, value) in self.headers {
            let name = format!("header:{}", name.to_ascii_lowercase());
            if self.template.to_ascii_lowercase().contains(&name) {
                values.push((name, (*value).to_owned()));
            }
        }
        for (name, value) in [("method", "POST"), ("route", self.route)] {
            if self.template.contains(&format!("{{{name}}}")) {
                values.push((name.to_owned(), value.to_owned()));
            }
        }
        Ok(template.render(values)?.to_string())
    }
}

/// The key a handler runs under, `-` for none.
pub fn key_of(held: Option<&HeldLocks>) -> String {
    let key = held.and_then(HeldLocks::lease).and_then(|lease| lease.key().single());
    key.map_or_else(|| "-".to_owned(), |key| String::from_utf8_lossy(key).into_owned())
}
