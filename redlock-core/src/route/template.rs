use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use sha2::{Digest, Sha256};

use super::spelling::Spelling;
use super::{Header, KeyError, RouteContext};
use crate::error::ConfigError;
use crate::key::LockKey;

/// Longest key, in bytes, that is stored as it reads. A longer one is replaced by its SHA-256 hash.
pub const MAX_PLAIN_KEY_BYTES: usize = 200;

/// Longest piece of the template's beginning that stays in front of a hash.
const HASHED_HEAD_BYTES: usize = 64;

/// What is escaped in a value: everything but RFC 3986's unreserved characters.
const VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Route patterns are the developer's, so that they may stay readable.
const ROUTE: &AsciiSet = &VALUE.remove(b'/').remove(b'{').remove(b'}').remove(b'*');

/// How a request's lock key reads: text with parts of the request in it.
///
/// | part | what it stands for |
/// |---|---|
/// | `{int:id}` | the path parameter `id` as a whole number: `42`, `042` and `+42` are one key |
/// | `{uuid:id}` | the path parameter `id` as a UUID, in whichever way it is written |
/// | `{id}` | the path parameter `id`, percent-decoded, letter by letter |
/// | `{param:id}` | the same, also for a parameter called `method` or `route` |
/// | `{method}` | the method |
/// | `{route}` | the matched route's pattern, such as `/orders/{id}/pay` |
/// | `{header:x-tenant}` | the header's value |
/// | `{{`, `}}` | a brace |
///
/// # One resource has one key
///
/// A handler that takes a parameter for a number also takes `042` and `+42` for 42. With `{id}` these are three keys, and
/// whoever wants to run the handler twice at once has a way to: take `{int:id}` for numbers and `{uuid:id}` for UUIDs,
/// which write every spelling in one way and reject (400) what is none. `{id}` is for text that the handler compares letter
/// by letter.
///
/// # Two requests have one key only if all their parts are equal
///
/// Parts are percent-escaped (all but `A-Z a-z 0-9 - . _ ~`; in `{route}` also `/ { } *` stay), and [`parse`](Self::parse)
/// insists on text between two parts that no part can contain. Before the first part that a client chooses there must be
/// such text too, or `{route}`: so a key begins with words of the developer's, and what a client sends can reach no key that
/// begins with other ones. Templates that begin with the same words share their keys, which is how two routes exclude each
/// other; give each kind of resource words of its own. A key over 200 bytes is replaced by the text before the first part
/// and the key's SHA-256.
///
/// Cloning is one reference count.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyTemplate(Arc<Inner>);

#[derive(PartialEq, Eq)]
struct Inner {
    text: String,
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Param(String, Spelling),
    Header(String),
    Method,
    Route,
}

