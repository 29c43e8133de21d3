use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use sha2::{Digest, Sha256};

use super::context::{Header, RouteContext};
use super::key::KeyError;
use super::piece::{MAX_PLAIN_KEY_BYTES, Piece, check, pieces};
use crate::error::ConfigError;
use crate::node::key::LockKey;

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
/// | `{method}` | the method; `HEAD` is another one than `GET`, also where the handler of `GET` answers it |
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

    /// Whether every path parameter of the template is one of a route with this pattern, such as `/orders/{id}/pay`, nested
    /// routers and scopes included. A template cannot see the route it will serve; this finds at start-up what would
    /// otherwise be a 500.
    ///
    /// # Errors
    ///
    /// When the route has no such parameter, or more than one of the name.
    pub fn check_route(&self, pattern: &str) -> Result<(), ConfigError> {
        // `{id}`, `{*rest}` and `{id:\d+}` all declare a name.
        let declared: Vec<_> = pattern
            .split('{')
            .skip(1)
            .filter_map(|part| Some(part[..part.find(['}', ':'])?].trim_start_matches('*')))
            .collect();
        for param in self.params() {
            let rule = match declared.iter().filter(|name| **name == param).count() {
                1 => continue,
                0 => format!("must name parameters of the route, and `{param}` is none"),
                _ => format!(
                    "must name parameters that the route has once, and it has `{param}` more than once"
                ),
            };
            let value = format!("{self} on {}", pattern.escape_debug());
            return Err(ConfigError::new("key template", value, rule));
        }
        Ok(())
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
    /// When the request lacks a part, has an empty one, or repeats a header; or when the route has no such parameter, or
    /// more than one of the name.
    pub fn key_of(&self, request: &(impl RouteContext + ?Sized)) -> Result<LockKey, KeyError> {
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

    pub(super) fn pieces(&self) -> impl Iterator<Item = &Piece> {
        self.0.pieces.iter()
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

/// As it was written.
impl AsRef<str> for KeyTemplate {
    fn as_ref(&self) -> &str {
        &self.0.text
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
