use crate::error::ConfigError;
use crate::key::LockKey;

/// Why a request has no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
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
}

impl KeyError {
    /// The request lacks `part`, such as `header x-tenant`.
    pub fn missing(part: impl Into<String>) -> Self {
        Self::Missing(part.into())
    }

    /// A path parameter is not UTF-8.
    pub fn not_utf8() -> Self {
        Self::Invalid(ConfigError::new("path parameter", "bytes", "must be UTF-8"))
    }
}

/// What a closure over the request may give for a key: text, a [`LockKey`] (several resources too), an `Option` of
/// either for requests that are to pass without a lock, or a `Result` of these with a [`KeyError`].
///
/// Text is taken as it is. Whoever joins parts of a request by hand should see to it that two different requests cannot
/// give the same text; a [`KeyTemplate`](super::KeyTemplate) escapes what it joins.
pub trait IntoRouteKey {
    /// The key, `None` for no lock.
    ///
    /// # Errors
    ///
    /// When the request has no valid key.
    fn into_route_key(self) -> Result<Option<LockKey>, KeyError>;
}

impl IntoRouteKey for LockKey {
    fn into_route_key(self) -> Result<Option<LockKey>, KeyError> {
        Ok(Some(self))
    }
}

impl IntoRouteKey for &str {
    fn into_route_key(self) -> Result<Option<LockKey>, KeyError> {
        Ok(Some(LockKey::new(self)?))
    }
}

impl IntoRouteKey for String {
    fn into_route_key(self) -> Result<Option<LockKey>, KeyError> {
        self.as_str().into_route_key()
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
