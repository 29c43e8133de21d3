use std::borrow::Cow;

use super::KeyError;

/// What a key template may read of a request. A framework's middleware implements it.
pub trait RouteContext {
    /// The method, such as `POST`.
    fn method(&self) -> &str;

    /// The pattern of the route that matched, with the patterns it is nested in: `/orders/{id}/pay`. `None` where
    /// nothing routed the request before it got here.
    fn route(&self) -> Option<Cow<'_, str>>;

    /// The value of a path parameter, percent-decoded; `None` if the route has no such parameter.
    ///
    /// # Errors
    ///
    /// When the value is not UTF-8, see [`KeyError::not_utf8`]; or when the route has more than one parameter of the name,
    /// as nested routes may, see [`KeyError::repeated_param`].
    fn param(&self, name: &str) -> Result<Option<Cow<'_, str>>, KeyError>;

    /// The value of a header; `name` is in lower case.
    fn header(&self, name: &str) -> Header<'_>;
}

/// A header of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Header<'a> {
    /// It is not there.
    Missing,
    /// It is there once.
    Once(&'a [u8]),
    /// It is there more than once: which of them counts is not ours to guess.
    Repeated,
}

impl<'a> Header<'a> {
    /// The header with these values.
    pub fn of(values: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut values = values.into_iter();
        match (values.next(), values.next()) {
            (None, _) => Self::Missing,
            (Some(value), None) => Self::Once(value),
            (Some(_), Some(_)) => Self::Repeated,
        }
    }
}
