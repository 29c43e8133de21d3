use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::address::NodeAddress;
use crate::error::{SettingsError, SettingsErrorKind};
use crate::places;
use crate::rules::{self, Sourced};
use crate::secret::Secret;
use crate::variables::{CONFIG, NODES, PASSWORD, USERNAME};

type Var<'a> = dyn Fn(&str) -> Option<OsString> + 'a;
type File<'a> = dyn Fn(&Path) -> io::Result<Option<String>> + 'a;

/// Where settings are looked for: variables and files.
pub struct Surroundings<'a> {
    var: Box<Var<'a>>,
    file: Box<File<'a>>,
    named: Option<PathBuf>,
}

impl Surroundings<'static> {
    /// Those of this process: its environment and its file system.
    pub fn process() -> Self {
        Self::new(|name| std::env::var_os(name), places::read)
    }
}

impl<'a> Surroundings<'a> {
    /// Others, for tests: `var` looks a variable up, `file` gives the text of a file, and nothing where there is none.
    ///
    /// ```
    /// use redlock_config::{Settings, Surroundings};
    ///
    /// let around = Surroundings::new(
    ///     |name| (name == "REDLOCK_NODES").then(|| "a,b,c".into()),
    ///     |_path| Ok(None),
    /// );
    /// let settings = Settings::new().resolve(&around)?;
    /// assert_eq!(settings.nodes()[1].to_string(), "redis://b");
    /// # Ok::<(), redlock_config::SettingsError>(())
    /// ```
    pub fn new(
        var: impl Fn(&str) -> Option<OsString> + 'a,
        file: impl Fn(&Path) -> io::Result<Option<String>> + 'a,
    ) -> Self {
        Self { var: Box::new(var), file: Box::new(file), named: None }
    }

    /// The same with these variables in place of the others.
    #[must_use]
    pub fn with_variables(self, var: impl Fn(&str) -> Option<OsString> + 'a) -> Self {
        Self { var: Box::new(var), ..self }
    }

    /// The same with this file in place of `REDLOCK_CONFIG` and the usual ones. It must be there.
    #[must_use]
    pub fn with_file(self, path: impl Into<PathBuf>) -> Self {
        Self { named: Some(path.into()), ..self }
    }

    pub(crate) fn var(&self) -> &Var<'a> {
        &*self.var
    }

    /// A variable. What is set and is no text is not shown: it may be a password.
    fn text(&self, name: &'static str) -> Result<Option<String>, SettingsError> {
        match (self.var)(name).map(OsString::into_string) {
            None => Ok(None),
            Some(Ok(value)) => Ok(Some(value)),
            Some(Err(_)) => Err(SettingsError::unusable(name, "is set, and is no UTF-8")),
        }
    }

    /// A variable, read by a rule.
    pub(crate) fn read<T>(
        &self,
        name: &'static str,
        rule: impl FnOnce(&str, String) -> Result<T, SettingsError>,
    ) -> Result<Option<T>, SettingsError> {
        match self.text(name)? {
            None => Ok(None),
            Some(value) if value.trim().is_empty() => {
                Err(SettingsError::unusable(name, "is set, and says nothing; unset it"))
            }
            Some(value) => rule(&value, name.to_owned()).map(Some),
        }
    }

    /// The nodes of [`NODES`]. A part of it that came out empty is a node that is missing, and with it another majority.
    pub(crate) fn nodes(&self) -> Result<Option<Sourced<Vec<NodeAddress>>>, SettingsError> {
        let Some(list) = self.text(NODES)? else { return Ok(None) };
        let parts: Vec<_> = list.split(',').map(str::trim).collect();
        if parts.iter().all(|part| part.is_empty()) {
            let rule = "is set, and names no node; name some, or unset it";
            return Err(SettingsError::unusable(NODES, rule));
        }
        let node = |(at, part): (usize, &&str)| {
            let origin = match parts.len() {
                1 => NODES.to_owned(),
                all => format!("{NODES}, node {} of {all}", at + 1),
            };
            match *part {
                "" => Err(SettingsError::unusable(
                    origin,
                    "is empty: there is nothing between two commas, or beside one at an end",
                )),
                url => NodeAddress::at(origin, url),
            }
        };
        let value = parts.iter().enumerate().map(node).collect::<Result<_, _>>()?;
        Ok(Some(Sourced { value, origin: NODES.to_owned() }))
    }

    /// A prefix, which may be blank but not empty.
    pub(crate) fn key_prefix(
        &self,
        name: &'static str,
    ) -> Result<Option<Sourced<String>>, SettingsError> {
        self.read(name, |value, origin| rules::key_prefix(value.to_owned(), origin))
    }

    /// The user and the password of nodes that have none. A service that needs no login may well have them set to nothing.
    pub(crate) fn login(&self) -> Result<(Option<String>, Option<Secret>), SettingsError> {
        let text = |name| Ok(self.text(name)?.filter(|value| !value.is_empty()));
        let (username, password) = (text(USERNAME)?, text(PASSWORD)?.map(Secret::new));
        if username.is_some() && password.is_none() {
            let rule = format!("is set, and is of no use without {PASSWORD}");
            return Err(SettingsError::unusable(USERNAME, rule));
        }
        Ok((username, password))
    }

    /// The file that was named or, if there is one, the user's or the system's.
    pub(crate) fn file(&self) -> Result<Option<(PathBuf, String)>, SettingsError> {
        let named = match (&self.named, (self.var)(CONFIG)) {
            (Some(path), _) => Some(path.clone()),
            (None, Some(path)) if path.is_empty() => {
                let rule = "is set, and names no file; unset it";
                return Err(SettingsError::unusable(CONFIG, rule));
            }
            (None, path) => path.map(PathBuf::from),
        };
        if let Some(path) = named {
            let text = self.look(&path)?.ok_or_else(|| absent(&path))?;
            return Ok(Some((path, text)));
        }
        for path in places::usual(&*self.var)? {
            if let Some(text) = self.look(&path)? {
                return Ok(Some((path, text)));
            }
        }
        Ok(None)
    }

    fn look(&self, path: &Path) -> Result<Option<String>, SettingsError> {
        (self.file)(path).map_err(|error| unreadable(path, error))
    }
}

impl fmt::Debug for Surroundings<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Surroundings").field("named", &self.named).finish_non_exhaustive()
    }
}

fn unreadable(path: &Path, error: io::Error) -> SettingsError {
    let path = path.display().to_string();
    SettingsError::caused(SettingsErrorKind::Unreadable, path, error)
}

pub(crate) fn absent(path: &Path) -> SettingsError {
    unreadable(path, io::Error::new(io::ErrorKind::NotFound, "there is no such file"))
}
