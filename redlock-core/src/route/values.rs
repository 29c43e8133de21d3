//! Pure: a template's key outside of a request.

use std::borrow::Cow;
use std::fmt::Display;

use super::context::{Header, RouteContext};
use super::key::KeyError;
use super::piece::Piece;
use super::template::KeyTemplate;
use crate::node::key::LockKey;

impl KeyTemplate {
    /// The key that a request with these values has: for a worker, a job or a handler that locks what a route locks, and so
    /// excludes it.
    ///
    /// Each part of the template is given its value once, in any order, as plain text: what a router decodes before it
    /// comes to a template is not encoded here. A path parameter goes by its name, whichever of `{id}`, `{int:id}` and
    /// `{uuid:id}` it is (`param:method` and `param:route` where it is called so), the others as they stand in the
    /// template: `header:x-tenant` in lower case, `method`, `route`.
    ///
    /// ```
    /// use redlock_core::route::KeyTemplate;
    ///
    /// let order = KeyTemplate::parse("order:{int:id}")?; // that of the route `/orders/{id}/pay`
    /// assert_eq!(order.render([("id", 42)])?.to_string(), "order:42");
    /// assert_eq!(order.render([("id", "042")])?.to_string(), "order:42");
    /// assert!(order.render([("id", "4x2")]).is_err());
    ///
    /// let item = KeyTemplate::parse("tenant:{header:x-tenant}:item:{name}")?;
    /// let key = item.render([("name", "a/b c"), ("header:x-tenant", "acme")])?;
    /// assert_eq!(key.to_string(), "tenant:acme:item:a%2Fb%20c");
    /// # Ok::<(), redlock_core::LockError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`NotGiven`](KeyError::NotGiven), [`NoSuchPart`](KeyError::NoSuchPart) and [`GivenTwice`](KeyError::GivenTwice) where
    /// the names are not those of the template; [`Missing`](KeyError::Missing) for a value that is empty and
    /// [`Invalid`](KeyError::Invalid) for one that is not of its kind, as of a request.
    pub fn render<N: AsRef<str>, V: Display>(
        &self,
        values: impl IntoIterator<Item = (N, V)>,
    ) -> Result<LockKey, KeyError> {
        let template = || self.to_string();
        let mut given: Vec<(String, String)> = Vec::new();
        for (name, value) in values {
            let name = name.as_ref().to_owned();
            if !self.pieces().filter_map(name_of).any(|known| known == name) {
                return Err(KeyError::NoSuchPart { template: template(), name });
            }
            if given.iter().any(|(known, _)| *known == name) {
                return Err(KeyError::GivenTwice { template: template(), name });
            }
            given.push((name, value.to_string()));
        }
        for name in self.pieces().filter_map(name_of) {
            if !given.iter().any(|(known, _)| *known == name) {
                return Err(KeyError::NotGiven { template: template(), name: name.into_owned() });
            }
        }
        self.key_of(&Values(given))
    }
}

/// What a part is given its value by.
fn name_of(piece: &Piece) -> Option<Cow<'_, str>> {
    Some(match piece {
        Piece::Text(_) => return None,
        Piece::Param(name, _) => param_name(name),
        Piece::Header(name) => Cow::Owned(header_name(name)),
        Piece::Method => Cow::Borrowed("method"),
        Piece::Route => Cow::Borrowed("route"),
    })
}

fn param_name(name: &str) -> Cow<'_, str> {
    match name {
        "method" | "route" => Cow::Owned(format!("param:{name}")),
        name => Cow::Borrowed(name),
    }
}

fn header_name(name: &str) -> String {
    format!("header:{name}")
}

/// What was given, as a request that has just that.
struct Values(Vec<(String, String)>);

impl Values {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl RouteContext for Values {
    fn method(&self) -> &str {
        self.get("method").unwrap_or_default()
    }

    fn route(&self) -> Option<Cow<'_, str>> {
        self.get("route").map(Cow::Borrowed)
    }

    fn param(&self, name: &str) -> Result<Option<Cow<'_, str>>, KeyError> {
        Ok(self.get(&param_name(name)).map(Cow::Borrowed))
    }

    fn header(&self, name: &str) -> Header<'_> {
        self.get(&header_name(name)).map_or(Header::Missing, |value| Header::Once(value.as_bytes()))
    }
}

#[cfg(test)]
#[path = "values_tests.rs"]
mod tests;