impl KeyTemplate {
    /// Reads a template.
    ///
    /// # Errors
    ///
    /// When a brace or a name is missing, a header's name is none, two parts have no text between them that tells them
    /// apart, there is no such text and no `{route}` before the first part that a client chooses, or the template's text is
    /// longer than 200 bytes, contains a control character, or `#`, which marks hashed keys.
    pub fn parse(template: &str) -> Result<Self, ConfigError> {
        let invalid = |rule: &'static str| {
            ConfigError::new("key template", template.escape_debug().to_string(), rule)
        };
        let pieces = pieces(template).map_err(invalid)?;
        check(&pieces).map_err(invalid)?;
        Ok(Self(Arc::new(Inner { text: template.to_owned(), pieces })))
    }

    /// Whether every path parameter of the template is one of a route with this pattern, such as `/orders/{id}/pay`. A
    /// template cannot see the route it will serve; this finds at start-up what would otherwise be a 500.
    ///
    /// # Errors
    ///
    /// When the route has no such parameter.
    pub fn check_route(&self, pattern: &str) -> Result<(), ConfigError> {
        // `{id}`, `{*rest}` and `{id:\d+}` all declare a name.
        let declared: Vec<_> = pattern
            .split('{')
            .skip(1)
            .filter_map(|part| Some(part[..part.find(['}', ':'])?].trim_start_matches('*')))
            .collect();
        if self.params().all(|param| declared.contains(&param)) {
            return Ok(());
        }
        let value = format!("{self} on {}", pattern.escape_debug());
        Err(ConfigError::new("key template", value, "must name parameters of the route"))
    }

    /// The path parameters that it names.
    pub fn params(&self) -> impl Iterator<Item = &str> {
        self.0.pieces.iter().filter_map(|piece| match piece {
            Piece::Param(name, _) => Some(name.as_str()),
            _ => None,
        })
    }

    /// Whether it has `{route}`.
    pub fn has_route(&self) -> bool {
        self.0.pieces.contains(&Piece::Route)
    }

    /// The key of a request.
    ///
    /// # Errors
    ///
    /// When the request lacks a part, has an empty one, or repeats a header; or when the route has no such parameter.
    pub fn render(&self, request: &(impl RouteContext + ?Sized)) -> Result<LockKey, KeyError> {
        let mut key = String::new();
        for piece in &self.0.pieces {
            let value = match piece {
                Piece::Text(text) => {
                    key.push_str(text);
                    continue;
                }
                Piece::Method => Cow::Borrowed(request.method().as_bytes()),
                Piece::Route => {
                    let route = request.route().ok_or_else(no_route)?;
                    key.extend(percent_encode(route.as_bytes(), ROUTE));
                    continue;
                }
                Piece::Param(name, spelling) => match request.param(name)? {
                    Some(value) => spelling.normalize(value)?,
                    None => return Err(no_param(name, request.route())),
                },
                Piece::Header(name) => match request.header(name) {
                    Header::Once(value) => Cow::Borrowed(value),
                    Header::Missing => return Err(KeyError::Missing(format!("header {name}"))),
                    Header::Repeated => return Err(KeyError::Repeated(format!("header {name}"))),
                },
            };
            if value.is_empty() {
                return Err(KeyError::Missing(piece.to_string()));
            }
            key.extend(percent_encode(&value, VALUE));
        }
        if key.len() > MAX_PLAIN_KEY_BYTES {
            key = self.hashed(&key);
        }
        Ok(LockKey::new(key)?)
    }

    fn hashed(&self, key: &str) -> String {
        let head = match self.0.pieces.first() {
            Some(Piece::Text(text)) => {
                let end = (0..=HASHED_HEAD_BYTES.min(text.len())).rev();
                &text[..end.into_iter().find(|end| text.is_char_boundary(*end)).unwrap_or(0)]
            }
            _ => "",
        };
        let mut hashed = format!("{head}#sha256=");
        for byte in Sha256::digest(key) {
            hashed.push_str(&format!("{byte:02x}"));
        }
        hashed
    }
}

fn no_route() -> KeyError {
    KeyError::Misuse("no route is known here: put the layer behind the router".to_owned())
}

fn no_param(name: &str, route: Option<Cow<'_, str>>) -> KeyError {
    match route {
        Some(route) => KeyError::Misuse(format!("the route {route} has no parameter {name}")),
        None => no_route(),
    }
}

/// Splits a template into text and parts.
fn pieces(template: &str) -> Result<Vec<Piece>, &'static str> {
    let mut pieces = Vec::new();
    let mut text = String::new();
    let mut rest = template.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '{' if rest.next_if_eq(&'{').is_some() => text.push('{'),
            '}' if rest.next_if_eq(&'}').is_some() => text.push('}'),
            '}' => return Err("must have a `{` for each `}`; a brace itself is written `}}`"),
            '{' => {
                let mut name = String::new();
                loop {
                    match rest.next() {
                        Some('}') => break,
                        Some(c) if c != '{' => name.push(c),
                        _ => return Err("must close each `{`; a brace itself is written `{{`"),
                    }
                }
                if !text.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut text)));
                }
                pieces.push(part(&name)?);
            }
            c if c.is_control() => return Err("must not contain control characters"),
            '#' => return Err("must not contain `#`, which marks hashed keys"),
            c => text.push(c),
        }
    }
    if !text.is_empty() {
        pieces.push(Piece::Text(text));
    }
    Ok(pieces)
}

