//! What is locked.

use std::borrow::Cow;
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
pub struct LockKey(Names);

#[derive(Clone, PartialEq, Eq, Hash)]
enum Names {
    One(Arc<[u8]>),
    /// Two at least, sorted.
    Several(Arc<[Arc<[u8]>]>),
}

impl LockKey {
    /// A lock on one resource.
    ///
    /// # Errors
    ///
    /// When the name is empty, longer than [`MAX_KEY_BYTES`], or begins with [`COUNTER_PREFIX`] or
    /// [`INTENT_PREFIX`].
    pub fn new(resource: impl AsRef<[u8]>) -> Result<Self, ConfigError> {
        let name = checked(&[], resource.as_ref())?;
        Ok(Self(Names::One(Arc::from(&*name))))
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
        let mut names: Vec<Arc<[u8]>> = Vec::new();
        for resource in resources {
            let name = checked(prefix, resource.as_ref())?;
            if names.len() == MAX_RESOURCES {
                return Err(ConfigError::new(
                    "key",
                    "more than 64 resources",
                    "must name at most 64 resources",
                ));
            }
            names.push(Arc::from(&*name));
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
        Ok(Self::of_sorted(names))
    }

    /// Of names that keep the rules, one at least.
    fn of_sorted(mut names: Vec<Arc<[u8]>>) -> Self {
        match names.pop() {
            Some(one) if names.is_empty() => Self(Names::One(one)),
            last => {
                names.extend(last);
                Self(Names::Several(names.into()))
            }
        }
    }

    /// The same resources, each behind `prefix`.
    pub(crate) fn with_prefix(self, prefix: &[u8]) -> Result<Self, ConfigError> {
        match &self.0 {
            _ if prefix.is_empty() => Ok(self),
            Names::One(name) => Ok(Self(Names::One(Arc::from(&*checked(prefix, name)?)))),
            Names::Several(names) => Self::prefixed(prefix, names.iter()),
        }
    }

    /// The resources' names, sorted.
    pub fn resources(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.names().iter().map(AsRef::as_ref)
    }

    /// The same, to keep one without a copy.
    pub(crate) fn names(&self) -> &[Arc<[u8]>] {
        match &self.0 {
            Names::One(name) => std::slice::from_ref(name),
            Names::Several(names) => names,
        }
    }

    /// A lock on one of these resources, by its place in [their order](Self::resources).
    pub fn only(&self, resource: usize) -> Option<Self> {
        self.names().get(resource).map(|name| Self(Names::One(Arc::clone(name))))
    }

    /// A lock on all of these resources but that one; `None` where there is no other.
    pub fn without(&self, resource: usize) -> Option<Self> {
        let others = self.names().iter().enumerate().filter(|(index, _)| *index != resource);
        let others: Vec<_> = others.map(|(_, name)| Arc::clone(name)).collect();
        (!others.is_empty()).then(|| Self::of_sorted(others))
    }

    /// The name, when this is a lock on one resource.
    pub fn single(&self) -> Option<&[u8]> {
        match &self.0 {
            Names::One(name) => Some(name),
            Names::Several(_) => None,
        }
    }
}

/// The name of a resource behind `prefix`, if it keeps the rules.
fn checked<'a>(prefix: &[u8], resource: &'a [u8]) -> Result<Cow<'a, [u8]>, ConfigError> {
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
    let name = if prefix.is_empty() {
        Cow::Borrowed(resource)
    } else {
        Cow::Owned([prefix, resource].concat())
    };
    match reserved(&name) {
        Some(rule) => Err(ConfigError::new("key", name.escape_ascii().to_string(), rule)),
        None => Ok(name),
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
