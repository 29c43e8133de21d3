use std::fmt;

use crate::error::{ConfigError, LockError};
use crate::node::key::{IntoLockKey, LockKey};

/// Why a request, or the values that a template was given, make no key.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The request lacks a part of the key, or the part is empty.
    #[error("the request has no {0}")]
    Missing(String),
    /// The request gives a part of the key more than once.
    #[error("the request has more than one {0}")]
    Repeated(String),
    /// The key that was made of the request breaks a rule of [`LockKey`].
    #[error(transparent)]
    Invalid(#[from] ConfigError),
    /// The route cannot have this part, whatever the request: the template does not fit the route, or the layer stands
    /// where no route is known.
    #[error("{0}")]
    Misuse(String),
    /// [`KeyTemplate::render`](super::KeyTemplate::render) was given no value for a part.
    #[error("the key template `{template}` was given no value for `{name}`")]
    NotGiven {
        /// The template.
        template: String,
        /// What the part is called.
        name: String,
    },
    /// It was given a value for what is no part of the template.
    #[error("the key template `{template}` has no part `{name}`")]
    NoSuchPart {
        /// The template.
        template: String,
        /// What it was given.
        name: String,
    },
    /// It was given two values for one part.
    #[error("the key template `{template}` was given two values for `{name}`")]
    GivenTwice {
        /// The template.
        template: String,
        /// What the part is called.
        name: String,
    },
}

/// Reads as `Display` does; the variant, with `{:#?}`.
impl fmt::Debug for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (variant, fields): (_, &[&dyn fmt::Debug]) = match self {
            _ if !f.alternate() => return fmt::Display::fmt(self, f),
            Self::Missing(part) => ("Missing", &[part]),
            Self::Repeated(part) => ("Repeated", &[part]),
            Self::Invalid(error) => ("Invalid", &[error]),
            Self::Misuse(what) => ("Misuse", &[what]),
            Self::NotGiven { template, name } => ("NotGiven", &[template, name]),
            Self::NoSuchPart { template, name } => ("NoSuchPart", &[template, name]),
            Self::GivenTwice { template, name } => ("GivenTwice", &[template, name]),
        };
        let mut tuple = f.debug_tuple(variant);
        for field in fields {
            tuple.field(field);
        }
        tuple.finish()
    }
}

impl KeyError {
    /// The request lacks `part`, such as `header x-tenant`.
    pub fn missing(part: impl Into<String>) -> Self {
        Self::Missing(part.into())
    }

    /// The route has more than one parameter called `name`: which of them counts is not ours to guess. The developer's
    /// fault, not the client's.
    pub fn repeated_param(name: &str) -> Self {
        Self::Misuse(format!("the route has more than one parameter {name}"))
    }

    /// A path parameter is not UTF-8.
    pub fn not_utf8() -> Self {
        Self::Invalid(ConfigError::new("path parameter", "bytes", "must be UTF-8"))
    }

    /// Whether whoever wrote the service is at fault, and not who sent the request.
    pub(super) fn is_misuse(&self) -> bool {
        match self {
            Self::Missing(_) | Self::Repeated(_) | Self::Invalid(_) => false,
            Self::Misuse(_)
            | Self::NotGiven { .. }
            | Self::NoSuchPart { .. }
            | Self::GivenTwice { .. } => true,
        }
    }
}

/// Of kind [`Invalid`](crate::LockErrorKind::Invalid), so that one `?` takes what a template and a lock have to say.
impl From<KeyError> for LockError {
    fn from(error: KeyError) -> Self {
        let rule = |field, value: String, rule: &dyn fmt::Display| {
            ConfigError::new(field, value, rule.to_string())
        };
        let template = |template, wish: fmt::Arguments<'_>| rule("key template", template, &wish);
        Self::from(match error {
            KeyError::Invalid(error) => error,
            KeyError::Missing(part) => rule("key", part, &"must be there, and not empty"),
            KeyError::Repeated(part) => rule("key", part, &"must be there once"),
            KeyError::Misuse(what) => rule("key template", what, &"must fit where it is used"),
            KeyError::NotGiven { template: of, name } => {
                template(of, format_args!("must be given a value for `{name}`"))
            }
            KeyError::NoSuchPart { template: of, name } => template(
                of,
                format_args!("must have the part `{name}`, for which it was given a value"),
            ),
            KeyError::GivenTwice { template: of, name } => {
                template(of, format_args!("must be given one value for `{name}`"))
            }
        })
    }
}

/// What a closure over the request may give for a key: whatever [names a lock](IntoLockKey), an `Option` of it for requests
/// that are to pass without a lock, or a `Result` of these with a [`KeyError`].
///
/// Text is taken as it is. Whoever joins parts of a request by hand should see to it that two different requests cannot
/// give the same text; a [`KeyTemplate`](super::KeyTemplate) escapes what it joins.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no key of a request",
    label = "not a key",
    note = "a closure gives text, bytes, a `LockKey` or a list of names; `None` to let the request pass; or a `Result` of these whose error is a `KeyError`",
    note = "what borrows from the request cannot be given: make it owned"
)]
pub trait IntoRouteKey {
    /// The key, `None` for no lock.
    ///
    /// # Errors
    ///
    /// When the request has no valid key.
    fn into_route_key(self) -> Result<Option<LockKey>, KeyError>;
}

impl<K: IntoLockKey> IntoRouteKey for K {
    fn into_route_key(self) -> Result<Option<LockKey>, KeyError> {
        Ok(Some(self.into_lock_key()?))
    }
}

impl<K: IntoRouteKey> IntoRouteKey for Option<K> {
    fn into_route_key(self) -> Result<Option<LockKey>, KeyError> {
        self.map_or(Ok(None), K::into_route_key)
    }
}

impl<K: IntoRouteKey> IntoRouteKey for Result<K, KeyError> {
    fn into_route_key(self) -> Result<Option<LockKey>, KeyError> {
        self?.into_route_key()
    }
}
