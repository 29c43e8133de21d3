//! What is locked.

use std::fmt;
use std::sync::Arc;

use super::config_error::ConfigError;
pub use super::into_key::IntoLockKey;

/// Longest resource name in bytes.
pub const MAX_KEY_BYTES: usize = 512;

/// What stands before a resource's name in the key of its fencing counter. No resource may be called so.
pub const COUNTER_PREFIX: &str = "redlock:fence:";

/// What stands before a resource's name in the key of a writer's intent. No resource may be called so.
pub const INTENT_PREFIX: &str = "redlock:want:";

/// The rule that a name which begins like one of ours breaks, if it does.
pub(crate) fn reserved(name: &[u8]) -> Option<&'static str> {
    if name.starts_with(COUNTER_PREFIX.as_bytes()) {
        return Some("must not begin with `redlock:fence:`, where fencing counters stand");
    }
    let intent = name.starts_with(INTENT_PREFIX.as_bytes());
    intent.then_some("must not begin with `redlock:want:`, where intents stand")
}

/// Most resources that one lock may take together.
pub const MAX_RESOURCES: usize = 64;

/// One resource, or several that are taken together, all or none on every node.
///
/// A resource name is any byte string of 1 to 512 bytes that does not begin with [`COUNTER_PREFIX`] or [`INTENT_PREFIX`];
/// it is the node's key unchanged, so other Redlock clients that use the same name exclude this one and are excluded by it. Several resources are kept
/// in sorted order, so `["a", "b"]` and `["b", "a"]` are the same lock.
///
/// Cloning is one reference count.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct LockKey(Arc<[Box<[u8]>]>);

impl LockKey {
    /// A lock on one resource.
    ///
    /// # Errors
    ///
    /// When the name is empty, longer than [`MAX_KEY_BYTES`], or begins with [`COUNTER_PREFIX`] or
    /// [`INTENT_PREFIX`].
    pub fn new(resource: impl AsRef<[u8]>) -> Result<Self, ConfigError> {
        Self::all([resource])
    }

    /// A lock on several resources at once.
    ///
    /// # Errors
    ///
    /// When there is no resource or more than [`MAX_RESOURCES`], when a name is empty, longer than
    /// [`MAX_KEY_BYTES`], begins with [`COUNTER_PREFIX`] or [`INTENT_PREFIX`], or is given twice.
    pub fn all<R: AsRef<[u8]>>(
        resources: impl IntoIterator<Item = R>,
    ) -> Result<Self, ConfigError> {
        Self::prefixed(&[], resources)
    }

    fn prefixed<R: AsRef<[u8]>>(
        prefix: &[u8],
        resources: impl IntoIterator<Item = R>,
    ) -> Result<Self, ConfigError> {
        let mut names = Vec::with_capacity(1);
        for resource in resources {
            let resource = resource.as_ref();
            if resource.is_empty() {
                return Err(ConfigError::new("key", "", "must not be empty"));
            }
            let bytes = prefix.len() + resource.len();
            if bytes > MAX_KEY_BYTES {
                return Err(ConfigError::new(
                    "key",
                    format!("{bytes} bytes"),
                    "must be at most 512 bytes, the prefix included",
                ));
            }
            if names.len() == MAX_RESOURCES {
                return Err(ConfigError::new(
                    "key",
                    "more than 64 resources",
                    "must name at most 64 resources",
                ));
            }
            let name = [prefix, resource].concat();
            if let Some(rule) = reserved(&name) {
                return Err(ConfigError::new("key", name.escape_ascii().to_string(), rule));
            }
            names.push(name.into_boxed_slice());
        }
        names.sort_unstable();
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(ConfigError::new(
                "key",
                pair[0].escape_ascii().to_string(),
                "must name every resource once",
            ));
        }
        if names.is_empty() {
            return Err(ConfigError::new("key", "no resource", "must name at least one resource"));
        }
        Ok(Self(names.into()))
    }

    /// The same resources, each behind `prefix`.
    pub(crate) fn with_prefix(self, prefix: &[u8]) -> Result<Self, ConfigError> {
        if prefix.is_empty() { Ok(self) } else { Self::prefixed(prefix, self.resources()) }
    }

    /// The resources' names, sorted.
    pub fn resources(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.0.iter().map(AsRef::as_ref)
    }

    /// A lock on one of these resources, by its place in [their order](Self::resources).
    pub fn only(&self, resource: usize) -> Option<Self> {
        self.0.get(resource).map(|name| Self([name.clone()].into()))
    }

    /// A lock on all of these resources but that one; `None` where there is no other.
    pub fn without(&self, resource: usize) -> Option<Self> {
        let others = self.0.iter().enumerate().filter(|(index, _)| *index != resource);
        let others: Arc<[_]> = others.map(|(_, name)| name.clone()).collect();
        (!others.is_empty()).then_some(Self(others))
    }

    /// The name, when this is a lock on one resource.
    pub fn single(&self) -> Option<&[u8]> {
        match &*self.0 {
            [one] => Some(one),
            _ => None,
        }
    }
}

