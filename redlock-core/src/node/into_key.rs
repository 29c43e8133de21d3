//! What a lock can be named with.

use std::borrow::Cow;
use std::sync::Arc;

use super::config_error::ConfigError;
use super::key::LockKey;

/// What a lock can be named with: text, bytes, a list of either (an array, a slice or a `Vec`), or a finished [`LockKey`].
/// Text and bytes may be borrowed, owned, shared (`Arc`), boxed or a `Cow`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` names no lock",
    label = "not a name",
    note = "a name is text or bytes, or a list of either for several resources; of a number it is `format!(\"orders:{{id}}\")`"
)]
pub trait IntoLockKey {
    /// Checks the name.
    ///
    /// # Errors
    ///
    /// As [`LockKey::all`].
    fn into_lock_key(self) -> Result<LockKey, ConfigError>;
}

impl IntoLockKey for LockKey {
    fn into_lock_key(self) -> Result<LockKey, ConfigError> {
        Ok(self)
    }
}

impl IntoLockKey for &LockKey {
    fn into_lock_key(self) -> Result<LockKey, ConfigError> {
        Ok(self.clone())
    }
}

/// Each of them alone, and lists of it.
macro_rules! names {
    ($($kind:ty: $($name:ty),*;)*) => {$($(
        impl IntoLockKey for $name {
            fn into_lock_key(self) -> Result<LockKey, ConfigError> {
                let name: &$kind = &self;
                LockKey::new(name)
            }
        }

        impl<const N: usize> IntoLockKey for [$name; N] {
            fn into_lock_key(self) -> Result<LockKey, ConfigError> {
                (&self[..]).into_lock_key()
            }
        }

        impl<const N: usize> IntoLockKey for &[$name; N] {
            fn into_lock_key(self) -> Result<LockKey, ConfigError> {
                self[..].into_lock_key()
            }
        }

        impl IntoLockKey for Vec<$name> {
            fn into_lock_key(self) -> Result<LockKey, ConfigError> {
                self[..].into_lock_key()
            }
        }

        impl IntoLockKey for &Vec<$name> {
            fn into_lock_key(self) -> Result<LockKey, ConfigError> {
                self[..].into_lock_key()
            }
        }

        impl IntoLockKey for &[$name] {
            fn into_lock_key(self) -> Result<LockKey, ConfigError> {
                LockKey::all(self.iter().map(|name| -> &$kind { name }))
            }
        }
    )*)*};
}

names! {
    str: &str, &&str, String, &String, Cow<'_, str>, &Cow<'_, str>, Arc<str>, &Arc<str>, Box<str>, &Box<str>;
    [u8]: &[u8], &&[u8], Vec<u8>, &Vec<u8>, Cow<'_, [u8]>, &Cow<'_, [u8]>, Arc<[u8]>, &Arc<[u8]>, Box<[u8]>, &Box<[u8]>;
}

impl<const N: usize> IntoLockKey for &[u8; N] {
    fn into_lock_key(self) -> Result<LockKey, ConfigError> {
        LockKey::new(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: impl IntoLockKey) -> LockKey {
        name.into_lock_key().unwrap()
    }

    /// Of one name, and of two as a list in each form.
    macro_rules! every_form {
        ($($one:expr),*) => {$({
            let of = |text: &'static str| ($one)(text);
            assert_eq!(key(of("a")), key("a"), stringify!($one));
            assert_eq!(key(&of("a")), key("a"), stringify!($one));
            let two = key(["a", "b"]);
            assert_eq!(key([of("a"), of("b")]), two, stringify!($one));
            assert_eq!(key(&[of("a"), of("b")]), two, stringify!($one));
            assert_eq!(key(&[of("b"), of("a")][..]), two, stringify!($one));
            assert_eq!(key(vec![of("a"), of("b")]), two, stringify!($one));
            assert_eq!(key(&vec![of("a"), of("b")]), two, stringify!($one));
        })*};
    }

    #[test]
    fn text_and_bytes_in_whatever_hands_name_a_lock_and_so_do_lists_of_them() {
        every_form!(
            |text: &'static str| text,
            |text: &'static str| text.to_owned(),
            |text: &'static str| Cow::Borrowed(text),
            |text: &'static str| Arc::<str>::from(text),
            |text: &'static str| Box::<str>::from(text),
            |text: &'static str| text.as_bytes(),
            |text: &'static str| text.as_bytes().to_vec(),
            |text: &'static str| Cow::Borrowed(text.as_bytes()),
            |text: &'static str| Arc::<[u8]>::from(text.as_bytes()),
            |text: &'static str| Box::<[u8]>::from(text.as_bytes())
        );
        assert_eq!(key(b"a"), key("a"));
        let finished = key("a");
        assert_eq!(key(&finished), finished);
        // What an iterator over a list of text gives.
        assert!(["a", "b"].iter().all(|name| key(name) == key(*name)));
    }
}