fn part(name: &str) -> Result<Piece, &'static str> {
    let is_name = |name: &str| {
        !name.is_empty()
            && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
    };
    // The characters of a header's name: RFC 9110, section 5.6.2.
    let is_token = |name: &str| {
        let special = |b: u8| b"!#$%&'*+-.^_`|~".contains(&b);
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || special(b))
    };
    let param = |name: &str, spelling| Ok(Piece::Param(name.to_owned(), spelling));
    match name.split_once(':') {
        None if name == "method" => Ok(Piece::Method),
        None if name == "route" => Ok(Piece::Route),
        None if is_name(name) => param(name, Spelling::Text),
        Some(("param", name)) if is_name(name) => param(name, Spelling::Text),
        Some(("int", name)) if is_name(name) => param(name, Spelling::Int),
        Some(("uuid", name)) if is_name(name) => param(name, Spelling::Uuid),
        Some(("header", name)) if is_token(name) => Ok(Piece::Header(name.to_ascii_lowercase())),
        Some(("header", _)) => Err("must name a header: `{header:x-tenant}`"),
        Some((kind, _)) if !matches!(kind, "param" | "int" | "uuid") => Err(
            "must use the parts `{name}`, `{param:name}`, `{int:name}`, `{uuid:name}`, `{header:name}`, `{method}`, \
             `{route}`",
        ),
        _ => Err("must name a parameter of letters, digits, `_`, `-` and `.`: `{id}`"),
    }
}

/// Whether different parts always give different keys.
fn check(pieces: &[Piece]) -> Result<(), &'static str> {
    let is_text = |piece: &Piece| matches!(piece, Piece::Text(_));
    let text: usize = pieces.iter().map(|piece| piece.text().len()).sum();
    if text > MAX_PLAIN_KEY_BYTES {
        return Err("must have at most 200 bytes of text");
    }
    // No part contains what is escaped even in a route pattern, `%` aside.
    let separates =
        |byte: u8| byte != b'%' && !byte.is_ascii_alphanumeric() && !b"-._~/{}*".contains(&byte);
    let chosen = |piece: &Piece| matches!(piece, Piece::Param(..) | Piece::Header(_));
    let head = &pieces[..pieces.iter().position(chosen).unwrap_or(pieces.len())];
    let own = match pieces {
        [Piece::Text(_)] => true,
        [Piece::Text(text), ..] if text.bytes().any(separates) => true,
        _ => head.contains(&Piece::Route),
    };
    if !own {
        return Err(
            "must begin with text of its own that no part can contain, such as `order:`, or have `{route}` before the \
             first part that a client chooses; unrelated routes would share keys",
        );
    }
    for (i, piece) in pieces.iter().enumerate().skip(1) {
        let apart = match (&pieces[i - 1], pieces.get(i + 1)) {
            (Piece::Text(_), _) | (_, None) if is_text(piece) => true,
            (_, Some(_)) if is_text(piece) => piece.text().bytes().any(separates),
            (before, _) => is_text(before),
        };
        if !apart {
            return Err("must have text between two parts that no part can contain, such as `:`");
        }
    }
    Ok(())
}

impl Piece {
    fn text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            _ => "",
        }
    }
}

impl fmt::Display for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Param(name, _) => write!(f, "path parameter {name}"),
            Self::Header(name) => write!(f, "header {name}"),
            Self::Method => f.write_str("method"),
            Self::Route => f.write_str("route"),
        }
    }
}

impl FromStr for KeyTemplate {
    type Err = ConfigError;

    fn from_str(template: &str) -> Result<Self, ConfigError> {
        Self::parse(template)
    }
}

impl fmt::Display for KeyTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text)
    }
}

impl fmt::Debug for KeyTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyTemplate({self})")
    }
}

#[cfg(test)]
#[path = "template_tests.rs"]
mod tests;