/// Shows the names with everything but printable ASCII escaped.
impl fmt::Display for LockKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, name) in self.resources().enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }
            write!(f, "{}", name.escape_ascii())?;
        }
        Ok(())
    }
}

impl fmt::Debug for LockKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LockKey({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_resources_does_not_matter() {
        assert_eq!(LockKey::all(["b", "a"]).unwrap(), LockKey::all(["a", "b"]).unwrap());
        assert_eq!(LockKey::all(["b", "a"]).unwrap().to_string(), "a, b");
    }

    #[test]
    fn one_of_several_resources_and_the_others_are_locks_too() {
        let key = LockKey::all(["b", "a", "c"]).unwrap();
        assert_eq!(key.only(1), LockKey::new("b").ok());
        assert_eq!(key.without(1), LockKey::all(["a", "c"]).ok());
        assert_eq!((key.only(3), key.only(0).unwrap().without(0)), (None, None));
        assert_eq!(key.without(3), Some(key));
    }

    #[test]
    fn binary_names_are_kept_and_shown_escaped() {
        let key = LockKey::new(b"\xff\r\n{x}\0").unwrap();
        assert_eq!(key.single().unwrap(), b"\xff\r\n{x}\0");
        assert_eq!(format!("{key:?}"), r"LockKey(\xff\r\n{x}\x00)");
    }

    #[test]
    fn a_bad_name_is_an_error_that_says_which_rule_it_broke() {
        let cases: [(Result<LockKey, ConfigError>, &str, &str); 7] = [
            (
                LockKey::new("redlock:want:a"),
                "redlock:want:a",
                "must not begin with `redlock:want:`, where intents stand",
            ),
            (
                LockKey::new("redlock:fence:a"),
                "redlock:fence:a",
                "must not begin with `redlock:fence:`, where fencing counters stand",
            ),
            (LockKey::new(""), "", "must not be empty"),
            (
                LockKey::new("x".repeat(513)),
                "513 bytes",
                "must be at most 512 bytes, the prefix included",
            ),
            (LockKey::all(["a", "b", "a"]), "a", "must name every resource once"),
            (LockKey::all::<&str>([]), "no resource", "must name at least one resource"),
            (
                LockKey::all((0..65).map(|i| i.to_string())),
                "more than 64 resources",
                "must name at most 64 resources",
            ),
        ];
        for (result, value, rule) in cases {
            let error = result.unwrap_err();
            assert_eq!((error.field(), error.value(), error.rule()), ("key", value, rule));
        }
        assert!(LockKey::new("x".repeat(512)).is_ok());
    }

    #[test]
    fn a_prefix_counts_towards_the_length() {
        let key = LockKey::new("x".repeat(510)).unwrap();
        assert!(key.clone().with_prefix(b"p:").is_ok());
        assert!(key.with_prefix(b"pp:").is_err());
        assert_eq!(
            LockKey::all(["a", "b"]).unwrap().with_prefix(b"p:").unwrap(),
            LockKey::all(["p:a", "p:b"]).unwrap()
        );
    }
}

#[cfg(test)]
#[path = "key_properties.rs"]
mod properties;
